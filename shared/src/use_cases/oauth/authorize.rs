//! What an application's request for a sign-in leads to: a code, a refusal, or a page.
//!
//! Store requests: one read of the client; where a browser has a session, one round of two reads (session, account), and where
//! a code goes out one transaction (grant, audit).

use std::collections::BTreeMap;
use std::time::Duration;

use thiserror::Error;

use crate::app::App;
use crate::crypto::oauth_token::{AuthorizationCode, FlowMark};
use crate::crypto::sealed_token::{TokenSecret, secret_hash};
use crate::domain::audit::{AuditAction, AuditEntry, Subject};
use crate::domain::hex;
use crate::domain::id::GrantId;
use crate::domain::oauth::authorization::{Authorization, AuthorizationError, Prompt};
use crate::domain::oauth::client::{Client, ClientId};
use crate::domain::oauth::continuation::{Continuation, FLOW, MAX_REQUEST};
use crate::domain::oauth::grant::{CODE_LIFE, Grant, GrantState};
use crate::domain::oauth::parameters::Parameters;
use crate::domain::request_context::RequestContext;
use crate::domain::timestamp::Timestamp;
use crate::fault::{Fault, fault_arm};
use crate::use_cases::sign_in::browser_session::{BrowserSession, browser_session};

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

/// What the browser does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorized {
    /// It goes back to the client.
    Back {
        /// Where, as the client has registered it.
        redirect_uri: String,
        /// What the client sent along.
        state: Option<String>,
        /// The code, or why there is none.
        result: Result<String, AuthorizationError>,
    },
    /// Its person signs in, and comes back.
    SignIn {
        /// The request, as pages carry it.
        request: String,
        /// When it began, sealed.
        flow: String,
    },
}

/// Why the browser is sent nowhere: a page says so (OC-02).
#[derive(Debug, Error)]
pub enum AuthorizeError {
    /// There is no such client, or it is out of use.
    #[error("no such client")]
    UnknownClient,
    /// The URI is none of the client's.
    #[error("not a redirect URI of this client")]
    ForeignRedirectUri,
    /// The request is too long to be carried (OC-20).
    #[error("the request has more than {MAX_REQUEST} bytes")]
    TooLong,
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(AuthorizeError);

/// Answers a request for an authorization.
pub async fn authorize(
    app: &App,
    context: &RequestContext,
    request: Authorize<'_>,
) -> Result<Authorized, AuthorizeError> {
    let continuation = Continuation::of_authorize(request.query).ok_or(AuthorizeError::TooLong)?;
    let parameters = Parameters::parse(request.query.as_bytes());
    let client = client(app, &parameters).await?;
    let redirect_uri = parameters.get("redirect_uri").ok_or(AuthorizeError::ForeignRedirectUri)?;
    let registration = &client.registration;
    if !registration.redirects_to(redirect_uri) {
        return Err(AuthorizeError::ForeignRedirectUri);
    }
    let back = |result| Authorized::Back {
        redirect_uri: redirect_uri.to_owned(),
        state: parameters.get("state").map(str::to_owned),
        result,
    };
    let authorization = match Authorization::read(&parameters, registration) {
        Ok(authorization) => authorization,
        Err(refusal) => return Ok(back(Err(refusal))),
    };
    let now = context.now;
    let (login_mac, session_mac) =
        futures::try_join!(app.secrets.login_mac(now), app.secrets.session_mac(now)).map_err(Fault::from)?;
    // One that is too old, or of another request, counts as none: the person is asked once more, never refused.
    let began_at = parameters.get(FLOW).and_then(|flow| FlowMark::open(flow, &login_mac, now).ok());
    let began_at = began_at.filter(|mark| mark.request == continuation.hash() && now.since(mark.began_at) < FLOW_LIFE);
    let began_at = began_at.map_or(now, |mark| mark.began_at);
    let found = browser_session(app, context, &session_mac, request.session_token).await?;
    let found = found.map(|(found, _)| found);
    let Some(found) = found.filter(|found| is_enough(found, &authorization, began_at, now)) else {
        if authorization.prompt == Prompt::None {
            let description = "nobody is signed in, or not recently enough";
            return Ok(back(Err(AuthorizationError { code: "login_required", description })));
        }
        let mark = FlowMark { began_at, request: continuation.hash() };
        return Ok(Authorized::SignIn { request: continuation.encode(), flow: mark.seal(login_mac.current(now)?) });
    };
    let secret: TokenSecret = app.entropy.bytes()?;
    let grant = Grant {
        id: GrantId::new(now, app.entropy.number()?),
        user_id: found.user.id,
        session_id: found.session.id,
        client_id: registration.id.clone(),
        state: GrantState::Code,
        code_hash: secret_hash(&secret),
        code_expires_at: now.plus(CODE_LIFE),
        redirect_uri_hash: uri_hash(redirect_uri),
        challenge: authorization.challenge,
        nonce: authorization.nonce,
        scopes: authorization.scopes,
        resources: authorization.resources,
        authenticated_at: found.session.authenticated_at,
        amr: found.session.amr.clone(),
        created_at: now,
        redeemed_at: None,
        redeemed_by: None,
        revoked_at: None,
        refresh: None,
    };
    let code = AuthorizationCode { user_id: grant.user_id, grant_id: grant.id, session_id: grant.session_id, secret };
    let code = code.seal(login_mac.current(now)?);
    let subject = Subject::User(grant.user_id);
    let audit = app.audit(context, subject, AuditAction::ClientAuthorized, Some(grant.session_id))?;
    let audit = AuditEntry { detail: Some(registration.id.as_str().to_owned()), ..audit };
    app.store.issue_code(&grant, &audit).await?;
    Ok(back(Ok(code)))
}

/// The application that sends a browser to a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskingClient {
    /// What it is called, by language; `en` is there.
    pub name: BTreeMap<String, String>,
    /// Where the browser goes on to: an origin, or a scheme of the client's own.
    pub leads_to: Option<String>,
    /// Whom it believes the person to be.
    pub login_hint: Option<String>,
}

/// Who it is that a request is of: one read. `None` of what [`authorize`] refuses to send anywhere.
pub async fn asking_client(app: &App, request: &Continuation) -> Result<Option<AskingClient>, Fault> {
    let parameters = request.parameters();
    let client = match client(app, &parameters).await {
        Ok(client) => client.registration,
        Err(AuthorizeError::Fault(fault)) => return Err(fault),
        Err(_) => return Ok(None),
    };
    let redirect_uri = parameters.get("redirect_uri").unwrap_or_default();
    if !client.redirects_to(redirect_uri) {
        return Ok(None);
    }
    Ok(Some(AskingClient {
        leads_to: leads_to(redirect_uri),
        login_hint: parameters.get("login_hint").map(str::to_owned),
        name: client.name,
    }))
}

/// As a policy of browsers names it (CSP 3, 2.3.1).
fn leads_to(redirect_uri: &str) -> Option<String> {
    let (scheme, rest) = redirect_uri.split_once(':')?;
    let Some(rest) = rest.strip_prefix("//") else { return Some(format!("{scheme}:")) };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    Some(format!("{scheme}://{authority}"))
}

/// What a grant keeps of where its code went.
pub(super) fn uri_hash(uri: &str) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, uri.as_bytes()).as_ref())
}

async fn client(app: &App, parameters: &Parameters) -> Result<Client, AuthorizeError> {
    let id = parameters.get("client_id").and_then(|id| ClientId::parse(id).ok());
    let id = id.ok_or(AuthorizeError::UnknownClient)?;
    let client = app.store.read_client(&id).await?;
    client.filter(|client| !client.disabled).ok_or(AuthorizeError::UnknownClient)
}

/// Whether the sign-in that a browser has is recent enough. One since the request first came always is: there is no other
/// way to end the asking (OC-14).
fn is_enough(found: &BrowserSession, asked: &Authorization, began_at: Timestamp, now: Timestamp) -> bool {
    let signed_in = found.session.authenticated_at;
    let is_old = asked.max_age.is_some_and(|seconds| now.since(signed_in) > Duration::from_secs(seconds));
    let is_asked_again = asked.prompt == Prompt::SignIn || is_old;
    signed_in >= began_at || !is_asked_again
}
