//! `POST /v1/mfa/totp`.

use reqwest::Method;

use crate::harness::second_factor::PhoneApp;
use crate::harness::{EMAIL, TABLE, TestServer};
use crate::permissions::observer::{Observer, expect};

/// Every branch that asks something of AWS: `make generate` makes the function's role of what it sees.
pub async fn drive(observer: &mut Observer) {
    let access = observer.server.signed_in().await.string("access_token");
    observer.server.verify_directly(EMAIL).await;
    observer
        .see("mfa-totp", async |it| expect(it.as_bearer(Method::POST, "/v1/mfa/totp", &access).await.status, 200))
        .await;
}

/// The text of a picture, as an app's camera reads it.
fn read(svg: &str) -> String {
    let size: usize = svg.split_once("viewBox=\"0 0 ").unwrap().1.split(' ').next().unwrap().parse().unwrap();
    let path = svg.split_once("fill=\"#000\" d=\"").unwrap().1.split('"').next().unwrap();
    let mut dark = vec![false; size * size];
    for run in path.split('M').filter(|run| !run.is_empty()) {
        let (x, rest) = run.split_once(' ').unwrap();
        let (y, rest) = rest.split_once('h').unwrap();
        let length: usize = rest.split('v').next().unwrap().parse().unwrap();
        let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
        dark[y * size + x..y * size + x + length].fill(true);
    }
    let scale = 8;
    let side = size * scale;
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| {
        if dark[y / scale * size + x / scale] { 0 } else { 255 }
    });
    let grids = image.detect_grids();
    grids[0].decode().unwrap().1
}

#[tokio::test]
async fn sec_mf_08_it_gives_a_secret_that_apps_read_and_changes_nothing() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    server.verify_directly(EMAIL).await;
    let before = server.items(TABLE, "").await.len();
    let answer = server.as_bearer(Method::POST, "/v1/mfa/totp", &access).await;
    assert_eq!((answer.status, answer.json()["expires_in"].as_u64()), (200, Some(600)), "{}", answer.text);
    let (secret, uri) = (answer.string("secret"), answer.string("otpauth_uri"));
    assert_eq!(secret.len(), 32);
    let expected = format!(
        "otpauth://totp/Wardgate:ada%40example.com?secret={secret}&issuer=Wardgate&algorithm=SHA1&digits=6&period=30"
    );
    assert_eq!(uri, expected);
    assert_eq!(read(&answer.string("qr_svg")), uri, "the picture says the same");
    assert_eq!(server.code_of(&PhoneApp::typed(&secret)), server.code_of(&PhoneApp::scanned(&uri)));
    assert!(answer.string("enrolment_token").starts_with("te_"));
    assert_eq!(server.items(TABLE, "").await.len(), before, "nothing is stored");
    assert_eq!(server.login(EMAIL, crate::harness::PASSWORD).await.string("status"), "signed_in");
    let other = server.as_bearer(Method::POST, "/v1/mfa/totp", &access).await;
    assert_ne!(other.string("secret"), secret);
}

#[tokio::test]
async fn sec_mf_08_it_needs_a_fresh_session_and_an_address_whose_owner_can_be_told() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    let unverified = server.as_bearer(Method::POST, "/v1/mfa/totp", &access).await;
    assert_eq!((unverified.status, unverified.string("code").as_str()), (409, "email_not_verified"));
    server.verify_directly(EMAIL).await;
    server.clock.advance(299);
    assert_eq!(server.as_bearer(Method::POST, "/v1/mfa/totp", &access).await.status, 200);
    let refresh = server.login(EMAIL, crate::harness::PASSWORD).await.string("refresh_token");
    server.clock.advance(301);
    let stale = server.refresh(&refresh).await.string("access_token");
    let answer = server.as_bearer(Method::POST, "/v1/mfa/totp", &stale).await;
    assert_eq!((answer.status, answer.string("code").as_str()), (401, "insufficient_user_authentication"));
    assert_eq!(server.as_bearer(Method::POST, "/v1/mfa/totp", "").await.status, 401);
}
