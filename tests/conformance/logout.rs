//! The modules about signing out (OpenID Connect RP-Initiated Logout 1.0).

use super::Suite;
use crate::harness::applications::{claims, leads_to, register_instead};
use crate::harness::pages::heading;
use crate::harness::relying_party::RelyingParty;

const BYE: &str = "https://shop.example/bye";

#[tokio::test]
async fn oidcc_rp_initiated_logout() {
    let mut suite = Suite::start().await;
    let (tokens, _) = suite.sign_in(&[]).await;
    let hint = tokens.string("id_token");
    let out = suite.logout(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE), ("state", "s1")]).await;
    assert_eq!(leads_to(&out), format!("{BYE}?state=s1"), "{}", out.text);
    assert!(suite.is_signed_out().await);
}

/// An error page, and the session goes on.
async fn is_refused(given: &[(&str, &str)]) {
    let mut suite = Suite::start().await;
    suite.sign_in(&[]).await;
    let out = suite.logout(given).await;
    assert_eq!((out.status, leads_to(&out).as_str()), (400, ""), "{}", out.text);
    assert!(!suite.is_signed_out().await);
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_bad_id_token_hint() {
    is_refused(&[("id_token_hint", "bad"), ("post_logout_redirect_uri", BYE), ("state", "s1")]).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_modified_id_token_hint() {
    let mut suite = Suite::start().await;
    let (tokens, _) = suite.sign_in(&[]).await;
    let hint = tokens.string("id_token");
    let (head, signature) = hint.rsplit_once('.').unwrap();
    let modified = format!("{head}.{}", signature.chars().rev().collect::<String>());
    let out = suite.logout(&[("id_token_hint", &modified), ("post_logout_redirect_uri", BYE)]).await;
    assert_eq!(out.status, 400, "{}", out.text);
    assert!(!suite.is_signed_out().await);
}

/// Nobody says whose address it is.
#[tokio::test]
async fn oidcc_rp_initiated_logout_no_id_token_hint() {
    is_refused(&[("post_logout_redirect_uri", BYE), ("state", "s1")]).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_bad_post_logout_redirect_uri() {
    is_refused(&[("client_id", "suite"), ("post_logout_redirect_uri", "https://shop.example/elsewhere")]).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri() {
    is_refused(&[("client_id", "suite"), ("post_logout_redirect_uri", "https://shop.example/bye?foo=bar")]).await;
}

/// The person is asked where nothing shows whose session it is, and a page of ours is the end.
async fn ends_at_a_page(given: &[(&str, &str)], with_hint: bool) {
    let mut suite = Suite::start().await;
    let (tokens, _) = suite.sign_in(&[]).await;
    let hint = tokens.string("id_token");
    let mut given = given.to_vec();
    if with_hint {
        given.push(("id_token_hint", &hint));
    }
    let out = suite.logout(&given).await;
    assert_eq!((out.status, heading(&out)), (200, "You are signed out"), "{}", out.text);
    assert!(suite.is_signed_out().await);
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_post_logout_redirect_uri() {
    ends_at_a_page(&[("state", "s1")], true).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_params() {
    ends_at_a_page(&[], false).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_only_state() {
    ends_at_a_page(&[("state", "s1")], false).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_state() {
    let mut suite = Suite::start().await;
    let (tokens, _) = suite.sign_in(&[]).await;
    let hint = tokens.string("id_token");
    let out = suite.logout(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)]).await;
    assert_eq!(leads_to(&out), BYE, "{}", out.text);
}

#[tokio::test]
async fn oidcc_backchannel_rp_initiated_logout() {
    let mut suite = Suite::start().await;
    let relying_party = RelyingParty::start();
    let told = relying_party.client("suite", "").replace("\"offline_access\"", "\"profile\"");
    register_instead(&suite.server, "suite", &told).await;
    let (tokens, id_token) = suite.sign_in(&[]).await;
    let hint = tokens.string("id_token");
    let out = suite.logout(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE), ("state", "s1")]).await;
    assert_eq!(leads_to(&out), format!("{BYE}?state=s1"), "{}", out.text);
    assert!(suite.is_signed_out().await);
    suite.server.pump.drain().await.unwrap();
    let taken = relying_party.taken();
    let [token] = taken.as_slice() else { panic!("{taken:?}") };
    let said = claims(token);
    for name in ["iss", "aud", "sub", "sid"] {
        assert_eq!(said[name], id_token[name], "{name}");
    }
}
