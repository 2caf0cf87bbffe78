//! `POST /v1/login/mfa`, and the steps before it.

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::harness::applications::claims;
use crate::harness::pages::Browser;
use crate::harness::second_factor::SecondFactor;
use crate::harness::{AUDIT_TABLE, Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer, code, link_token};
use crate::permissions::observer::{Observer, expect};

const DAY: i64 = 24 * 3600;

/// Every branch that asks something of AWS: `make generate` makes the function's role of what it sees.
pub async fn drive(observer: &mut Observer) {
    let SecondFactor { app, recovery_codes, .. } = observer.server.with_second_factor().await;
    // Old enough that its owner is told of another device.
    observer.server.clock.advance(601);
    let mut token = String::new();
    let mut device = String::new();
    observer.see("login", async |it| token = it.first_step().await).await;
    observer
        .see("login-mfa", async |it| {
            device = it.second_step(&token, "totp", &it.code_of(&app)).await.string("device_token");
            expect(it.second_step(&token, "totp", "000000").await.status, 401);
        })
        .await;
    for used in &recovery_codes[..2] {
        let token = observer.server.first_step().await;
        let body = json!({ "mfa_token": token, "method": "recovery_code", "code": used, "device_token": device });
        observer.see("login-mfa", async |it| expect(it.post("/v1/login/mfa", &body).await.status, 200)).await;
    }
    // As many devices as an account may have: with the next one the oldest goes. A wrong code from one that is not known.
    for used in &recovery_codes[2..] {
        let token = observer.server.first_step().await;
        observer.server.second_step(&token, "recovery_code", used).await;
    }
    for step in 0..13 {
        observer.server.clock.advance(60);
        let token = observer.server.first_step().await;
        observer
            .see("login-mfa", async |it| {
                if step == 0 {
                    expect(it.second_step(&token, "totp", "00000").await.status, 401);
                }
                expect(it.second_step(&token, "totp", &it.code_of(&app)).await.status, 200);
            })
            .await;
    }
    drive_pages(observer).await;
}

/// With a mailed code, and on pages.
async fn drive_pages(observer: &mut Observer) {
    let own = observer.server.base.clone();
    let mut browser = Browser::default();
    let shown = browser.open(&observer.server, "/ui/login").await;
    observer
        .see("page-login", async |it| {
            let typed = [("email", EMAIL), ("password", PASSWORD)];
            expect(browser.submit(it, &shown, &typed, Some(&own)).await.status, 200);
        })
        .await;
    let flow = observer.server.code_flow(EMAIL).await;
    let mail = observer.server.newest_mail(EMAIL).await;
    let body = json!({ "email": EMAIL, "code": code(&mail), "flow_token": flow });
    observer.see("login-email-code-verify", async |it| expect(it.verify_sign_in(&body).await.status, 200)).await;
}

/// Who signs in, from a device that is not known.
async fn sign_in(server: &TestServer, factor: &SecondFactor) -> Answer {
    // Each code is good once.
    server.clock.advance(30);
    let token = server.first_step().await;
    server.second_step(&token, "totp", &server.code_of(&factor.app)).await
}

#[tokio::test]
async fn sec_mf_01_a_password_alone_gives_no_session_no_cookie_and_no_token() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    let sessions = server.items(TABLE, "USER#").await.len();
    let devices = server.items(TABLE, "EMAIL#").await.len();
    let answer = server.login(EMAIL, PASSWORD).await;
    assert_eq!((answer.status, answer.headers.contains_key("set-cookie")), (200, false));
    let mut body = answer.json();
    assert!(body["mfa_token"].as_str().unwrap().starts_with("mt_"), "{body}");
    body["mfa_token"] = json!("");
    let expected = json!({
        "status": "mfa_required", "mfa_token": "", "methods": ["totp", "recovery_code"], "expires_in": 300,
    });
    assert_eq!(body, expected);
    // One item more: what waits. And no device.
    assert_eq!(server.items(TABLE, "USER#").await.len(), sessions + 1);
    assert_eq!(server.items(TABLE, "EMAIL#").await.len(), devices);
    // The token opens nothing else.
    let token = answer.string("mfa_token");
    assert_eq!(server.refresh(&token).await.status, 401);
    assert_eq!(server.as_bearer(Method::GET, "/v1/me", &token).await.status, 401);
    assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 401);
    let signed_in = server.second_step(&token, "totp", &server.code_of(&factor.app)).await;
    assert_eq!((signed_in.status, signed_in.string("status").as_str()), (200, "signed_in"), "{}", signed_in.text);
    let claims = claims(&signed_in.string("access_token"));
    assert_eq!((&claims["amr"], &claims["acr"]), (&json!(["pwd", "otp", "mfa"]), &json!("urn:wardgate:2fa")));
}

#[tokio::test]
async fn sec_mf_01_a_mailed_code_alone_gives_no_session_either() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    let flow = server.code_flow(EMAIL).await;
    let mail = server.newest_mail(EMAIL).await;
    let body = json!({ "email": EMAIL, "code": code(&mail), "flow_token": flow });
    let first = server.verify_sign_in(&body).await;
    assert_eq!((first.status, first.string("status").as_str()), (200, "mfa_required"), "{}", first.text);
    assert_eq!(server.verify_sign_in(&body).await.status, 401, "it is used up (OT-02)");
    let link = json!({ "token": link_token(&mail), "flow_token": flow });
    assert_eq!(server.verify_sign_in(&link).await.status, 401);
    let signed_in = server.second_step(&first.string("mfa_token"), "totp", &server.code_of(&factor.app)).await;
    assert_eq!(claims(&signed_in.string("access_token"))["amr"], json!(["otp", "mfa"]));
}

#[tokio::test]
async fn sec_mf_02_fifty_right_answers_to_one_first_step_make_one_session() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    for round in 0..4 {
        server.clock.advance(60);
        let token = server.first_step().await;
        let code = server.code_of(&factor.app);
        let answers = join_all((0..50).map(|_| server.second_step(&token, "totp", &code))).await;
        let signed_in = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(signed_in, 1, "round {round}: {:?}", answers.iter().map(|it| it.status).collect::<Vec<_>>());
        assert!(answers.iter().all(|answer| [200, 401, 429].contains(&answer.status)));
    }
}

#[tokio::test]
async fn sec_mf_02_a_first_step_that_is_used_old_or_of_an_account_that_has_changed_is_none() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    let refused = async |token: &str, why: &str| {
        let answer = server.second_step(token, "totp", &server.code_of(&factor.app)).await;
        assert_eq!((answer.status, answer.string("code").as_str()), (401, "invalid_token"), "{why}");
    };
    let used = server.first_step().await;
    assert_eq!(server.second_step(&used, "totp", &server.code_of(&factor.app)).await.status, 200);
    server.clock.advance(60);
    refused(&used, "used").await;
    let late = server.first_step().await;
    server.clock.advance(300);
    refused(&late, "late").await;
    let access = sign_in(&server, &factor).await.string("access_token");
    let before = server.first_step().await;
    let change = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
    let request = server.request(Method::POST, "/v1/password/change").bearer_auth(&access).json(&change);
    assert_eq!(server.send(request).await.status, 200);
    server.clock.advance(60);
    refused(&before, "of a password that was replaced").await;
    for forged in ["", "mt_k1.AAAA.AAAA", &format!("{before}x"), &before.replacen("mt_", "rt_", 1)] {
        refused(forged, forged).await;
    }
}

#[tokio::test]
async fn sec_ot_09_a_forged_first_step_costs_no_store_request() {
    let server = TestServer::start().await;
    server.with_second_factor().await;
    let token = server.first_step().await;
    let before = server.store.count();
    let forged = format!("{}AAAA", &token[..token.len() - 4]);
    assert_eq!(server.second_step(&forged, "totp", "123456").await.status, 401);
    assert_eq!(server.store.count(), before);
}

#[tokio::test]
async fn sec_mf_03_a_step_is_good_once_whatever_it_is_for() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    let (one, other) = (server.first_step().await, server.first_step().await);
    let code = server.code_of(&factor.app);
    assert_eq!(server.second_step(&one, "totp", &code).await.status, 200);
    let again = server.second_step(&other, "totp", &code).await;
    assert_eq!((again.status, again.string("code").as_str()), (401, "invalid_second_factor"));
    // Nor the one before it; and not for a step-up.
    let before = server.code_later(&factor.app, -1);
    assert_eq!(server.second_step(&other, "totp", &before).await.status, 401);
    let access = factor.session.string("access_token");
    let shown = json!({ "password": PASSWORD, "method": "totp", "code": code });
    assert_eq!(server.step_up_with(&access, &shown).await.string("code"), "invalid_second_factor");
    // The next one is, for one of fifty step-ups at once.
    server.clock.advance(30);
    let shown = json!({ "password": PASSWORD, "method": "totp", "code": server.code_of(&factor.app) });
    let answers = join_all((0..50).map(|_| server.step_up_with(&access, &shown))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    // The first step stands, and takes the code of a phone that is half a minute ahead.
    server.clock.advance(900);
    let other = server.first_step().await;
    assert_eq!(server.second_step(&other, "totp", &server.code_later(&factor.app, 1)).await.status, 200);
}

#[tokio::test]
async fn sec_mf_04_two_hundred_wrong_codes_at_once_are_ten_guesses_whatever_first_step_they_come_with() {
    let server = TestServer::with(&[("AUTH__LIMITS__LOGIN_SOURCE__LIMIT", "1000000")]).await;
    let factor = server.with_second_factor().await;
    let mut tokens = Vec::new();
    for _ in 0..4 {
        tokens.push(server.first_step().await);
    }
    let guesses = (0..200).map(|guess| server.second_step(&tokens[guess % 4], "totp", "00000x"));
    let answers = join_all(guesses).await;
    let evaluated = answers.iter().filter(|answer| answer.status == 401).count();
    assert_eq!((evaluated, answers.iter().filter(|answer| answer.status == 429).count()), (10, 190));
    // Another first step gives no more, and a right code within the wait is not looked at.
    let fresh = server.first_step().await;
    let answer = server.second_step(&fresh, "totp", &server.code_of(&factor.app)).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "1"));
    // Recovery codes count apart.
    assert_eq!(server.second_step(&fresh, "recovery_code", &factor.recovery_codes[0]).await.status, 200);
    server.clock.advance(2);
    assert_eq!(sign_in(&server, &factor).await.status, 200);
}

#[tokio::test]
async fn sec_mf_04_the_owner_hears_once_a_day_that_somebody_knows_the_password() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    let told = async || {
        let items = server.items(TABLE, "EMAIL#").await;
        items.iter().filter(|item| item["sk"].as_s().unwrap().contains("second_factor_failed")).count()
    };
    let known = sign_in(&server, &factor).await.string("device_token");
    let token = server.first_step().await;
    let body = json!({ "mfa_token": token, "method": "totp", "code": "000000", "device_token": known });
    assert_eq!(server.post("/v1/login/mfa", &body).await.status, 401);
    assert_eq!(told().await, 0, "from one's own device");
    for _ in 0..3 {
        assert_eq!(server.second_step(&token, "totp", "000000").await.status, 401);
    }
    assert_eq!(told().await, 1);
    let mail = server.newest_mail(EMAIL).await;
    assert!(mail.text.contains("the right password") && mail.text.contains("wrong second factor"), "{}", mail.text);
    server.clock.advance(DAY);
    let token = server.first_step().await;
    server.second_step(&token, "totp", "000000").await;
    assert_eq!(told().await, 2);
}

#[tokio::test]
async fn sec_mf_06_a_recovery_code_signs_in_once_of_thirty_tries_and_its_owner_hears_of_it() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    let code = &factor.recovery_codes[3];
    let mut tokens = Vec::new();
    for _ in 0..30 {
        tokens.push(server.first_step().await);
    }
    let typed = code.to_lowercase().replace('-', " ");
    let answers = join_all(tokens.iter().map(|token| server.second_step(token, "recovery_code", &typed))).await;
    let signed_in: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(signed_in.len(), 1);
    assert_eq!(signed_in[0].json()["recovery_codes_left"], 9);
    assert_eq!(claims(&signed_in[0].string("access_token"))["acr"], "urn:wardgate:2fa");
    server.clock.advance(60);
    let token = server.first_step().await;
    assert_eq!(server.second_step(&token, "recovery_code", code).await.status, 401);
    let mails = server.mails(EMAIL).await;
    let told: Vec<_> = mails.iter().filter(|mail| mail.text.contains("one of your recovery codes")).collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].text.contains("9 recovery codes are left."), "{}", told[0].text);
    let access = signed_in[0].string("access_token");
    let activity = server.as_bearer(Method::GET, "/v1/me/activity", &access).await.text;
    assert!(activity.contains("\"recovery_code_used\""), "{activity}");
    // Nothing that could be typed lies in the table.
    let bare = code.replace('-', "");
    assert!(server.items(TABLE, "USER#").await.iter().all(|item| !format!("{item:?}").contains(&bare)));
}

#[tokio::test]
async fn sec_mf_07_what_is_delicate_needs_both_factors_shown_just_now() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    let export = async |access: &str| server.as_bearer(Method::GET, "/v1/me/export", access).await;
    let access = sign_in(&server, &factor).await;
    assert_eq!(export(&access.string("access_token")).await.status, 200);
    server.clock.advance(301);
    let access = server.refresh(&access.string("refresh_token")).await.string("access_token");
    let stale = export(&access).await;
    assert_eq!((stale.status, &stale.json()["methods"]), (401, &json!(["totp", "recovery_code"])));
    assert!(stale.header("www-authenticate").contains("acr_values=\"urn:wardgate:2fa\""));
    // The password alone is no way there.
    let alone = server.step_up_with(&access, &json!({ "password": PASSWORD })).await;
    assert_eq!((alone.status, alone.string("code").as_str()), (401, "insufficient_user_authentication"));
    assert_eq!(export(&access).await.status, 401);
    let wrong = json!({ "password": PASSWORD, "method": "totp", "code": "000000" });
    assert_eq!(server.step_up_with(&access, &wrong).await.string("code"), "invalid_second_factor");
    for (member, missing) in [("method", "code"), ("code", "method")] {
        let mut half = json!({ "password": PASSWORD });
        half[member] = json!("totp");
        let answer = server.step_up_with(&access, &half).await;
        assert_eq!((answer.status, &answer.json()["errors"][0]["member"]), (400, &json!(missing)));
    }
    let both = json!({ "password": PASSWORD, "method": "totp", "code": server.code_of(&factor.app) });
    let stepped_up = server.step_up_with(&access, &both).await;
    assert_eq!(
        (stepped_up.status, stepped_up.string("acr").as_str()),
        (200, "urn:wardgate:2fa"),
        "{}",
        stepped_up.text
    );
    assert_eq!(export(&access).await.status, 200);
    let code = &factor.recovery_codes[0];
    let by_code = json!({ "password": PASSWORD, "method": "recovery_code", "code": code });
    assert_eq!(server.step_up_with(&access, &by_code).await.status, 200);
    let mails = server.mails(EMAIL).await;
    assert!(mails.iter().any(|mail| mail.text.contains("9 recovery codes are left.")), "its owner hears of it");
    let trail = format!("{:?}", server.items(AUDIT_TABLE, "USER#").await);
    for action in ["recovery_code_used", "second_factor_failed"] {
        assert!(trail.contains(action), "{action} is not in the trail");
    }
    assert_eq!(server.step_up_with(&access, &by_code).await.status, 401, "used");
}

/// The sign-in has read that there is no second factor, and commits after there is one.
#[tokio::test]
async fn sec_mf_01_a_sign_in_that_began_before_the_second_factor_gives_no_session() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let held = server.store.hold("TransactWriteItems");
    let (late, factor) = tokio::join!(server.login(EMAIL, PASSWORD), async {
        held.reached().await;
        let elsewhere = server.beside_itself().await;
        let factor = elsewhere.with_second_factor().await;
        held.release();
        factor
    });
    assert_eq!((late.status, late.string("code").as_str()), (401, "invalid_credentials"), "{}", late.text);
    assert_eq!(sign_in(&server, &factor).await.status, 200);
}

#[tokio::test]
async fn sec_mf_05_a_secret_that_was_moved_from_another_account_opens_nothing() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    let item = server.items(TABLE, "USER#").await.into_iter().find(|item| item["sk"].as_s().unwrap() == "FACTOR#totp");
    let item = item.unwrap();
    let shown = format!("{item:?}");
    assert!(!shown.contains("otpauth") && item["secret"].as_m().unwrap().contains_key("sealed"), "{shown}");
    // The same row under another id, as one that was copied from elsewhere has.
    let other = aws_sdk_dynamodb::types::AttributeValue::S("fac_01jnx5zc8t0000000000000000".to_owned());
    server.set_attribute(item["pk"].as_s().unwrap(), "FACTOR#totp", "id", other).await;
    let token = server.first_step().await;
    let answer = server.second_step(&token, "totp", &server.code_of(&factor.app)).await;
    assert_eq!(answer.status, 500, "{}", answer.text);
    // Nobody learnt anything: the attempt was given back.
    for _ in 0..20 {
        assert_eq!(server.second_step(&token, "totp", "000000").await.status, 500);
    }
}

/// Signs in with both factors, and has the device remembered: its token.
async fn remembered(server: &TestServer, factor: &SecondFactor) -> String {
    server.clock.advance(30);
    let body = json!({
        "mfa_token": server.first_step().await, "method": "totp", "code": server.code_of(&factor.app),
        "remember_device": true,
    });
    let answer = server.post("/v1/login/mfa", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.string("device_token")
}

/// The password, from this device.
async fn from_device(server: &TestServer, device: &str) -> Answer {
    let body = json!({ "email": EMAIL, "password": PASSWORD, "device_token": device });
    server.post("/v1/login", &body).await
}

const REMEMBERS: [(&str, &str); 1] = [("AUTH__ACCOUNTS__REMEMBER_DEVICE_DAYS", "30")];

#[tokio::test]
async fn sec_mf_23_a_device_is_remembered_where_that_is_let_and_wished_for_so_many_days() {
    let server = TestServer::with(&REMEMBERS).await;
    let factor = server.with_second_factor().await;
    let asked = server.login(EMAIL, PASSWORD).await;
    assert_eq!(asked.json()["remember_device_days"], 30);
    // Nobody wished for it.
    let device = sign_in(&server, &factor).await.string("device_token");
    assert_eq!(from_device(&server, &device).await.string("status"), "mfa_required");
    let device = remembered(&server, &factor).await;
    let signed_in = from_device(&server, &device).await;
    assert_eq!(signed_in.string("status"), "signed_in", "{}", signed_in.text);
    // By the password alone, and that is what it says (MF-07).
    let access = signed_in.string("access_token");
    let claims = claims(&access);
    assert_eq!((&claims["amr"], &claims["acr"]), (&json!(["pwd"]), &json!("urn:wardgate:1fa")));
    let refused = server.as_bearer(Method::GET, "/v1/me/export", &access).await;
    assert_eq!((refused.status, refused.string("code").as_str()), (401, "insufficient_user_authentication"));
    // It is no more than the device's: elsewhere the factor is asked for, and a wrong password stays wrong.
    assert_eq!(server.login(EMAIL, PASSWORD).await.string("status"), "mfa_required");
    let body = json!({ "email": EMAIL, "password": OTHER_PASSWORD, "device_token": device });
    assert_eq!(server.post("/v1/login", &body).await.status, 401);
    // A sign-in of the device does not renew it.
    server.clock.advance(30 * DAY - 3600);
    assert_eq!(from_device(&server, &device).await.string("status"), "signed_in");
    server.clock.advance(3600);
    assert_eq!(from_device(&server, &device).await.string("status"), "mfa_required");
    // A known device can be remembered anew.
    let body = json!({
        "mfa_token": server.first_step().await, "method": "totp", "code": server.code_of(&factor.app),
        "device_token": device, "remember_device": true,
    });
    assert_eq!(server.post("/v1/login/mfa", &body).await.status, 200);
    assert_eq!(from_device(&server, &device).await.string("status"), "signed_in");
    // Once it is switched off, no device stands for anything.
    let strict = server.configured(|config| config.accounts.remember_device_days = 0).await;
    let asked = from_device(&strict, &device).await;
    assert_eq!(
        (asked.string("status").as_str(), &asked.json()["remember_device_days"]),
        ("mfa_required", &json!(null))
    );
}

#[tokio::test]
async fn sec_mf_23_a_mailed_code_is_enough_on_a_remembered_device_too() {
    let server = TestServer::with(&REMEMBERS).await;
    let factor = server.with_second_factor().await;
    let device = remembered(&server, &factor).await;
    for (device, status) in [(json!(null), "mfa_required"), (json!(device), "signed_in")] {
        server.clock.advance(61);
        let flow = server.code_flow(EMAIL).await;
        let mail = server.newest_mail(EMAIL).await;
        let body = json!({ "email": EMAIL, "code": code(&mail), "flow_token": flow, "device_token": device });
        let answer = server.verify_sign_in(&body).await;
        assert_eq!(answer.string("status"), status, "{}", answer.text);
    }
}

#[tokio::test]
async fn sec_mf_23_nothing_is_remembered_by_default_and_whoever_asks_is_told_so() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    let device = remembered(&server, &factor).await;
    assert_eq!(from_device(&server, &device).await.string("status"), "mfa_required");
    // Not even where it is let later: nobody was asked then.
    let lenient = server.configured(|config| config.accounts.remember_device_days = 30).await;
    assert_eq!(from_device(&lenient, &device).await.string("status"), "mfa_required");
}

#[tokio::test]
async fn sec_mf_23_whatever_changes_the_account_or_ends_its_sessions_forgets_it() {
    let server = TestServer::with(&REMEMBERS).await;
    let factor = server.with_second_factor().await;
    let fresh = || async {
        let access = sign_in(&server, &factor).await.string("access_token");
        (access, remembered(&server, &factor).await)
    };
    let (access, device) = fresh().await;
    server.clock.advance(1);
    assert_eq!(server.as_bearer(Method::DELETE, "/v1/sessions", &access).await.status, 204);
    assert_eq!(from_device(&server, &device).await.string("status"), "mfa_required", "all other sessions were ended");
    let (access, device) = fresh().await;
    let renewed = server.as_bearer(Method::POST, "/v1/mfa/recovery-codes", &access).await;
    assert_eq!(renewed.status, 200, "{}", renewed.text);
    assert_eq!(from_device(&server, &device).await.string("status"), "mfa_required", "the factors have changed");
    let (access, device) = fresh().await;
    let change = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
    let request = server.request(Method::POST, "/v1/password/change").bearer_auth(&access).json(&change);
    assert!(server.send(request).await.status < 300);
    let body = json!({ "email": EMAIL, "password": OTHER_PASSWORD, "device_token": device });
    assert_eq!(server.post("/v1/login", &body).await.string("status"), "mfa_required", "the password has changed");
}
