//! Bearer tokens (RFC 6750).

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::app::App;
use crate::http::problem::Problem;
use crate::http::request::Request;
use crate::use_cases::authenticate::{self, AuthenticateError};

/// The token of the one `Authorization: Bearer …` header.
pub fn token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

impl Request {
    /// The bearer token, if there is exactly one.
    pub fn bearer_token(&self) -> Option<&str> {
        token(&self.headers)
    }
}

/// Refuses a request without a token that verifies, before anything else of it is judged: who is nobody learns nothing
/// about what a request should look like. Whether the session still lives is the use case's question.
pub async fn require(app: &App, request: &Request) -> Result<(), Problem> {
    let token = request.bearer_token().ok_or(AuthenticateError::Missing)?;
    authenticate::verify(app, &request.context, token).await?;
    Ok(())
}

impl From<AuthenticateError> for Problem {
    fn from(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::Missing => Self::authentication_required(),
            AuthenticateError::InvalidToken(_) | AuthenticateError::NoSession => Self {
                cause: Some(Box::new(error)),
                ..Self::invalid_token("The access token is invalid or has expired. Refresh it or sign in again.")
            },
            AuthenticateError::SessionEnded => Self::invalid_token("The session has ended. Sign in again."),
            AuthenticateError::NotFresh { level, methods } => Self::stale_authentication(level, methods),
            AuthenticateError::Fault(fault) => fault.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (AUTHORIZATION, value.parse().unwrap())).collect()
    }

    #[test]
    fn the_scheme_is_case_insensitive_and_anything_else_is_no_token() {
        assert_eq!(token(&headers(&["Bearer abc"])), Some("abc"));
        assert_eq!(token(&headers(&["bearer  abc"])), Some("abc"));
        for other in [&["Basic abc"][..], &["Bearer"], &["Bearer "], &["abc"], &[]] {
            assert_eq!(token(&headers(other)), None, "{other:?}");
        }
    }

    #[test]
    fn two_authorization_headers_are_none() {
        assert_eq!(token(&headers(&["Bearer abc", "Bearer def"])), None);
    }
}
