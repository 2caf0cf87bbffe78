//! The cookie by which a page recognises the browser that it was shown in, so that a second press of its button gets the
//! first one's answer (OT-02). It is in no page and gives no right of its own: the link's token has to come with it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::SameSite;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::app::App;
use crate::domain::browser::BrowserSecret;
use crate::http::cookies;
use crate::http::problem::Problem;

const COOKIE: &str = "__Host-wardgate-browser";

/// The browser that sends a page's form. What does not come from a page of ours comes from none (SE-06).
pub(super) fn of(app: &App, headers: &HeaderMap) -> Option<BrowserSecret> {
    cookies::admit_own_origin(app, headers).ok()?;
    read(headers)
}

/// The header field that keeps the browser recognisable: what it has, or something new.
pub fn keep(app: &App, headers: &HeaderMap) -> Result<(HeaderName, HeaderValue), Problem> {
    let secret = match read(headers) {
        Some(secret) => secret,
        None => BrowserSecret::new(app.entropy.bytes().map_err(Problem::internal)?),
    };
    cookies::set(COOKIE, &URL_SAFE_NO_PAD.encode(secret.bits()), SameSite::Lax, None)
}

fn read(headers: &HeaderMap) -> Option<BrowserSecret> {
    let bits = URL_SAFE_NO_PAD.decode(cookies::read(headers, COOKIE)?).ok()?;
    Some(BrowserSecret::new(bits.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(value: &str) -> Option<BrowserSecret> {
        let value = format!("{COOKIE}={value}").parse().unwrap();
        read(&HeaderMap::from_iter([(http::header::COOKIE, value)]))
    }

    #[test]
    fn sec_se_06_only_what_we_could_have_set_is_a_browsers_secret() {
        assert!(found("AAAAAAAAAAAAAAAAAAAAAA") == Some(BrowserSecret::new([0; 16])));
        for other in [
            "",
            "AAAA",
            "AAAAAAAAAAAAAAAAAAAAAB",
            "AAAAAAAAAAAAAAAAAAAAAA==",
            "AAAAAAAAAAAAAAAAAAAAAAA",
            "!!!!!!!!!!!!!!!!!!!!!!",
        ] {
            assert!(found(other).is_none(), "{other}");
        }
    }
}
