//! A request for an authorization whose client and redirect URI belong together: from there on the client is answered (OC-02).

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::app::App;
use crate::domain::id::UserId;
use crate::domain::oauth::authorization::{Authorization, AuthorizationError, ResponseMode};
use crate::domain::oauth::client::ClientRegistration;
use crate::domain::oauth::client_brand::ClientBrand;
use crate::domain::oauth::consent::GivenConsent;
use crate::domain::oauth::continuation::MAX_REQUEST;
use crate::domain::oauth::parameters::Parameters;
use crate::domain::oauth::redirect_uri::shown_host;
use crate::domain::timestamp::Timestamp;
use crate::fault::{Fault, fault_arm};
use crate::use_cases::oauth::asking_client::find_client;

/// What goes back to a client (RFC 6749, 4.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationAnswer {
    /// Where, as the client has registered it.
    pub redirect_uri: String,
    /// What the client is called, by language.
    pub application: BTreeMap<String, String>,
    /// What pages look like that lead to it.
    pub brand: ClientBrand,
    /// What the client sent along.
    pub state: Option<String>,
    /// In the address or in a form.
    pub mode: ResponseMode,
    /// The code, or why there is none.
    pub result: Result<String, AuthorizationError>,
    /// Whether the browser comes from a form of ours, whose policy it still has: it holds whatever the form leads to (OC-30).
    pub after_form: bool,
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

/// A request whose client and redirect URI belong together.
pub(super) struct Admitted {
    pub(super) client: ClientRegistration,
    pub(super) redirect_uri: String,
    /// What it asks for, or why it is refused.
    pub(super) authorization: Result<Authorization, AuthorizationError>,
    state: Option<String>,
    mode: ResponseMode,
}

impl Admitted {
    /// Reads a request: one read of the client.
    pub(super) async fn read(app: &App, parameters: &Parameters) -> Result<Self, AuthorizeError> {
        let client = find_client(app, parameters).await?.ok_or(AuthorizeError::UnknownClient)?;
        let client = client.registration;
        let redirect_uri = parameters.get("redirect_uri").ok_or(AuthorizeError::ForeignRedirectUri)?;
        if !client.redirects_to(redirect_uri) {
            return Err(AuthorizeError::ForeignRedirectUri);
        }
        Ok(Self {
            redirect_uri: redirect_uri.to_owned(),
            authorization: Authorization::read(parameters, &client),
            state: parameters.get("state").map(str::to_owned),
            mode: ResponseMode::read(parameters).unwrap_or(ResponseMode::Query),
            client,
        })
    }

    /// What goes back.
    pub(super) fn answer(&self, result: Result<String, AuthorizationError>, after_form: bool) -> AuthorizationAnswer {
        let Self { client, redirect_uri, state, mode, .. } = self;
        AuthorizationAnswer {
            redirect_uri: redirect_uri.clone(),
            application: client.name.clone(),
            brand: client.brand.clone(),
            state: state.clone(),
            mode: *mode,
            result,
            after_form,
        }
    }

    /// What a person would let the client have.
    pub(super) fn asked(&self, authorization: &Authorization, user_id: UserId, now: Timestamp) -> GivenConsent {
        GivenConsent {
            user_id,
            client_id: self.client.id.clone(),
            scopes: authorization.scopes.clone(),
            resources: authorization.resources.clone(),
            hosts: BTreeSet::from([shown_host(&self.redirect_uri, self.client.kind).to_owned()]),
            created_at: now,
            at: now,
        }
    }
}
