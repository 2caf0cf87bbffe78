//! Whether a person looks at an answer, in a browser's window: Fetch Metadata, or what older browsers accept.

use http::{HeaderMap, StatusCode, header};

use crate::domain::oauth::continuation::{AUTHORIZE, LOGOUT};
use crate::http::problem::Problem;

const MODE: &str = "sec-fetch-mode";
const DESTINATION: &str = "sec-fetch-dest";

/// Whether a person's browser is to be at a path: at one of the pages, also one that does not exist, or where applications
/// send it.
pub fn is_page(path: &str) -> bool {
    path == "/ui" || path.starts_with("/ui/") || path == AUTHORIZE || path == LOGOUT
}

/// Whether the answer is going to be a browser's window.
pub fn is_navigation(headers: &HeaderMap) -> bool {
    let is = |name, expected: &[u8]| headers.get(name).map(|value| value.as_bytes() == expected);
    match is(MODE, b"navigate") {
        Some(navigates) => navigates && is(DESTINATION, b"document") != Some(false),
        None => headers
            .get_all(header::ACCEPT)
            .iter()
            .any(|accepted| String::from_utf8_lossy(accepted.as_bytes()).to_ascii_lowercase().contains("text/html")),
    }
}

/// Whether the answer is going to be a page in a page.
fn is_frame(headers: &HeaderMap) -> bool {
    let is = |name, expected: &[u8]| headers.get(name).is_some_and(|value| value.as_bytes() == expected);
    is(MODE, b"navigate") && is(DESTINATION, b"iframe")
}

/// Refuses a page to a script and to a frame (SE-07). API Gateway lets the scripts of listed origins read whatever it
/// answers, and a page carries what its own browser alone should have. Programs, and browsers older than Fetch Metadata,
/// say nothing and are let in. A frame may ask silently for a sign-in (OC-26): no page is shown there, and a browser keeps the
/// session's cookie to itself where the frame is on another site's page.
pub(super) fn admit(path: &str, query: &str, headers: &HeaderMap) -> Result<(), Problem> {
    if !is_page(path) || !headers.contains_key(MODE) || is_navigation(headers) {
        return Ok(());
    }
    let is_silent = || form_urlencoded::parse(query.as_bytes()).any(|pair| pair == ("prompt".into(), "none".into()));
    if path == AUTHORIZE && is_frame(headers) && is_silent() {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "not_a_navigation",
        "Pages are for people.",
        "A page can be opened in a browser's window, not fetched by a script or shown in a frame.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn sec_se_07_sec_oc_23_scripts_and_frames_are_told_from_windows() {
        let html = ("accept", "text/html,*/*;q=0.8");
        for (sent, navigates, admitted) in [
            (&[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")][..], true, true),
            (&[("sec-fetch-mode", "navigate")][..], true, true),
            (&[html][..], true, true),
            (&[("accept", "Text/HTML")][..], true, true),
            (&[("accept", "application/json")][..], false, true),
            (&[][..], false, true),
            (&[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe"), html][..], false, false),
            (&[("sec-fetch-mode", "cors"), html][..], false, false),
            (&[("sec-fetch-mode", ""), html][..], false, false),
        ] {
            let sent = headers(sent);
            assert_eq!(
                (is_navigation(&sent), admit("/ui/x", "prompt=none", &sent).is_ok()),
                (navigates, admitted),
                "{sent:?}"
            );
            assert_eq!(admit(AUTHORIZE, "", &sent).is_ok(), admitted, "OC-23: {sent:?}");
            let silent = admitted || is_frame(&sent);
            assert_eq!(admit(AUTHORIZE, "a=b&prompt=none", &sent).is_ok(), silent, "OC-26: {sent:?}");
            assert_eq!(admit(AUTHORIZE, "prompt=none+login", &sent).is_ok(), admitted, "OC-23: {sent:?}");
            assert_eq!(admit(LOGOUT, "prompt=none", &sent).is_ok(), admitted, "OC-23: {sent:?}");
            assert!(admit("/v1/me", "", &sent).is_ok() && admit("/uia", "", &sent).is_ok());
        }
    }
}
