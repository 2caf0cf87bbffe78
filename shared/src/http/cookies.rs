//! Cookie mode (SE-06): for browsers, the refresh token is in a cookie that scripts cannot read, and in no body.

use cookie::{Cookie, SameSite};
use http::header::{COOKIE, ORIGIN, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::app::App;
use crate::http::problem::Problem;

/// The prefix makes browsers hold us to Secure, Path=/ and no Domain (RFC 6265bis, 4.1.3.2).
const REFRESH: &str = "__Host-wardgate-refresh";

/// How a session's refresh token travels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// In bodies, for programs that can keep a secret.
    #[default]
    Body,
    /// In a cookie, for browsers.
    Cookie,
}

/// The refresh token of a request's cookie, if there is exactly one.
pub fn refresh_token(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut tokens = cookies.flat_map(|header| header.split("; ")).filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        (name == REFRESH).then_some(value)
    });
    let (Some(token), None) = (tokens.next(), tokens.next()) else { return None };
    Some(token)
}

/// The header field that keeps `token` in the browser for as long as the session can live without a refresh.
pub fn keep(app: &App, token: &str) -> Result<(HeaderName, HeaderValue), Problem> {
    let life = i64::try_from(app.config.sessions.idle_seconds).unwrap_or(i64::MAX);
    set(token, cookie::time::Duration::seconds(life))
}

/// The header field that makes the browser forget the token.
pub fn forget() -> Result<(HeaderName, HeaderValue), Problem> {
    set("", cookie::time::Duration::ZERO)
}

fn set(token: &str, max_age: cookie::time::Duration) -> Result<(HeaderName, HeaderValue), Problem> {
    let cookie = Cookie::build((REFRESH, token)).path("/").secure(true).http_only(true);
    let cookie = cookie.same_site(SameSite::Strict).max_age(max_age).build();
    let value = HeaderValue::from_str(&cookie.to_string()).map_err(Problem::internal)?;
    Ok((SET_COOKIE, value))
}

/// Refuses a request that would set or read a cookie unless it comes from a page of ours or of a listed origin. A
/// browser cannot be made to lie about it.
pub fn admit_origin(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    let mut origins = headers.get_all(ORIGIN).iter();
    if let (Some(origin), None) = (origins.next(), origins.next()) {
        let listed =
            app.config.http.allowed_origins.iter().map(String::as_str).chain([app.config.tokens.issuer.as_str()]);
        if listed.into_iter().any(|listed| listed.as_bytes() == origin.as_bytes()) {
            return Ok(());
        }
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "origin_not_allowed",
        "The origin is not allowed.",
        "Cookies are for pages of origins that http.allowed_origins lists. Programs leave transport out.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, cookie.parse().unwrap())])
    }

    #[test]
    fn the_token_is_found_among_other_cookies_and_only_once() {
        assert_eq!(refresh_token(&headers("a=b; __Host-wardgate-refresh=rt_x; c=d")), Some("rt_x"));
        assert_eq!(refresh_token(&headers("wardgate-refresh=rt_x")), None);
        assert_eq!(refresh_token(&headers("__Host-wardgate-refresh=a; __Host-wardgate-refresh=b")), None);
    }

    #[test]
    fn sec_se_06_the_cookie_has_every_attribute() {
        let (_, value) = set("rt_x", cookie::time::Duration::seconds(60)).unwrap();
        let expected = "__Host-wardgate-refresh=rt_x; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=60";
        assert_eq!(value, expected);
    }
}
