//! What an application's request for a sign-in leads to: a code, a refusal, or a page.
//!
//! Store requests: one read of the client; where a browser has a session, one round of two reads (session, account), of three
//! where the person's consent counts; and where a code goes out one transaction (grant, audit; of a
//! client that is told of sign-outs, the first time in a session, the session as well).

use std::time::Duration;

use crate::app::App;
use crate::crypto::id_token::unverified_hint;
use crate::crypto::oauth_token::{AuthorizationCode, FlowMark};
use crate::crypto::sealed_token::{TokenSecret, secret_hash};
use crate::domain::audit::{AuditAction, AuditEntry, Subject};
use crate::domain::factors::Level;
use crate::domain::hex;
use crate::domain::id::GrantId;
use crate::domain::oauth::authorization::{Authorization, AuthorizationError, Prompt};
use crate::domain::oauth::client::{ClientRegistration, Consent};
use crate::domain::oauth::consent::GivenConsent;
use crate::domain::oauth::continuation::{Continuation, FLOW};
use crate::domain::oauth::grant::{CODE_LIFE, Grant, GrantState};
use crate::domain::oauth::parameters::Parameters;
use crate::domain::oauth::scope::OFFLINE_ACCESS;
use crate::domain::request_context::RequestContext;
use crate::domain::session::MOST_TOLD;
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::store::oauth::grants::CodeIssue;
use crate::use_cases::oauth::admitted::{Admitted, AuthorizationAnswer, AuthorizeError};
use crate::use_cases::sign_in::browser_session::{BrowserSession, browser_session, session_user};

/// How long a sign-in may take (OC-17).
const FLOW_LIFE: Duration = Duration::from_hours(1);

/// A request.
#[derive(Debug)]
pub struct Authorize<'a> {
    /// Its query.
    pub query: &'a str,
    /// What the browser's cookie says.
    pub session_token: Option<&'a str>,
}

/// A page that comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// Its person signs in.
    SignIn,
    /// Its person gets an account first.
    Register,
    /// Its person says whether the client may have what it asks for, or just that it is them.
    Consent,
}

/// What the browser does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorized {
    /// It goes back to the client.
    Back(Box<AuthorizationAnswer>),
    /// It goes to a page, and comes back.
    Visit {
        /// Which.
        page: Visit,
        /// The request, as pages carry it.
        request: String,
        /// When it began, sealed.
        flow: String,
    },
}

/// Answers a request for an authorization.
pub async fn authorize(
    app: &App,
    context: &RequestContext,
    request: Authorize<'_>,
) -> Result<Authorized, AuthorizeError> {
    let continuation = Continuation::of_authorize(request.query).ok_or(AuthorizeError::TooLong)?;
    let parameters = Parameters::parse(request.query.as_bytes());
    let admitted = Admitted::read(app, &parameters).await?;
    let after_form = parameters.has(FLOW);
    let back = |result| Ok(Authorized::Back(Box::new(admitted.answer(result, after_form))));
    let authorization = match &admitted.authorization {
        Ok(authorization) => authorization,
        Err(refusal) => return back(Err(*refusal)),
    };
    let now = context.now;
    let (login_mac, session_mac) =
        futures::try_join!(app.secrets.login_mac(now), app.secrets.session_mac(now)).map_err(Fault::from)?;
    // One that is too old, or of another request, counts as none: the person is asked once more, never refused.
    let mark = parameters.get(FLOW).and_then(|flow| FlowMark::open(flow, &login_mac, now).ok());
    let mark = mark.filter(|mark| mark.request == continuation.hash() && now.since(mark.began_at) < FLOW_LIFE);
    let began_at = mark.map_or(now, |mark| mark.began_at);
    let visit = |page| {
        let mark = FlowMark { began_at, request: continuation.hash() };
        let flow = mark.seal(login_mac.current(now).map_err(Fault::from)?);
        Ok(Authorized::Visit { page, request: continuation.encode(), flow })
    };
    let refused = |code, description| back(Err(AuthorizationError { code, description }));

    let is_asked = admitted.client.consent == Consent::Required || authorization.asks_again || authorization.confirms;
    let whose = session_user(context, &session_mac, request.session_token).filter(|_| is_asked);
    let consent = async {
        match whose {
            Some(user_id) => app.store.read_consent(user_id, &admitted.client.id).await,
            None => Ok(None),
        }
    };
    let found = browser_session(app, context, &session_mac, request.session_token);
    let (found, consent) = futures::try_join!(found, consent)?;
    let found = found.map(|(found, _)| found).filter(|found| is_enough(app, found, authorization, began_at, now));
    let whom = whom(&parameters, &admitted.client);
    let is_another = |found: &BrowserSession| whom.as_ref().is_some_and(|whom| *whom != found.user.id.to_string());
    if found.as_ref().is_some_and(|found| is_another(found) && found.session.authenticated_at >= began_at) {
        return refused("login_required", "somebody else has signed in than id_token_hint says");
    }
    let found = found.filter(|found| !is_another(found));
    let sign_in = || match authorization.prompt {
        Prompt::None => refused(
            "login_required",
            "nobody is signed in, or not recently enough, or with fewer factors than asked for",
        ),
        // Whoever comes back has had a look at the page, and has an account by now or will say so.
        Prompt::Create if mark.is_none() => visit(Visit::Register),
        _ => visit(Visit::SignIn),
    };
    let Some(found) = found else { return sign_in() };
    let asked = admitted.asked(authorization, found.user.id, now);
    if is_to_be_asked(&admitted.client, authorization, consent.as_ref(), &asked, &found, began_at) {
        return match authorization.prompt {
            Prompt::None => refused("consent_required", "the person has not been asked yet"),
            _ => visit(Visit::Consent),
        };
    }
    let Some(code) = issue_code(app, context, &admitted, authorization, &found).await? else { return sign_in() };
    back(Ok(code.seal(login_mac.current(now).map_err(Fault::from)?)))
}

/// Whom the client believes to be signed in, by the ID token that it shows (OpenID Connect Core 1.0, 3.1.2.1). It is not verified,
/// since it can but keep a code back: one that is none, or another client's, is nobody's.
fn whom(parameters: &Parameters, client: &ClientRegistration) -> Option<String> {
    let said = unverified_hint(parameters.get("id_token_hint")?);
    let own = said.filter(|said| said.aud == client.id.as_str());
    Some(own.map(|said| said.sub).unwrap_or_default())
}

/// `None` where the session is gone by now.
async fn issue_code(
    app: &App,
    context: &RequestContext,
    admitted: &Admitted,
    authorization: &Authorization,
    found: &BrowserSession,
) -> Result<Option<AuthorizationCode>, Fault> {
    let (now, client_id, told) = (context.now, &admitted.client.id, &found.session.told_clients);
    let is_told = admitted.client.backchannel_logout_uri.is_some() && !told.contains(client_id);
    if is_told && told.len() >= MOST_TOLD {
        tracing::warn!(client_id = client_id.as_str(), "a client will not be told of a session's end: it has too many");
    }
    let is_told = is_told && told.len() < MOST_TOLD;
    let secret: TokenSecret = app.entropy.bytes()?;
    let grant = Grant {
        id: GrantId::new(now, app.entropy.number()?),
        user_id: found.user.id,
        session_id: found.session.id,
        client_id: client_id.clone(),
        state: GrantState::Code,
        code_hash: secret_hash(&secret),
        code_expires_at: now.plus(CODE_LIFE),
        redirect_uri_hash: uri_hash(&admitted.redirect_uri),
        challenge: authorization.challenge.clone(),
        nonce: authorization.nonce.clone(),
        scopes: authorization.scopes.clone(),
        resources: authorization.resources.clone(),
        authenticated_at: found.session.authenticated_at,
        amr: found.session.amr.clone(),
        created_at: now,
        redeemed_at: None,
        redeemed_by: None,
        revoked_at: None,
        offline_version: authorization.scopes.contains(OFFLINE_ACCESS).then_some(found.user.cred_version),
        refresh: None,
    };
    let subject = Subject::User(grant.user_id);
    let audit = app.audit(context, subject, AuditAction::ClientAuthorized, Some(grant.session_id))?;
    let audit = AuditEntry { detail: Some(client_id.as_str().to_owned()), ..audit };
    if app.store.issue_code(&grant, is_told, &audit).await? == CodeIssue::SessionGone {
        return Ok(None);
    }
    Ok(Some(AuthorizationCode { user_id: grant.user_id, grant_id: grant.id, session_id: grant.session_id, secret }))
}

/// What a grant keeps of where its code went.
pub(super) fn uri_hash(uri: &str) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, uri.as_bytes()).as_ref())
}

/// Whether the sign-in that a browser has is recent enough. One since the request first came always is: there is no other
/// way to end the asking (OC-14).
fn is_enough(app: &App, found: &BrowserSession, asked: &Authorization, began_at: Timestamp, now: Timestamp) -> bool {
    let signed_in = found.session.authenticated_at;
    let is_old = asked.max_age.is_some_and(|seconds| now.since(signed_in) > Duration::from_secs(seconds));
    let is_asked_again = matches!(asked.prompt, Prompt::SignIn | Prompt::Create) || is_old;
    // Both come to an end: whoever signs in on the way here is asked for all that the account has.
    let level = found.user.factors.level(app.config.passkeys.rp_id());
    let has_shown = !asked.two_factors || Level::of(&found.session.amr) >= level;
    has_shown && (signed_in >= began_at || !is_asked_again)
}

/// Whether the person is to press something before the client gets anything. A press since the request first came counts, an
/// older one does not (OC-14, OC-22).
fn is_to_be_asked(
    client: &ClientRegistration,
    authorization: &Authorization,
    given: Option<&GivenConsent>,
    asked: &GivenConsent,
    found: &BrowserSession,
    began_at: Timestamp,
) -> bool {
    let has_pressed = given.is_some_and(|given| given.at >= began_at);
    let has_signed_in = found.session.authenticated_at >= began_at;
    let is_new = client.consent == Consent::Required && !given.is_some_and(|given| given.covers(asked));
    is_new || (authorization.asks_again && !has_pressed) || (authorization.confirms && !has_pressed && !has_signed_in)
}
