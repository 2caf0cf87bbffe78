//! Signing out, when an application asks for it (OpenID Connect RP-Initiated Logout 1.0).
//!
//! The cookie is the authority. What the application shows only spares the person a question: a leaked ID token signs nobody
//! out.
//!
//! Store requests: one read of the client, if one is named; where a browser has a session one round of two reads, and one
//! transaction that ends it.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::app::App;
use crate::crypto::id_token::{IdTokenHint, InvalidHint, read_hint, session_id_for};
use crate::domain::oauth::client::{ClientId, ClientRegistration};
use crate::domain::oauth::client_brand::ClientBrand;
use crate::domain::oauth::continuation::{Continuation, FLOW, MAX_REQUEST};
use crate::domain::oauth::parameters::Parameters;
use crate::domain::oauth::redirect_uri::with_parameters;
use crate::domain::request_context::RequestContext;
use crate::fault::{Fault, fault_arm};
use crate::use_cases::sign_in::browser_session::{browser_session, end_browser_session};

/// What is looked at, and so may come once only.
const KNOWN: [&str; 6] =
    ["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales", "logout_hint"];

/// Where a browser goes that is signed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayOut {
    /// The application's address, with its `state`; none where a page of ours is the end.
    pub location: Option<String>,
    /// What the application is called, by language, if one is named.
    pub application: BTreeMap<String, String>,
    /// What pages look like that lead to it.
    pub brand: ClientBrand,
    /// Whether the browser comes from a form of ours, whose policy it still has (OC-30).
    pub after_form: bool,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignOut {
    /// Nobody is signed in in this browser, now at least.
    Done(WayOut),
    /// The person is asked on a page, and comes back (OC-40).
    Ask {
        /// The request, as pages carry it.
        request: String,
    },
}

/// Why nothing was ended: a page says so.
#[derive(Debug, Error)]
pub enum EndSessionError {
    /// A parameter stands twice, or the ID token is none of ours, or of another client.
    #[error("the request is none")]
    Invalid,
    /// There is no such client, or it is out of use.
    #[error("no such client")]
    UnknownClient,
    /// The address is none of the client's, or no client is named.
    #[error("not a post-logout redirect URI of this client")]
    ForeignRedirectUri,
    /// The request is too long to be carried (OC-20).
    #[error("the request has more than {MAX_REQUEST} bytes")]
    TooLong,
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(EndSessionError);

/// Answers a request to sign out.
pub async fn end_session(
    app: &App,
    context: &RequestContext,
    query: &str,
    session_token: Option<&str>,
) -> Result<SignOut, EndSessionError> {
    let parameters = Parameters::parse(query.as_bytes());
    if parameters.repeated(&KNOWN).is_some() {
        return Err(EndSessionError::Invalid);
    }
    let hint = match parameters.get("id_token_hint") {
        Some(token) => {
            let keys = app.secrets.public_keys(context.now).await?;
            Some(read_hint(token, &app.config.tokens.issuer, &keys.ring))
        }
        None => None,
    };
    // Of a key that has rotated out it proves nothing, and names the client as anybody could: the person is asked.
    let (hint, shown) = match hint {
        Some(Ok(hint)) => (Some(hint.clone()), Some(hint.aud)),
        Some(Err(InvalidHint::OldKey(said))) => (None, Some(said.aud)),
        Some(Err(InvalidHint::Forged)) => return Err(EndSessionError::Invalid),
        None => (None, None),
    };
    let client = client(app, &parameters, shown.as_deref()).await?;
    let uri = parameters.get("post_logout_redirect_uri");
    let is_own = uri.is_none_or(|uri| client.as_ref().is_some_and(|client| client.logs_out_to(uri)));
    if !is_own {
        return Err(EndSessionError::ForeignRedirectUri);
    }
    let ring = app.secrets.session_mac(context.now).await?;
    if let Some((found, _)) = browser_session(app, context, &ring, session_token).await? {
        let id = found.session.id.to_string();
        let is_own = |hint: &IdTokenHint| hint.sid == session_id_for(&id, &hint.aud);
        if !hint.as_ref().is_some_and(is_own) {
            let request = carried(&parameters, client.as_ref()).ok_or(EndSessionError::TooLong)?;
            return Ok(SignOut::Ask { request: request.encode() });
        }
        end_browser_session(app, context, &found.session).await?;
    }
    let (application, brand) = client.map(|client| (client.name, client.brand)).unwrap_or_default();
    Ok(SignOut::Done(WayOut {
        location: uri.map(|uri| with_parameters(uri, parameters.get("state").map(|state| ("state", state)))),
        application,
        brand,
        after_form: parameters.has(FLOW),
    }))
}

/// Ends the session of this browser, which its person has confirmed.
pub async fn sign_out_browser(app: &App, context: &RequestContext, session_token: Option<&str>) -> Result<(), Fault> {
    let ring = app.secrets.session_mac(context.now).await?;
    match browser_session(app, context, &ring, session_token).await? {
        Some((found, _)) => end_browser_session(app, context, &found.session).await,
        None => Ok(()),
    }
}

/// The client that is named: by its id, or by the ID token that it shows. Both have to name the same.
async fn client(
    app: &App,
    parameters: &Parameters,
    shown: Option<&str>,
) -> Result<Option<ClientRegistration>, EndSessionError> {
    let named = parameters.get("client_id");
    if named.zip(shown).is_some_and(|(named, shown)| named != shown) {
        return Err(EndSessionError::Invalid);
    }
    let Some(id) = named.or(shown) else { return Ok(None) };
    let id = ClientId::parse(id).map_err(|_| EndSessionError::UnknownClient)?;
    let client = app.store.read_client(&id).await?.filter(|client| !client.disabled);
    client.map(|client| Some(client.registration)).ok_or(EndSessionError::UnknownClient)
}

/// The request as a page carries it: without the ID token, which says who somebody is and may be long.
fn carried(parameters: &Parameters, client: Option<&ClientRegistration>) -> Option<Continuation> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(client) = client {
        query.append_pair("client_id", client.id.as_str());
    }
    for name in ["post_logout_redirect_uri", "state", "ui_locales"] {
        if let Some(value) = parameters.get(name) {
            query.append_pair(name, value);
        }
    }
    Continuation::of_logout(&query.finish())
}
