//! `POST /v1/email/verify`

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;
use wardgate::domain::one_time::Purpose;
use wardgate::use_cases::accounts::password_reset::password_reset;

use crate::harness::mailed::{Mailed, VERIFIED};
use crate::harness::{AUDIT_TABLE, Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer};

/// A password that somebody chooses for somebody else's address.
const ATTACKER: &str = "marble foxes whisper to lanterns";

async fn registered() -> (TestServer, String, Mailed) {
    let server = TestServer::with(&[VERIFIED]).await;
    let flow = server.register(EMAIL, PASSWORD).await.string("flow_token");
    let mail = server.last_mailed(EMAIL, Purpose::Verification).await;
    (server, flow, mail)
}

#[track_caller]
fn refused(answer: &Answer, code: &str) {
    assert_eq!((answer.status, answer.string("code").as_str()), (400, code), "{}", answer.text);
}

async fn reset(server: &TestServer, token: &str, password: &str) -> bool {
    let answer = password_reset(&server.app, &server.context(), token, password).await;
    server.step();
    answer.is_ok()
}

#[tokio::test]
async fn sec_ot_10_with_the_flow_token_the_link_activates_the_password_that_was_chosen() {
    let (server, flow, mail) = registered().await;
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
    let answer = server.verify_link(&mail.token, Some(&flow)).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "status": "verified" })));
    let access = server.login(EMAIL, PASSWORD).await.string("access_token");
    let me = server.as_bearer(Method::GET, "/v1/me", &access).await;
    assert_eq!((me.string("email").as_str(), me.json()["email_verified"].as_bool()), (EMAIL, Some(true)));
    let actions = server.items(AUDIT_TABLE, "USER#").await;
    assert!(actions.iter().any(|line| line["action"].as_s().unwrap() == "email_verified"));
}

#[tokio::test]
async fn sec_ot_10_the_code_does_what_the_link_does() {
    let (server, flow, mail) = registered().await;
    let spaced = format!("{} {}", &mail.code[..4], &mail.code[4..]);
    let answer = server.verify_code("ADA@EXAMPLE.COM", &spaced, Some(&flow)).await;
    assert_eq!(answer.json(), json!({ "status": "verified" }));
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
    refused(&server.verify_code(EMAIL, &mail.code, Some(&flow)).await, "invalid_code");
    refused(&server.verify_link(&mail.token, Some(&flow)).await, "invalid_link");
}

#[tokio::test]
async fn sec_ot_10_without_the_flow_token_a_new_password_has_to_be_set() {
    let (server, _, mail) = registered().await;
    let other_flow = server.register("bob@example.com", PASSWORD).await.string("flow_token");
    // A code is for where it was asked for; the mail's reader has the link.
    let by_code = server.verify_code(EMAIL, &mail.code, None).await;
    assert_eq!((by_code.status, by_code.fault()), (400, ("flow_token".to_owned(), "missing".to_owned())));
    refused(&server.verify_code(EMAIL, &mail.code, Some(&other_flow)).await, "invalid_code");
    let answer = server.verify_link(&mail.token, Some(&other_flow)).await;
    assert_eq!((answer.status, answer.string("status").as_str()), (200, "password_required"), "{}", answer.text);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
    assert!(reset(&server, &answer.string("reset_token"), OTHER_PASSWORD).await);
    assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 200);
    assert!(!reset(&server, &answer.string("reset_token"), PASSWORD).await, "a reset token worked twice");
}

#[tokio::test]
async fn sec_ot_10_pre_hijack_a_strangers_password_never_works() {
    let server = TestServer::with(&[VERIFIED]).await;
    let strangers = server.register(EMAIL, ATTACKER).await.string("flow_token");
    let stranger_mail = server.last_mailed(EMAIL, Purpose::Verification).await;
    server.step();
    let own = server.register(EMAIL, PASSWORD).await.string("flow_token");
    let own_mail = server.last_mailed(EMAIL, Purpose::Verification).await;
    assert_ne!(stranger_mail.sk, own_mail.sk);
    // The owner follows the stranger's link with the token of the own flow: it is not the matching one.
    let answer = server.verify_link(&stranger_mail.token, Some(&own)).await;
    assert_eq!(answer.string("status"), "password_required");
    for password in [ATTACKER, PASSWORD] {
        assert_eq!(server.login(EMAIL, password).await.status, 401);
    }
    // What the stranger has opens nothing more.
    refused(&server.verify_link(&stranger_mail.token, Some(&strangers)).await, "invalid_link");
    refused(&server.verify_link(&own_mail.token, Some(&strangers)).await, "invalid_link");
    assert!(reset(&server, &answer.string("reset_token"), OTHER_PASSWORD).await);
    assert_eq!(server.login(EMAIL, ATTACKER).await.status, 401);
    assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_ot_10_pre_hijack_in_development_ends_the_strangers_password_and_sessions() {
    let server = TestServer::start().await;
    let strangers = server.register(EMAIL, ATTACKER).await.string("flow_token");
    let session = server.login(EMAIL, ATTACKER).await;
    assert_eq!(session.status, 200, "in development the account exists at once");
    server.step();
    // The owner registers too, which changes nothing, and follows the link in the mailbox.
    let own = server.register(EMAIL, PASSWORD).await.string("flow_token");
    let mails = server.mailed(EMAIL, Purpose::Verification).await;
    assert_eq!(mails.len(), 1, "the address was taken: its owner gets a notice");
    let answer = server.verify_link(&mails[0].token, Some(&own)).await;
    assert_eq!(answer.string("status"), "password_required", "{}", answer.text);
    assert_eq!(server.login(EMAIL, ATTACKER).await.status, 401);
    assert_eq!(server.refresh(&session.string("refresh_token")).await.status, 401);
    assert_eq!(server.as_bearer(Method::GET, "/v1/me", &session.string("access_token")).await.status, 401);
    refused(&server.verify_link(&mails[0].token, Some(&strangers)).await, "invalid_link");
    assert!(reset(&server, &answer.string("reset_token"), OTHER_PASSWORD).await);
    assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_ot_10_in_development_the_own_flow_keeps_the_password_and_ends_earlier_sessions() {
    let server = TestServer::start().await;
    let flow = server.register(EMAIL, PASSWORD).await.string("flow_token");
    let session = server.login(EMAIL, PASSWORD).await;
    let mail = server.last_mailed(EMAIL, Purpose::Verification).await;
    server.step();
    assert_eq!(server.verify_link(&mail.token, Some(&flow)).await.json(), json!({ "status": "verified" }));
    assert_eq!(server.refresh(&session.string("refresh_token")).await.status, 401);
    server.step();
    let access = server.login(EMAIL, PASSWORD).await.string("access_token");
    assert_eq!(server.as_bearer(Method::GET, "/v1/me", &access).await.json()["email_verified"], true);
}

#[tokio::test]
async fn sec_ot_10_two_verification_links_of_one_address_in_parallel_make_one_account() {
    for _ in 0..5 {
        let server = TestServer::with(&[VERIFIED]).await;
        let mut flows = Vec::new();
        for password in [PASSWORD, OTHER_PASSWORD] {
            flows.push(server.register(EMAIL, password).await.string("flow_token"));
            server.step();
        }
        let mails = server.mailed(EMAIL, Purpose::Verification).await;
        let verify = |index: usize| server.verify_link(&mails[index].token, Some(&flows[index]));
        let answers = join_all([verify(0), verify(1)]).await;
        let won = answers.iter().position(|answer| answer.status == 200).unwrap();
        refused(&answers[1 - won], "invalid_link");
        let passwords = [PASSWORD, OTHER_PASSWORD];
        assert_eq!(server.login(EMAIL, passwords[won]).await.status, 200);
        assert_eq!(server.login(EMAIL, passwords[1 - won]).await.status, 401);
        assert_eq!(
            server.items(TABLE, "USER#").await.iter().filter(|item| item["sk"].as_s().unwrap() == "PROFILE").count(),
            1
        );
        refused(&verify(1 - won).await, "invalid_link");
    }
}

#[tokio::test]
async fn sec_ot_02_one_link_used_20_times_in_parallel_works_once_and_a_replay_is_recognised() {
    let (server, flow, mail) = registered().await;
    let answers = join_all((0..20).map(|_| server.verify_link(&mail.token, Some(&flow)))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        refused(answer, "invalid_link");
    }
    let used = server.beside(EMAIL, &mail.sk).await;
    assert!(used[0].contains_key("used_at"), "the mark of its use is gone");
    refused(&server.verify_link(&mail.token, None).await, "invalid_link");
}

#[tokio::test]
async fn sec_ot_10_verifying_drops_what_else_waits_but_no_notice() {
    let server = TestServer::with(&[VERIFIED]).await;
    for _ in 0..3 {
        server.register(EMAIL, ATTACKER).await;
        server.step();
    }
    let flow = server.register(EMAIL, PASSWORD).await.string("flow_token");
    let mail = server.last_mailed(EMAIL, Purpose::Verification).await;
    assert_eq!(server.verify_link(&mail.token, Some(&flow)).await.status, 200);
    server.step();
    server.register(EMAIL, ATTACKER).await;
    let left = server.beside(EMAIL, "REGISTRATION#").await;
    let kinds: Vec<_> = left.iter().map(|item| item["kind"].as_s().unwrap().as_str()).collect();
    assert_eq!(kinds, ["verification", "owner_notice"]);
}

#[tokio::test]
async fn sec_ot_10_registering_while_another_verifies_never_makes_a_second_account() {
    for _ in 0..5 {
        let (server, flow, mail) = registered().await;
        let (verified, registered) =
            futures::join!(server.verify_link(&mail.token, Some(&flow)), server.register(EMAIL, ATTACKER));
        assert_eq!((verified.status, registered.status), (200, 202));
        for other in server.mailed(EMAIL, Purpose::Verification).await {
            let flow = registered.string("flow_token");
            refused(&server.verify_link(&other.token, Some(&flow)).await, "invalid_link");
        }
        assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
        assert_eq!(server.login(EMAIL, ATTACKER).await.status, 401);
    }
}

#[tokio::test]
async fn sec_ot_03_sec_ot_04_a_link_and_a_code_expire_to_the_millisecond() {
    for (advance, expected) in [(86_400_000 - 1, 200), (86_400_000, 400)] {
        let (server, flow, mail) = registered().await;
        server.clock.advance_millis(advance);
        assert_eq!(server.verify_link(&mail.token, Some(&flow)).await.status, expected);
        let (server, flow, mail) = registered().await;
        server.clock.advance_millis(advance);
        assert_eq!(server.verify_code(EMAIL, &mail.code, Some(&flow)).await.status, expected);
    }
}

#[tokio::test]
async fn sec_ot_03_expiry_and_use_are_in_the_condition_of_the_write() {
    use wardgate::domain::audit::{AuditAction, Subject};
    use wardgate::domain::credential::Credential;
    use wardgate::domain::email::Email;
    use wardgate::domain::user::User;
    use wardgate::store::accounts::verifications::{AddressVerification, Verification};

    let (server, ..) = registered().await;
    let key = Email::parse(EMAIL).unwrap().key();
    // Read while it is live, written when it is not: nothing but the condition is left to refuse.
    let registration = server.app.store.newest_registration(&key, true, server.context().now).await.unwrap().unwrap();
    let user = User::new(registration.user_id, registration.email.clone(), None, server.context().now);
    let credential = Credential::of(&user, None);
    let verification = Verification { registration: &registration, reset: None };
    server.clock.advance(86_400);
    let audit = |server: &TestServer| {
        let subject = Subject::User(user.id);
        server.app.audit(&server.context(), subject, AuditAction::EmailVerified, None).unwrap()
    };
    let late = server.app.store.activate_registration(&verification, &user, &credential, &audit(&server)).await;
    assert_eq!(late.unwrap(), AddressVerification::Superseded);
    server.clock.advance(-1);
    let store = &server.app.store;
    let in_time = store.activate_registration(&verification, &user, &credential, &audit(&server)).await;
    assert_eq!(in_time.unwrap(), AddressVerification::Verified);
    assert_eq!(server.items(TABLE, "USER#").await.len(), 1);
}

#[tokio::test]
async fn sec_ot_11_five_tries_a_code_and_then_not_even_the_right_one() {
    let (server, flow, mail) = registered().await;
    let wrong = if mail.code == "00000000" { "00000001" } else { "00000000" };
    for _ in 0..5 {
        refused(&server.verify_code(EMAIL, wrong, Some(&flow)).await, "invalid_code");
    }
    refused(&server.verify_code(EMAIL, &mail.code, Some(&flow)).await, "invalid_code");
    // The link still works: nobody is locked out by a stranger's guesses.
    assert_eq!(server.verify_link(&mail.token, Some(&flow)).await.status, 200);
}

/// Its sign-in twin was limited, and this one was not.
#[tokio::test]
async fn sec_ot_11_sec_en_02_codes_are_limited_per_source_over_all_addresses() {
    let server = TestServer::with(&[VERIFIED, ("AUTH__LIMITS__LOGIN_SOURCE__LIMIT", "3")]).await;
    let flow = server.register(EMAIL, PASSWORD).await.string("flow_token");
    for (index, status) in [400, 400, 400, 429].into_iter().enumerate() {
        let answer = server.verify_code(&format!("user{index}@example.com"), "bad", Some(&flow)).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    assert_eq!(server.verify_code(EMAIL, "bad", Some(&flow)).await.string("code"), "too_many_attempts");
}

/// Ten wrong codes from anywhere kept an address from being verified for a day.
#[tokio::test]
async fn sec_ot_11_strangers_flows_do_not_use_up_the_tries_of_a_code() {
    let (server, flow, mail) = registered().await;
    for _ in 0..4 {
        let strangers = server.register(EMAIL, ATTACKER).await.string("flow_token");
        for _ in 0..5 {
            refused(&server.verify_code(EMAIL, "bad", Some(&strangers)).await, "invalid_code");
        }
    }
    assert_eq!(server.verify_code(EMAIL, &mail.code, Some(&flow)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_en_01_of_200_parallel_codes_at_most_five_are_compared() {
    let (server, flow, mail) = registered().await;
    let answers = join_all((0..200).map(|_| server.verify_code(EMAIL, "bad", Some(&flow)))).await;
    for answer in &answers {
        refused(answer, "invalid_code");
    }
    let attempts = server.beside(EMAIL, &mail.sk).await[0]["attempts"].as_n().unwrap().clone();
    assert_eq!(attempts, "5");
}

#[tokio::test]
async fn sec_en_04_a_code_costs_and_answers_the_same_for_an_address_that_is_taken() {
    let (server, waiting, _) = registered().await;
    server.register_verified("bob@example.com", PASSWORD).await;
    let taken = server.register("bob@example.com", ATTACKER).await.string("flow_token");
    for attempt in 0..6 {
        let mut seen = Vec::new();
        for (email, flow) in [(EMAIL, &waiting), ("bob@example.com", &taken)] {
            server.store.reset();
            let answer = server.verify_code(email, "bad", Some(flow)).await;
            refused(&answer, "invalid_code");
            let mut body = answer.json();
            body.as_object_mut().unwrap().remove("request_id");
            seen.push((body, server.store.rounds()));
        }
        assert_eq!(seen[0].1, [["UpdateItem"], ["UpdateItem"]], "try {attempt}");
        assert_eq!(seen[0], seen[1], "try {attempt}");
    }
}

#[tokio::test]
async fn sec_ot_11_a_code_belongs_to_the_flow_that_asked() {
    let server = TestServer::with(&[VERIFIED]).await;
    let first = server.register(EMAIL, PASSWORD).await.string("flow_token");
    let first_mail = server.last_mailed(EMAIL, Purpose::Verification).await;
    server.step();
    server.register(EMAIL, ATTACKER).await;
    let second_mail = server.last_mailed(EMAIL, Purpose::Verification).await;
    refused(&server.verify_code(EMAIL, &second_mail.code, Some(&first)).await, "invalid_code");
    assert_eq!(server.verify_code(EMAIL, &first_mail.code, None).await.fault().0, "flow_token");
    assert_eq!(server.verify_code(EMAIL, &first_mail.code, Some(&first)).await.json(), json!({ "status": "verified" }));
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_ot_09_a_forged_token_costs_nothing() {
    let server = TestServer::with(&[VERIFIED]).await;
    server.register(EMAIL, PASSWORD).await;
    let mail = server.last_mailed(EMAIL, Purpose::Verification).await;
    for token in ["", "vt_m1.AAAA.AAAA", &mail.token[..mail.token.len() - 1], &mail.token.replacen("vt_", "pr_", 1)] {
        server.store.reset();
        refused(&server.verify_link(token, None).await, "invalid_link");
        assert_eq!(server.store.count(), 0, "a forged token costs a store request");
    }
}

#[tokio::test]
async fn sec_ot_05_a_scanner_that_opens_links_uses_nothing_up() {
    let (server, flow, mail) = registered().await;
    for method in [Method::GET, Method::HEAD] {
        for path in ["/v1/email/verify", "/v1/email/change/confirm", "/v1/email/change/undo"] {
            let path = format!("{path}?token={}", mail.token);
            assert_eq!(server.send(server.request(method.clone(), &path)).await.status, 405, "{path}");
        }
    }
    assert_eq!(server.verify_link(&mail.token, Some(&flow)).await.status, 200);
}

#[tokio::test]
async fn sec_en_07_another_spelling_of_an_address_is_the_same_address() {
    let server = TestServer::with(&[VERIFIED]).await;
    let flow = server.register("Ada@BÜCHER.example", PASSWORD).await.string("flow_token");
    let mail = server.last_mailed("ada@xn--bcher-kva.example", Purpose::Verification).await;
    let answer = server.verify_code("ADA@bücher.example", &mail.code, Some(&flow)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(server.login("ada@Bücher.Example", PASSWORD).await.status, 200);
    assert_eq!(server.verify_code("ada\u{200b}@bücher.example", "1", Some(&flow)).await.fault().0, "email");
}

#[tokio::test]
async fn a_proof_is_either_a_token_or_an_address_with_a_code() {
    let server = TestServer::start().await;
    for (body, member, code) in [
        (json!({}), "token", "missing"),
        (json!({ "email": EMAIL }), "code", "missing"),
        (json!({ "code": "12345678" }), "email", "missing"),
        (json!({ "email": EMAIL, "code": "12345678" }), "flow_token", "missing"),
        (json!({ "token": "x", "email": EMAIL, "code": "12345678", "flow_token": "x" }), "token", "conflict"),
        (json!({ "email": "nonsense", "code": "12345678", "flow_token": "x" }), "email", "invalid"),
    ] {
        let answer = server.post("/v1/email/verify", &body).await;
        assert_eq!((answer.status, answer.fault()), (400, (member.to_owned(), code.to_owned())), "{body}");
    }
}

/// OT-10: a name can carry a message to whoever owns the address.
#[tokio::test]
async fn sec_ot_10_pre_hijack_a_strangers_name_does_not_stay() {
    for (variables, flow_matches) in [(vec![VERIFIED], false), (vec![], false), (vec![VERIFIED], true), (vec![], true)]
    {
        let server = TestServer::with(&variables).await;
        let body = json!({ "email": EMAIL, "password": PASSWORD, "name": "Call this number" });
        let flow = server.post("/v1/register", &body).await.string("flow_token");
        let mail = server.last_mailed(EMAIL, Purpose::Verification).await;
        server.step();
        let answer = server.verify_link(&mail.token, Some(&flow).filter(|_| flow_matches).map(String::as_str)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let users = server.items(TABLE, "USER#").await;
        let user = users.iter().find(|item| item["sk"].as_s().unwrap() == "PROFILE").unwrap();
        assert_eq!(user.contains_key("name"), flow_matches, "{variables:?}");
    }
}
