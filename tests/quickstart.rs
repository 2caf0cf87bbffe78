//! What docs/start/rust.md shows, against a real server.

use std::error::Error;
use std::fs;

use serde_json::json;
use tokio::sync::Mutex;
use wardgate::clock::Clock as _;
use wardgate_verify::{AccessToken, KeySet, Verifier, VerifyError};

use crate::harness::{TestServer, repository};
use crate::token_forgery::{claims, good_header, sign};

/// Who may call a service. Make one and keep it: it has the issuer's keys.
pub struct Callers {
    jwks: String,
    verifier: Verifier,
    kept: Mutex<Kept>,
}

struct Kept {
    keys: KeySet,
    /// When they came, and when they were last asked for, in seconds since 1970.
    came: i64,
    asked: i64,
}

impl Callers {
    /// `now` is seconds since 1970, here and below.
    pub async fn of(issuer: &str, audience: &str, scope: &str, now: i64) -> Result<Self, Box<dyn Error>> {
        let verifier = Verifier::new(issuer, [audience])?.require_scopes([scope])?;
        let jwks = format!("{issuer}/.well-known/jwks.json");
        let kept = Mutex::new(Kept { keys: fetch(&jwks).await?, came: now, asked: now });
        Ok(Self { jwks, verifier, kept })
    }

    /// Who sent this `Authorization` header; or the status to answer.
    pub async fn caller(&self, authorization: Option<&str>, now: i64) -> Result<AccessToken, u16> {
        let token = authorization.and_then(|header| header.strip_prefix("Bearer ")).ok_or(401_u16)?;
        let mut kept = self.kept.lock().await;
        let mut verdict = self.verifier.verify(&kept.keys, token, now);
        // Anybody can name a key that is not there, so for one that is new the issuer is asked once a minute at most.
        let fresh = if matches!(verdict, Err(VerifyError::UnknownKey { .. })) { 60 } else { 300 };
        if now - kept.asked >= fresh {
            kept.asked = now;
            if let Ok(keys) = fetch(&self.jwks).await {
                (kept.keys, kept.came) = (keys, now);
            }
            verdict = self.verifier.verify(&kept.keys, token, now);
        }
        // An issuer that is down is waited for; a key that it may have withdrawn is not taken for ever.
        if now - kept.came > 3600 {
            return Err(503);
        }
        verdict.map_err(|error| if error == VerifyError::MissingScope { 403 } else { 401 })
    }
}

async fn fetch(jwks: &str) -> Result<KeySet, Box<dyn Error>> {
    Ok(KeySet::parse(&reqwest::get(jwks).await?.error_for_status()?.bytes().await?)?)
}

#[test]
fn the_page_about_rust_shows_code_that_is_tried() {
    let page = fs::read_to_string(repository("docs/start/rust.md")).unwrap();
    let tried = fs::read_to_string(repository("tests/quickstart.rs")).unwrap();
    let shown: Vec<&str> = page.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(shown.len() > 1, "the page shows no code");
    for block in shown {
        assert!(tried.contains(block), "tests/quickstart.rs does not try this:\n{block}");
    }
}

#[tokio::test]
async fn a_service_in_rust_knows_its_callers_and_follows_the_issuers_keys() {
    let server = TestServer::start().await;
    let token = server.signed_in().await.string("access_token");
    let now = server.clock.now().unix_seconds();
    let callers = Callers::of(&server.base, &server.base, "account", now).await.unwrap();
    let header = format!("Bearer {token}");
    let caller = callers.caller(Some(&header), now).await.unwrap();
    assert_eq!(json!(caller.sub), claims(&token)["sub"]);
    for refused in [None, Some(""), Some("Basic x"), Some("Bearer "), Some(&*token)] {
        assert_eq!(callers.caller(refused, now).await.unwrap_err(), 401, "{refused:?}");
    }
    assert_eq!(callers.caller(Some(&header), now + 900).await.unwrap_err(), 401, "expired");
    let payouts = Callers::of(&server.base, &server.base, "payouts", now).await.unwrap();
    assert_eq!(payouts.caller(Some(&header), now).await.unwrap_err(), 403);

    // A key that is not there is asked for a minute later, and found.
    let others = fs::read(repository("shared/verify/testdata/example.jwks.json")).unwrap();
    let forget = async |asked: i64| {
        let keys = KeySet::parse(&others).unwrap();
        *callers.kept.lock().await = Kept { keys, came: now, asked };
    };
    forget(now - 59).await;
    assert_eq!(callers.caller(Some(&header), now).await.unwrap_err(), 401);
    forget(now - 60).await;
    assert!(callers.caller(Some(&header), now).await.is_ok());

    // The issuer is down: its keys are good for an hour.
    let later = now + 3600;
    let mut long = claims(&token);
    long["exp"] = json!(later + 60);
    let long = format!("Bearer {}", sign(&server, &good_header(), &long).await);
    let callers = Callers { jwks: "http://127.0.0.1:9".to_owned(), ..callers };
    assert!(callers.caller(Some(&long), later).await.is_ok());
    assert_eq!(callers.caller(Some(&long), later + 1).await.unwrap_err(), 503);
}
