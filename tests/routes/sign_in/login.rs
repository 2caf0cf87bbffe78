//! `POST /v1/login`

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;

use wardgate::crypto::password_wrap;
use wardgate::domain::audit::{AuditAction, Subject};
use wardgate::domain::credential::Credential;
use wardgate::domain::id::UserId;
use wardgate::domain::user::User;

use crate::harness::{EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer};

#[tokio::test]
async fn signs_in_with_both_tokens_and_the_session() {
    let server = TestServer::start().await;
    let answer = server.signed_in().await;
    assert_eq!(answer.string("status"), "signed_in");
    assert_eq!(answer.string("token_type"), "Bearer");
    assert_eq!(answer.json()["expires_in"], 300);
    assert!(answer.string("session_id").starts_with("ses_"));
    assert!(answer.string("refresh_token").starts_with("rt_s1."));
}

#[tokio::test]
async fn sec_en_04_wrong_password_unknown_and_unverified_address_look_alike() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let wrong = server.login(EMAIL, OTHER_PASSWORD).await;
    let unknown = server.login("nobody@example.com", OTHER_PASSWORD).await;
    let strict = TestServer::with(&[("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", "true")]).await;
    strict.register(EMAIL, PASSWORD).await;
    let unverified = strict.login(EMAIL, PASSWORD).await;
    for answer in [&wrong, &unknown, &unverified] {
        assert_eq!(answer.status, 401);
        assert_eq!(answer.string("code"), "invalid_credentials");
        assert_eq!(answer.text.len(), wrong.text.len());
    }
}

#[tokio::test]
async fn sec_en_04_known_and_unknown_addresses_cost_the_same_store_operations() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let mut rounds = Vec::new();
    for email in [EMAIL, "nobody@example.com"] {
        server.store.reset();
        server.login(email, OTHER_PASSWORD).await;
        rounds.push(server.store.rounds());
    }
    assert_eq!(rounds[0], [vec!["GetItem", "UpdateItem"], vec!["UpdateItem"], vec!["UpdateItem"], vec!["PutItem"]]);
    assert_eq!(rounds[0], rounds[1]);
}

#[tokio::test]
async fn a_disabled_account_looks_like_a_wrong_password() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let disabled = AttributeValue::S("disabled".to_owned());
    let credential = server.items(TABLE, "EMAIL#").await.remove(0);
    server.set_attribute(credential["pk"].as_s().unwrap(), "CREDENTIAL", "status", disabled).await;
    let answer = server.login(EMAIL, PASSWORD).await;
    assert_eq!((answer.status, answer.string("code").as_str()), (401, "invalid_credentials"));
}

#[tokio::test]
async fn sec_se_04_a_sign_in_loses_to_a_change_of_the_account_since_its_credential_was_read() {
    for (attribute, value) in [
        ("status", AttributeValue::S("disabled".to_owned())),
        ("cred_version", AttributeValue::N("2".to_owned())),
        ("sessions_not_before", AttributeValue::N("9999999999999".to_owned())),
    ] {
        let server = TestServer::start().await;
        server.register(EMAIL, PASSWORD).await;
        let user = server.items(TABLE, "USER#").await.remove(0);
        server.set_attribute(user["pk"].as_s().unwrap(), "PROFILE", attribute, value).await;
        assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401, "{attribute}");
        assert_eq!(server.items(TABLE, "USER#").await.len(), 1, "a session was written despite {attribute}");
    }
}

#[tokio::test]
async fn sec_pw_02_another_users_credential_row_does_not_sign_in() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    server.register("mallory@example.com", OTHER_PASSWORD).await;
    let ours = server.items(TABLE, "USER#").await.into_iter().find(|user| format!("{user:?}").contains(EMAIL)).unwrap();
    let credentials = server.items(TABLE, "EMAIL#").await;
    let ours = ours["id"].clone();
    let (victim, attacker): (Vec<_>, Vec<_>) = credentials.into_iter().partition(|item| item["user_id"] == ours);
    let pk = victim[0]["pk"].as_s().unwrap();
    server.set_attribute(pk, "CREDENTIAL", "password", attacker[0]["password"].clone()).await;
    let answer = server.login(EMAIL, OTHER_PASSWORD).await;
    assert_eq!((answer.status, answer.string("code").as_str()), (500, "internal_error"));
}

#[tokio::test]
async fn sec_pw_01_a_login_under_older_parameters_rehashes_once() {
    let server = TestServer::with(&[("AUTH__HASHING__ITERATIONS", "3")]).await;
    server.register(EMAIL, PASSWORD).await;
    let before = server.items(TABLE, "EMAIL#").await.remove(0);
    // The same keys and store, other parameters: what a deployment with a new configuration is.
    let mut config = server.app.config.clone();
    config.hashing.iterations = 2;
    let newer = wardgate::crypto::password_hasher::PasswordHasher::new(&config.hashing, 1).unwrap();
    let keys = server.app.secrets.password_wrap(server.context().now).await.unwrap();
    let credential = server.app.store.read_credential(&email_key()).await.unwrap().unwrap();
    let phc = wardgate::crypto::password_wrap::unwrap(credential.password.as_ref().unwrap(), credential.user_id, &keys)
        .unwrap();
    assert!(phc.contains("t=3"));
    let password = wardgate::domain::password::Password::attempt(PASSWORD).unwrap();
    let old = newer.hash(&password, [9; 16]).await.unwrap();
    let wrapped = wardgate::crypto::password_wrap::wrap(
        &old,
        credential.user_id,
        &keys,
        server.context().now,
        &*server.app.entropy,
    )
    .unwrap();
    server.app.store.replace_hash(&email_key(), credential.password.as_ref().unwrap(), &wrapped).await.unwrap();

    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
    let after = server.app.store.read_credential(&email_key()).await.unwrap().unwrap();
    let phc = wardgate::crypto::password_wrap::unwrap(after.password.as_ref().unwrap(), after.user_id, &keys).unwrap();
    assert!(phc.contains("t=3"), "the hash was not renewed");
    assert_ne!(server.items(TABLE, "EMAIL#").await.remove(0)["password"], before["password"]);
    server.store.reset();
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
    assert_eq!(server.store.count(), 8, "a current hash was renewed again");
}

#[tokio::test]
async fn sec_pw_01_a_rehash_never_overwrites_a_password_changed_meanwhile() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let current = server.app.store.read_credential(&email_key()).await.unwrap().unwrap();
    let mut stale = current.password.clone().unwrap();
    stale.sealed[0] ^= 1;
    server.app.store.replace_hash(&email_key(), &stale, &stale).await.unwrap();
    assert_eq!(server.app.store.read_credential(&email_key()).await.unwrap().unwrap(), current);
}

#[tokio::test]
async fn sec_pw_07_another_systems_hash_signs_in_and_is_argon2id_afterwards() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let now = server.context().now;
    let keys = server.app.secrets.password_wrap(now).await.unwrap();
    let current = server.app.store.read_credential(&email_key()).await.unwrap().unwrap();
    // Django's own example, of a password that is shorter than ours may be.
    let django = "pbkdf2_sha256$390000$seasalt$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7c=";
    let foreign = password_wrap::wrap(django, current.user_id, &keys, now, &*server.app.entropy).unwrap();
    server.app.store.replace_hash(&email_key(), current.password.as_ref().unwrap(), &foreign).await.unwrap();

    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
    for _ in 0..2 {
        assert_eq!(server.login(EMAIL, "lètmein").await.status, 200);
        let renewed = server.app.store.read_credential(&email_key()).await.unwrap().unwrap();
        let phc = password_wrap::unwrap(renewed.password.as_ref().unwrap(), renewed.user_id, &keys).unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "the hash was not renewed");
    }
}

#[tokio::test]
async fn sec_en_04_an_account_without_a_password_looks_like_a_wrong_password() {
    let server = TestServer::start().await;
    let email = wardgate::domain::email::Email::parse(EMAIL).unwrap();
    let context = server.context();
    let user = User::new(UserId::new(context.now, 1), email, None, context.now);
    let credential = Credential::of(&user, None);
    let audit = server.app.audit(&context, Subject::User(user.id), AuditAction::Registered, None).unwrap();
    server.app.store.create_account(&user, &credential, &audit).await.unwrap();
    let mut rounds = Vec::new();
    for email in [EMAIL, "nobody@example.com"] {
        server.store.reset();
        let answer = server.login(email, PASSWORD).await;
        assert_eq!((answer.status, answer.string("code").as_str()), (401, "invalid_credentials"));
        rounds.push(server.store.rounds());
    }
    assert_eq!(rounds[0], rounds[1]);
}

#[tokio::test]
async fn bad_input_is_named() {
    let server = TestServer::start().await;
    let answer = server.post("/v1/login", &json!({ "email": EMAIL })).await;
    assert_eq!((answer.status, answer.fault()), (400, ("password".to_owned(), "missing".to_owned())));
    let answer = server.login("nonsense", PASSWORD).await;
    assert_eq!((answer.status, answer.fault().0), (400, "email".to_owned()));
    let answer = server.login(EMAIL, &"x".repeat(257)).await;
    assert_eq!((answer.status, answer.fault()), (400, ("password".to_owned(), "too_long".to_owned())));
}

fn email_key() -> wardgate::domain::email::EmailKey {
    wardgate::domain::email::Email::parse(EMAIL).unwrap().key()
}
