//! What strangers with many addresses of their own can spend in a day, by production's limits, and what remains to the
//! owner and to everybody else (decision 32).

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use wardgate::config::Config;
use wardgate_server::dev::outbox::Mail;

use crate::harness::{Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer, code, link_token};

/// Production's limits of mails, which development has not.
const LIMITS: [(&str, &str); 14] = [
    ("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", "true"),
    ("AUTH__HTTP__TRUSTED_PROXIES", r#"["127.0.0.0/8"]"#),
    ("AUTH__LIMITS__LOGIN_PAIR__MOST_FAILURES", "20"),
    ("AUTH__LIMITS__LOGIN_SOURCE__LIMIT", "100"),
    ("AUTH__LIMITS__REGISTER_SOURCE__LIMIT", "100"),
    ("AUTH__LIMITS__REGISTER_ADDRESS__LIMIT", "10"),
    ("AUTH__LIMITS__MAIL_SOURCE__LIMIT", "60"),
    ("AUTH__LIMITS__MAIL_PAIR__LIMIT", "3"),
    ("AUTH__LIMITS__MAIL_ADDRESS__LIMIT", "6"),
    ("AUTH__LIMITS__RESET_PAIR__LIMIT", "2"),
    ("AUTH__LIMITS__RESET_ADDRESS__LIMIT", "5"),
    ("AUTH__LIMITS__MAIL_DEVICE__LIMIT", "3"),
    ("AUTH__LIMITS__NOTICE_ADDRESS__LIMIT", "10"),
    ("AUTH__LIMITS__REGISTER_NOTICE__LIMIT", "1"),
];
/// As long as a reset link lives, and the window that resets are counted in.
const WINDOW: i64 = 1800;
/// Where the owner is.
const HOME: &str = "198.51.100.7";

/// A stage with production's limits, but for what is given.
async fn stage(others: &[(&str, &str)]) -> TestServer {
    let kept = LIMITS.iter().filter(|(name, _)| others.iter().all(|(other, _)| other != name));
    TestServer::with(&kept.chain(others).copied().collect::<Vec<_>>()).await
}

async fn from(server: &TestServer, source: &str, path: &str, body: &Value) -> Answer {
    server.send(server.request(Method::POST, path).header("x-forwarded-for", source).json(body)).await
}

/// A stranger's `index`th address.
fn source(index: usize) -> String {
    format!("203.0.{}.{}", 113 + index / 200, 1 + index % 200)
}

/// Begins a verified account from an address of its own.
async fn account(server: &TestServer, email: &str) {
    let flow = from(server, HOME, "/v1/register", &json!({ "email": email, "password": PASSWORD })).await;
    let token = link_token(&server.newest_mail(email).await);
    let answer = server.verify_link(&token, Some(&flow.string("flow_token"))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

/// What each of a stranger's addresses asks for in one window, more than it may.
async fn spend(server: &TestServer, email: &str, sources: usize) {
    for index in 0..sources {
        let source = source(index);
        // A few are enough to reach an address's limits; the others come too late, as they would all day.
        let times = if sources > 20 { 1 } else { 4 };
        for _ in 0..times {
            for path in ["/v1/password/forgot", "/v1/login/email-code", "/v1/email/verify/resend"] {
                let answer = from(server, &source, path, &json!({ "email": email })).await;
                assert_eq!(answer.status, 202, "{path}: the limit is not to be seen");
            }
        }
        if index < 3 {
            let body = json!({ "email": email, "password": OTHER_PASSWORD });
            from(server, &source, "/v1/register", &body).await;
            // His own flow's code, which he does not know.
            let flow = from(server, &source, "/v1/login/email-code", &json!({ "email": email })).await;
            let guess = json!({ "email": email, "code": "00000000", "flow_token": flow.string("flow_token") });
            assert_eq!(from(server, &source, "/v1/login/email-code/verify", &guess).await.status, 401);
        }
    }
}

fn newest<'a>(mails: &'a [Mail], page: &str) -> Option<&'a Mail> {
    mails.iter().rev().find(|mail| mail.text.contains(&format!("/ui/{page}?token=")))
}

#[test]
fn the_limits_here_are_those_of_production() {
    let load = |stage: &str, variables: &[(&str, &str)]| {
        let own = [
            ("AUTH__STAGE", stage),
            ("AUTH__TOKENS__ISSUER", "https://auth.example.com"),
            ("AUTH__TOKENS__AUDIENCE", "https://api.example.com"),
        ];
        let all = own.iter().chain(variables).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        format!("{:?}", Config::load(all).unwrap().limits)
    };
    assert_eq!(load("development", &LIMITS), load("production", &[]));
}

/// One stranger with ten requests an hour kept an owner out: resets, codes and notices shared one counter.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_en_02_a_reset_always_remains_whatever_strangers_spend_in_a_day() {
    for (sources, windows) in [(1, 48), (10, 6), (100, 2)] {
        let server = stage(&[]).await;
        account(&server, EMAIL).await;
        let signed_in = from(&server, HOME, "/v1/login", &json!({ "email": EMAIL, "password": PASSWORD })).await;
        let mut device = signed_in.string("device_token");
        let mut password = PASSWORD;
        for window in 0..windows {
            // Spread over the day, each at a window's beginning.
            let step = WINDOW * (48 / windows);
            let now = server.context().now.unix_seconds();
            server.clock.advance(step - now.rem_euclid(WINDOW));
            spend(&server, EMAIL, sources).await;
            server.mails(EMAIL).await;
            server.clock.advance(WINDOW - 10);

            // Where the owner is not known: either a mail goes out, or one in the mailbox has a link that works.
            from(&server, HOME, "/v1/password/forgot", &json!({ "email": EMAIL })).await;
            let mails = server.mails(EMAIL).await;
            let token = link_token(newest(&mails, "reset-password").unwrap());
            password = if password == PASSWORD { OTHER_PASSWORD } else { PASSWORD };
            let body = json!({ "token": token, "new_password": password });
            let reset = from(&server, HOME, "/v1/password/reset", &body).await;
            assert_eq!(reset.status, 200, "{sources} sources, window {window}: {}", reset.text);
            server.step();
            let after = server.mails(EMAIL).await;
            assert!(
                after.len() > mails.len(),
                "{sources} sources, window {window}: the owner is not told of the reset"
            );

            // Known where the reset was done: signs in by password, and gets a code there.
            let body = json!({ "email": EMAIL, "password": password, "device_token": device });
            let signed_in = from(&server, HOME, "/v1/login", &body).await;
            assert_eq!(signed_in.status, 200, "{sources} sources, window {window}: {}", signed_in.text);
            device = signed_in.string("device_token");
            let body = json!({ "email": EMAIL, "device_token": device });
            let flow = from(&server, HOME, "/v1/login/email-code", &body).await.string("flow_token");
            let mail = server.newest_mail(EMAIL).await;
            let body = json!({ "email": EMAIL, "code": code(&mail), "flow_token": flow, "device_token": device });
            let by_code = from(&server, HOME, "/v1/login/email-code/verify", &body).await;
            assert_eq!(by_code.status, 200, "{sources} sources, window {window}: {}", by_code.text);

            // And changes the password where signed in.
            let access = by_code.string("access_token");
            let next = if password == PASSWORD { OTHER_PASSWORD } else { PASSWORD };
            let body = json!({ "current_password": password, "new_password": next });
            let change = server.request(Method::POST, "/v1/password/change").bearer_auth(&access);
            let change = change.header("x-forwarded-for", HOME).json(&body);
            let changed = server.send(change).await;
            assert_eq!(changed.status, 200, "{sources} sources, window {window}: {}", changed.text);
            password = next;
            server.step();
        }
        let mails = server.mails(EMAIL).await;
        let told = mails.iter().filter(|mail| mail.subject.to_lowercase().contains("already")).count();
        assert!(told <= 2, "{sources} sources: {told} notices of registrations in a day that two days share");
    }
}

/// With one address, a stranger leaves code mails to devices that nobody knows.
#[tokio::test]
async fn sec_en_03_one_source_leaves_others_half_of_an_addresss_mails() {
    let server = stage(&[]).await;
    account(&server, EMAIL).await;
    spend(&server, EMAIL, 1).await;
    let before = server.mails(EMAIL).await.len();
    for path in ["/v1/login/email-code", "/v1/password/forgot"] {
        from(&server, HOME, path, &json!({ "email": EMAIL })).await;
    }
    assert_eq!(server.mails(EMAIL).await.len(), before + 2);
}

/// 70 orders for one's own account, with a limit of 60 for all, stopped a registration and a reset of other people. One to a
/// hundred of the real figures.
#[tokio::test]
async fn sec_en_03_one_client_does_not_stop_everybodys_mail() {
    let scaled = [
        ("AUTH__LIMITS__MAIL_ALL__LIMIT", "100"),
        ("AUTH__LIMITS__MAIL_ALL_KEPT_FOR_RESETS", "20"),
        ("AUTH__LIMITS__MAIL_SOURCE__LIMIT", "6"),
        ("AUTH__LIMITS__MAIL_PAIR__LIMIT", "6"),
        ("AUTH__LIMITS__MAIL_ADDRESS__LIMIT", "60"),
    ];
    let server = stage(&scaled).await;
    account(&server, EMAIL).await;
    server.clock.advance(3600);
    for index in 0..10 {
        for _ in 0..20 {
            from(&server, &source(index), "/v1/login/email-code", &json!({ "email": EMAIL })).await;
        }
    }
    server.mails(EMAIL).await;
    from(&server, HOME, "/v1/register", &json!({ "email": "new@example.com", "password": PASSWORD })).await;
    assert_eq!(server.mails("new@example.com").await.len(), 1);
    let stage = counters(&server).await;
    assert_eq!(stage["mail_all"], [1, 61], "what was refused to a source has cost the stage nothing");
}

#[tokio::test]
async fn sec_en_02_sec_en_03_the_stages_last_mails_are_for_resets() {
    let server = stage(&[
        ("AUTH__LIMITS__MAIL_ALL__LIMIT", "5"),
        ("AUTH__LIMITS__MAIL_ALL_KEPT_FOR_RESETS", "2"),
        ("AUTH__LIMITS__MAIL_PAIR__LIMIT", "60"),
        ("AUTH__LIMITS__MAIL_ADDRESS__LIMIT", "60"),
    ])
    .await;
    account(&server, EMAIL).await;
    server.clock.advance(3600);
    let before = server.mails(EMAIL).await.len();
    for _ in 0..5 {
        from(&server, HOME, "/v1/login/email-code", &json!({ "email": EMAIL })).await;
    }
    assert_eq!(server.mails(EMAIL).await.len(), before + 3);
    for index in 0..4 {
        from(&server, &source(index), "/v1/password/forgot", &json!({ "email": EMAIL })).await;
    }
    assert_eq!(server.mails(EMAIL).await.len(), before + 5);
}

/// An owner notice of a registration and a reset shared a counter, so that registering an address ten times stopped resets.
#[tokio::test]
async fn sec_en_03_an_owner_is_told_of_registrations_once_a_day() {
    let server = stage(&[]).await;
    account(&server, EMAIL).await;
    server.clock.advance(86_400);
    let before = server.mails(EMAIL).await.len();
    for index in 0..8 {
        let body = json!({ "email": EMAIL, "password": OTHER_PASSWORD });
        assert_eq!(from(&server, &source(index), "/v1/register", &body).await.status, 202);
    }
    assert_eq!(server.mails(EMAIL).await.len(), before + 1);
    server.clock.advance(86_400);
    from(&server, HOME, "/v1/register", &json!({ "email": EMAIL, "password": OTHER_PASSWORD })).await;
    assert_eq!(server.mails(EMAIL).await.len(), before + 2);
}

#[tokio::test]
async fn sec_en_03_registrations_beyond_a_limit_say_so_by_counters_that_know_no_accounts() {
    let server = stage(&[]).await;
    account(&server, EMAIL).await;
    server.clock.advance(3600);
    for email in [EMAIL, "nobody@example.com"] {
        let mut statuses = Vec::new();
        for _ in 0..4 {
            let answer =
                from(&server, &source(0), "/v1/register", &json!({ "email": email, "password": PASSWORD })).await;
            statuses.push((answer.status, answer.header("retry-after").len()));
        }
        assert_eq!(statuses, [(202, 0), (202, 0), (202, 0), (429, 4)], "{email}");
    }
}

/// A device whose mails of the hour are gone is as good as unknown: or its owner could not reset where anybody else can.
#[tokio::test]
async fn sec_en_02_a_known_device_has_mails_of_its_own_and_then_those_of_an_unknown_one() {
    let server = stage(&[]).await;
    account(&server, EMAIL).await;
    let signed_in = from(&server, HOME, "/v1/login", &json!({ "email": EMAIL, "password": PASSWORD })).await;
    let device = signed_in.string("device_token");
    server.clock.advance(3600);
    spend(&server, EMAIL, 10).await;
    let body = json!({ "email": EMAIL, "device_token": device });
    let before = server.mails(EMAIL).await.len();
    for _ in 0..4 {
        from(&server, HOME, "/v1/password/forgot", &body).await;
    }
    assert_eq!(server.mails(EMAIL).await.len(), before + 3);
    // Another address's token, a forged one: none.
    account(&server, "grace@example.com").await;
    for token in [device.as_str(), "dt_s1.AAAA.AAAA"] {
        let body = json!({ "email": "grace@example.com", "device_token": token });
        for _ in 0..3 {
            from(&server, &source(90), "/v1/password/forgot", &body).await;
        }
    }
    let mails = server.mails("grace@example.com").await;
    let resets = mails.iter().filter(|mail| mail.text.contains("/ui/reset-password?")).count();
    assert_eq!(resets, 2, "as many as of any pair");
    server.clock.advance(3600);
    let before = server.mails(EMAIL).await.len();
    for _ in 0..5 {
        from(&server, HOME, "/v1/password/forgot", &body).await;
    }
    assert_eq!(server.mails(EMAIL).await.len(), before + 5, "three of the device, two of the pair");
}

/// The counters of orders, by scope, as numbers alone. What the mailer counts by what it finds is seen by nobody.
async fn counters(server: &TestServer) -> BTreeMap<String, Vec<u32>> {
    let mut counters: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for item in server.items(TABLE, "LIMIT#").await {
        let scope = item["pk"].as_s().unwrap().split('#').nth(1).unwrap().to_owned();
        if let Some(attempts) = item.get("attempts") {
            counters.entry(scope).or_default().push(attempts.as_n().unwrap().parse().unwrap());
        }
    }
    for counts in counters.values_mut() {
        counts.sort_unstable();
    }
    counters
}

/// Orders for unknown addresses returned before anything was counted: asking for N addresses and then for 63 of one's own
/// told exactly which of the N have an account.
#[tokio::test]
async fn sec_en_04_known_and_unknown_addresses_leave_the_same_counters_answers_and_headers() {
    let mut seen = Vec::new();
    for known in [true, false] {
        let server = stage(&[]).await;
        account(&server, if known { EMAIL } else { "another@example.com" }).await;
        server.clock.advance(86_400);
        let mut answers = Vec::new();
        for index in 0..4 {
            for _ in 0..4 {
                for path in ["/v1/password/forgot", "/v1/login/email-code", "/v1/email/verify/resend", "/v1/register"] {
                    let mut body = json!({ "email": EMAIL });
                    if path == "/v1/register" {
                        body["password"] = json!(OTHER_PASSWORD);
                    }
                    let answer = from(&server, &source(index), path, &body).await;
                    if path == "/v1/login/email-code" {
                        let guess =
                            json!({ "email": EMAIL, "code": "00000000", "flow_token": answer.string("flow_token") });
                        let tried = from(&server, &source(index), "/v1/login/email-code/verify", &guess).await;
                        answers.push(shape(&tried));
                    }
                    answers.push(shape(&answer));
                }
            }
            server.mails(EMAIL).await;
        }
        let mut counters = counters(&server).await;
        counters.retain(|scope, _| !["mail_all", "register_notice", "notice_address"].contains(&scope.as_str()));
        seen.push((answers, counters));
    }
    assert!(seen[0].1.len() >= 7, "{:?}", seen[0].1);
    assert_eq!(seen[0], seen[1]);
}

/// Status, length and the names of headers.
fn shape(answer: &Answer) -> (u16, usize, Vec<String>) {
    let mut names: Vec<String> = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
    names.sort();
    (answer.status, answer.text.len(), names)
}

/// The one mail that keeps an account could not be asked for again: everything answered 202 and sent nothing for 14 days.
#[tokio::test]
async fn while_an_account_leaves_whatever_is_asked_for_sends_the_mail_that_keeps_it() {
    for path in ["/v1/register", "/v1/password/forgot", "/v1/login/email-code", "/v1/email/verify/resend"] {
        let server = stage(&[]).await;
        account(&server, EMAIL).await;
        let signed_in = from(&server, HOME, "/v1/login", &json!({ "email": EMAIL, "password": PASSWORD })).await;
        let left = server.as_bearer(Method::DELETE, "/v1/me", &signed_in.string("access_token")).await;
        assert_eq!(left.status, 202);
        server.mails(EMAIL).await;
        let first = link_token(&server.newest_mail(EMAIL).await);
        server.clock.advance(3600);
        let body = match path {
            "/v1/register" => json!({ "email": EMAIL, "password": OTHER_PASSWORD }),
            _ => json!({ "email": EMAIL }),
        };
        let before = server.mails(EMAIL).await.len();
        let asked = from(&server, HOME, path, &body).await;
        assert_eq!(asked.status, 202, "{}", asked.text);
        assert_eq!(server.mails(EMAIL).await.len(), before + 1, "{path}");
        let mail = server.newest_mail(EMAIL).await;
        assert!(mail.text.contains("/ui/keep-account?token="), "{path}: {}", mail.text);
        assert_eq!(link_token(&mail), first, "{path}: the same link again");
        let before = server.mails(EMAIL).await.len();
        for _ in 0..5 {
            from(&server, HOME, path, &body).await;
        }
        let more = server.mails(EMAIL).await.len() - before;
        assert!(more <= 2, "{path}: {more} more, over the limit of its kind");
        assert_eq!(server.post("/v1/me/keep", &json!({ "token": first })).await.status, 200);
        // Kept: it gets no such mail any more.
        server.clock.advance(3600);
        from(&server, HOME, path, &body).await;
        assert!(!server.newest_mail(EMAIL).await.text.contains("/ui/keep-account?") || path.ends_with("resend"));
    }
}
