//! What a sign-in and a refresh answer with.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::domain::factors::Method;
use crate::http::cookies::{self, Transport};
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::use_cases::sign_in::second_step::SignInStep;
use crate::use_cases::sign_in::session::SignedIn;

/// A session's tokens.
#[derive(Serialize, JsonSchema)]
pub struct SignedInReply {
    /// `signed_in`.
    status: &'static str,
    /// A JWT (RFC 9068) for the `Authorization` header.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// The access token's life, in seconds.
    expires_in: u64,
    /// For the next pair, once: `POST /v1/token/refresh`. In cookie mode it is in the cookie alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// The session that both belong to.
    session_id: String,
    /// For the device's next sign-in, so that strangers' failures do not keep it out. Only a sign-in answers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<String>,
    /// How many recovery codes are left, where one was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_codes_left: Option<usize>,
}

/// A sign-in that waits for its second factor (MF-01). Nobody is signed in yet.
#[derive(Serialize, JsonSchema)]
pub struct MfaRequiredReply {
    /// `mfa_required`.
    status: &'static str,
    /// For `POST /v1/login/mfa`, together with the second factor.
    mfa_token: String,
    /// What can be shown, strongest first.
    methods: &'static [Method],
    /// The token's life, in seconds.
    expires_in: u64,
    /// For how many days the device need not be asked again, where the second step says `remember_device`.
    #[serde(skip_serializing_if = "Option::is_none")]
    remember_device_days: Option<u64>,
}

/// How far a sign-in has come: `status` tells which.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub enum SignInReply {
    /// To its end.
    SignedIn(SignedInReply),
    /// To the second factor.
    MfaRequired(MfaRequiredReply),
}

impl SignInReply {
    /// Answers a first step.
    pub fn reply(app: &App, step: SignInStep<SignedIn>, transport: Transport) -> Result<Reply, Problem> {
        match step {
            SignInStep::SignedIn(signed_in) => SignedInReply::reply(app, signed_in, transport),
            SignInStep::MfaRequired(required) => {
                let body = MfaRequiredReply {
                    status: "mfa_required",
                    mfa_token: required.mfa_token,
                    methods: required.methods,
                    expires_in: required.expires_in.as_secs(),
                    remember_device_days: Some(required.remember_device_days).filter(|days| *days > 0),
                };
                Reply::json(StatusCode::OK, &body)
            }
        }
    }
}

impl SignedInReply {
    /// Answers with the tokens of a session, which travel in this way (SE-06).
    pub fn reply(app: &App, signed_in: SignedIn, transport: Transport) -> Result<Reply, Problem> {
        Self::reply_with(app, signed_in, transport, None)
    }

    /// As [`Self::reply`], after a second step.
    pub fn reply_with(
        app: &App,
        signed_in: SignedIn,
        transport: Transport,
        recovery_codes_left: Option<usize>,
    ) -> Result<Reply, Problem> {
        let device = match (transport, &signed_in.device_token) {
            (Transport::Cookie, Some(token)) => Some(cookies::keep_device(app, token)?),
            _ => None,
        };
        let cookie = match transport {
            Transport::Body => None,
            Transport::Cookie => Some(cookies::keep(app, &signed_in.refresh_token)?),
        };
        let body = Self {
            status: "signed_in",
            access_token: signed_in.access_token,
            token_type: "Bearer",
            expires_in: signed_in.expires_in.as_secs(),
            refresh_token: cookie.is_none().then_some(signed_in.refresh_token),
            session_id: signed_in.session_id.to_string(),
            device_token: signed_in.device_token,
            recovery_codes_left,
        };
        let mut reply = Reply::json(StatusCode::OK, &body)?;
        reply.headers.extend(cookie.into_iter().chain(device));
        Ok(reply)
    }
}
