//! CORS: which pages of other origins may read what an endpoint answers (SE-07, OC-24).

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// The answer's headers that a page may read beside those that it always may.
const EXPOSED: HeaderValue = HeaderValue::from_static("dpop-nonce, retry-after, www-authenticate, x-request-id");
/// How long browsers may remember a preflight's answer: two hours, which is the most that any does.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// Whose pages may read an endpoint's answers. `preflight` answers by the same class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cors {
    /// Nobody's: a page for people, or what answers their cookies by a redirect.
    None,
    /// Everybody's, without credentials. The endpoint reads no cookie.
    Public,
    /// Those of `http.allowed_origins`, with credentials: cookie mode (SE-06).
    Listed,
}

impl Cors {
    /// Adds to an answer who may read it. `origin` is the request's.
    pub fn allow(self, listed: &[String], origin: Option<&HeaderValue>, answer: &mut HeaderMap) {
        for (name, value) in self.origin(listed, origin) {
            answer.append(name, value);
        }
        if answer.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }

    /// The headers of a preflight's answer.
    pub fn preflight(self, listed: &[String], origin: Option<&HeaderValue>) -> Vec<(HeaderName, HeaderValue)> {
        let (methods, fields) = match self {
            Self::None => return Vec::new(),
            Self::Public => ("GET, POST", "authorization, content-type, dpop"),
            Self::Listed => ("GET, POST, PATCH, DELETE", "authorization, content-type"),
        };
        let mut headers = self.origin(listed, origin);
        if headers.iter().any(|(name, _)| name == header::ACCESS_CONTROL_ALLOW_ORIGIN) {
            headers.extend([
                (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods)),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(fields)),
                (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
            ]);
        }
        headers
    }

    /// ED-04: `Public` says the same to every origin, so that a cache may give one's answer to another.
    fn origin(self, listed: &[String], origin: Option<&HeaderValue>) -> Vec<(HeaderName, HeaderValue)> {
        match (self, origin) {
            (Self::Public, _) => vec![(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"))],
            (Self::Listed, Some(origin)) => {
                let mut headers = vec![(header::VARY, HeaderValue::from_static("origin"))];
                if listed.iter().any(|it| it.as_bytes() == origin.as_bytes()) {
                    headers.push((header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()));
                    headers.push((header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true")));
                }
                headers
            }
            // Without an origin no page asks, and nothing of it is kept by caches.
            (Self::None, _) | (Self::Listed, None) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = "https://app.example.com";

    fn answer(class: Cors, origin: Option<&'static str>) -> Vec<String> {
        let mut headers = HeaderMap::new();
        class.allow(&[LISTED.to_owned()], origin.map(HeaderValue::from_static).as_ref(), &mut headers);
        let mut lines: Vec<_> = headers.iter().map(|(name, it)| format!("{name}: {}", it.to_str().unwrap())).collect();
        lines.sort();
        lines
    }

    #[test]
    fn sec_oc_24_who_may_read_an_answer_is_its_class() {
        let exposed = "access-control-expose-headers: dpop-nonce, retry-after, www-authenticate, x-request-id";
        for origin in [None, Some(LISTED), Some("https://evil.example"), Some("null")] {
            assert_eq!(answer(Cors::None, origin), [""; 0]);
            assert_eq!(answer(Cors::Public, origin), ["access-control-allow-origin: *", exposed]);
        }
        let allowed = format!("access-control-allow-origin: {LISTED}");
        let credentials = "access-control-allow-credentials: true";
        assert_eq!(answer(Cors::Listed, Some(LISTED)), [credentials, &allowed, exposed, "vary: origin"]);
        for other in
            ["https://evil.example", "null", "https://app.example.com.evil.example", "https://app.example.com/"]
        {
            assert_eq!(answer(Cors::Listed, Some(other)), ["vary: origin"], "{other}");
        }
        assert_eq!(answer(Cors::Listed, None), [""; 0]);
    }

    #[test]
    fn sec_oc_24_a_preflight_allows_what_the_class_does() {
        let allowed = |class: Cors, origin: &'static str| {
            let headers = class.preflight(&[LISTED.to_owned()], Some(&HeaderValue::from_static(origin)));
            let of = |name: HeaderName| headers.iter().find(|(it, _)| *it == name).map(|(_, it)| it.clone());
            let text = |name| of(name).map(|it| it.to_str().unwrap().to_owned()).unwrap_or_default();
            (text(header::ACCESS_CONTROL_ALLOW_METHODS), text(header::ACCESS_CONTROL_ALLOW_HEADERS), headers.len())
        };
        assert_eq!(allowed(Cors::None, LISTED), (String::new(), String::new(), 0));
        let dpop = ("GET, POST".to_owned(), "authorization, content-type, dpop".to_owned(), 4);
        assert_eq!(allowed(Cors::Public, "https://evil.example"), dpop);
        let listed = ("GET, POST, PATCH, DELETE".to_owned(), "authorization, content-type".to_owned(), 6);
        assert_eq!(allowed(Cors::Listed, LISTED), listed);
        assert_eq!(allowed(Cors::Listed, "https://evil.example"), (String::new(), String::new(), 1));
    }
}
