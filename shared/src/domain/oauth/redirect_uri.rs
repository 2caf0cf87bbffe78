//! Where an authorization response may go: URIs that are registered, and compared byte by byte (OC-05).

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use crate::domain::oauth::client_kind::ClientKind;

/// The most bytes of one.
pub const MAX_REDIRECT_URI: usize = 500;

/// The hosts on which a native client listens for itself (RFC 8252, 7.3). None stands for another.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// A redirect URI as it was registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RedirectUri(String);

/// Why a URI cannot be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidRedirectUri {
    /// Over [`MAX_REDIRECT_URI`].
    #[error("it has at most {MAX_REDIRECT_URI} bytes")]
    TooLong,
    /// What is compared byte by byte has one spelling.
    #[error("it consists of visible ASCII characters, without \\ \" < > ^ ` {{ | }} and *")]
    Character,
    /// The response's own parameters come behind it.
    #[error("it has no fragment")]
    Fragment,
    /// A name before the host makes another host look like it.
    #[error("it has no user information")]
    UserInformation,
    /// `..` leads elsewhere than it says.
    #[error("its path has no . and .. segments, percent-encoded ones too")]
    DotSegment,
    /// No `https` and nothing that this kind of client may have instead.
    #[error(
        "it begins with https:// and a host; of native clients also with http:// and 127.0.0.1, [::1] or localhost, or with \
         a scheme of their own that has a dot; in development also with http://localhost"
    )]
    Scheme,
}

impl RedirectUri {
    /// Reads a URI as a client of this kind registers it. `in_development` lets web and single-page clients listen on
    /// `http://localhost`.
    pub fn parse(text: &str, kind: ClientKind, in_development: bool) -> Result<Self, InvalidRedirectUri> {
        if text.len() > MAX_REDIRECT_URI {
            return Err(InvalidRedirectUri::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\\"<>^`{|}*".contains(&byte)) {
            return Err(InvalidRedirectUri::Character);
        }
        if text.contains('#') {
            return Err(InvalidRedirectUri::Fragment);
        }
        let (before_query, _) = text.split_once('?').unwrap_or((text, ""));
        let dots = before_query.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/");
        if dots.split('/').any(|segment| segment == "." || segment == "..") {
            return Err(InvalidRedirectUri::DotSegment);
        }
        let (scheme, rest) = before_query.split_once(':').ok_or(InvalidRedirectUri::Scheme)?;
        if let Some(authority) = rest.strip_prefix("//") {
            let authority = authority.split('/').next().unwrap_or_default();
            if authority.contains('@') {
                return Err(InvalidRedirectUri::UserInformation);
            }
            if is_admitted(scheme, authority, kind, in_development) {
                return Ok(Self(text.to_owned()));
            }
        }
        // `com.example.app:/callback` (RFC 8252, 7.1): whoever made it up owns the name.
        let is_own = kind == ClientKind::Native && is_private_scheme(scheme) && rest.starts_with('/');
        let is_own = is_own && Url::parse(text).is_ok();
        if is_own { Ok(Self(text.to_owned())) } else { Err(InvalidRedirectUri::Scheme) }
    }

    /// Whether a request's URI is this one: byte by byte. A native client on a loopback host may ask with any port, since
    /// it takes whichever is free.
    pub fn matches(&self, requested: &str, kind: ClientKind) -> bool {
        if self.0 == requested {
            return true;
        }
        let (Some(own), Some(asked)) = (loopback(&self.0), loopback(requested)) else { return false };
        kind == ClientKind::Native && own == asked
    }

    /// As it was registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Of which origin the page is that it leads to, as browsers send it; `None` of a scheme of the client's own.
    pub fn origin(&self) -> Option<&str> {
        let (scheme, rest) = self.0.split_once("://")?;
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        self.0.get(..scheme.len() + "://".len() + authority.len())
    }
}

/// A URI with parameters behind it; what it has of its own stays (RFC 6749, 4.1.2).
pub fn with_parameters<'a>(uri: &str, parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let mark = if uri.contains('?') { '&' } else { '?' };
    if query.is_empty() { uri.to_owned() } else { format!("{uri}{mark}{query}") }
}

/// What people are shown of where a URI leads to, and what their consent is for: its host with its port, or a scheme of its
/// client's own. A native client listens on another port each time, which says nothing.
pub fn shown_host(uri: &str, kind: ClientKind) -> &str {
    match uri.split_once("://") {
        Some((_, rest)) => {
            let authority = rest.split(['/', '?']).next().unwrap_or_default();
            if kind == ClientKind::Native { split_port(authority).0 } else { authority }
        }
        None => uri.split_once(':').map_or(uri, |(scheme, _)| scheme),
    }
}

/// Whether a URI with an authority may be registered.
fn is_admitted(scheme: &str, authority: &str, kind: ClientKind, in_development: bool) -> bool {
    let (host, port) = split_port(authority);
    let is_port = port.is_none_or(is_port);
    let listens = match kind {
        ClientKind::Native => LOOPBACK.contains(&host),
        ClientKind::Web | ClientKind::Spa | ClientKind::ResourceServer => in_development && host == "localhost",
    };
    is_port && ((scheme == "https" && is_host(host)) || (scheme == "http" && listens))
}

/// The host and what follows the port of an `http` URI on a loopback host; `None` of any other.
fn loopback(uri: &str) -> Option<(&str, &str)> {
    let after = uri.strip_prefix("http://")?;
    let end = after.find(['/', '?']).unwrap_or(after.len());
    let (authority, rest) = after.split_at(end);
    let (host, port) = split_port(authority);
    (LOOPBACK.contains(&host) && port.is_none_or(is_port)).then_some((host, rest))
}

/// A host, and the port behind its colon, if there is one. An IPv6 address has its colons in brackets.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

/// One spelling: no zero in front, and no port 0, at which nothing listens.
fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0 && port.to_string() == text)
}

/// A host as browsers write it, so that what is registered is where they go: a name in lower case, not a number that stands
/// for an address, or an address in its one form.
fn is_host(host: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte);
    let is_label = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
    host.bytes().all(is_sign)
        && host.split('.').all(is_label)
        && Url::parse(&format!("https://{host}/")).is_ok_and(|url| url.host_str() == Some(host))
}

/// RFC 3986, 3.1, in lower case, and with a dot: what has none is a scheme of everybody's, as `javascript` is.
fn is_private_scheme(scheme: &str) -> bool {
    scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.contains('.')
        && scheme.split('.').all(|label| !label.is_empty())
        && scheme.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KINDS: [ClientKind; 3] = [ClientKind::Web, ClientKind::Spa, ClientKind::Native];

    fn refused(text: &str, kind: ClientKind) -> Option<InvalidRedirectUri> {
        RedirectUri::parse(text, kind, false).err()
    }

    #[test]
    fn sec_oc_21_a_port_that_is_another_each_time_is_no_other_host() {
        for (uri, kind, expected) in [
            ("https://shop.example/callback?x=y", ClientKind::Web, "shop.example"),
            ("https://shop.example:8443", ClientKind::Web, "shop.example:8443"),
            ("http://localhost:3000/callback", ClientKind::Spa, "localhost:3000"),
            ("http://127.0.0.1:51234/callback", ClientKind::Native, "127.0.0.1"),
            ("http://[::1]:51234/callback", ClientKind::Native, "[::1]"),
            ("com.example.app:/callback", ClientKind::Native, "com.example.app"),
        ] {
            assert_eq!(shown_host(uri, kind), expected, "{uri}");
        }
    }

    #[test]
    fn sec_oc_05_https_is_for_every_kind() {
        for kind in KINDS {
            for uri in [
                "https://app.example.com",
                "https://app.example.com/",
                "https://app.example.com:8443/callback?from=wardgate&x=%20",
                "https://xn--bcher-kva.example/a..b/c",
                "https://[2001:db8::1]/callback",
                "https://app.example.com/callback?next=../x",
            ] {
                assert_eq!(refused(uri, kind), None, "{uri} of {kind:?}");
            }
        }
    }

    #[test]
    fn sec_oc_05_what_could_lead_elsewhere_is_not_registered() {
        use InvalidRedirectUri as Why;
        for (uri, why) in [
            ("https://app.example.com/#", Why::Fragment),
            ("https://app.example.com/a#b", Why::Fragment),
            ("https://*.example.com/", Why::Character),
            ("https://app.example.com/a b", Why::Character),
            ("https://app.example.com/\u{7f}", Why::Character),
            ("https://app.example.com\\@evil.example/", Why::Character),
            ("https://äpp.example.com/", Why::Character),
            ("https://app.example.com@evil.example/", Why::UserInformation),
            ("https://a:b@evil.example/", Why::UserInformation),
            ("https://app.example.com/../a", Why::DotSegment),
            ("https://app.example.com/a/..", Why::DotSegment),
            ("https://app.example.com/a/%2e%2E/b", Why::DotSegment),
            ("https://app.example.com/a%2f..%2Fb", Why::DotSegment),
            ("https://app.example.com/./a", Why::DotSegment),
            ("HTTPS://app.example.com/", Why::Scheme),
            ("https://App.example.com/", Why::Scheme),
            ("https://app.example.com:/", Why::Scheme),
            ("https://app.example.com:0/", Why::Scheme),
            ("https://app.example.com:0443/", Why::Scheme),
            ("https://app.example.com:99999/", Why::Scheme),
            ("https://app..example.com/", Why::Scheme),
            ("https://2130706433/", Why::Scheme),
            ("https://127.1/", Why::Scheme),
            ("https://[0:0::1]/", Why::Scheme),
            ("https://[::1/", Why::Scheme),
            ("https://xn--/", Why::Scheme),
            ("https:///callback", Why::Scheme),
            ("https:/callback", Why::Scheme),
            ("http://app.example.com/", Why::Scheme),
            ("//app.example.com/", Why::Scheme),
            ("javascript:alert(1)", Why::Scheme),
            ("data:text/html,x", Why::Scheme),
            ("callback", Why::Scheme),
            ("", Why::Scheme),
        ] {
            for kind in KINDS {
                assert_eq!(refused(uri, kind), Some(why), "{uri} of {kind:?}");
            }
        }
        let long = format!("https://app.example.com/{}", "a".repeat(MAX_REDIRECT_URI));
        assert_eq!(refused(&long, ClientKind::Web), Some(Why::TooLong));
    }

    #[test]
    fn sec_oc_05_loopback_and_private_schemes_are_for_native_clients_alone() {
        for uri in [
            "http://127.0.0.1/callback",
            "http://127.0.0.1:8400/callback",
            "http://[::1]:8400/callback",
            "http://localhost/callback",
            "com.example.app:/callback",
            "com.example.app://callback/x",
        ] {
            assert_eq!(refused(uri, ClientKind::Native), None, "{uri}");
            for kind in [ClientKind::Web, ClientKind::Spa] {
                assert_eq!(refused(uri, kind), Some(InvalidRedirectUri::Scheme), "{uri} of {kind:?}");
            }
        }
        for uri in ["app:/callback", "com.:/x", "com.example.app:callback", "Com.example.app:/x", "http://127.0.0.2/x"]
        {
            assert_eq!(refused(uri, ClientKind::Native), Some(InvalidRedirectUri::Scheme), "{uri}");
        }
        // On a laptop a web application listens on localhost; its port is its own.
        for kind in [ClientKind::Web, ClientKind::Spa] {
            let uri = RedirectUri::parse("http://localhost:3000/callback", kind, true).unwrap();
            assert!(uri.matches("http://localhost:3000/callback", kind));
            assert!(!uri.matches("http://localhost:3001/callback", kind));
            assert!(RedirectUri::parse("http://127.0.0.1:3000/callback", kind, true).is_err());
        }
    }

    #[test]
    fn sec_oc_05_a_native_clients_port_is_free_and_nothing_else() {
        let registered = RedirectUri::parse("http://127.0.0.1/callback?x=1", ClientKind::Native, false).unwrap();
        for port in ["", ":1", ":8400", ":65535"] {
            assert!(registered.matches(&format!("http://127.0.0.1{port}/callback?x=1"), ClientKind::Native), "{port}");
        }
        for other in [
            "http://localhost/callback?x=1",
            "http://[::1]/callback?x=1",
            "https://127.0.0.1/callback?x=1",
            "http://127.0.0.1:/callback?x=1",
            "http://127.0.0.1:0/callback?x=1",
            "http://127.0.0.1:65536/callback?x=1",
            "http://127.0.0.1:8400@evil.example/callback?x=1",
            "http://127.0.0.1.evil.example/callback?x=1",
            "http://127.0.0.1:84:00/callback?x=1",
            "http://127.0.0.1/callback",
            "http://127.0.0.1/callback?x=1#y",
            "http://127.0.0.1/callback?x=1&y=2",
            "http://127.0.0.1//callback?x=1",
            "http://127.0.0.1/Callback?x=1",
        ] {
            assert!(!registered.matches(other, ClientKind::Native), "{other}");
        }
        // A host name without a path is another spelling than one with it.
        let bare = RedirectUri::parse("https://app.example.com", ClientKind::Web, false).unwrap();
        assert!(!bare.matches("https://app.example.com/", ClientKind::Web));
    }

    fn parts() -> impl Strategy<Value = [String; 6]> {
        let scheme = prop_oneof!["https", "http", "com.example.app", "[a-z]{1,5}"];
        let host = prop_oneof![
            Just("127.0.0.1".to_owned()),
            Just("localhost".to_owned()),
            Just("[::1]".to_owned()),
            "[a-z0-9.@:\\[\\]-]{0,12}",
        ];
        let port = prop_oneof![Just(String::new()), "(:[0-9]{0,6})?"];
        (scheme, host, port, "(/[a-z.%2eE/]{0,6})?", "(\\?[a-z=&]{0,4})?", "(#x)?")
            .prop_map(|(scheme, host, port, path, query, fragment)| [scheme, host, port, path, query, fragment])
    }

    fn joined([scheme, host, port, path, query, fragment]: [String; 6]) -> String {
        format!("{scheme}://{host}{port}{path}{query}{fragment}")
    }

    fn uri() -> impl Strategy<Value = String> {
        parts().prop_map(joined)
    }

    /// Two that have some of their parts in common.
    fn relatives() -> impl Strategy<Value = (String, String)> {
        (parts(), parts(), prop::array::uniform6(prop::bool::weighted(0.3))).prop_map(|(one, other, differs)| {
            let mixed = std::array::from_fn(|part| if differs[part] { other[part].clone() } else { one[part].clone() });
            (joined(one), joined(mixed))
        })
    }

    proptest! {
        /// For any two URIs: a match is equality, or the rule of loopback.
        #[test]
        fn sec_oc_05_a_match_is_equality_or_another_port_of_the_same_loopback_host(
            (registered, requested) in relatives(), kind in prop::sample::select(&KINDS[..]), development: bool,
        ) {
            let Ok(own) = RedirectUri::parse(&registered, kind, development) else { return Ok(()) };
            prop_assert!(own.matches(&registered, kind));
            if own.matches(&requested, kind) && registered != requested {
                prop_assert_eq!(kind, ClientKind::Native);
                let without_port = |uri: &str| {
                    let url = url::Url::parse(uri).unwrap();
                    let parts = (url.scheme().to_owned(), url.host_str().unwrap().to_owned(), url.path().to_owned());
                    (parts, url.query().map(str::to_owned), url.username().to_owned(), url.fragment().map(str::to_owned))
                };
                prop_assert_eq!(without_port(&registered), without_port(&requested));
                let (parts, ..) = without_port(&requested);
                prop_assert!(LOOPBACK.contains(&parts.1.as_str()));
            }
        }

        /// What browsers make of it is what we read in it.
        #[test]
        fn sec_oc_05_what_is_registered_leads_where_it_says(
            text in uri(), kind in prop::sample::select(&KINDS[..]), development: bool,
        ) {
            if let Ok(uri) = RedirectUri::parse(&text, kind, development) {
                let url = url::Url::parse(uri.as_str()).unwrap();
                prop_assert_eq!((url.username(), url.password(), url.fragment()), ("", None, None));
                let is_special = ["http", "https"].contains(&url.scheme());
                prop_assert!(is_special || kind == ClientKind::Native);
                if is_special {
                    let origin = format!("{}://{}", url.scheme(), url.host_str().unwrap());
                    prop_assert!(text.starts_with(&origin));
                }
            }
        }
    }
}
