//! Which mail goes to whom, that none is lost, and what the event bus is told.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use wardgate::domain::email::Email;
use wardgate::domain::id::OneTimeId;
use wardgate::domain::one_time::{OneTime, Purpose};
use wardgate_server::dev::pump::Drained;

use crate::harness::mail_edge::MailDisturbance;
use crate::harness::store_edge::Disturbance;
use crate::harness::{EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer, code, link_token};

const VERIFIED: (&str, &str) = ("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", "true");

/// Writes an item of this purpose for the address, as its use case does.
async fn order(server: &TestServer, purpose: Purpose, email: &str) -> OneTimeId {
    let key = Email::parse(email).unwrap().key();
    let item = server.app.one_time(&server.context(), purpose, key, Duration::from_mins(10)).unwrap();
    let recipient = Some(Email::parse(email).unwrap()).filter(|_| purpose != Purpose::EmailCode);
    let item = OneTime { recipient, ..item };
    server.app.store.add_one_time(&item).await.unwrap();
    item.id
}

async fn forgot(server: &TestServer) {
    assert_eq!(server.post("/v1/password/forgot", &json!({ "email": EMAIL })).await.status, 202);
}

async fn verified_account(variables: &[(&str, &str)]) -> TestServer {
    let server = TestServer::with(variables).await;
    server.register(EMAIL, PASSWORD).await;
    server.verify_directly(EMAIL).await;
    server.mails(EMAIL).await;
    server
}

#[tokio::test]
async fn sec_en_04_sec_en_07_a_registration_mails_a_link_and_a_code_or_tells_the_stored_owner() {
    let server = TestServer::with(&[VERIFIED]).await;
    server.register("Ada@Example.com", PASSWORD).await;
    let mails = server.mails(EMAIL).await;
    assert_eq!(mails.len(), 1);
    assert!(link_token(&mails[0]).starts_with("vt_m1."));
    assert_eq!(code(&mails[0]).len(), 8);

    let owned = verified_account(&[]).await;
    let before = owned.mails(EMAIL).await.len();
    owned.register("ADA@EXAMPLE.com", OTHER_PASSWORD).await;
    let mails = owned.mails(EMAIL).await;
    assert_eq!(mails.len(), before + 1);
    assert!(!mails[before].text.contains("token="), "{}", mails[before].text);
}

#[tokio::test]
async fn sec_en_07_mail_goes_to_the_address_as_its_owner_wrote_it() {
    let server = TestServer::with(&[VERIFIED]).await;
    let flow = server.register("Ada.Lovelace@Ｅxample.com", PASSWORD).await.string("flow_token");
    let address = "ada.lovelace@example.com";
    let mail = server.newest_mail(address).await;
    assert_eq!(mail.to, "Ada.Lovelace@example.com");
    let body = json!({ "email": address, "code": code(&mail), "flow_token": flow });
    assert_eq!(server.post("/v1/email/verify", &body).await.status, 200);
    // Whoever asks, and however they write it: mail goes to the stored address.
    for path in ["/v1/password/forgot", "/v1/login/email-code", "/v1/email/verify/resend"] {
        assert_eq!(server.post(path, &json!({ "email": "ADA.LOVELACE@EXAMPLE.COM" })).await.status, 202, "{path}");
        let mails = server.mails(address).await;
        assert!(mails.iter().all(|mail| mail.to == "Ada.Lovelace@example.com"), "{path}");
    }
    server.register("ADA.LOVELACE@EXAMPLE.COM", OTHER_PASSWORD).await;
    assert_eq!(server.newest_mail(address).await.to, "Ada.Lovelace@example.com");
}

#[tokio::test]
async fn resending_mails_the_newest_registration_again_with_the_same_link() {
    let server = TestServer::with(&[VERIFIED]).await;
    server.register(EMAIL, PASSWORD).await;
    server.clock.advance(1);
    server.register(EMAIL, OTHER_PASSWORD).await;
    let second = server.mails(EMAIL).await[1].clone();
    order(&server, Purpose::Resend, EMAIL).await;
    // A forgotten password of an account that is not there yet is answered the same way.
    forgot(&server).await;
    let mails = server.mails(EMAIL).await;
    assert_eq!(mails.len(), 4);
    assert_eq!((link_token(&mails[2]), code(&mails[2])), (link_token(&second), code(&second)));
    assert_eq!(link_token(&mails[3]), link_token(&second));
    // Nothing is pending for a stranger, nor for whoever is verified already.
    order(&server, Purpose::Resend, "bob@example.com").await;
    assert_eq!(server.mails("bob@example.com").await, []);
    let server = verified_account(&[]).await;
    let before = server.mails(EMAIL).await.len();
    order(&server, Purpose::Resend, EMAIL).await;
    assert_eq!(server.mails(EMAIL).await.len(), before);
}

#[tokio::test]
async fn sec_ot_11_a_code_goes_to_an_account_alone_and_each_order_has_its_own() {
    let server = verified_account(&[]).await;
    order(&server, Purpose::EmailCode, EMAIL).await;
    let first = code(&server.newest_mail(EMAIL).await);
    let before = server.mails(EMAIL).await.len();
    order(&server, Purpose::EmailCode, EMAIL).await;
    let mails = server.mails(EMAIL).await;
    assert_eq!((mails.len(), code(&mails[before]).len()), (before + 1, 8));
    assert_ne!(code(&mails[before]), first);

    order(&server, Purpose::EmailCode, "bob@example.com").await;
    assert_eq!(server.mails("bob@example.com").await, []);
}

#[tokio::test]
async fn each_notice_and_link_has_its_letter() {
    let server = verified_account(&[]).await;
    for (purpose, page) in [
        (Purpose::EmailChange, Some("/ui/confirm-email-change?token=cc_")),
        (Purpose::EmailUndo, Some("/ui/undo-email-change?token=cu_")),
        (Purpose::KeepAccount, Some("/ui/keep-account?token=ka_")),
        (Purpose::PasswordChanged, None),
    ] {
        order(&server, purpose, "new@example.com").await;
        let mail = server.newest_mail("new@example.com").await;
        match page {
            Some(page) => assert!(mail.text.contains(&format!("{}{page}", server.base)), "{}", mail.text),
            None => assert!(!mail.text.contains("token="), "{}", mail.text),
        }
    }
    assert_eq!(server.mails("new@example.com").await.len(), 4);
}

#[tokio::test]
async fn a_sign_in_from_a_new_device_is_told_to_the_account_and_names_the_device() {
    let server = verified_account(&[]).await;
    // Older than the account's first minutes.
    server.clock.advance(3600);
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    let request = server.request(reqwest::Method::POST, "/v1/login").header("user-agent", agent).json(&body);
    let device_token = server.send(request).await.string("device_token");
    let mail = server.newest_mail(EMAIL).await;
    assert!(mail.text.contains("Firefox on Linux"), "{}", mail.text);
    let before = server.mails(EMAIL).await.len();
    let known = json!({ "email": EMAIL, "password": PASSWORD, "device_token": device_token });
    assert_eq!(server.post("/v1/login", &known).await.status, 200);
    assert_eq!(server.mails(EMAIL).await.len(), before, "a known device is no news");
}

#[tokio::test]
async fn sec_en_05_a_request_is_answered_before_any_mail_is_handed_over() {
    let server = verified_account(&[]).await;
    let before = server.mail_edge.taken();
    forgot(&server).await;
    assert_eq!(server.mail_edge.taken(), before);
    server.mails(EMAIL).await;
    assert_eq!(server.mail_edge.taken(), before + 1);
}

#[tokio::test]
async fn sec_en_03_strangers_cannot_use_up_what_tells_an_owner_of_a_takeover() {
    let server = verified_account(&[("AUTH__LIMITS__RESET_ADDRESS__LIMIT", "1")]).await;
    server.clock.advance(3600);
    forgot(&server).await;
    forgot(&server).await;
    let before = server.mails(EMAIL).await.len();
    order(&server, Purpose::PasswordChanged, EMAIL).await;
    order(&server, Purpose::EmailUndo, EMAIL).await;
    assert_eq!(server.mails(EMAIL).await.len(), before + 2);
}

#[tokio::test]
async fn no_mail_is_lost_or_doubled_by_a_transport_that_refuses() {
    let server = verified_account(&[]).await;
    let before = server.mails(EMAIL).await.len();
    server.mail_edge.disturb(MailDisturbance::Refused, 3);
    forgot(&server).await;
    for _ in 0..3 {
        assert_eq!(server.pump.drain().await.unwrap(), Drained::Waiting);
    }
    assert_eq!(server.mails(EMAIL).await.len(), before + 1);
    assert_eq!(server.mails(EMAIL).await.len(), before + 1);
    let token = link_token(&server.newest_mail(EMAIL).await);
    let body = json!({ "token": token, "new_password": OTHER_PASSWORD });
    assert_eq!(server.post("/v1/password/reset", &body).await.status, 200);
}

#[tokio::test]
async fn a_lost_answer_doubles_a_mail_with_the_same_link() {
    let server = verified_account(&[]).await;
    let before = server.mails(EMAIL).await.len();
    server.mail_edge.disturb(MailDisturbance::LostAnswer, 1);
    forgot(&server).await;
    assert_eq!(server.pump.drain().await.unwrap(), Drained::Waiting);
    let mails = server.mails(EMAIL).await;
    assert_eq!(mails.len(), before + 2);
    assert_eq!(link_token(&mails[before]), link_token(&mails[before + 1]));
}

/// Each request of the mailer, failing once before and once after it is carried out.
#[tokio::test]
async fn no_mail_is_lost_wherever_the_mailer_fails() {
    let one_try = [("AUTH__AWS__MAX_ATTEMPTS", "1")];
    for (operation, disturbance) in [
        ("GetItem", Disturbance::ServerError),
        ("UpdateItem", Disturbance::ServerError),
        ("UpdateItem", Disturbance::LostAnswer),
        ("TransactWriteItems", Disturbance::ServerError),
        ("TransactWriteItems", Disturbance::LostAnswer),
    ] {
        let server = verified_account(&one_try).await;
        let before = server.mails(EMAIL).await.len();
        forgot(&server).await;
        server.store.disturb(operation, disturbance, 1);
        assert_eq!(server.pump.drain().await.unwrap(), Drained::Waiting, "{operation} {disturbance:?}");
        assert_eq!(server.mails(EMAIL).await.len(), before + 1, "{operation} {disturbance:?}");
    }
}

#[tokio::test]
async fn a_second_delivery_of_the_same_changes_sends_nothing() {
    let server = verified_account(&[]).await;
    let id = order(&server, Purpose::PasswordChanged, EMAIL).await;
    let mails = server.mails(EMAIL).await;
    let key = Email::parse(EMAIL).unwrap().key();
    let order = json!({
        "pk": format!("EMAIL#{}", key.as_str()), "sk": format!("ONE_TIME#password_changed#{id}"), "id": id.to_string(),
    });
    let batch = json!({ "Records": [{ "messageId": "m1", "body": order.to_string() }] });
    let parts = mailer::Parts { transport: Box::new(server.mail_edge.clone()) };
    let answer = (mailer::FUNCTION.handler)(&server.app, &parts, serde_json::from_value(batch).unwrap()).await;
    assert_eq!(answer.unwrap().batch_item_failures, []);
    assert_eq!(server.mails(EMAIL).await, mails);
}

#[tokio::test]
async fn what_is_no_order_fails_alone() {
    let server = verified_account(&[]).await;
    let before = server.mails(EMAIL).await.len();
    order(&server, Purpose::PasswordChanged, EMAIL).await;
    let batch = json!({ "Records": [{ "messageId": "m1", "body": "no order" }, {
        "messageId": "m2", "body": json!({ "pk": "USER#usr_1", "sk": "PROFILE", "id": "usr_1" }).to_string(),
    }] });
    let parts = mailer::Parts { transport: Box::new(server.mail_edge.clone()) };
    let answer = (mailer::FUNCTION.handler)(&server.app, &parts, serde_json::from_value(batch).unwrap()).await;
    let failed: Vec<_> = answer.unwrap().batch_item_failures.into_iter().map(|it| it.item_identifier).collect();
    assert_eq!(failed, ["m1"], "an item that no mail is sent from is nothing to do");
    assert_eq!(server.mails(EMAIL).await.len(), before + 1);
}

#[tokio::test]
async fn sec_pl_02_the_bus_is_told_what_happened_without_personal_data() {
    let server = verified_account(&[]).await;
    let signed_in = server.login(EMAIL, PASSWORD).await;
    server.as_bearer(Method::POST, "/v1/logout", &signed_in.string("access_token")).await;
    forgot(&server).await;
    let body = json!({ "token": link_token(&server.newest_mail(EMAIL).await), "new_password": OTHER_PASSWORD });
    assert_eq!(server.post("/v1/password/reset", &body).await.status, 200);
    server.mails(EMAIL).await;
    let events = server.pump.bus().events();
    let mut names: Vec<&str> = events.iter().map(|event| event.kind.name()).collect();
    // The two of one transaction come in either order.
    names[4..].sort_unstable();
    let expected = [
        "account.created",
        "account.verified",
        "session.started",
        "session.ended",
        "password.changed",
        "sessions.ended",
    ];
    assert_eq!(names, expected);
    let session = signed_in.string("session_id");
    assert_eq!(events[2].detail.session_id.map(|id| id.to_string()), Some(session));
    for event in &events {
        let detail = serde_json::to_string(&event.detail).unwrap();
        assert!(!detail.contains(EMAIL) && !detail.contains(Email::parse(EMAIL).unwrap().key().as_str()), "{detail}");
    }
    let mut ids: Vec<&str> = events.iter().map(|event| event.detail.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), events.len(), "each event has an id of its own");
}

#[tokio::test]
async fn the_outbox_is_a_page_and_a_list() {
    let server = verified_account(&[]).await;
    forgot(&server).await;
    // Asking is enough: nobody has to wait for a mail that is on its way.
    let list = server.get("/dev/outbox?to=ADA%40example.com").await;
    let mails = list.json();
    let newest = mails.as_array().unwrap().last().unwrap();
    assert_eq!(newest["to"], EMAIL);
    assert_eq!(newest["sent_at"], "2026-03-01T12:30:00Z");
    let members: Vec<&String> = newest.as_object().unwrap().keys().collect();
    assert_eq!(members, ["html", "sent_at", "subject", "text", "to"]);
    let link = newest["text"].as_str().unwrap().split_whitespace().find(|word| word.contains("?token=")).unwrap();
    let page = server.get("/dev/outbox").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.text.contains(link) && page.text.contains("<a href="), "{}", page.text);
    assert!(!page.text.contains("<script") && page.header("content-security-policy").contains("default-src 'none'"));
    assert_eq!(server.get("/dev/outbox?to=nobody").await.json(), Value::Array(Vec::new()));
}

#[tokio::test]
async fn sec_pl_06_there_is_no_outbox_where_others_can_reach_it() {
    for variables in [[("AUTH__HTTP__BIND", r#"["0.0.0.0"]"#)], [("AUTH__HTTP__BIND", r#"["127.0.0.1", "192.0.2.1"]"#)]]
    {
        let server = TestServer::with(&variables).await;
        assert_eq!(server.get("/dev/outbox").await.status, 404);
        assert_eq!(server.get("/dev/outbox?to=a@example.com").await.status, 404);
    }
    assert_eq!(TestServer::start().await.get("/dev/outbox").await.status, 200);
}

#[tokio::test]
async fn sec_ot_01_items_on_their_way_hold_no_usable_token_and_no_code() {
    let server = verified_account(&[]).await;
    order(&server, Purpose::EmailCode, EMAIL).await;
    let mail = server.newest_mail(EMAIL).await;
    let items = format!("{:?}", server.items(TABLE, "EMAIL#").await);
    assert!(!items.contains(&code(&mail)));
    assert!(link_token(&mail).split('.').skip(1).all(|part| !items.contains(part)));
}

/// EN-05, OT-01: the SDK repeats a write whose answer was lost, perhaps after the mail has gone out.
#[tokio::test]
async fn sec_ot_01_a_repeated_order_does_not_kill_the_link_that_was_mailed() {
    let server = verified_account(&[]).await;
    for purpose in [Purpose::PasswordReset, Purpose::EmailCode] {
        let key = Email::parse(EMAIL).unwrap().key();
        let item = server.app.one_time(&server.context(), purpose, key, Duration::from_mins(10)).unwrap();
        server.app.store.add_one_time(&item).await.unwrap();
        let mails = server.mails(EMAIL).await;
        server.app.store.add_one_time(&item).await.unwrap();
        assert_eq!(server.mails(EMAIL).await, mails, "nothing is mailed again");
        let token = link_token(mails.last().unwrap());
        let (path, body) = if purpose == Purpose::PasswordReset {
            ("/v1/password/reset", json!({ "token": token, "new_password": "crimson kettles drift eastward" }))
        } else {
            let code = code(mails.last().unwrap());
            ("/v1/login/email-code/verify", json!({ "token": token, "code": code }))
        };
        server.clock.advance_millis(1);
        assert_eq!(server.post(path, &body).await.status, 200, "{purpose:?}");
    }
}
