//! `POST /v1/login/email-code/verify`

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use wardgate::domain::email::Email;
use wardgate::domain::id::OneTimeId;
use wardgate::domain::one_time::{MailToken, Nonce, OneTime, Purpose};

use crate::harness::mailed_code::SLOT;
use crate::harness::{AUDIT_TABLE, Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer};

const UNKNOWN: &str = "nobody@example.com";
/// A code is this with a chance of one in 2^40.
const WRONG: &str = "00000000";

fn one_time(item: &HashMap<String, AttributeValue>) -> OneTime {
    serde_dynamo::from_item(item.clone()).unwrap()
}

async fn verify(server: &TestServer, email: &str, code: &str) -> Answer {
    server.post("/v1/login/email-code/verify", &json!({ "email": email, "code": code })).await
}

async fn verify_token(server: &TestServer, token: &str) -> Answer {
    server.post("/v1/login/email-code/verify", &json!({ "token": token })).await
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
    let (code, _) = server.mailed_code(EMAIL).await;
    let typed = format!(" {}-{} ", &code[..4].to_lowercase(), &code[4..]);
    let answer = verify(&server, EMAIL, &typed).await;
    assert_eq!((answer.status, answer.string("status").as_str()), (200, "signed_in"), "{}", answer.text);
    assert_eq!(claims(&answer)["amr"], json!(["otp"]));
    assert_eq!(server.refresh(&answer.string("refresh_token")).await.status, 200);
    let (_, token) = server.mailed_code(EMAIL).await;
    let answer = verify_token(&server, &token).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(claims(&answer)["amr"], json!(["otp"]));
}

#[tokio::test]
async fn sec_ot_11_the_sixth_try_of_a_code_is_refused_even_if_right() {
    let server = registered(&[]).await;
    let (code, _) = server.mailed_code(EMAIL).await;
    for _ in 0..5 {
        assert_refused(&verify(&server, EMAIL, WRONG).await);
    }
    assert_refused(&verify(&server, EMAIL, &code).await);
    let (code, _) = server.mailed_code(EMAIL).await;
    assert_eq!(verify(&server, EMAIL, &code).await.status, 200, "a new code has tries of its own");
}

#[tokio::test]
async fn sec_ot_11_the_eleventh_try_of_an_address_in_a_day_is_not_evaluated() {
    let server = registered(&[]).await;
    for email in [EMAIL, UNKNOWN] {
        for _ in 0..10 {
            assert_refused(&verify(&server, email, WRONG).await);
        }
        let answer = verify(&server, email, WRONG).await;
        assert_eq!((answer.status, answer.string("code").as_str()), (429, "too_many_attempts"));
    }
    let (code, _) = server.mailed_code(EMAIL).await;
    assert_eq!(verify(&server, EMAIL, &code).await.status, 429, "even the right one");
    server.clock.advance(24 * 3600);
    let (code, _) = server.mailed_code(EMAIL).await;
    assert_eq!(verify(&server, EMAIL, &code).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_en_01_of_200_parallel_guesses_of_a_code_at_most_five_are_evaluated() {
    let server = registered(&[]).await;
    server.mailed_code(EMAIL).await;
    let answers = join_all((0..200).map(|_| verify(&server, EMAIL, WRONG))).await;
    let answered = answers.iter().filter(|answer| answer.status == 401).count();
    let refused = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((answered, refused), (10, 190), "per address and day");

    let items = server.items(TABLE, "EMAIL#").await;
    let item = items.iter().find(|item| item["sk"].as_s().unwrap() == SLOT).unwrap();
    assert_eq!(one_time(item).attempts, 5, "per code: nothing is compared without having been counted");
}

#[tokio::test]
async fn sec_en_02_one_source_is_limited_over_all_addresses() {
    let server = TestServer::with(&[("AUTH__LIMITS__LOGIN_SOURCE__LIMIT", "3")]).await;
    for (index, expected) in [401, 401, 401, 429].into_iter().enumerate() {
        assert_eq!(verify(&server, &format!("user{index}@example.com"), WRONG).await.status, expected);
    }
}

#[tokio::test]
async fn sec_ot_11_a_new_code_ends_the_one_before() {
    let server = registered(&[]).await;
    let (old_code, old_token) = server.mailed_code(EMAIL).await;
    let (code, _) = server.mailed_code(EMAIL).await;
    assert_refused(&verify(&server, EMAIL, &old_code).await);
    assert_refused(&verify_token(&server, &old_token).await);
    assert_eq!(verify(&server, EMAIL, &code).await.status, 200);
}

#[tokio::test]
async fn sec_ot_11_a_code_of_another_address_or_kind_does_not_fit() {
    let server = registered(&[]).await;
    server.register("grace@example.com", PASSWORD).await;
    let (code, _) = server.mailed_code(EMAIL).await;
    let (other, _) = server.mailed_code("grace@example.com").await;
    assert_refused(&verify(&server, EMAIL, &other).await);

    let now = server.context().now;
    let ring = server.app.secrets.mail_mac(now).await.unwrap();
    let mac_key = ring.current(now).unwrap();
    let items = server.items(TABLE, &format!("EMAIL#{}", Email::parse(EMAIL).unwrap().key().as_str())).await;
    let item = one_time(items.iter().find(|item| item["sk"].as_s().unwrap() == SLOT).unwrap());
    let of_kind = |purpose| MailToken {
        purpose,
        email_key: item.email_key.clone(),
        id: item.id.to_bytes(),
        nonce: item.mailing.nonce.clone(),
    };
    assert_refused(&verify(&server, EMAIL, &of_kind(Purpose::PasswordReset).sign_in_code(mac_key)).await);
    assert_refused(&verify_token(&server, &of_kind(Purpose::PasswordReset).seal(mac_key)).await);
    assert_eq!(verify(&server, EMAIL, &code).await.status, 200);
}

#[tokio::test]
async fn sec_ot_09_a_forged_link_costs_no_store_request_and_one_without_the_items_bits_opens_nothing() {
    let server = registered(&[]).await;
    let (_, token) = server.mailed_code(EMAIL).await;
    server.store.reset();
    assert_refused(&verify_token(&server, &format!("{}AAAA", &token[..token.len() - 4])).await);
    assert_refused(&verify_token(&server, "nonsense").await);
    assert_eq!(server.store.count(), 0);
    // Who has a key of the ring, but not the item.
    let now = server.context().now;
    let ring = server.app.secrets.mail_mac(now).await.unwrap();
    let email_key = Email::parse(EMAIL).unwrap().key();
    let id = OneTimeId::new(now, 1).to_bytes();
    let made_up = MailToken { purpose: Purpose::EmailCode, email_key, id, nonce: Nonce::new([7; 16]) };
    assert_refused(&verify_token(&server, &made_up.seal(ring.current(now).unwrap())).await);
}

#[tokio::test]
async fn sec_ot_02_a_used_code_or_link_is_not_taken_again() {
    let server = registered(&[]).await;
    let (code, token) = server.mailed_code(EMAIL).await;
    assert_eq!(verify(&server, EMAIL, &code).await.status, 200);
    assert_refused(&verify(&server, EMAIL, &code).await);
    assert_refused(&verify_token(&server, &token).await);
    assert_eq!(sessions(&server).await, 1);
}

#[tokio::test]
async fn sec_ot_03_sec_ot_04_a_code_expires_after_ten_minutes_by_the_clock() {
    let server = registered(&[]).await;
    let (code, token) = server.mailed_code(EMAIL).await;
    server.clock.advance(600);
    assert_refused(&verify(&server, EMAIL, &code).await);
    assert_refused(&verify_token(&server, &token).await);
    let (code, _) = server.mailed_code(EMAIL).await;
    server.clock.advance(599);
    assert_eq!(verify(&server, EMAIL, &code).await.status, 200);
}

#[tokio::test]
async fn sec_en_02_a_code_signs_in_while_the_password_is_locked_and_its_device_is_known() {
    let server = registered(&[]).await;
    for _ in 0..10 {
        server.login(EMAIL, OTHER_PASSWORD).await;
    }
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 429);
    let (code, _) = server.mailed_code(EMAIL).await;
    let device = verify(&server, EMAIL, &code).await.string("device_token");
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
        let (code, token) = server.mailed_code(EMAIL).await;
        let user = server.items(TABLE, "USER#").await.remove(0)["pk"].as_s().unwrap().clone();
        let (pk, sk) = if of_user { (user.as_str(), "PROFILE") } else { (pk.as_str(), "CREDENTIAL") };
        server.set_attribute(pk, sk, attribute, value).await;
        assert_refused(&verify(&server, EMAIL, &code).await);
        assert_refused(&verify_token(&server, &token).await);
        assert_eq!(sessions(&server).await, 0, "{attribute}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_ot_02_of_racing_right_codes_one_signs_in() {
    let server = registered(&[]).await;
    let (code, token) = server.mailed_code(EMAIL).await;
    let codes = join_all((0..4).map(|_| verify(&server, EMAIL, &code)));
    let links = join_all((0..4).map(|_| verify_token(&server, &token)));
    let (codes, links) = futures::join!(codes, links);
    let statuses: Vec<u16> = codes.iter().chain(&links).map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 7, "{statuses:?}");
    assert_eq!(sessions(&server).await, 1);
}

#[tokio::test]
async fn sec_en_04_known_and_unknown_addresses_cost_the_same_store_operations() {
    let server = registered(&[]).await;
    server.mailed_code(EMAIL).await;
    server.post("/v1/login/email-code", &json!({ "email": UNKNOWN })).await;
    let mut seen = Vec::new();
    for email in [EMAIL, UNKNOWN, "never-asked@example.com"] {
        server.store.reset();
        let answer = verify(&server, email, WRONG).await;
        seen.push((answer.status, answer.text.len(), server.store.rounds()));
    }
    assert_eq!(seen[0].2, [vec!["GetItem", "UpdateItem", "UpdateItem", "UpdateItem"], vec!["PutItem"]]);
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
}

#[tokio::test]
async fn sec_pl_03_sign_ins_by_code_and_their_failures_are_recorded() {
    let server = registered(&[]).await;
    let (code, _) = server.mailed_code(EMAIL).await;
    verify(&server, EMAIL, WRONG).await;
    verify(&server, EMAIL, &code).await;
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
    let (code, _) = server.mailed_code(EMAIL).await;
    let body = json!({ "email": EMAIL, "code": code, "device_token": device });
    let answer = server.post("/v1/login/email-code/verify", &body).await;
    assert_eq!((answer.status, answer.string("device_token")), (200, device));
    let notices = async || {
        let items = server.items(TABLE, "EMAIL#").await;
        items.iter().filter(|item| item["sk"].as_s().unwrap().starts_with("ONE_TIME#new_device#")).count()
    };
    assert_eq!(notices().await, 0);
    let (_, token) = server.mailed_code(EMAIL).await;
    let answer = verify_token(&server, &token).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(notices().await, 1);
    let again = json!({ "email": EMAIL, "password": PASSWORD, "device_token": answer.string("device_token") });
    assert_eq!(server.post("/v1/login", &again).await.string("device_token"), answer.string("device_token"));
}

#[tokio::test]
async fn sec_se_06_in_cookie_mode_the_refresh_token_is_in_the_cookie_alone() {
    let server = registered(&[]).await;
    let (code, _) = server.mailed_code(EMAIL).await;
    let body = json!({ "email": EMAIL, "code": code, "transport": "cookie" });
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
        (json!({ "email": "nonsense", "code": WRONG }), "email", "invalid"),
        (json!({ "token": "x", "email": EMAIL }), "token", "conflict"),
        (json!({ "token": "x", "pin": "x" }), "pin", "unknown"),
    ] {
        let answer = server.post("/v1/login/email-code/verify", &body).await;
        assert_eq!((answer.status, answer.fault()), (400, (member.to_owned(), code.to_owned())), "{body}");
    }
}
