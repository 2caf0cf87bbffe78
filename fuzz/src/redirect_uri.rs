//! Redirect URIs: what is registered leads where it says, and a match is equality or another port of one's own (OC-05).

use url::{Host, Url};
use wardgate::domain::oauth::client_kind::ClientKind;
use wardgate::domain::oauth::redirect_uri::RedirectUri;

/// The input is a URI that is registered, a line break, and one that is asked for.
pub(crate) fn run(data: &[u8]) {
    let (registered, requested) = crate::text(data).split_once('\n').unwrap_or((crate::text(data), ""));
    for kind in [ClientKind::Web, ClientKind::Spa, ClientKind::Native] {
        for in_development in [false, true] {
            if let Ok(uri) = RedirectUri::parse(registered, kind, in_development) {
                check(&uri, requested, kind, in_development);
            }
        }
    }
}

fn check(uri: &RedirectUri, requested: &str, kind: ClientKind, in_development: bool) {
    let text = uri.as_str();
    let url = Url::parse(text).expect("a browser reads it");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{text}");
    let listens = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" => assert!(listens && (kind == ClientKind::Native || in_development), "{text} is in clear text"),
        scheme => assert!(kind == ClientKind::Native && scheme.contains('.'), "{text} is of a scheme of others"),
    }
    assert!(uri.matches(text, kind));
    if uri.matches(requested, kind) && requested != text {
        let asked = Url::parse(requested).expect("a browser reads it");
        assert!(kind == ClientKind::Native && listens && url.scheme() == "http", "{text} matches {requested}");
        let without_port =
            |url: &Url| (url.host_str().map(str::to_owned), url.path().to_owned(), url.query().map(str::to_owned));
        assert_eq!(without_port(&url), without_port(&asked));
        assert!(asked.username().is_empty() && asked.fragment().is_none(), "{requested}");
    }
}
