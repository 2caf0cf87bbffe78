//! `POST /v1/login/mfa/lost`, and the mails that come of it.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use wardgate::domain::email::Email;
use wardgate::domain::timestamp::Timestamp;
use wardgate::use_cases::allow_recovery::{AllowRecoveryError, allow_recovery};

use crate::harness::pages::{Browser, assert_dead, heading};
use crate::harness::{Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer, link_token};
use crate::permissions::observer::{Observer, expect};

const DAY: i64 = 24 * 3600;
const WAIT: i64 = 3 * DAY;

/// Every branch that asks something of AWS: `make generate` makes the function's role of what it sees.
pub async fn drive(observer: &mut Observer) {
    observer.server.with_second_factor().await;
    for wait in [0, 60, WAIT] {
        observer.server.clock.advance(wait);
        let token = observer.server.first_step().await;
        observer.see("login-mfa-lost", async |it| expect(lost_with(it, &token).await.status, 202)).await;
    }
}

async fn lost_with(server: &TestServer, token: &str) -> Answer {
    server.post("/v1/login/mfa/lost", &json!({ "mfa_token": token })).await
}

/// With a first step of its own.
pub async fn lost(server: &TestServer) -> Value {
    let token = server.first_step().await;
    let answer = lost_with(server, &token).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    answer.json()
}

/// The mails that tell the owner that somebody says so, and those that take the factors away.
async fn mails(server: &TestServer) -> (usize, usize) {
    let mails = server.mails(EMAIL).await;
    let with = |path: &str| mails.iter().filter(|mail| mail.text.contains(path)).count();
    (with("/ui/keep-factors?token=kf_"), with("/ui/remove-factors?token=rf_"))
}

#[tokio::test]
async fn sec_mf_20_after_three_days_and_two_mails_whoever_has_lost_everything_is_in_by_the_password() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    let began = lost(&server).await;
    assert_eq!(began, json!({ "status": "waiting", "available_at": "2026-03-04T12:30:30Z" }));
    assert_eq!(mails(&server).await, (1, 0));
    // Asking again restarts nothing, and mails nothing.
    server.clock.advance(DAY);
    assert_eq!(lost(&server).await, began);
    server.clock.advance(WAIT - DAY - 1);
    assert_eq!(lost(&server).await, began);
    assert_eq!(mails(&server).await, (1, 0));
    let shown = server.mfa(&factor.access(), Method::GET, "", &Value::Null).await;
    assert_eq!(shown.status, 401, "its access token has run out by now");
    server.clock.advance(1);
    assert_eq!(lost(&server).await, json!({ "status": "mail_sent" }));
    assert_eq!(mails(&server).await, (1, 1));
    let token = link_token(&server.newest_mail(EMAIL).await);
    let mut browser = Browser::default();
    let page = browser.open_link(&server, "remove-factors", &token).await;
    server.first_step().await;
    let done = browser.press(&server, &page, &[]).await;
    assert_eq!((done.status, heading(&done)), (200, "The second factor is gone"), "{}", done.text);
    server.step();
    assert_eq!(server.refresh(&factor.session.string("refresh_token")).await.status, 401, "every session is dead");
    assert_eq!(server.login(EMAIL, PASSWORD).await.string("status"), "signed_in");
    let told = server.mails(EMAIL).await;
    assert!(told.iter().any(|mail| mail.text.contains("The lost second factor was taken away")));
    assert!(!server.items(TABLE, "USER#").await.iter().any(|item| item["sk"].as_s().unwrap().starts_with("FACTOR#")));
    assert_dead(&Browser::default().press(&server, &page, &[]).await);
}

#[tokio::test]
async fn sec_mf_20_showing_a_factor_ends_it_and_so_does_the_link_and_another_password() {
    for way in ["totp", "recovery_code", "step_up", "link", "password", "codes"] {
        let server = TestServer::start().await;
        let factor = server.with_second_factor().await;
        lost(&server).await;
        let keep = link_token(&server.newest_mail(EMAIL).await);
        server.clock.advance(WAIT);
        lost(&server).await;
        let remove = link_token(&server.newest_mail(EMAIL).await);
        let code = server.code_of(&factor.app);
        let token = server.first_step().await;
        let mut password = PASSWORD;
        match way {
            "link" => {
                let kept = Browser::default().follow(&server, "keep-factors", &keep, &[]).await;
                assert_eq!(heading(&kept), "Your second factor stays");
            }
            "totp" => assert_eq!(server.second_step(&token, "totp", &code).await.status, 200),
            "recovery_code" => {
                assert_eq!(server.second_step(&token, way, &factor.recovery_codes[0]).await.status, 200);
            }
            _ => {
                // A session that lives, and has not shown a factor since.
                let refreshed = server.refresh(&factor.session.string("refresh_token")).await;
                let access = refreshed.string("access_token");
                let both = json!({ "password": PASSWORD, "method": "totp", "code": code });
                assert_eq!(server.step_up_with(&access, &both).await.status, 200);
                if way == "password" {
                    let change = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
                    let request = server.request(Method::POST, "/v1/password/change").bearer_auth(&access);
                    assert_eq!(server.send(request.json(&change)).await.status, 200);
                    password = OTHER_PASSWORD;
                } else if way == "codes" {
                    assert_eq!(server.mfa(&access, Method::POST, "/recovery-codes", &Value::Null).await.status, 200);
                }
            }
        }
        assert_dead(&Browser::default().follow(&server, "remove-factors", &remove, &[]).await);
        let again = server.login(EMAIL, password).await;
        assert_eq!(again.string("status"), "mfa_required", "{way}: the factor is still there");
        let answer = lost_with(&server, &again.string("mfa_token")).await;
        assert_eq!(answer.string("status"), "waiting", "{way}: the wait begins anew");
    }
}

#[tokio::test]
async fn sec_mf_20_of_fifty_at_once_one_begins_and_one_mail_goes_out() {
    let server = TestServer::start().await;
    server.with_second_factor().await;
    let token = server.first_step().await;
    let answers = join_all((0..50).map(|_| lost_with(&server, &token))).await;
    assert!(answers.iter().all(|answer| answer.status == 202 && answer.string("status") == "waiting"));
    assert_eq!(mails(&server).await, (1, 0));
    // And after the wait three mails in an hour.
    server.clock.advance(WAIT);
    let token = server.first_step().await;
    let answers = join_all((0..50).map(|_| lost_with(&server, &token))).await;
    let sent = answers.iter().filter(|answer| answer.status == 202).count();
    assert_eq!((sent, answers.iter().filter(|answer| answer.status == 429).count()), (3, 47));
}

#[tokio::test]
async fn sec_mf_20_it_is_forgotten_after_a_week_and_needs_a_first_step_that_stands() {
    let server = TestServer::start().await;
    server.with_second_factor().await;
    lost(&server).await;
    assert_eq!(mails(&server).await.0, 1);
    server.clock.advance(7 * DAY);
    assert_eq!(lost(&server).await["status"], "waiting");
    assert_eq!(mails(&server).await.0, 2);
    let token = server.first_step().await;
    for forged in ["", "mt_k1.AAAA.AAAA", &token.replacen("mt_", "te_", 1)] {
        let answer = lost_with(&server, forged).await;
        assert_eq!((answer.status, answer.string("code").as_str()), (401, "invalid_token"));
    }
    server.clock.advance(300);
    assert_eq!(lost_with(&server, &token).await.status, 401, "the first step is over");
}

#[tokio::test]
async fn sec_mf_20_nothing_is_lost_while_a_change_of_address_can_be_undone() {
    let server = TestServer::start().await;
    server.with_second_factor().await;
    let user = server.items(TABLE, "USER#").await.into_iter().find(|item| item["sk"].as_s().unwrap() == "PROFILE");
    let pk = user.unwrap()["pk"].as_s().unwrap().clone();
    let until = server.context().now.millis() + 7 * DAY * 1000;
    let former = json!([{ "email_key": "0".repeat(64), "reserved_until": until }]);
    server.set_attribute(&pk, "PROFILE", "former_addresses", serde_dynamo::to_attribute_value(former).unwrap()).await;
    let token = server.first_step().await;
    let answer = lost_with(&server, &token).await;
    assert_eq!((answer.status, answer.string("code").as_str()), (409, "address_changed_lately"), "{}", answer.text);
    assert!(matches!(allow(&server).await, Err(AllowRecoveryError::AddressChanged(_))), "nor by an operator");
    let mut browser = Browser::default();
    let login = browser.open(&server, "/ui/login").await;
    let shown = browser.press(&server, &login, &[("email", EMAIL), ("password", PASSWORD)]).await;
    let refused = browser.press(&server, &shown, &[("lost", "yes")]).await;
    assert_eq!((refused.status, refused.text.contains("was changed lately")), (409, true), "{}", refused.text);
}

/// On the page: beside the form for the code.
#[tokio::test]
async fn sec_mf_20_a_page_says_until_when_to_wait() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    let mut browser = Browser::default();
    let login = browser.open(&server, "/ui/login").await;
    let shown = browser.press(&server, &login, &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert!(shown.text.contains("I have lost my recovery codes, too"));
    let waiting = browser.press(&server, &shown, &[("lost", "yes")]).await;
    assert_eq!((waiting.status, heading(&waiting)), (200, "Wait until then"), "{}", waiting.text);
    assert!(waiting.text.contains("2026-03-04 12:30 UTC"), "{}", waiting.text);
    let found = browser.press(&server, &shown, &[("code", &server.code_of(&factor.app))]).await;
    assert_eq!(found.status, 200, "the form still works: {}", found.text);
}

async fn allow(server: &TestServer) -> Result<Timestamp, AllowRecoveryError> {
    let email = Email::parse(EMAIL).unwrap();
    allow_recovery(&server.app, &server.context(), &email).await
}

#[tokio::test]
async fn sec_mf_20_an_operator_ends_the_wait_and_takes_nothing_away() {
    let server = TestServer::start().await;
    server.signed_in().await;
    assert!(matches!(allow(&server).await, Err(AllowRecoveryError::NoSecondFactor)));
    server.with_second_factor_of(EMAIL).await;
    lost(&server).await;
    allow(&server).await.unwrap();
    let told = server.newest_mail(EMAIL).await;
    assert!(told.text.contains("/ui/keep-factors?token=kf_"), "the owner is told: {}", told.text);
    assert!(told.text.contains("lets them be taken off the account"), "{}", told.text);
    server.first_step().await;
    let items = server.items(TABLE, "USER#").await;
    assert!(items.iter().any(|item| item["sk"].as_s().unwrap() == "FACTOR#totp"), "nothing is taken away");
    assert_eq!(lost(&server).await, json!({ "status": "mail_sent" }));
    let link = link_token(&server.newest_mail(EMAIL).await);
    let mut browser = Browser::default();
    let shown = browser.open_link(&server, "remove-factors", &link).await;
    assert_eq!(browser.press(&server, &shown, &[]).await.status, 200);
    server.clock.advance(1);
    assert_eq!(server.login(EMAIL, PASSWORD).await.string("status"), "signed_in");
}

#[tokio::test]
async fn sec_mf_20_its_owner_ends_what_an_operator_was_talked_into() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    allow(&server).await.unwrap();
    let link = link_token(&server.newest_mail(EMAIL).await);
    let mut browser = Browser::default();
    let shown = browser.open_link(&server, "keep-factors", &link).await;
    assert_eq!(browser.press(&server, &shown, &[]).await.status, 200);
    assert_eq!(lost(&server).await["status"], "waiting", "from the beginning");
    // Or by signing in.
    allow(&server).await.unwrap();
    let token = server.first_step().await;
    assert_eq!(server.second_step(&token, "totp", &server.code_of(&factor.app)).await.status, 200);
    assert_eq!(lost(&server).await["status"], "waiting");
}

#[tokio::test]
async fn sec_mf_20_where_operators_decide_nobody_else_begins_the_wait() {
    let server = TestServer::with(&[("AUTH__ACCOUNTS__FACTOR_LOSS", "administrator")]).await;
    server.with_second_factor().await;
    let token = server.first_step().await;
    let refused = lost_with(&server, &token).await;
    assert_eq!((refused.status, refused.string("code").as_str()), (403, "recovery_by_administrator"));
    assert_eq!(mails(&server).await, (0, 0));
    let mut browser = Browser::default();
    let login = browser.open(&server, "/ui/login").await;
    let second = browser.press(&server, &login, &[("email", EMAIL), ("password", PASSWORD)]).await;
    let refused = browser.press(&server, &second, &[("lost", "yes")]).await;
    assert_eq!((refused.status, heading(&refused)), (403, "Second step"), "{}", refused.text);
    assert!(refused.text.contains("Only whoever runs"), "{}", refused.text);
    allow(&server).await.unwrap();
    assert_eq!(lost(&server).await, json!({ "status": "mail_sent" }));
}
