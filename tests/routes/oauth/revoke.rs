//! `POST /oauth2/revoke`

use reqwest::Method;

use crate::harness::applications::{
    SECRET, ask_for_tokens, authorize, code_of, exchange, refresh, register_applications, sent, with_applications,
};
use crate::harness::pages::Browser;
use crate::harness::{Answer, EMAIL, PASSWORD, TestServer};
use crate::permissions::observer::{Observer, expect};

/// Every branch that asks something of AWS.
pub async fn drive(observer: &mut Observer) {
    register_applications(&observer.server).await;
    observer.server.register(EMAIL, PASSWORD).await;
    let mut browser = Browser::default();
    let tokens = tokens(&observer.server, &mut browser).await;
    for token in [tokens.string("refresh_token"), tokens.string("access_token"), "or_x.y.z".to_owned()] {
        observer.see("revoke", async |it| expect(revoke(it, &token).await.status, 200)).await;
    }
}

async fn tokens(server: &TestServer, browser: &mut Browser) -> Answer {
    let code = code_of(server, browser, &[]).await;
    let tokens = ask_for_tokens(server, &exchange(&code, &[])).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    server.step();
    tokens
}

async fn revoke(server: &TestServer, token: &str) -> Answer {
    let request = server.request(Method::POST, "/oauth2/revoke").basic_auth("shop", Some(SECRET));
    server.send(request.form(&[("token", token), ("token_type_hint", "access_token")])).await
}

async fn is_live(server: &TestServer, tokens: &Answer) -> (bool, bool) {
    let userinfo = server.as_bearer(Method::GET, "/oauth2/userinfo", &tokens.string("access_token")).await;
    let refreshed = ask_for_tokens(server, &refresh(&tokens.string("refresh_token"), &[])).await;
    (userinfo.status == 200, refreshed.status == 200)
}

#[tokio::test]
async fn either_token_ends_all_that_came_of_one_sign_in_and_nothing_else() {
    let server = with_applications().await;
    let mut browser = Browser::default();
    for name in ["refresh_token", "access_token"] {
        let (ended, other) = (tokens(&server, &mut browser).await, tokens(&server, &mut browser).await);
        for _ in 0..2 {
            // Again it is answered in the same way (RFC 7009, 2.2).
            let answer = revoke(&server, &ended.string(name)).await;
            assert_eq!((answer.status, answer.text.as_str()), (200, ""), "{name}");
        }
        assert_eq!(is_live(&server, &ended).await, (false, false), "{name}");
        assert_eq!(is_live(&server, &other).await, (true, true), "{name}");
    }
    // The person stays signed in.
    assert!(sent(&browser.open(&server, &authorize(&[("prompt", "none")])).await, "code").is_some());
}

#[tokio::test]
async fn sec_oc_12_another_client_ends_nothing_and_is_not_told() {
    let server = with_applications().await;
    let tokens = tokens(&server, &mut Browser::default()).await;
    for token in [tokens.string("refresh_token"), tokens.string("access_token")] {
        let request = server.request(Method::POST, "/oauth2/revoke").basic_auth("stranger", Some(SECRET));
        assert_eq!(server.send(request.form(&[("token", &token)])).await.status, 200);
        let request = server.request(Method::POST, "/oauth2/revoke");
        assert_eq!(server.send(request.form(&[("token", token.as_str()), ("client_id", "page")])).await.status, 200);
    }
    for token in ["", "x", "or_s1.AAAA.BBBB", "eyJhbGciOiJub25lIn0.e30."] {
        assert!([200, 400].contains(&revoke(&server, token).await.status), "{token}");
    }
    // Neither does a refresh token with other random bits, nor a session's.
    let api = server.login(EMAIL, PASSWORD).await;
    assert_eq!(revoke(&server, &api.string("refresh_token")).await.status, 200);
    assert_eq!(revoke(&server, &api.string("access_token")).await.status, 200);
    assert_eq!(server.as_bearer(Method::GET, "/v1/me", &api.string("access_token")).await.status, 200);
    assert_eq!(is_live(&server, &tokens).await, (true, true));
}

#[tokio::test]
async fn sec_oc_46_who_asks_comes_first() {
    let server = with_applications().await;
    let tokens = tokens(&server, &mut Browser::default()).await;
    for (id, secret) in [("shop", "wgcs_wrong"), ("nobody", SECRET)] {
        let request = server.request(Method::POST, "/oauth2/revoke").basic_auth(id, Some(secret));
        let refused = server.send(request.form(&[("token", tokens.string("refresh_token"))])).await;
        assert_eq!((refused.status, refused.string("error").as_str()), (401, "invalid_client"));
        assert_eq!(refused.header("www-authenticate"), "Basic realm=\"token\"");
    }
    let request = server.request(Method::POST, "/oauth2/revoke").basic_auth("shop", Some(SECRET));
    let refused = server.send(request.form(&[("token_type_hint", "x")])).await;
    assert_eq!((refused.status, refused.string("error").as_str()), (400, "invalid_request"));
    assert_eq!(is_live(&server, &tokens).await, (true, true));
}
