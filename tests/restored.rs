//! PL-07: a table as of a point, everything that happened after it, and what the sweep makes of the two.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::Method;
use serde_json::json;
use wardgate::domain::audit::{AuditAction, AuditEntry, Subject};
use wardgate::domain::id::UserId;
use wardgate::domain::oauth::client::ClientId;
use wardgate::domain::oauth::consent::GivenConsent;
use wardgate::domain::one_time::Purpose;
use wardgate::use_cases::eraser::erase_accounts;
use wardgate_runtime_tests::golden;

use crate::harness::mailed::VERIFIED;
use crate::harness::restored_table::{Item, RESTORED_TABLE, Swept};
use crate::harness::store_edge::Crash;
use crate::harness::{AUDIT_TABLE, Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer, link_token};

const OTHERS: [&str; 3] = ["bob@example.com", "eve@example.com", "kim@example.com"];
const MOVED_TO: &str = "ada@new.example.com";
const THIRD_PASSWORD: &str = "seven lanterns near the harbour";
const MINUTE: i64 = 60;
const PAGE: u64 = 3;

/// A server, its clock some time after whatever was done.
async fn server(variables: &[(&str, &str)]) -> TestServer {
    let server = TestServer::with(variables).await;
    for email in [EMAIL].into_iter().chain(OTHERS) {
        server.register_verified(email, PASSWORD).await;
    }
    server.clock.advance(5 * MINUTE);
    server
}

/// The point: what there is then.
pub struct Point {
    items: Vec<Item>,
    pub at: i64,
}

impl Point {
    async fn of(server: &TestServer) -> Self {
        // Lines of the minute before could be of requests that were under way at the point.
        server.clock.advance(2 * MINUTE);
        let point = Self { items: server.items(TABLE, "").await, at: server.context().now.millis() };
        server.clock.advance(MINUTE);
        point
    }

    /// Restores to this point, and switches over.
    async fn restored(&self, server: &TestServer) -> Swept {
        server.clock.advance(MINUTE);
        server.restore(&self.items).await;
        let now = server.context().now.millis();
        let swept = server.sweep(self.at, now, false, PAGE).await.unwrap();
        let looked = server.sweep(self.at, now, true, PAGE).await.unwrap();
        assert_eq!(looked.wrong, Vec::<String>::new());
        assert_eq!((looked.accounts, looked.killed), (0, 0), "looking changes nothing");
        assert_eq!(looked.checksum, swept.checksum, "the sweep changed what it must not");
        server.switch_over().await;
        server.clock.advance(1);
        swept
    }
}

async fn login(server: &TestServer, email: &str, password: &str) -> Answer {
    let answer = server.login(email, password).await;
    server.clock.advance(1);
    answer
}

async fn change_password(server: &TestServer, email: &str) {
    let access = login(server, email, PASSWORD).await.string("access_token");
    let body = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
    let changed = server.request(Method::POST, "/v1/password/change").bearer_auth(access).json(&body);
    let changed = server.send(changed).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    server.clock.advance(1);
}

async fn ask_for_reset(server: &TestServer, email: &str) -> String {
    server.post("/v1/password/forgot", &json!({ "email": email })).await;
    link_token(&server.newest_mail(email).await)
}

async fn reset(server: &TestServer, token: &str, password: &str) -> u16 {
    let answer = server.post("/v1/password/reset", &json!({ "token": token, "new_password": password })).await;
    server.clock.advance(1);
    answer.status
}

/// Whether only a reset opens the account.
async fn is_locked_until_reset(server: &TestServer, email: &str) -> bool {
    let unknown = login(server, "nobody@example.com", PASSWORD).await.json();
    for password in [PASSWORD, OTHER_PASSWORD] {
        let refused = login(server, email, password).await;
        assert_eq!((refused.status, &refused.json()["code"]), (401, &unknown["code"]), "{}", refused.text);
    }
    let token = ask_for_reset(server, email).await;
    reset(server, &token, THIRD_PASSWORD).await == 200 && login(server, email, THIRD_PASSWORD).await.status == 200
}

async fn delete_account(server: &TestServer, email: &str) {
    let access = login(server, email, PASSWORD).await.string("access_token");
    let left = server.as_bearer(Method::DELETE, "/v1/me", &access).await;
    assert_eq!(left.status, 202, "{}", left.text);
}

fn status_of(items: &[Item], id: &str) -> String {
    let profile = items
        .iter()
        .find(|item| item["pk"].as_s().unwrap() == &format!("USER#{id}") && item["sk"].as_s().unwrap() == "PROFILE");
    profile.map(|profile| profile["status"].as_s().unwrap().clone()).unwrap_or_default()
}

async fn id_of(server: &TestServer, email: &str) -> String {
    let access = login(server, email, PASSWORD).await.string("access_token");
    server.as_bearer(Method::GET, "/v1/me", &access).await.string("id")
}

#[tokio::test]
async fn sec_pl_07_a_replaced_password_does_not_come_back_and_a_reset_opens_the_account() {
    let server = server(&[VERIFIED]).await;
    let point = Point::of(&server).await;
    change_password(&server, EMAIL).await;
    let token = ask_for_reset(&server, OTHERS[0]).await;
    assert_eq!(reset(&server, &token, OTHER_PASSWORD).await, 200);
    let swept = point.restored(&server).await;
    assert_eq!(swept.actions, ["reset_forced", "reset_forced"]);
    assert_eq!((swept.accounts, swept.items["user"], swept.items["credential"]), (4, 4, 4));
    assert!(is_locked_until_reset(&server, EMAIL).await);
    assert!(is_locked_until_reset(&server, OTHERS[0]).await);
    // Whoever changed nothing signs in as before.
    assert_eq!(login(&server, OTHERS[1], PASSWORD).await.status, 200);
    let lines = server.items(AUDIT_TABLE, "USER#").await;
    let lines = lines.iter().filter(|line| line["action"].as_s().unwrap() == "reset_forced");
    assert_eq!(lines.filter(|line| line["request_id"].as_s().unwrap() == "restore-1").count(), 2);
}

#[tokio::test]
async fn sec_pl_07_no_session_from_before_the_restore_lives() {
    let server = server(&[VERIFIED]).await;
    let ended = login(&server, EMAIL, PASSWORD).await;
    let rotated = login(&server, OTHERS[0], PASSWORD).await;
    let kept = login(&server, OTHERS[1], PASSWORD).await;
    let others = server.as_bearer(Method::DELETE, "/v1/sessions", &kept.string("access_token")).await;
    assert_eq!(others.status, 204, "{}", others.text);
    let point = Point::of(&server).await;
    let gone = server.as_bearer(Method::POST, "/v1/logout", &ended.string("access_token")).await;
    assert_eq!(gone.status, 204);
    let after = server.refresh(&rotated.string("refresh_token")).await;
    let late = login(&server, OTHERS[2], PASSWORD).await;
    point.restored(&server).await;
    for (which, session) in
        [("ended", &ended), ("rotated", &rotated), ("kept", &kept), ("after", &after), ("late", &late)]
    {
        assert_eq!(server.refresh(&session.string("refresh_token")).await.status, 401, "{which}");
        let live = server.as_bearer(Method::GET, "/v1/me", &session.string("access_token")).await;
        assert_eq!(live.status, 401, "{which}");
    }
    let new = login(&server, EMAIL, PASSWORD).await;
    assert_eq!(server.refresh(&new.string("refresh_token")).await.status, 200);
}

#[tokio::test]
async fn sec_pl_07_no_mailed_token_works_whether_it_was_used_or_not() {
    let server = server(&[VERIFIED]).await;
    let used = ask_for_reset(&server, EMAIL).await;
    let unused = ask_for_reset(&server, OTHERS[0]).await;
    server.register("new@example.com", PASSWORD).await;
    let registration = link_token(&server.newest_mail("new@example.com").await);
    let point = Point::of(&server).await;
    assert_eq!(reset(&server, &used, OTHER_PASSWORD).await, 200);
    assert!(server.verify_link(&registration, None).await.status < 400);
    let swept = point.restored(&server).await;
    assert!(swept.killed >= 3, "{swept:?}");
    for token in [&used, &unused] {
        assert_eq!(reset(&server, token, THIRD_PASSWORD).await, 400);
    }
    assert_eq!(server.verify_link(&registration, None).await.status, 400);
    // Nothing of it keeps anybody from asking again.
    assert!(is_locked_until_reset(&server, EMAIL).await);
    server.register_verified("new@example.com", PASSWORD).await;
    assert_eq!(login(&server, "new@example.com", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_pl_07_who_was_erased_is_erased_again_and_who_asked_for_it_is_not_forgotten() {
    let grace = ("AUTH__ACCOUNTS__DELETION_GRACE_SECONDS", "3600");
    let server = server(&[VERIFIED, grace]).await;
    let [erased, asked, kept] = [EMAIL, OTHERS[0], OTHERS[1]];
    let id = id_of(&server, erased).await;
    let asked_id = id_of(&server, asked).await;
    delete_account(&server, kept).await;
    let keep = server.last_mailed(kept, Purpose::KeepAccount).await.token;
    let point = Point::of(&server).await;
    assert_eq!(server.post("/v1/me/keep", &json!({ "token": keep })).await.status, 200);
    delete_account(&server, erased).await;
    server.clock.advance(3600);
    assert_eq!(erase_accounts(&server.app, "test").await.unwrap(), 1);
    delete_account(&server, asked).await;
    let swept = point.restored(&server).await;
    assert_eq!(swept.actions, ["cancellation_repeated", "deletion_repeated", "deletion_repeated"]);
    assert_eq!(login(&server, erased, PASSWORD).await.status, 401);
    assert_eq!(login(&server, asked, PASSWORD).await.status, 401);
    assert_eq!(login(&server, kept, PASSWORD).await.status, 200);
    assert_eq!(server.post("/v1/me/keep", &json!({ "token": keep })).await.status, 400);

    assert_eq!(erase_accounts(&server.app, "test").await.unwrap(), 1, "whose turn it is not yet stays");
    let left: Vec<_> =
        server.items(TABLE, "").await.into_iter().filter(|item| format!("{item:?}").contains(&id)).collect();
    assert!(left.is_empty(), "{left:?}");
    let items = server.items(TABLE, "").await;
    assert_eq!(status_of(&items, &asked_id), "leaving");
    server.clock.advance(3600);
    assert_eq!(erase_accounts(&server.app, "test").await.unwrap(), 1);
    assert_eq!(login(&server, kept, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_pl_07_the_right_to_undo_and_to_keep_outlives_a_restore_unless_it_was_used() {
    let server = server(&[VERIFIED]).await;
    server.move_address(EMAIL, PASSWORD, MOVED_TO).await;
    server.move_address(OTHERS[0], PASSWORD, "bob@new.example.com").await;
    delete_account(&server, OTHERS[1]).await;
    let unused = server.last_mailed(EMAIL, Purpose::EmailUndo).await.token;
    let used = server.last_mailed(OTHERS[0], Purpose::EmailUndo).await.token;
    let keep = server.last_mailed(OTHERS[1], Purpose::KeepAccount).await.token;
    let point = Point::of(&server).await;
    let undo = async |token: &str| {
        let answer = server.post("/v1/email/change/undo", &json!({ "token": token })).await;
        server.clock.advance(1);
        answer.status
    };
    assert_eq!(undo(&used).await, 200);
    let swept = point.restored(&server).await;
    assert_eq!(swept.actions, ["disabled", "reset_forced"]);
    assert_eq!(undo(&used).await, 400);
    // The takeover that was undone is in the table again: nobody gets in until somebody has looked at it.
    for email in [OTHERS[0], "bob@new.example.com"] {
        assert_eq!(login(&server, email, PASSWORD).await.status, 401);
    }
    assert_eq!(undo(&unused).await, 200);
    assert_eq!(server.post("/v1/me/keep", &json!({ "token": keep })).await.status, 200);
    assert_eq!(login(&server, OTHERS[1], PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_pl_07_a_changed_address_opens_nothing_without_a_reset() {
    let server = server(&[VERIFIED]).await;
    let point = Point::of(&server).await;
    server.move_address(EMAIL, PASSWORD, MOVED_TO).await;
    let swept = point.restored(&server).await;
    assert_eq!(swept.actions, ["reset_forced"]);
    assert_eq!(login(&server, MOVED_TO, PASSWORD).await.status, 401);
    assert!(is_locked_until_reset(&server, EMAIL).await);
}

/// Everything that leaves something for the sweep to do.
pub async fn eventful() -> (TestServer, Point) {
    let server = server(&[VERIFIED]).await;
    login(&server, OTHERS[2], PASSWORD).await;
    ask_for_reset(&server, EMAIL).await;
    delete_account(&server, OTHERS[1]).await;
    let keep = server.last_mailed(OTHERS[1], Purpose::KeepAccount).await.token;
    let ada = consents(&server, EMAIL, &["shop", "bank"]).await;
    let kim = server.with_passkey_of(OTHERS[2], server.authenticator()).await;
    let point = Point::of(&server).await;
    take_back(&server, ada, "shop").await;
    server.remove_passkey(&kim.access(), &kim.id).await;
    change_password(&server, EMAIL).await;
    delete_account(&server, OTHERS[0]).await;
    assert_eq!(server.post("/v1/me/keep", &json!({ "token": keep })).await.status, 200);
    server.clock.advance(MINUTE);
    server.restore(&point.items).await;
    (server, point)
}

/// Has a person let these clients have something.
async fn consents(server: &TestServer, email: &str, clients: &[&str]) -> UserId {
    let user_id = UserId::parse(&id_of(server, email).await).unwrap();
    for client in clients {
        let consent = GivenConsent {
            user_id,
            client_id: ClientId::parse(client).unwrap(),
            scopes: BTreeSet::from(["openid".to_owned()]),
            resources: Vec::new(),
            hosts: BTreeSet::new(),
            created_at: server.app.clock.now(),
            at: server.app.clock.now(),
        };
        let audit = line(server, user_id, AuditAction::ConsentGiven, client);
        server.app.store.save_consent(&consent, None, &audit).await.unwrap();
    }
    user_id
}

async fn take_back(server: &TestServer, user_id: UserId, client: &str) {
    let audit = line(server, user_id, AuditAction::GrantEnded, client);
    server.app.store.delete_consent(user_id, &ClientId::parse(client).unwrap(), &audit).await.unwrap();
}

fn line(server: &TestServer, user_id: UserId, action: AuditAction, client: &str) -> AuditEntry {
    let audit = server.app.audit(&server.context(), Subject::User(user_id), action, None).unwrap();
    AuditEntry { detail: Some(client.to_owned()), ..audit }
}

#[tokio::test]
async fn sec_pl_07_what_was_taken_back_from_an_application_stays_with_its_person() {
    let server = server(&[]).await;
    let ada = consents(&server, EMAIL, &["shop", "bank"]).await;
    let bob = consents(&server, OTHERS[0], &["shop"]).await;
    let point = Point::of(&server).await;
    take_back(&server, ada, "shop").await;
    server.clock.advance(MINUTE);
    server.restore(&point.items).await;
    let now = server.context().now.millis();
    let before = server.sweep(point.at, now, true, PAGE).await.unwrap();
    let again = format!("{ada}: an application has again what was taken back from it");
    assert_eq!(before.wrong.iter().filter(|it| **it == again).count(), 1, "{before:?}");
    point.restored(&server).await;
    let left = async |user| {
        let given = server.app.store.list_consents(user).await.unwrap();
        given.into_iter().map(|it| it.client_id.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((left(ada).await, left(bob).await), (vec!["bank".to_owned()], vec!["shop".to_owned()]));
}

async fn sorted(server: &TestServer) -> Vec<String> {
    let items = server.items(RESTORED_TABLE, "").await.into_iter();
    // JSON, because its members have an order.
    let mut items: Vec<String> =
        items.map(|item| serde_json::to_value(serde_dynamo::Item::from(item)).unwrap().to_string()).collect();
    items.sort();
    items
}

/// Dies before, at and after each of its requests.
#[tokio::test]
async fn sec_pl_07_a_sweep_that_dies_anywhere_and_is_begun_again_gives_the_same_table() {
    let (server, point) = eventful().await;
    let now = server.context().now.millis();
    let whole = server.sweep(point.at, now, false, PAGE).await.unwrap();
    let expected = sorted(&server).await;
    let lines = server.items(AUDIT_TABLE, "").await.len();
    let actions = ["cancellation_repeated", "deletion_repeated", "factor_removal_repeated", "reset_forced"];
    assert_eq!(whole.actions, actions);
    for crash in [Crash::Refused, Crash::Unheard] {
        for requests in 1.. {
            server.restore(&point.items).await;
            server.store.crash_after(requests, crash);
            let died = server.sweep(point.at, now, false, PAGE).await;
            server.store.mend();
            let again = server.sweep(point.at, now, false, PAGE).await.unwrap();
            assert_eq!(sorted(&server).await, expected, "{crash:?} after {requests}");
            assert_eq!((again.items["user"], again.checksum), (whole.items["user"], whole.checksum));
            if died.is_ok() {
                assert!(requests > 10, "only {requests} requests");
                break;
            }
        }
    }
    assert!(lines < server.items(AUDIT_TABLE, "").await.len());
}

#[tokio::test]
async fn sec_pl_07_a_second_run_changes_nothing_and_the_check_finds_what_was_not_swept() {
    let (server, point) = eventful().await;
    let now = server.context().now.millis();
    let before = server.sweep(point.at, now, true, PAGE).await.unwrap();
    assert_eq!(before.wrong.iter().filter(|wrong| wrong.ends_with("its sessions live")).count(), 4, "{before:?}");
    assert!(before.wrong.contains(&"a mailed token still works".to_owned()), "{before:?}");
    server.sweep(point.at, now, false, PAGE).await.unwrap();
    let (table, trail) = (sorted(&server).await, server.items(AUDIT_TABLE, "").await.len());
    let again = server.sweep(point.at, now, false, 100).await.unwrap();
    assert_eq!((again.accounts, again.killed, again.actions), (0, 0, Vec::new()));
    assert_eq!(sorted(&server).await, table);
    assert_eq!(server.items(AUDIT_TABLE, "").await.len(), trail);
}

#[tokio::test]
async fn an_account_that_does_not_fit_its_credential_is_named_and_does_not_stop_the_others() {
    let (server, mut point) = eventful().await;
    let credential = point.items.iter_mut().find(|item| {
        item["sk"].as_s().unwrap() == "CREDENTIAL"
            && item["pk"]
                .as_s()
                .unwrap()
                .ends_with(wardgate::domain::email::Email::parse(EMAIL).unwrap().key().as_str())
    });
    credential.unwrap().insert("cred_version".to_owned(), AttributeValue::N("77".to_owned()));
    server.restore(&point.items).await;
    let now = server.context().now.millis();
    let swept = server.sweep(point.at, now, false, PAGE).await.unwrap();
    assert_eq!((swept.accounts, swept.wrong.len()), (3, 1), "{swept:?}");
    assert!(swept.wrong[0].ends_with("its credential is not what it says"));
    // The check names it again, for the one reason that is left.
    assert_eq!(server.sweep(point.at, now, true, PAGE).await.unwrap().wrong, swept.wrong);
}

#[tokio::test]
async fn sec_pl_07_the_live_table_is_never_swept() {
    let server = server(&[VERIFIED]).await;
    let event = golden::event("restore-sweep/ok").replace("wardgate-restored-20260301t122900z", "wardgate");
    let event = serde_json::from_str(&event).unwrap();
    let refused = (restore_sweep::FUNCTION.handler)(&server.app, &(), event).await.unwrap_err();
    assert!(refused.to_string().contains("the live one"), "{refused}");
    assert_eq!(login(&server, EMAIL, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_mf_24_no_removed_factor_and_no_used_code_works_after_a_restore() {
    let server = server(&[VERIFIED]).await;
    // Of each person another thing happens after the point.
    let people = [EMAIL, OTHERS[0], OTHERS[1]];
    let mut factors = Vec::new();
    for email in people {
        factors.push(server.with_second_factor_of(email).await);
    }
    let point = Point::of(&server).await;
    let second = async |email: &str, method: &str, code: &str| {
        let token = login(&server, email, PASSWORD).await.string("mfa_token");
        server.second_step(&token, method, code).await
    };
    // One takes the app away, one uses a code, and one sets another app up.
    for (email, factor) in people.iter().zip(&factors) {
        let signed_in = second(email, "totp", &server.code_of(&factor.app)).await;
        assert_eq!(signed_in.status, 200, "{email}: {}", signed_in.text);
        let access = signed_in.string("access_token");
        server.clock.advance(30);
        match *email {
            EMAIL => {
                let removed = server.mfa(&access, Method::DELETE, "/totp", &serde_json::Value::Null).await;
                assert_eq!(removed.status, 204, "{}", removed.text);
            }
            email if email == OTHERS[0] => {
                assert_eq!(second(email, "recovery_code", &factor.recovery_codes[0]).await.status, 200);
            }
            _ => {
                let (app, token) = server.enrolment(&access).await;
                assert_eq!(server.confirm(&access, &token, &server.code_of(&app)).await.status, 200);
            }
        }
    }
    let swept = point.restored(&server).await;
    assert_eq!(
        swept.actions,
        ["factor_removal_repeated", "factor_removal_repeated", "recovery_codes_ended", "reset_forced"]
    );
    // Who took it away signs in with the password alone, as before.
    assert_eq!(login(&server, EMAIL, PASSWORD).await.string("status"), "signed_in");
    // Who used a code has the app, and no codes.
    let token = login(&server, OTHERS[0], PASSWORD).await.string("mfa_token");
    for code in &factors[1].recovery_codes[..2] {
        assert_eq!(server.second_step(&token, "recovery_code", code).await.status, 401);
    }
    assert_eq!(server.second_step(&token, "totp", &server.code_of(&factors[1].app)).await.status, 200);
    // Who had set up another app needs a reset, and has none: the one before was replaced.
    assert!(is_locked_until_reset(&server, OTHERS[1]).await);
    let left = server.items(TABLE, "USER#").await;
    let left = left.iter().filter(|item| item["sk"].as_s().unwrap().starts_with("FACTOR#")).count();
    assert_eq!(left, 1, "one app");
}

#[tokio::test]
async fn sec_mf_24_no_removed_passkey_works_after_a_restore_and_no_account_is_weaker_without_a_reset() {
    let server = server(&[VERIFIED]).await;
    let people = [EMAIL, OTHERS[0], OTHERS[1], OTHERS[2]];
    let mut keys = Vec::new();
    for email in people {
        keys.push(server.with_passkey_of(email, server.authenticator()).await);
    }
    // One has an app beside it.
    let (app, token) = server.enrolment(&keys[2].access()).await;
    assert_eq!(server.confirm(&keys[2].access(), &token, &server.code_of(&app)).await.status, 200);
    let point = Point::of(&server).await;
    for it in [&keys[0], &keys[2]] {
        server.remove_passkey(&it.access(), &it.id).await;
    }
    server.add_passkey(&keys[1].access(), &mut server.authenticator()).await;
    let swept = point.restored(&server).await;
    let (removed, reset) = ("factor_removal_repeated", "reset_forced");
    assert_eq!(swept.actions, [removed, removed, removed, reset, reset]);
    // Who has taken the only one away signs in with the password alone, as before.
    assert_eq!(login(&server, EMAIL, PASSWORD).await.string("status"), "signed_in");
    // Who has added one, and who has an app that the table cannot be told apart by, would be weaker.
    assert!(is_locked_until_reset(&server, OTHERS[0]).await);
    assert!(is_locked_until_reset(&server, OTHERS[1]).await);
    // Nothing happened to the other's, and it works.
    let token = login(&server, OTHERS[2], PASSWORD).await.string("mfa_token");
    assert_eq!(server.passkey_step(&token, &mut keys[3].authenticator).await.status, 200);
    let left = server.items(TABLE, "USER#").await;
    let left = left.iter().filter(|item| item["sk"].as_s().unwrap().starts_with("FACTOR#passkey#")).count();
    assert_eq!((left, server.items(TABLE, "PASSKEY#").await.len()), (1, 1));
}
