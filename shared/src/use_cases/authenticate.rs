//! Who is calling: the access token, and whether its session is still alive.

use std::time::Duration;

use thiserror::Error;
use wardgate_verify::{AccessToken, Verifier, VerifyError};

use crate::app::App;
use crate::domain::access::Principal;
use crate::domain::factors::{Level, Method};
use crate::domain::id::{SessionId, UserId};
use crate::domain::request_context::RequestContext;
use crate::domain::session::Session;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::fault::{Fault, fault_arm};
use crate::use_cases::sign_in::browser_session::{BrowserSession, browser_session};

/// Why a bearer is not accepted.
#[derive(Debug, Error)]
pub enum AuthenticateError {
    /// There is no access token.
    #[error("an access token is required")]
    Missing,
    /// The token does not verify. The reason is for the log.
    #[error("the access token is not valid: {0}")]
    InvalidToken(VerifyError),
    /// The token is of another kind than a person's session.
    #[error("the access token does not belong to a session")]
    NoSession,
    /// The session or the account has ended since the token was issued (SE-10).
    #[error("the session has ended")]
    SessionEnded,
    /// The sign-in is too long ago for what is asked, or has shown less than the account has (SE-10, MF-07).
    #[error("the sign-in is too long ago, or has shown too little")]
    NotFresh {
        /// What the account has, which is to be shown.
        level: Level,
        /// The account's second factors, strongest first.
        methods: &'static [Method],
    },
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(AuthenticateError);

/// A bearer whose session was alive when the table was asked.
#[derive(Debug)]
pub struct Authenticated {
    /// What the token says.
    pub principal: Principal,
    /// The session as the table has it.
    pub session: Session,
    /// The account as the table has it.
    pub user: User,
}

/// Verifies an access token for our own API: no store request (TK-02, TK-07).
pub async fn verify(app: &App, context: &RequestContext, token: &str) -> Result<AccessToken, AuthenticateError> {
    verify_with(app, &app.verifier, context.now, token).await
}

/// Verifies an access token for whichever API the verifier stands for.
pub(super) async fn verify_with(
    app: &App,
    verifier: &Verifier,
    now: Timestamp,
    token: &str,
) -> Result<AccessToken, AuthenticateError> {
    let keys = app.secrets.public_keys(now).await?;
    match verifier.verify(&keys.key_set, token, now.unix_seconds()) {
        Err(VerifyError::UnknownKey { .. }) => {
            let keys = app.secrets.public_keys_for_unknown_kid(now).await?;
            verifier.verify(&keys.key_set, token, now.unix_seconds()).map_err(AuthenticateError::InvalidToken)
        }
        verified => verified.map_err(AuthenticateError::InvalidToken),
    }
}

/// Reads the principal out of verified claims.
pub fn principal(token: &AccessToken) -> Result<Principal, AuthenticateError> {
    let user_id = UserId::parse(&token.sub).map_err(|_| AuthenticateError::NoSession)?;
    let session_id = token.sid.as_deref().and_then(|sid| SessionId::parse(sid).ok());
    let auth_time = token.auth_time.map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1000)));
    match (session_id, auth_time) {
        (Some(session_id), Some(auth_time)) => Ok(Principal { user_id, session_id, auth_time }),
        _ => Err(AuthenticateError::NoSession),
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub enum Caller<'a> {
    /// Whoever has this access token.
    Bearer(Option<&'a str>),
    /// A page, in a browser that keeps this of its session.
    Browser(Option<&'a str>),
}

impl<'a> From<Option<&'a str>> for Caller<'a> {
    fn from(access_token: Option<&'a str>) -> Self {
        Self::Bearer(access_token)
    }
}

/// Verifies who asks, and asks the table whether session and account are alive (SE-10).
pub async fn authenticate(
    app: &App,
    context: &RequestContext,
    caller: impl Into<Caller<'_>>,
) -> Result<Authenticated, AuthenticateError> {
    match caller.into() {
        Caller::Bearer(token) => {
            let token = token.ok_or(AuthenticateError::Missing)?;
            let principal = principal(&verify(app, context, token).await?)?;
            live_session(app, context.now, principal).await
        }
        Caller::Browser(token) => {
            let ring = app.secrets.session_mac(context.now).await?;
            let found = browser_session(app, context, &ring, token).await?;
            let (BrowserSession { session, user }, _) = found.ok_or(AuthenticateError::SessionEnded)?;
            let (user_id, session_id, auth_time) = (user.id, session.id, session.authenticated_at);
            Ok(Authenticated { principal: Principal { user_id, session_id, auth_time }, session, user })
        }
    }
}

/// As [`authenticate`], for what only a person who has just signed in with all that the account asks for may do (SE-10, MF-07).
/// Refreshing does not count.
pub async fn authenticate_fresh(
    app: &App,
    context: &RequestContext,
    caller: impl Into<Caller<'_>>,
) -> Result<Authenticated, AuthenticateError> {
    let caller = authenticate(app, context, caller).await?;
    let age = context.now.since(caller.session.authenticated_at);
    let limit = Duration::from_secs(app.config.accounts.fresh_seconds);
    let (factors, rp_id) = (&caller.user.factors, app.config.passkeys.rp_id());
    let level = factors.level(rp_id);
    let is_enough = age <= limit && Level::of(&caller.session.amr) >= level;
    if is_enough { Ok(caller) } else { Err(AuthenticateError::NotFresh { level, methods: factors.methods(rp_id) }) }
}

/// Reads session and account in parallel; both must be alive.
pub(super) async fn live_session(
    app: &App,
    now: Timestamp,
    principal: Principal,
) -> Result<Authenticated, AuthenticateError> {
    let (session, user) = app.store.read_session_and_user(principal.user_id, principal.session_id).await?;
    match (session, user) {
        (Some(session), Some(user)) if session.is_live(now) && app.admits(&user, &session) => {
            Ok(Authenticated { principal, session, user })
        }
        _ => Err(AuthenticateError::SessionEnded),
    }
}
