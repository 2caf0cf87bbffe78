//! Cookies (SE-06). In cookie mode, for browsers, the refresh token is in a cookie that scripts cannot read, and in no
//! body. The flow tokens of a registration and of a sign-in code are in one each, too, for the pages that their mails link to
//! (OT-10, OT-11), and so is the device token, which is known again where a page set the password.

use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use http::header::{COOKIE, ORIGIN, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::app::App;
use crate::http::problem::Problem;
use crate::telemetry::metrics::{self, StaleCookie};

/// The prefix makes browsers hold us to Secure, Path=/ and no Domain (RFC 6265bis, 4.1.3.2).
const REFRESH: &str = "__Host-wardgate-refresh";
const FLOW: &str = "__Host-wardgate-flow";
const CODE_FLOW: &str = "__Host-wardgate-code-flow";
const DEVICE: &str = "__Host-wardgate-device";
const SESSION: &str = "__Host-wardgate-session";
const CONTINUATION: &str = "__Host-wardgate-continue";
/// The most bytes of a continuation that a browser keeps: a gateway takes 10,240 of the request line and all headers.
const MAX_CONTINUATION: usize = 2048;
/// How long a mail may take to be read, for its page to lead on.
const CONTINUATION_LIFE: Duration = Duration::hours(1);

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

/// The refresh token of a request's cookie.
pub fn refresh_token(headers: &HeaderMap) -> Option<String> {
    read(headers, REFRESH)
}

/// The flow token of a registration in a request's cookie.
pub fn flow_token(headers: &HeaderMap) -> Option<String> {
    read(headers, FLOW)
}

/// The flow token of a sign-in code in a request's cookie.
pub fn code_flow_token(headers: &HeaderMap) -> Option<String> {
    read(headers, CODE_FLOW)
}

/// The flow token that a JSON request has: its member, or the cookie that a page of ours or of a listed origin sent along.
pub fn flow_of(app: &App, headers: &HeaderMap, member: Option<String>, cookie: Option<String>) -> Option<String> {
    member.or_else(|| cookie.filter(|_| admit_origin(app, headers).is_ok()))
}

/// The device token that a browser shows, to pages of ours and of listed origins: that of the body, or else that of its
/// cookie.
pub fn device_token(app: &App, headers: &HeaderMap, of_body: Option<String>) -> Option<String> {
    of_body.or_else(|| read(headers, DEVICE).filter(|_| admit_origin(app, headers).is_ok()))
}

/// The header field that keeps the device token in the browser for as long as the device is known.
pub fn keep_device(app: &App, token: &str) -> Result<(HeaderName, HeaderValue), Problem> {
    set(DEVICE, token, SameSite::Lax, Some(seconds(app.config.sessions.absolute_seconds)))
}

/// The same where the browser has such a cookie already, and the request comes from a page that may have it changed.
pub fn renew_device(app: &App, headers: &HeaderMap, token: &str) -> Result<Option<(HeaderName, HeaderValue)>, Problem> {
    device_token(app, headers, None).map(|_| keep_device(app, token)).transpose()
}

/// What the browser keeps of a session that was begun on a page.
pub fn session_token(headers: &HeaderMap) -> Option<String> {
    read(headers, SESSION)
}

/// The header field that keeps a session in the browser: until it is closed, or for as long as the session can live. Lax:
/// applications send browsers here.
pub fn keep_session(app: &App, token: &str, remember: bool) -> Result<(HeaderName, HeaderValue), Problem> {
    set(SESSION, token, SameSite::Lax, remember.then(|| seconds(app.config.sessions.absolute_seconds)))
}

/// The header field that makes a browser forget its session.
pub fn forget_session() -> Result<(HeaderName, HeaderValue), Problem> {
    set(SESSION, "", SameSite::Lax, Some(Duration::ZERO))
}

/// Where a browser was going when its person asked for a mail, as pages carry it, and when that began.
pub fn continuation(headers: &HeaderMap) -> Option<(String, String)> {
    let kept = read(headers, CONTINUATION)?;
    let (request, flow) = kept.split_once('.')?;
    Some((request.to_owned(), flow.to_owned()))
}

/// The header field that has a browser keep that; none where it is too long. The newest one counts.
pub fn keep_continuation(request: &str, flow: &str) -> Result<Option<(HeaderName, HeaderValue)>, Problem> {
    let kept = format!("{request}.{flow}");
    // What a page has carried may be anything.
    if kept.len() > MAX_CONTINUATION || !kept.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it)) {
        return Ok(None);
    }
    set(CONTINUATION, &kept, SameSite::Lax, Some(CONTINUATION_LIFE)).map(Some)
}

/// The value of the cookie of this name. Everything else in the header is other people's, and may be any bytes.
///
/// Browsers send one cookie of a name with our prefix. Two that differ were put there by somebody else, and which of them
/// is ours cannot be told: they count as one that is worth nothing.
pub(super) fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut found: Option<String> = None;
    for header in headers.get_all(COOKIE) {
        let header = String::from_utf8_lossy(header.as_bytes());
        // Nothing is escaped in this header (RFC 6265bis, 4.2.1): a semicolon always ends a cookie.
        for cookie in Cookie::split_parse(header.as_ref()).flatten().filter(|cookie| cookie.name() == name) {
            let value = cookie.value_trimmed();
            match &found {
                Some(other) if other != value => return Some(String::new()),
                _ => found = Some(value.to_owned()),
            }
        }
    }
    found
}

/// The header field that keeps `token` in the browser for as long as the session can live without a refresh.
pub fn keep(app: &App, token: &str) -> Result<(HeaderName, HeaderValue), Problem> {
    set(REFRESH, token, SameSite::Strict, Some(seconds(app.config.sessions.idle_seconds)))
}

/// The header field that makes the browser forget the token.
pub fn forget() -> Result<(HeaderName, HeaderValue), Problem> {
    set(REFRESH, "", SameSite::Strict, Some(Duration::ZERO))
}

/// The header field that keeps a registration's flow token in the browser for as long as its link works.
pub fn keep_flow(app: &App, token: &str) -> Result<(HeaderName, HeaderValue), Problem> {
    set(FLOW, token, SameSite::Lax, Some(seconds(app.config.accounts.verification_seconds)))
}

/// The header field that makes the browser forget the flow token.
pub fn forget_flow() -> Result<(HeaderName, HeaderValue), Problem> {
    set(FLOW, "", SameSite::Lax, Some(Duration::ZERO))
}

/// The header field that keeps a sign-in code's flow token in the browser for as long as the code works.
pub fn keep_code_flow(app: &App, token: &str) -> Result<(HeaderName, HeaderValue), Problem> {
    set(CODE_FLOW, token, SameSite::Lax, Some(seconds(app.config.accounts.email_code_seconds)))
}

/// The header field that makes the browser forget the flow token of a sign-in code.
pub fn forget_code_flow() -> Result<(HeaderName, HeaderValue), Problem> {
    set(CODE_FLOW, "", SameSite::Lax, Some(Duration::ZERO))
}

/// The header field that makes the browser forget a flow token that is none of ours: no script of a page could.
pub fn clear_flow() -> Result<(HeaderName, HeaderValue), Problem> {
    metrics::cookie_cleared(StaleCookie::Flow);
    forget_flow()
}

/// Lets a refusal of the cookie's refresh token, dead or never ours, remove the cookie: no script of a page could.
pub fn refused(problem: Problem) -> Problem {
    metrics::cookie_cleared(StaleCookie::Refresh);
    match forget() {
        Ok(header) => Problem { headers: vec![header], ..problem },
        Err(_) => problem,
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// Without `max_age` the cookie lives until the browser is closed.
pub(super) fn set(
    name: &str,
    value: &str,
    same_site: SameSite,
    max_age: Option<Duration>,
) -> Result<(HeaderName, HeaderValue), Problem> {
    let mut cookie = Cookie::build((name, value)).path("/").secure(true).http_only(true).same_site(same_site).build();
    cookie.set_max_age(max_age);
    let value = HeaderValue::from_str(&cookie.to_string()).map_err(Problem::internal)?;
    Ok((SET_COOKIE, value))
}

/// Refuses a request that would set or read a cookie unless it comes from a page of ours or of a listed origin. A
/// browser cannot be made to lie about it.
pub fn admit_origin(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    let listed = app.config.http.allowed_origins.iter().any(|listed| is_from(headers, listed));
    if listed { Ok(()) } else { admit_own_origin(app, headers) }
}

/// Refuses a request that does not come from a page of ours.
pub fn admit_own_origin(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    if is_from(headers, &app.config.tokens.issuer) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "origin_not_allowed",
        "The origin is not allowed.",
        "Cookies are for pages of origins that http.allowed_origins lists. Programs leave transport out.",
    ))
}

fn is_from(headers: &HeaderMap, listed: &str) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter();
    matches!((origins.next(), origins.next()), (Some(origin), None) if origin.as_bytes() == listed.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, cookie.parse().unwrap())])
    }

    #[test]
    fn the_token_is_found_among_other_cookies_and_only_once() {
        let found = |cookie| refresh_token(&headers(cookie));
        assert_eq!(found("a=b; __Host-wardgate-refresh=rt_x; c=d").as_deref(), Some("rt_x"));
        assert_eq!(found("wardgate-refresh=rt_x; __host-wardgate-refresh=rt_x"), None);
        assert_eq!(found("__Host-wardgate-refresh; =__Host-wardgate-refresh"), None);
        assert_eq!(found("__Host-wardgate-refresh=a; __Host-wardgate-refresh=b").as_deref(), Some(""));
        assert_eq!(found("__Host-wardgate-refresh=a; __Host-wardgate-refresh=a").as_deref(), Some("a"));
    }

    #[test]
    fn sec_se_06_the_cookie_has_every_attribute() {
        let (_, value) = set(REFRESH, "rt_x", SameSite::Strict, Some(seconds(60))).unwrap();
        let expected = "__Host-wardgate-refresh=rt_x; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=60";
        assert_eq!(value, expected);
        let (_, value) = set(FLOW, "ft_x", SameSite::Lax, None).unwrap();
        assert_eq!(value, "__Host-wardgate-flow=ft_x; HttpOnly; SameSite=Lax; Secure; Path=/");
    }
}
