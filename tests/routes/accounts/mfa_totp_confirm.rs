//! `POST /v1/mfa/totp/confirm`.

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::harness::applications::claims;
use crate::harness::{EMAIL, PASSWORD, TestServer};
use crate::permissions::observer::{Observer, expect};

/// Every branch that asks something of AWS: `make generate` makes the function's role of what it sees.
pub async fn drive(observer: &mut Observer) {
    let access = observer.server.signed_in().await.string("access_token");
    observer.server.verify_directly(EMAIL).await;
    // The first, and another in its place.
    for end_other_sessions in [false, true] {
        let (app, token) = observer.server.enrolment(&access).await;
        observer
            .see("mfa-totp-confirm", async |it| {
                expect(it.confirm(&access, &token, "000000").await.status, 400);
                let body = json!({
                    "enrolment_token": token, "code": it.code_of(&app), "end_other_sessions": end_other_sessions,
                });
                expect(it.mfa(&access, Method::POST, "/totp/confirm", &body).await.status, 200);
            })
            .await;
    }
}

#[tokio::test]
async fn sec_mf_08_with_the_apps_first_code_there_is_a_second_factor_and_its_owner_hears_of_it() {
    let server = TestServer::start().await;
    let session = server.signed_in().await;
    server.verify_directly(EMAIL).await;
    let access = session.string("access_token");
    let (app, token) = server.enrolment(&access).await;
    let code = server.code_of(&app);
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    let answer = server.confirm(&access, &token, &spaced).await;
    assert_eq!((answer.status, answer.string("status").as_str()), (200, "totp_added"), "{}", answer.text);
    let codes: Vec<String> = serde_json::from_value(answer.json()["recovery_codes"].clone()).unwrap();
    assert_eq!(codes.len(), 10);
    assert!(codes.iter().all(|code| code.len() == 29 && code.split('-').count() == 6), "{codes:?}");
    // This session has shown both by now: what is delicate is open to it.
    assert_eq!(server.as_bearer(Method::GET, "/v1/me/export", &access).await.status, 200);
    let refreshed = server.refresh(&session.string("refresh_token")).await;
    assert_eq!(claims(&refreshed.string("access_token"))["acr"], "urn:wardgate:2fa");
    let mail = server.newest_mail(EMAIL).await;
    assert!(mail.text.contains("An authenticator app was added") && mail.text.contains("/ui/undo-factor?token=uf_"));
    // The code that set it up signs nobody in (MF-03).
    let token = server.first_step().await;
    assert_eq!(server.second_step(&token, "totp", &code).await.status, 401);
    server.clock.advance(30);
    assert_eq!(server.second_step(&token, "totp", &server.code_of(&app)).await.status, 200);
    let activity = server.as_bearer(Method::GET, "/v1/me/activity", &access).await.text;
    assert!(activity.contains("\"totp_added\""), "{activity}");
}

#[tokio::test]
async fn sec_mf_08_a_later_app_takes_the_place_of_the_first_and_its_mail_undoes_nothing() {
    let server = TestServer::start().await;
    let first = server.with_second_factor().await;
    let access = first.access();
    let (app, token) = server.enrolment(&access).await;
    let answer = server.confirm(&access, &token, &server.code_of(&app)).await;
    assert_eq!((answer.status, answer.json().get("recovery_codes")), (200, None), "{}", answer.text);
    let mail = server.newest_mail(EMAIL).await;
    assert!(mail.text.contains("An authenticator app was added") && !mail.text.contains("/ui/undo-factor"));
    server.clock.advance(30);
    let token = server.first_step().await;
    assert_eq!(server.second_step(&token, "totp", &server.code_of(&first.app)).await.status, 401);
    assert_eq!(server.second_step(&token, "totp", &server.code_of(&app)).await.status, 200);
    let token = server.first_step().await;
    assert_eq!(server.second_step(&token, "recovery_code", &first.recovery_codes[0]).await.status, 200);
}

#[tokio::test]
async fn sec_mf_08_what_comes_back_has_to_be_of_this_user_this_session_and_ten_minutes() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    server.verify_directly(EMAIL).await;
    server.register("grace@example.com", PASSWORD).await;
    server.verify_directly("grace@example.com").await;
    let other = server.login("grace@example.com", PASSWORD).await.string("access_token");
    let second = server.login(EMAIL, PASSWORD).await.string("access_token");
    let (app, token) = server.enrolment(&access).await;
    for (access, token, why) in [
        (&other, token.as_str(), "another user"),
        (&second, &token, "another session"),
        (&access, "te_k1.AAAA.AAAA", "forged"),
        (&access, &token.replacen("te_", "mt_", 1), "another kind"),
    ] {
        let answer = server.confirm(access, token, &server.code_of(&app)).await;
        assert_eq!((answer.status, answer.string("code").as_str()), (400, "enrolment_expired"), "{why}");
    }
    server.clock.advance(600);
    let fresh = server.login(EMAIL, PASSWORD).await.string("access_token");
    let late = server.confirm(&access, &token, &server.code_of(&app)).await;
    assert_eq!(late.status, 401, "and its session is not fresh any more");
    let (app, token) = server.enrolment(&fresh).await;
    server.clock.advance(299);
    assert_eq!(server.confirm(&fresh, &token, &server.code_of(&app)).await.status, 200);
}

#[tokio::test]
async fn sec_mf_03_a_phone_whose_clock_is_wrong_is_told_so() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    server.verify_directly(EMAIL).await;
    let (app, token) = server.enrolment(&access).await;
    for (steps, said) in [(20, "10 min ahead"), (-6, "3 min behind"), (2, "1 min ahead")] {
        let answer = server.confirm(&access, &token, &server.code_later(&app, steps)).await;
        assert_eq!((answer.status, answer.string("code").as_str()), (400, "clock_skew"), "{steps}");
        assert!(answer.string("detail").contains(said), "{steps}: {}", answer.text);
    }
    for wrong in [server.code_later(&app, 21), "000000".to_owned(), String::new(), "x".repeat(64)] {
        let answer = server.confirm(&access, &token, &wrong).await;
        assert_eq!((answer.status, answer.string("code").as_str()), (400, "invalid_code"), "{wrong}");
    }
    assert_eq!(server.confirm(&access, &token, &server.code_later(&app, -1)).await.status, 200);
}

#[tokio::test]
async fn sec_mf_26_every_other_session_ends_where_its_owner_wants_it() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    server.verify_directly(EMAIL).await;
    let other = server.login(EMAIL, PASSWORD).await.string("access_token");
    let alive = async |access: &str| server.as_bearer(Method::GET, "/v1/me", access).await.status == 200;
    let (app, token) = server.enrolment(&access).await;
    assert_eq!(server.confirm(&access, &token, &server.code_of(&app)).await.status, 200);
    assert!(alive(&other).await && alive(&access).await);
    let (app, token) = server.enrolment(&access).await;
    server.clock.advance(30);
    let body = json!({ "enrolment_token": token, "code": server.code_of(&app), "end_other_sessions": true });
    assert_eq!(server.mfa(&access, Method::POST, "/totp/confirm", &body).await.status, 200);
    assert!(!alive(&other).await && alive(&access).await);
}

/// One of ten that set up an app at once: the recovery codes that were shown are those that are kept.
#[tokio::test]
async fn sec_mf_06_of_ten_enrolments_at_once_one_counts() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    server.verify_directly(EMAIL).await;
    let mut begun = Vec::new();
    for _ in 0..10 {
        begun.push(server.enrolment(&access).await);
    }
    let codes: Vec<String> = begun.iter().map(|(app, _)| server.code_of(app)).collect();
    let sent = begun.iter().zip(&codes).map(|((_, token), code)| server.confirm(&access, token, code));
    let answers = join_all(sent).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().enumerate().partition(|(_, answer)| answer.status == 200);
    assert_eq!(won.len(), 1, "{:?}", answers.iter().map(|it| it.status).collect::<Vec<_>>());
    assert!(lost.iter().all(|(_, answer)| answer.string("code") == "changed_meanwhile"));
    let codes: Vec<String> = serde_json::from_value(won[0].1.json()["recovery_codes"].clone()).unwrap();
    let token = server.first_step().await;
    assert_eq!(server.second_step(&token, "recovery_code", &codes[9]).await.status, 200);
    server.clock.advance(30);
    for (index, (app, _)) in begun.iter().enumerate() {
        let token = server.first_step().await;
        let expected = if index == won[0].0 { 200 } else { 401 };
        assert_eq!(server.second_step(&token, "totp", &server.code_of(app)).await.status, expected, "{index}");
    }
}
