//! What every way of signing in and refreshing ends with: a session's tokens.

use std::sync::Arc;
use std::time::Duration;

use wardgate_verify::AccessToken;

use crate::app::App;
use crate::crypto::access_token;
use crate::crypto::key_ring::{MacKey, Ring, SigningKey};
use crate::crypto::sealed_token::{RefreshToken, TokenSecret, secret_hash};
use crate::domain::audit::{AuditAction, AuditEntry, Subject};
use crate::domain::credential::Credential;
use crate::domain::factors::{Shown, acr};
use crate::domain::id::{SessionId, TokenId};
use crate::domain::one_time::OneTime;
use crate::domain::request_context::RequestContext;
use crate::domain::session::Session;
use crate::domain::user::Roles;
use crate::fault::Fault;
pub(in crate::use_cases) use crate::store::sign_in::sessions::SecondStep;
use crate::store::sign_in::sessions::{NewSession, SessionStart};
use crate::use_cases::known_device::SignInDevice;

/// What a client gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// A JWT (RFC 9068).
    pub access_token: String,
    /// How long the access token lives.
    pub expires_in: Duration,
    /// A sealed token (OT-09).
    pub refresh_token: String,
    /// The session that both belong to.
    pub session_id: SessionId,
    /// What the device shows at its next sign-in; a refresh gives none.
    pub device_token: Option<String>,
}

/// The rings that a sign-in is answered with.
pub(in crate::use_cases) struct SignInRings {
    pub(in crate::use_cases) session_mac: Arc<Ring<MacKey>>,
    signing: Arc<Ring<SigningKey>>,
}

/// The keys among them that sign now.
#[derive(Clone, Copy)]
pub(in crate::use_cases) struct SignInKeys<'a> {
    pub(in crate::use_cases) mac: &'a MacKey,
    signing: &'a SigningKey,
}

impl SignInRings {
    /// Fetches them. To be called before anything is written: no session may begin that cannot be answered with.
    pub(in crate::use_cases) async fn fetch(app: &App, context: &RequestContext) -> Result<Self, Fault> {
        let now = context.now;
        Ok(Self { session_mac: app.secrets.session_mac(now).await?, signing: app.secrets.signing(now).await? })
    }

    pub(in crate::use_cases) fn keys(&self, app: &App, context: &RequestContext) -> Result<SignInKeys<'_>, Fault> {
        let now = context.now;
        Ok(SignInKeys {
            mac: self.session_mac.current(now)?,
            signing: self.signing.current(app.config.tokens.algorithm, now)?,
        })
    }
}

/// A person who has shown who they are.
pub(in crate::use_cases) struct Proven<'a> {
    /// The account, as it was when they did.
    pub(in crate::use_cases) credential: &'a Credential,
    /// How they did.
    pub(in crate::use_cases) shown: Shown,
    /// The mailed item that they did it with.
    pub(in crate::use_cases) proof: Option<&'a OneTime>,
    /// The second step, where there was one.
    pub(in crate::use_cases) second: Option<SecondStep<'a>>,
    /// Where they are.
    pub(in crate::use_cases) device: &'a SignInDevice,
}

/// A session that has begun.
pub(in crate::use_cases) struct Begun {
    pub(in crate::use_cases) session: Session,
    /// Only its tokens carry it.
    pub(in crate::use_cases) secret: TokenSecret,
    /// What the device shows at its next sign-in.
    pub(in crate::use_cases) device_token: String,
}

/// Begins the session of a person who has shown who they are, in one transaction. `None` where the account changed since it
/// was read, or the proof was used.
pub(in crate::use_cases) async fn begin(
    app: &App,
    context: &RequestContext,
    proven: &Proven<'_>,
    mac: &MacKey,
) -> Result<Option<Begun>, Fault> {
    let credential = proven.credential;
    let secret = match (proven.proof, &context.origin.browser) {
        // Computed again where the browser asks again (OT-02).
        (Some(item), Some(browser)) => browser.session_secret(&item.mailing.nonce),
        _ => app.entropy.bytes()?,
    };
    let session = begin_session(app, context, credential, proven.shown, &secret, mac)?;
    let (proof, audit) = (proven.used_for(session.id), signed_in(app, context, proven, session.id)?);
    let started = app.store.start_session(&proven.new_session(&session, proof.as_ref()), &audit).await?;
    let device_token = proven.device.token(mac);
    Ok((started == SessionStart::Started).then_some(Begun { session, secret, device_token }))
}

/// Notes in a browser's own session that its person has signed in again: `sid` and the clients stay (OC-29). Whether that
/// was possible.
pub(in crate::use_cases) async fn begin_again(
    app: &App,
    context: &RequestContext,
    proven: &Proven<'_>,
    found: Session,
) -> Result<bool, Fault> {
    let session = Session {
        cred_version: Some(proven.credential.cred_version),
        authenticated_at: context.now,
        amr: proven.shown.amr(),
        idle_expires_at: context.now.plus(app.config.sessions.idle()),
        ..found
    };
    let (proof, audit) = (proven.used_for(session.id), signed_in(app, context, proven, session.id)?);
    Ok(app.store.sign_in_again(&proven.new_session(&session, proof.as_ref()), &audit).await?)
}

fn signed_in(
    app: &App,
    context: &RequestContext,
    proven: &Proven<'_>,
    session: SessionId,
) -> Result<AuditEntry, Fault> {
    let subject = Subject::User(proven.credential.user_id);
    let action = proven.second.and_then(|second| second.used.action()).unwrap_or(AuditAction::SignedIn);
    Ok(app.audit(context, subject, action, Some(session))?)
}

impl<'a> Proven<'a> {
    /// The mailed item, used up for a session.
    fn used_for(&self, session: SessionId) -> Option<OneTime> {
        self.proof.map(|item| OneTime { session_id: Some(session), ..item.clone() })
    }

    fn new_session<'b>(&self, session: &'b Session, proof: Option<&'b OneTime>) -> NewSession<'b>
    where
        'a: 'b,
    {
        let device = self.device;
        let new_device = device.is_new.then_some(&device.device);
        NewSession {
            session,
            factors_version: self.credential.factors.version,
            proof,
            second: self.second,
            device: new_device,
            notice: device.notice.as_ref(),
        }
    }
}

/// The tokens of a session that has just begun.
pub(in crate::use_cases) fn issue_begun(
    app: &App,
    context: &RequestContext,
    begun: Begun,
    roles: &Roles,
    keys: SignInKeys<'_>,
) -> Result<SignedIn, Fault> {
    let signed_in = issue(app, context, &begun.session, begun.secret, roles, keys.mac, keys.signing)?;
    Ok(SignedIn { device_token: Some(begun.device_token), ..signed_in })
}

/// A session that begins now. Only its tokens carry its random bits.
fn begin_session(
    app: &App,
    context: &RequestContext,
    credential: &Credential,
    shown: Shown,
    secret: &TokenSecret,
    mac_key: &MacKey,
) -> Result<Session, Fault> {
    let (now, policy) = (context.now, &app.config.sessions);
    Ok(Session {
        id: SessionId::new(now, app.entropy.number()?),
        user_id: credential.user_id,
        generation: 0,
        secret_hash: secret_hash(secret),
        mac_kid: mac_key.kid.clone(),
        cred_version: Some(credential.cred_version),
        created_at: now,
        authenticated_at: now,
        amr: shown.amr(),
        rotated_at: now,
        idle_expires_at: now.plus(policy.idle()),
        expires_at: now.plus(policy.absolute()),
        revoked_at: None,
        address: context.origin.address.map(|address| address.to_string()),
        user_agent: context.origin.user_agent.clone(),
        told_clients: Vec::new(),
    })
}

/// The tokens of the session that this browser has just begun with this item, as they are by now: where it asks again,
/// there is no second session (OT-02). `None` where that session has ended.
pub(in crate::use_cases) async fn resume(
    app: &App,
    context: &RequestContext,
    used: &OneTime,
    rings: &SignInRings,
    keys: SignInKeys<'_>,
) -> Result<Option<SignedIn>, Fault> {
    let Some(browser) = &context.origin.browser else { return Ok(None) };
    let (Some(user_id), Some(session_id)) = (used.user_id, used.session_id) else { return Ok(None) };
    let secret = browser.session_secret(&used.mailing.nonce);
    let (session, user) = app.store.read_session_and_user(user_id, session_id).await?;
    let live = session.zip(user).filter(|(session, user)| {
        session.is_live(context.now) && session.secret_hash == secret_hash(&secret) && app.admits(user, session)
    });
    let Some((session, user)) = live else { return Ok(None) };
    let Some(mac_key) = rings.session_mac.find(&session.mac_kid, context.now) else { return Ok(None) };
    issue(app, context, &session, secret, &user.roles, mac_key, keys.signing).map(Some)
}

/// The tokens of a session's current generation. The refresh token is computed: asked again, it is the same one.
pub(in crate::use_cases) fn issue(
    app: &App,
    context: &RequestContext,
    session: &Session,
    secret: TokenSecret,
    roles: &Roles,
    mac_key: &MacKey,
    signing_key: &SigningKey,
) -> Result<SignedIn, Fault> {
    let (access_token, expires_in) = access_token(app, context, session, roles, signing_key)?;
    let refresh_token =
        RefreshToken { user_id: session.user_id, session_id: session.id, generation: session.generation, secret };
    Ok(SignedIn {
        access_token,
        expires_in,
        refresh_token: refresh_token.seal(mac_key),
        session_id: session.id,
        device_token: None,
    })
}

/// The access token of a session, and how long it lives.
pub(in crate::use_cases) fn access_token(
    app: &App,
    context: &RequestContext,
    session: &Session,
    roles: &Roles,
    signing_key: &SigningKey,
) -> Result<(String, Duration), Fault> {
    let tokens = &app.config.tokens;
    let issued_at = context.now.unix_seconds();
    let expires_in = Duration::from_secs(tokens.access_seconds);
    let claims = AccessToken {
        iss: tokens.issuer.clone(),
        sub: session.user_id.to_string(),
        aud: vec![tokens.audience.clone()],
        exp: context.now.plus(expires_in).unix_seconds(),
        iat: issued_at,
        nbf: None,
        jti: TokenId::new(context.now, app.entropy.number()?).to_string(),
        client_id: tokens.client_id.clone(),
        scope: tokens.scope.clone(),
        sid: Some(session.id.to_string()),
        gid: None,
        auth_time: Some(session.authenticated_at.unix_seconds()),
        amr: session.amr.clone(),
        acr: Some(acr(&session.amr).to_owned()),
        roles: roles.iter().cloned().collect(),
    };
    Ok((access_token::sign(&claims, signing_key)?, expires_in))
}
