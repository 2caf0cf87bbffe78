//! What a stolen session and a stolen password are worth where there are second factors: each of two thieves tries for a week
//! everything that the API offers. `docs/security/thieves.md` has what they reached.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use reqwest::Method;
use serde_json::{Value, json};
use wardgate::http::endpoint::{Endpoint, Reader};
use wardgate_server::endpoints::ENDPOINTS;

use crate::harness::passkey::Authenticator;
use crate::harness::second_factor::SecondFactor;
use crate::harness::{Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TestServer, repository};

const WEEK_IN_HOURS: i64 = 7 * 24;
/// How often they come back.
const HOURS: i64 = 4;
/// How often each guesses at each place, whenever they come.
const GUESSES: usize = 12;
/// What both have of their own.
const NEW_PASSWORD: &str = "a thief's own long password";
const NEW_EMAIL: &str = "thief@example.com";

/// What is the same for everybody, and what acts for applications and not for people.
const OF_NOBODY: [&str; 6] = ["health", "jwks", "openid-configuration", "preflight", "ready", "related-origins"];

/// What a week brings, by endpoint: how often it was answered what.
type Reached = BTreeMap<&'static str, BTreeMap<String, usize>>;

struct Thief {
    /// What stands in `Authorization`: a session's access token, or for want of one the token of a first step.
    bearer: String,
    /// The session's, while it lasts.
    refresh_token: String,
    /// What is taken for the password: the right one, or a guess.
    password: &'static str,
    mfa_token: String,
    flow_token: String,
    /// The owner's session that is ended, and the passkey that is renamed and removed.
    owners_session: String,
    passkey: String,
    /// A telephone of the thief's own.
    authenticator: Authenticator,
    guess: u32,
}

impl Thief {
    /// Six digits that no app shows: what is to be seen is how many are looked at.
    fn code(&mut self, wrong: &BTreeSet<String>) -> String {
        loop {
            self.guess = (self.guess + 7919) % 1_000_000;
            let code = format!("{:06}", self.guess);
            if !wrong.contains(&code) {
                return code;
            }
        }
    }

    /// What is sent to an endpoint. Nothing where it cannot be asked by anybody but an application.
    fn body(&mut self, endpoint: &str, right_codes: &BTreeSet<String>) -> Option<Value> {
        let password = self.password;
        let token = "a1_k1.AAAA.BBBB";
        let credential = json!({
            "id": "AAAA", "rawId": "AAAA", "type": "public-key",
            "response": { "clientDataJSON": "e30", "attestationObject": "oA", "authenticatorData": "AA", "signature": "AA" },
        });
        Some(match endpoint {
            "email-change" => json!({ "new_email": NEW_EMAIL, "password": password }),
            "email-change-confirm" | "email-change-undo" | "me-keep" => json!({ "token": token }),
            "email-verify-resend" | "login-email-code" | "password-forgot" => json!({ "email": EMAIL }),
            "login" => json!({ "email": EMAIL, "password": password }),
            "email-verify" | "login-email-code-verify" => {
                json!({ "email": EMAIL, "code": "AAAAAAAA", "flow_token": self.flow_token })
            }
            "login-mfa" => json!({ "mfa_token": self.mfa_token, "method": "totp", "code": self.code(right_codes) }),
            "login-mfa-lost" | "login-mfa-options" => json!({ "mfa_token": self.mfa_token }),
            "me-update" => json!({ "name": "Thief" }),
            "mfa-totp-confirm" => json!({ "enrolment_token": token, "code": self.code(right_codes) }),
            "mfa-update" => json!({ "second_factor": false }),
            "passkey-add" => json!({ "credential": credential, "name": "Mine" }),
            "passkey-update" => json!({ "name": "Mine" }),
            "password-change" => json!({ "current_password": password, "new_password": NEW_PASSWORD }),
            "password-reset" => json!({ "token": token, "new_password": NEW_PASSWORD }),
            "register" => json!({ "email": EMAIL, "password": NEW_PASSWORD }),
            "step-up" => json!({ "password": password, "method": "totp", "code": self.code(right_codes) }),
            "logout" | "token-refresh" => json!({ "refresh_token": self.refresh_token }),
            "me"
            | "me-activity"
            | "me-delete"
            | "me-export"
            | "mfa-recovery-codes"
            | "mfa-show"
            | "mfa-totp"
            | "mfa-totp-remove"
            | "passkey-login"
            | "passkey-login-options"
            | "passkey-options"
            | "passkey-remove"
            | "password-remove"
            | "session-end"
            | "sessions-end-others"
            | "sessions-list"
            | "step-up-options"
            | "userinfo" => Value::Null,
            "authorize" | "end-session" | "introspect" | "revoke" | "token" => return None,
            other => panic!("what would a thief send to {other}?"),
        })
    }

    async fn ask(
        &mut self,
        server: &TestServer,
        endpoint: &Endpoint,
        right_codes: &BTreeSet<String>,
    ) -> Option<Answer> {
        let body = self.body(endpoint.name, right_codes)?;
        if endpoint.name == "passkey-login" {
            return Some(server.passkey_login(&mut self.authenticator).await);
        }
        let id = if endpoint.name == "session-end" { &self.owners_session } else { &self.passkey };
        let path = endpoint.path().replace("{id}", id);
        let request = server.request(endpoint.method().clone(), &path).bearer_auth(&self.bearer);
        Some(server.send(if body.is_null() { request } else { request.json(&body) }).await)
    }
}

/// What an answer comes to.
fn outcome(answer: &Answer) -> String {
    let word = |name: &str| {
        let text = if answer.text.starts_with('{') { answer.json()[name].clone() } else { Value::Null };
        text.as_str().map(|text| format!(" `{text}`")).unwrap_or_default()
    };
    let words = if answer.status < 300 { word("status") } else { word("code") };
    format!("{}{words}", answer.status)
}

/// The endpoints in the order in which they are tried: what costs a thief their own way in comes last.
fn tried() -> Vec<&'static Endpoint> {
    let last = ["logout"];
    let of_people =
        |endpoint: &&Endpoint| matches!(endpoint.reader, Reader::Program) && !OF_NOBODY.contains(&endpoint.name);
    let mut endpoints: Vec<&Endpoint> = ENDPOINTS.iter().map(|(endpoint, _)| endpoint).filter(of_people).collect();
    endpoints.sort_by_key(|endpoint| (last.contains(&endpoint.name), endpoint.name));
    endpoints
}

struct Owner {
    factor: SecondFactor,
    authenticator: Authenticator,
    passkey: String,
}

/// An account with an app, recovery codes and a passkey.
async fn owner(server: &TestServer) -> Owner {
    let factor = server.with_second_factor().await;
    let waiting = server.first_step().await;
    let signed_in = server.second_step(&waiting, "totp", &server.code_of(&factor.app)).await;
    let mut authenticator = server.authenticator();
    let (passkey, _) = server.add_passkey(&signed_in.string("access_token"), &mut authenticator).await;
    server.clock.advance(30);
    Owner { factor, authenticator, passkey }
}

/// What the app shows around now.
fn right_codes(server: &TestServer, owner: &Owner) -> BTreeSet<String> {
    (-2..=2).map(|steps| server.code_later(&owner.factor.app, steps)).collect()
}

async fn thief(server: &TestServer, owner: &Owner, password: &'static str) -> Thief {
    let waiting = server.first_step().await;
    let stolen = server.second_step(&waiting, "totp", &server.code_of(&owner.factor.app)).await;
    assert_eq!(stolen.status, 200, "{}", stolen.text);
    server.clock.advance(30);
    let waiting = server.first_step().await;
    let other = server.second_step(&waiting, "recovery_code", &owner.factor.recovery_codes[0]).await;
    let mut authenticator = server.authenticator();
    authenticator.user_handle.clone_from(&owner.authenticator.user_handle);
    Thief {
        bearer: stolen.string("access_token"),
        refresh_token: stolen.string("refresh_token"),
        password,
        mfa_token: "mt_k1.AAAA.BBBB".to_owned(),
        flow_token: server.code_flow(EMAIL).await,
        owners_session: other.string("session_id"),
        passkey: owner.passkey.clone(),
        authenticator,
        guess: 0,
    }
}

/// A week of it. `begin` is what the thief does first, whenever they come.
async fn week(
    server: &TestServer,
    owner: &Owner,
    thief: &mut Thief,
    begin: impl AsyncFn(&TestServer, &mut Thief),
) -> Reached {
    let mut reached = Reached::new();
    for round in 0..WEEK_IN_HOURS / HOURS {
        server.clock.advance(HOURS * 3600);
        begin(server, thief).await;
        let is_last = round + 1 == WEEK_IN_HOURS / HOURS;
        for endpoint in tried() {
            if endpoint.name == "logout" && !is_last {
                continue;
            }
            let guesses = if ["login-mfa", "step-up", "login"].contains(&endpoint.name) { GUESSES } else { 1 };
            for _ in 0..guesses {
                let codes = right_codes(server, owner);
                let Some(answer) = thief.ask(server, endpoint, &codes).await else { continue };
                assert!(answer.status < 500, "{}: {}", endpoint.name, answer.text);
                *reached.entry(endpoint.name).or_default().entry(outcome(&answer)).or_default() += 1;
                if endpoint.name == "token-refresh" && answer.status == 200 {
                    thief.bearer = answer.string("access_token");
                    thief.refresh_token = answer.string("refresh_token");
                }
            }
        }
    }
    reached
}

/// What nobody reaches who has not shown every factor just now (SE-10, MF-07).
const DELICATE: [&str; 15] = [
    "email-change",
    "login-mfa",
    "me-delete",
    "me-export",
    "mfa-recovery-codes",
    "mfa-totp",
    "mfa-totp-confirm",
    "mfa-totp-remove",
    "mfa-update",
    "passkey-add",
    "passkey-login",
    "passkey-options",
    "passkey-remove",
    "password-remove",
    "step-up",
];

/// The account is its owner's as before: the address, the password, each factor.
async fn is_as_before(server: &TestServer, owner: &mut Owner, reached: &Reached) {
    for name in DELICATE.iter().chain(&["password-change", "password-reset"]) {
        assert!(!reached[name].keys().any(|outcome| outcome.starts_with('2')), "{name}: {:?}", reached[name]);
    }
    // What the thief has ended, has ended by then.
    server.clock.advance(1);
    let signed_in = server.passkey_login(&mut owner.authenticator).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text);
    let access = signed_in.string("access_token");
    let me = server.as_bearer(Method::GET, "/v1/me", &access).await.json();
    assert_eq!(me["email"], EMAIL);
    let mfa = server.as_bearer(Method::GET, "/v1/mfa", &access).await.json();
    assert_eq!((&mfa["second_factor"], &mfa["recovery_codes"]["left"]), (&json!(true), &json!(9)));
    assert!(!mfa["totp"].is_null() && mfa["passkeys"].as_array().unwrap().len() == 1, "{mfa}");
    // A month later whatever was counted is over, and the password and the app work, too.
    server.clock.advance(31 * 24 * 3600);
    let waiting = server.first_step().await;
    assert_eq!(server.second_step(&waiting, "totp", &server.code_of(&owner.factor.app)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "asks whoever runs the test, not the configuration")]
async fn sec_mf_07_a_week_with_a_stolen_session_or_password_takes_no_account_over() {
    const MARK: &str = "<!-- generated by tests/thieves.rs -->\n";
    let server = TestServer::start().await;
    let mut owned = owner(&server).await;
    let mut thief_of_session = thief(&server, &owned, OTHER_PASSWORD).await;
    let by_session = week(&server, &owned, &mut thief_of_session, async |server, thief| {
        let refreshed = server.refresh(&thief.refresh_token).await;
        assert_eq!(refreshed.status, 200, "the session goes on for as long as it is used: {}", refreshed.text);
        thief.bearer = refreshed.string("access_token");
        thief.refresh_token = refreshed.string("refresh_token");
    })
    .await;
    is_as_before(&server, &mut owned, &by_session).await;

    let server = TestServer::start().await;
    let mut owned = owner(&server).await;
    let mut thief_of_password = thief(&server, &owned, PASSWORD).await;
    thief_of_password.refresh_token = "rt_k1.AAAA.BBBB".to_owned();
    let by_password = week(&server, &owned, &mut thief_of_password, async |server, thief| {
        let waiting = server.login(EMAIL, PASSWORD).await;
        if waiting.status == 200 {
            thief.mfa_token = waiting.string("mfa_token");
        }
        thief.bearer.clone_from(&thief.mfa_token);
    })
    .await;
    is_as_before(&server, &mut owned, &by_password).await;

    let mut table = "| | with a stolen session | with a stolen password |\n|---|---|---|\n".to_owned();
    for endpoint in tried() {
        let Some(first) = by_session.get(endpoint.name) else { continue };
        let words = |outcomes: &BTreeMap<String, usize>| outcomes.keys().cloned().collect::<Vec<_>>().join(", ");
        let (route, second) = (endpoint.routes[0].to_string(), &by_password[endpoint.name]);
        writeln!(table, "| `{route}` | {} | {} |", words(first), words(second)).unwrap();
    }
    for (what, outcomes, looked_at) in [
        ("the app's code, after the stolen password", &by_password["login-mfa"], "401 `invalid_second_factor`"),
        ("the password, with the stolen session", &by_session["step-up"], "401 `invalid_credentials`"),
        ("the password, at the sign-in", &by_session["login"], "401 `invalid_credentials`"),
    ] {
        let all: usize = outcomes.values().sum();
        writeln!(table, "\nOf {all} guesses at {what}, {} were looked at.", outcomes[looked_at]).unwrap();
    }
    let path = repository("docs/security/thieves.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, kept) = text.split_once(MARK).unwrap();
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, format!("{before}{MARK}\n{table}")).unwrap();
        return;
    }
    assert!(
        kept.trim_start() == table,
        "docs/security/thieves.md is not current: run this test with UPDATE_SNAPSHOTS=1"
    );
}
