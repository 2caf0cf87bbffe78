//! Tokens against forged requests, for pages whose POST uses cookies (SE-06): the form sends what a cookie says. Another
//! site can make a browser send a form, but it can neither read our cookie nor set it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::SameSite;
use ctutils::CtEq as _;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::app::App;
use crate::http::cookies;
use crate::http::problem::Problem;

const COOKIE: &str = "__Host-wardgate-csrf";
/// 128 random bits in base64url.
const LENGTH: usize = 22;

/// The token for a form: the one that the browser has, so that a second tab does not end the first one's form, or a new
/// one.
pub fn token(app: &App, headers: &HeaderMap) -> Result<String, Problem> {
    if let Some(token) = cookies::read(headers, COOKIE).filter(|token| is_token(token)) {
        return Ok(token);
    }
    let bits: [u8; 16] = app.entropy.bytes().map_err(Problem::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(bits))
}

/// The header field that keeps the token in the browser. Lax: the page is opened from mails, which webmail shows on another
/// site's page, and a browser that left the cookie out there would get another one and so end the first tab's form.
pub fn keep(token: &str) -> Result<(HeaderName, HeaderValue), Problem> {
    cookies::set(COOKIE, token, SameSite::Lax, None)
}

/// Refuses a form that does not come from a page of ours, in the browser that the page was shown in.
pub fn admit(app: &App, headers: &HeaderMap, sent: Option<&str>) -> Result<(), Problem> {
    cookies::admit_own_origin(app, headers)?;
    if is_same(cookies::read(headers, COOKIE).as_deref(), sent) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "csrf_token_invalid",
        "The form is not one of ours.",
        "The form's token is not the browser's. Open the link again, with cookies allowed.",
    ))
}

/// Compares in constant time.
fn is_same(kept: Option<&str>, sent: Option<&str>) -> bool {
    let (Some(kept), Some(sent)) = (kept, sent) else { return false };
    is_token(kept) && kept.as_bytes().ct_eq(sent.as_bytes()).to_bool()
}

fn is_token(text: &str) -> bool {
    text.len() == LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_se_06_only_the_very_token_of_the_cookie_is_taken() {
        let (kept, other) = ("AAAAAAAAAAAAAAAAAAAA-_", "AAAAAAAAAAAAAAAAAAAA-A");
        assert!(is_same(Some(kept), Some(kept)));
        for (kept, sent) in [
            (Some(kept), Some(other)),
            (Some(kept), Some("")),
            (Some(kept), None),
            (None, Some(kept)),
            (None, None),
            (Some(""), Some("")),
            (Some("short"), Some("short")),
        ] {
            assert!(!is_same(kept, sent), "{kept:?} {sent:?}");
        }
    }

    #[test]
    fn sec_se_06_the_cookie_has_every_attribute() {
        let (_, value) = keep("x").unwrap();
        assert_eq!(value, "__Host-wardgate-csrf=x; HttpOnly; SameSite=Lax; Secure; Path=/");
    }
}
