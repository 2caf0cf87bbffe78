//! Requests for a sign-in: whatever an application sends is carried as the same request, leads to paths of ours alone, and is read
//! or refused (OC-01, OC-20, OC-28).

use std::collections::BTreeSet;

use wardgate::domain::oauth::authorization::{Authorization, ResponseMode};
use wardgate::domain::oauth::client::ClientRegistration;
use wardgate::domain::oauth::continuation::{Continuation, MAX_REQUEST};
use wardgate::domain::oauth::parameters::Parameters;

/// The input is a query, a line break, and what a page has carried as a flow.
pub(crate) fn run(data: &[u8]) {
    let (query, flow) = crate::text(data).split_once('\n').unwrap_or((crate::text(data), ""));
    // What a page carries may be anything, too.
    if let Some(decoded) = Continuation::decode(query) {
        check(&decoded, flow);
    }
    for request in [Continuation::of_authorize(query), Continuation::of_logout(query)].into_iter().flatten() {
        check(&request, flow);
    }
    let parameters = Parameters::parse(query.as_bytes());
    let _ = ResponseMode::read(&parameters);
    for client in ["web", "native"].map(client) {
        if let Ok(read) = Authorization::read(&parameters, &client) {
            let own: BTreeSet<String> = client.scopes.clone();
            assert!(!read.scopes.is_empty() && read.scopes.is_subset(&own), "{:?}", read.scopes);
            assert!(read.challenge.is_some() && read.resources.is_empty());
        }
    }
}

fn client(kind: &str) -> ClientRegistration {
    let registration = serde_json::json!({
        "id": "a", "kind": kind, "name": { "en": "A" }, "redirect_uris": ["https://a.example/"],
        "scopes": ["openid", "email"],
    });
    serde_json::from_value(registration).expect("a client")
}

fn check(request: &Continuation, flow: &str) {
    assert_eq!(Continuation::decode(&request.encode()).as_ref(), Some(request));
    for location in
        [request.location(None), request.location(Some(flow)), format!("/ui/login{}", request.page_query(flow))]
    {
        let is_own = ["/oauth2/", "/ui/"].iter().any(|own| location.starts_with(own));
        assert!(is_own && location.bytes().all(|byte| byte.is_ascii_graphic()), "{location}");
        assert!(location.len() <= 3 * MAX_REQUEST + 3 * flow.len(), "{location}");
    }
    let _ = (request.language(), request.hash(), request.is_authorization());
}
