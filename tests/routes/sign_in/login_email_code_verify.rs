//! `POST /v1/login/email-code/verify`

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use wardgate::domain::email::Email;
use wardgate::domain::id::OneTimeId;
use wardgate::domain::nonce::Nonce;
use wardgate::domain::one_time::{MailToken, OneTime, Purpose};

use crate::harness::mailed_code::MailedCode;
use crate::harness::{AUDIT_TABLE, Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer};

const UNKNOWN: &str = "nobody@example.com";
/// A code is this with a chance of one in 2^40.
const WRONG: &str = "00000000";

fn one_time(item: &HashMap<String, AttributeValue>) -> OneTime {
    serde_dynamo::from_item(item.clone()).unwrap()
}

async fn verify(server: &TestServer, mailed: &MailedCode) -> Answer {
    server.verify_sign_in(&mailed.body()).await
}

async fn guess(server: &TestServer, mailed: &MailedCode) -> Answer {
    server.verify_sign_in(&mailed.with(WRONG)).await
}

async fn verify_link(server: &TestServer, mailed: &MailedCode) -> Answer {
    server.verify_sign_in(&mailed.link()).await
}

/// A flow of an address that nobody has.
async fn unknown(server: &TestServer) -> MailedCode {
    let flow = server.code_flow(UNKNOWN).await;
    MailedCode { email: UNKNOWN.to_owned(), code: WRONG.to_owned(), token: String::new(), flow }
}

#[track_caller]
fn assert_refused(answer: &Answer) {
    assert_eq!((answer.status, answer.string("code").as_str()), (401, "invalid_code"), "{}", answer.text);
}

async fn registered(variables: &[(&str, &str)]) -> TestServer {
    let server = TestServer::with(variables).await;
    server.register(EMAIL, PASSWORD).await;
    server
}

async fn sessions(server: &TestServer) -> usize {
    server.items(TABLE, "USER#").await.iter().filter(|item| item.contains_key("generation")).count()
}

/// What an access token says, read without verifying it.
fn claims(answer: &Answer) -> Value {
    use base64::Engine as _;
    let access = answer.string("access_token");
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(access.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

/// EN-06: the token says that this one factor was proven, and no other.
#[tokio::test]
async fn sec_en_06_signs_in_with_the_code_or_with_the_link_as_one_factor() {
    let server = registered(&[]).await;
    let mailed = server.mailed_code(EMAIL).await;
    let typed = format!(" {}-{} ", &mailed.code[..4].to_lowercase(), &mailed.code[4..]);
    let answer = server.verify_sign_in(&mailed.with(&typed)).await;
    assert_eq!((answer.status, answer.string("status").as_str()), (200, "signed_in"), "{}", answer.text);
    assert_eq!(claims(&answer)["amr"], json!(["otp"]));
    assert_eq!(server.refresh(&answer.string("refresh_token")).await.status, 200);
    let mailed = server.mailed_code(EMAIL).await;
    let answer = verify_link(&server, &mailed).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(claims(&answer)["amr"], json!(["otp"]));
}

#[tokio::test]
async fn sec_ot_11_the_sixth_try_of_a_code_is_refused_even_if_right() {
    let server = registered(&[]).await;
    let mailed = server.mailed_code(EMAIL).await;
    for _ in 0..5 {
        assert_refused(&guess(&server, &mailed).await);
    }
    assert_refused(&verify(&server, &mailed).await);
    let mailed = server.mailed_code(EMAIL).await;
    assert_eq!(verify(&server, &mailed).await.status, 200, "a new code has tries of its own");
}

/// Ten wrong codes from anywhere closed code sign-in for a day, and each order ended the code before.
#[tokio::test]
async fn sec_ot_11_strangers_flows_neither_end_a_code_nor_use_up_its_tries() {
    let server = registered(&[]).await;
    let mailed = server.mailed_code(EMAIL).await;
    for _ in 0..4 {
        let strangers = MailedCode { flow: server.code_flow(EMAIL).await, ..mailed.clone() };
        assert_refused(&verify(&server, &strangers).await);
        for _ in 0..5 {
            assert_refused(&guess(&server, &strangers).await);
        }
    }
    assert_eq!(verify(&server, &mailed).await.status, 200);
}

#[tokio::test]
async fn sec_ot_11_a_code_works_with_the_flow_alone_that_asked_for_it() {
    let server = registered(&[]).await;
    let (mailed, later) = (server.mailed_code(EMAIL).await, server.mailed_code(EMAIL).await);
    let of_registration = server.register("grace@example.com", PASSWORD).await.string("flow_token");
    let damaged = format!("{}AAAA", &mailed.flow[..mailed.flow.len() - 4]);
    for flow in [later.flow.clone(), of_registration, damaged, "nonsense".to_owned()] {
        assert_refused(&verify(&server, &MailedCode { flow, ..mailed.clone() }).await);
    }
    assert_eq!(verify(&server, &later).await.status, 200, "two live at once");
    assert_eq!(verify(&server, &mailed).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_en_01_of_200_parallel_guesses_of_a_code_at_most_five_are_evaluated() {
    let server = registered(&[]).await;
    let mailed = server.mailed_code(EMAIL).await;
    let answers = join_all((0..200).map(|_| guess(&server, &mailed))).await;
    answers.iter().for_each(assert_refused);
    assert_eq!(one_time(&server.codes(EMAIL).await[0]).attempts, 5, "nothing is compared without having been counted");
}

/// A stranger's link, pressed by somebody else, signed that person in as the stranger.
#[tokio::test]
async fn sec_ot_06_sec_ot_11_a_link_elsewhere_needs_the_code_of_its_mail() {
    let server = registered(&[]).await;
    let (mailed, other) = (server.mailed_code(EMAIL).await, server.mailed_code(EMAIL).await);
    let alone = server.verify_sign_in(&json!({ "token": mailed.token })).await;
    assert_eq!((alone.status, alone.fault()), (400, ("flow_token".to_owned(), "missing".to_owned())));
    let elsewhere = server.verify_sign_in(&json!({ "token": mailed.token, "flow_token": other.flow })).await;
    assert_eq!((elsewhere.status, elsewhere.string("code").as_str()), (403, "code_required"));
    let with = |code: &str| json!({ "token": mailed.token, "code": code });
    assert_refused(&server.verify_sign_in(&with(&other.code)).await);
    assert_eq!(server.verify_sign_in(&with(&mailed.code)).await.status, 200, "nothing was used up before");
    assert_refused(&server.verify_sign_in(&with(&mailed.code)).await);
    assert_eq!(sessions(&server).await, 1);

    for _ in 0..5 {
        assert_refused(&server.verify_sign_in(&json!({ "token": other.token, "code": WRONG })).await);
    }
    assert_refused(&verify(&server, &other).await);
}

#[tokio::test]
async fn sec_en_02_one_source_is_limited_over_all_addresses() {
    let server = TestServer::with(&[("AUTH__LIMITS__LOGIN_SOURCE__LIMIT", "3")]).await;
    let mailed = unknown(&server).await;
    for (index, expected) in [401, 401, 401, 429].into_iter().enumerate() {
        let email = format!("user{index}@example.com");
        assert_eq!(guess(&server, &MailedCode { email, ..mailed.clone() }).await.status, expected);
    }
}

#[tokio::test]
async fn sec_ot_11_a_code_of_another_address_or_kind_does_not_fit() {
    let server = registered(&[]).await;
    server.register("grace@example.com", PASSWORD).await;
    let (mailed, other) = (server.mailed_code(EMAIL).await, server.mailed_code("grace@example.com").await);
    assert_refused(&server.verify_sign_in(&mailed.with(&other.code)).await);
    assert_refused(&verify(&server, &MailedCode { email: EMAIL.to_owned(), ..other }).await);

    let now = server.context().now;
    let ring = server.app.secrets.mail_mac(now).await.unwrap();
    let mac_key = ring.current(now).unwrap();
    let item = one_time(&server.codes(EMAIL).await[0]);
    let of_kind = |purpose| MailToken {
        purpose,
        email_key: item.email_key.clone(),
        id: item.id.to_bytes(),
        nonce: item.mailing.nonce.clone(),
    };
    let of_reset = of_kind(Purpose::PasswordReset);
    assert_refused(&server.verify_sign_in(&mailed.with(&of_reset.sign_in_code(mac_key))).await);
    assert_refused(&verify_link(&server, &MailedCode { token: of_reset.seal(mac_key), ..mailed.clone() }).await);
    assert_eq!(verify(&server, &mailed).await.status, 200);
}

#[tokio::test]
async fn sec_ot_09_a_forged_link_costs_no_store_request_and_one_without_the_items_bits_opens_nothing() {
    let server = registered(&[]).await;
    let mailed = server.mailed_code(EMAIL).await;
    let with = |token: String| MailedCode { token, ..mailed.clone() };
    server.store.reset();
    assert_refused(&verify_link(&server, &with(format!("{}AAAA", &mailed.token[..mailed.token.len() - 4]))).await);
    assert_refused(&verify_link(&server, &with("nonsense".to_owned())).await);
    assert_eq!(server.store.count(), 0);
    // Who has a key of the ring, but not the item.
    let now = server.context().now;
    let ring = server.app.secrets.mail_mac(now).await.unwrap();
    let email_key = Email::parse(EMAIL).unwrap().key();
    let id = OneTimeId::new(now, 1).to_bytes();
    let made_up = MailToken { purpose: Purpose::EmailCode, email_key, id, nonce: Nonce::new([7; 16]) };
    assert_refused(&verify_link(&server, &with(made_up.seal(ring.current(now).unwrap()))).await);
}

#[tokio::test]
async fn sec_ot_02_a_used_code_or_link_is_not_taken_again() {
    let server = registered(&[]).await;
    let mailed = server.mailed_code(EMAIL).await;
    assert_eq!(verify(&server, &mailed).await.status, 200);
    assert_refused(&verify(&server, &mailed).await);
    assert_refused(&verify_link(&server, &mailed).await);
    assert_eq!(sessions(&server).await, 1);
}

#[tokio::test]
async fn sec_ot_03_sec_ot_04_a_code_expires_after_ten_minutes_by_the_clock() {
    let server = registered(&[]).await;
    let mailed = server.mailed_code(EMAIL).await;
    server.clock.advance(600);
    assert_refused(&verify(&server, &mailed).await);
    assert_refused(&verify_link(&server, &mailed).await);
    let mailed = server.mailed_code(EMAIL).await;
    server.clock.advance(599);
    assert_eq!(verify(&server, &mailed).await.status, 200);
}

#[tokio::test]
async fn sec_en_02_a_code_signs_in_while_the_password_is_locked_and_its_device_is_known() {
    let server = registered(&[]).await;
    for _ in 0..10 {
        server.login(EMAIL, OTHER_PASSWORD).await;
    }
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 429);
    let mailed = server.mailed_code(EMAIL).await;
    let device = verify(&server, &mailed).await.string("device_token");
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 429, "nothing is cleared");
    let body = json!({ "email": EMAIL, "password": PASSWORD, "device_token": device });
    assert_eq!(server.post("/v1/login", &body).await.status, 200);
}

#[tokio::test]
async fn sec_se_04_an_account_that_was_disabled_or_changed_since_the_mail_is_refused() {
    let email_key = Email::parse(EMAIL).unwrap().key();
    let pk = format!("EMAIL#{}", email_key.as_str());
    for (of_user, attribute, value) in [
        (false, "status", AttributeValue::S("disabled".to_owned())),
        (false, "cred_version", AttributeValue::N("2".to_owned())),
        (false, "user_id", AttributeValue::S("usr_00000000000000000000000001".to_owned())),
        (false, "reserved_until", AttributeValue::N("9999999999999".to_owned())),
        (true, "status", AttributeValue::S("disabled".to_owned())),
        (true, "cred_version", AttributeValue::N("2".to_owned())),
        (true, "sessions_not_before", AttributeValue::N("9999999999999".to_owned())),
    ] {
        let server = registered(&[]).await;
        let mailed = server.mailed_code(EMAIL).await;
        let user = server.items(TABLE, "USER#").await.remove(0)["pk"].as_s().unwrap().clone();
        let (pk, sk) = if of_user { (user.as_str(), "PROFILE") } else { (pk.as_str(), "CREDENTIAL") };
        server.set_attribute(pk, sk, attribute, value).await;
        assert_refused(&verify(&server, &mailed).await);
        assert_refused(&verify_link(&server, &mailed).await);
        assert_eq!(sessions(&server).await, 0, "{attribute}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_ot_02_of_racing_right_codes_one_signs_in() {
    let server = registered(&[]).await;
    let mailed = server.mailed_code(EMAIL).await;
    let codes = join_all((0..4).map(|_| verify(&server, &mailed)));
    let links = join_all((0..4).map(|_| verify_link(&server, &mailed)));
    let (codes, links) = futures::join!(codes, links);
    let statuses: Vec<u16> = codes.iter().chain(&links).map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 7, "{statuses:?}");
    assert_eq!(sessions(&server).await, 1);
}

#[tokio::test]
async fn sec_en_04_known_and_unknown_addresses_cost_the_same_store_operations() {
    let server = registered(&[]).await;
    server.verify_directly(EMAIL).await;
    let known = MailedCode { email: EMAIL.to_owned(), flow: server.code_flow(EMAIL).await, ..unknown(&server).await };
    server.newest_mail(EMAIL).await;
    let (sent, unknown) = (server.mailed_code(EMAIL).await, unknown(&server).await);
    for attempt in 0..6 {
        let mut seen = Vec::new();
        for mailed in [&known, &sent, &unknown] {
            server.store.reset();
            let answer = guess(&server, mailed).await;
            seen.push((answer.status, answer.text.len(), server.store.rounds()));
        }
        // Nothing is read: that would take longer where there is something to be read.
        assert_eq!(seen[0].2, [["UpdateItem"], ["UpdateItem"], ["PutItem"]], "try {attempt}");
        assert!(seen.iter().all(|other| *other == seen[0]), "try {attempt}: {seen:?}");
    }
    // The tries of an address that has no account are counted as well: up to the fifth, on its item.
    for email in [EMAIL, UNKNOWN] {
        let attempts = |item: &HashMap<_, _>| one_time(item).attempts;
        assert_eq!(server.codes(email).await.iter().map(attempts).max(), Some(5), "{email}");
    }
}

#[tokio::test]
async fn sec_pl_03_sign_ins_by_code_and_their_failures_are_recorded() {
    let server = registered(&[]).await;
    let mailed = server.mailed_code(EMAIL).await;
    guess(&server, &mailed).await;
    verify(&server, &mailed).await;
    let lines = server.items(AUDIT_TABLE, "").await;
    let mut actions: Vec<&str> = lines.iter().map(|line| line["action"].as_s().unwrap().as_str()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["registered", "sign_in_failed", "signed_in"]);
}

#[tokio::test]
async fn a_known_device_stays_known_and_a_new_one_is_told_of() {
    let server = registered(&[]).await;
    let device = server.login(EMAIL, PASSWORD).await.string("device_token");
    server.clock.advance(600);
    let mailed = server.mailed_code(EMAIL).await;
    let mut body = mailed.body();
    body["device_token"] = json!(device);
    let answer = server.verify_sign_in(&body).await;
    assert_eq!((answer.status, answer.string("device_token")), (200, device));
    let notices = async || {
        let items = server.items(TABLE, "EMAIL#").await;
        items.iter().filter(|item| item["sk"].as_s().unwrap().starts_with("ONE_TIME#new_device#")).count()
    };
    assert_eq!(notices().await, 0);
    let mailed = server.mailed_code(EMAIL).await;
    let answer = verify_link(&server, &mailed).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(notices().await, 1);
    let again = json!({ "email": EMAIL, "password": PASSWORD, "device_token": answer.string("device_token") });
    assert_eq!(server.post("/v1/login", &again).await.string("device_token"), answer.string("device_token"));
}

#[tokio::test]
async fn sec_se_06_in_cookie_mode_the_refresh_token_is_in_the_cookie_alone() {
    let server = registered(&[]).await;
    let mailed = server.mailed_code(EMAIL).await;
    let mut body = mailed.body();
    body["transport"] = json!("cookie");
    let request = || server.request(Method::POST, "/v1/login/email-code/verify").json(&body);
    let foreign = server.send(request().header("origin", "https://evil.example")).await;
    assert_eq!((foreign.status, foreign.string("code").as_str()), (403, "origin_not_allowed"));
    let answer = server.send(request().header("origin", "http://localhost:3000")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.header("set-cookie").starts_with("__Host-wardgate-refresh=rt_"));
    assert!(answer.json().get("refresh_token").is_none());
}

#[tokio::test]
async fn bad_input_is_named() {
    let server = TestServer::start().await;
    for (body, member, code) in [
        (json!({}), "email", "missing"),
        (json!({ "code": WRONG }), "email", "missing"),
        (json!({ "email": EMAIL }), "code", "missing"),
        (json!({ "email": "nonsense", "code": WRONG, "flow_token": "x" }), "email", "invalid"),
        (json!({ "email": EMAIL, "code": WRONG }), "flow_token", "missing"),
        (json!({ "token": "x" }), "flow_token", "missing"),
        (json!({ "token": "x", "email": EMAIL }), "token", "conflict"),
        (json!({ "token": "x", "pin": "x" }), "pin", "unknown"),
    ] {
        let answer = server.post("/v1/login/email-code/verify", &body).await;
        assert_eq!((answer.status, answer.fault()), (400, (member.to_owned(), code.to_owned())), "{body}");
    }
}
