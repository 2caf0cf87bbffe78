//! Errors for people and programs: `application/problem+json` (RFC 9457).

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::factors::{Level, Method};
use crate::http::reply::Reply;

/// A refusal. What the client sees is chosen here; the cause is for the log alone.
#[derive(Debug)]
pub struct Problem {
    /// The HTTP status: 4xx or 5xx.
    pub status: StatusCode,
    /// Stable, `snake_case`, for programs.
    pub code: &'static str,
    /// What kind of problem this is; the same for each occurrence.
    pub title: &'static str,
    /// What happened here and what to do about it.
    pub detail: Cow<'static, str>,
    /// The members at fault.
    pub errors: Vec<MemberError>,
    /// The second factors that can be shown.
    pub methods: &'static [Method],
    /// When to come back.
    pub retry_after: Option<Duration>,
    /// The `WWW-Authenticate` header (RFC 6750).
    pub challenge: Option<&'static str>,
    /// Header fields of its own.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What a person sees instead, on endpoints that a person looks at.
    pub page: Option<Box<Reply>>,
    /// What really went wrong, for the log; never a token's or a member's content.
    pub cause: Option<Box<dyn Error + Send + Sync>>,
}

/// A member of the body, or a parameter, that is at fault. Never holds its value (SE-08).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MemberError {
    /// Which one; dotted where it is nested.
    pub member: String,
    /// Stable, `snake_case`, for programs.
    pub code: Cow<'static, str>,
    /// For people.
    pub detail: String,
}

/// A problem as it is sent.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ProblemBody<'a> {
    /// Names the kind of problem: `urn:wardgate:problem:` and the code.
    pub r#type: String,
    /// What kind of problem this is.
    pub title: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// What happened and what to do about it.
    pub detail: &'a str,
    /// Stable, for programs.
    pub code: &'a str,
    /// The id to quote when asking for help.
    pub request_id: &'a str,
    /// The members at fault.
    #[serde(skip_serializing_if = "<[MemberError]>::is_empty")]
    #[schemars(default)]
    pub errors: &'a [MemberError],
    /// The second factors that can be shown, strongest first, where one is asked for.
    #[serde(skip_serializing_if = "<[Method]>::is_empty")]
    #[schemars(default)]
    pub methods: &'a [Method],
}

impl Problem {
    /// A refusal with nothing but the constants that the client sees.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code,
            title,
            detail: detail.into(),
            errors: Vec::new(),
            methods: &[],
            retry_after: None,
            challenge: None,
            headers: Vec::new(),
            page: None,
            cause: None,
        }
    }

    /// Members or parameters that break a rule.
    pub fn invalid_request(errors: Vec<MemberError>) -> Self {
        let detail: Cow<'static, str> = match errors.as_slice() {
            [only] => format!("{}: {}", only.member, only.detail).into(),
            _ => "See errors for the members at fault.".into(),
        };
        Self { errors, ..Self::new(StatusCode::BAD_REQUEST, "invalid_request", "The request is not valid.", detail) }
    }

    /// One member or parameter that breaks a rule.
    pub fn invalid_member(member: &str, code: &'static str, detail: impl Into<String>) -> Self {
        Self::invalid_request(vec![MemberError { member: member.to_owned(), code: code.into(), detail: detail.into() }])
    }

    /// The body is not JSON at all, or not an object.
    pub fn malformed_json(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed_json", "The body is not a JSON object.", detail)
    }

    /// No token was sent.
    pub fn authentication_required() -> Self {
        Self {
            challenge: Some("Bearer"),
            ..Self::new(
                StatusCode::UNAUTHORIZED,
                "authentication_required",
                "Authentication is required.",
                "Send an access token: Authorization: Bearer <token>.",
            )
        }
    }

    /// The token that was sent is not accepted.
    pub fn invalid_token(detail: &'static str) -> Self {
        Self {
            challenge: Some(r#"Bearer error="invalid_token""#),
            ..Self::new(StatusCode::UNAUTHORIZED, "invalid_token", "The token is not accepted.", detail)
        }
    }

    /// The person has to sign in again first (RFC 9470, SE-10).
    pub fn stale_authentication(level: Level, methods: &'static [Method]) -> Self {
        let (challenge, detail) = match level {
            Level::One => (
                r#"Bearer error="insufficient_user_authentication", max_age="300""#,
                "Show the password at POST /v1/step-up, or sign in again, and repeat the request with the new access token \
                 within five minutes.",
            ),
            Level::Two => (
                r#"Bearer error="insufficient_user_authentication", acr_values="urn:wardgate:2fa", max_age="300""#,
                "Show the password and a second factor at POST /v1/step-up, and repeat the request with the new access token \
                 within five minutes.",
            ),
        };
        Self {
            challenge: Some(challenge),
            methods,
            ..Self::new(
                StatusCode::UNAUTHORIZED,
                "insufficient_user_authentication",
                "A recent sign-in is required.",
                detail,
            )
        }
    }

    /// The first step of a sign-in has come to nothing.
    pub fn first_step_over() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            "The first step is no longer valid.",
            "It has expired or was used, or the account has changed since. Sign in again from the beginning.",
        )
    }

    /// A second factor that opens nothing, for whatever reason.
    pub fn wrong_second_factor() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "invalid_second_factor",
            "The second factor is not accepted.",
            "It is wrong, or was used before. A code of an app is good for about a minute, and once.",
        )
    }

    /// Too many attempts; this one was not evaluated.
    pub fn too_many_attempts(retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_attempts",
                "Too many attempts.",
                "This attempt was not evaluated. Wait for as long as Retry-After says.",
            )
        }
    }

    /// A mailed link that does nothing, for whatever reason.
    pub fn invalid_link() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_link",
            "The link is not valid.",
            "It has expired, was used before, or something has changed since it was sent. Ask for a new one.",
        )
    }

    /// A mailed code that does nothing, for whatever reason.
    pub fn invalid_code() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_code",
            "The code is not valid.",
            "It is wrong, has expired, was used before, or was tried too often. Ask for a new one.",
        )
    }

    /// We cannot answer now; trying again is safe.
    pub fn unavailable(cause: impl Error + Send + Sync + 'static) -> Self {
        Self {
            retry_after: Some(Duration::from_secs(1)),
            cause: Some(Box::new(cause)),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                "Temporarily unavailable.",
                "The service is busy or a part of it does not answer. Try again after Retry-After.",
            )
        }
    }

    /// Operators let nothing be changed for now (`switches.read_only`).
    pub fn read_only() -> Self {
        Self {
            retry_after: Some(Duration::from_mins(1)),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "read_only",
                "Nothing can be changed for now.",
                "The service is being worked on: what is stored can be read, and tokens are good for as long as they say. Try \
                 again after Retry-After.",
            )
        }
    }

    /// Another region writes (ED-17). Nothing was changed; the same request is right where that region answers.
    pub fn standby() -> Self {
        Self {
            retry_after: Some(Duration::from_mins(1)),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "standby",
                "Nothing can be changed here.",
                "This region stands by for another one, which answers at the service's own address. Try again there after \
                 Retry-After.",
            )
        }
    }

    /// Operators have switched this off.
    pub fn switched_off(code: &'static str, title: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, title, detail)
    }

    /// A defect or a misconfiguration of ours.
    pub fn internal(cause: impl Error + Send + Sync + 'static) -> Self {
        Self {
            cause: Some(Box::new(cause)),
            ..Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal_error",
                "The service failed.",
                "This is our fault. Quote request_id when you report it.",
            )
        }
    }

    /// Nothing answers at this path.
    pub fn not_found(detail: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found.", detail)
    }
}
