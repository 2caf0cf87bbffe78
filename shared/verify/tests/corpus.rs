//! `edge/corpus.json`: tokens, and what every verifier of ours says of each. It is written here, judged here by this crate,
//! and judged by the other runtimes in `make test-edge`.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "corpus/cases.rs"]
mod cases;
#[path = "corpus/deny.rs"]
mod deny;
#[path = "corpus/forms.rs"]
mod forms;
#[path = "corpus/keys.rs"]
mod keys;
#[path = "corpus/payloads.rs"]
mod payloads;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;
use serde_json::{Value, json};
use wardgate_verify::{KeySet, Verifier, VerifyError};

use crate::keys::Keys;

const ISSUER: &str = "https://auth.example.com";
const AUDIENCE: &str = "https://api.example.com";
const NOW: i64 = 1_800_000_060;
const IAT: i64 = 1_800_000_000;
const EXP: i64 = 1_800_000_600;
const USER: &str = "usr_01hzy8kq3w5t7v9xbcdefghjkm";
const SESSION: &str = "ses_01hzy8kq3w5t7v9xbcdefghjkn";

/// One token, and what is right to say of it.
#[derive(Serialize)]
struct Case {
    name: String,
    /// What stands between the dots. A token in one piece is what scanners for secrets look for.
    parts: Vec<String>,
    /// `ok`, or the refusal's name, with that of the claim or header parameter.
    verdict: String,
    /// When, if not at `now`.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<&'static str>,
    /// One of which it has to have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    acr: Vec<&'static str>,
    /// Which deny list holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<&'static str>,
}

impl Case {
    fn new(name: impl Into<String>, token: &str, verdict: impl Into<String>) -> Self {
        let parts = token.split('.').map(str::to_owned).collect();
        let (scopes, acr) = (Vec::new(), Vec::new());
        Self { name: name.into(), parts, verdict: verdict.into(), at: None, scopes, acr, list: None }
    }

    fn at(self, at: i64) -> Self {
        Self { at: Some(at), ..self }
    }

    fn demanding(self, scopes: &[&'static str]) -> Self {
        Self { scopes: scopes.to_vec(), ..self }
    }

    fn at_level(self, acr: &[&'static str]) -> Self {
        Self { acr: acr.to_vec(), ..self }
    }
}

fn path() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../edge/corpus.json"))
}

/// One token a line, so that a diff shows which has changed.
fn document(keys: &Keys, cases: &[Case]) -> String {
    let head = json!({
        "about": "Written by shared/verify/tests/corpus.rs, with the test keys beside it. Never edited by hand.",
        "now": NOW, "issuer": ISSUER, "audience": AUDIENCE, "jwks": keys.jwks(), "lists": deny::lists(),
    });
    let mut text = "{\n".to_owned();
    for (name, value) in head.as_object().unwrap() {
        writeln!(text, "  {}: {value},", json!(name)).unwrap();
    }
    let lines: Vec<String> = cases.iter().map(|case| format!("    {}", serde_json::to_string(case).unwrap())).collect();
    write!(text, "  \"tokens\": [\n{}\n  ]\n}}\n", lines.join(",\n")).unwrap();
    text
}

/// What this crate says. It has no deny list: that is asked for by whoever calls it.
fn verdict(keys: &KeySet, case: &Case) -> String {
    let verifier = Verifier::new(ISSUER, [AUDIENCE]).unwrap().require_scopes(case.scopes.iter().copied()).unwrap();
    let verifier = verifier.require_acr(case.acr.iter().copied()).unwrap();
    match verifier.verify(keys, &case.parts.join("."), case.at.unwrap_or(NOW)) {
        Ok(_) => "ok".to_owned(),
        Err(error) => name(&error),
    }
}

fn name(error: &VerifyError) -> String {
    match error {
        VerifyError::Malformed => "malformed",
        VerifyError::TooLong => "too_long",
        VerifyError::UnsupportedAlgorithm => "unsupported_algorithm",
        VerifyError::AlgorithmMismatch => "algorithm_mismatch",
        VerifyError::HeaderNotAllowed(name) => return format!("header_not_allowed {name}"),
        VerifyError::WrongType => "wrong_type",
        VerifyError::MissingKid => "missing_kid",
        VerifyError::UnknownKey { .. } => "unknown_key",
        VerifyError::BadSignature => "bad_signature",
        VerifyError::MissingClaim(name) => return format!("missing_claim {name}"),
        VerifyError::InvalidClaim(name) => return format!("invalid_claim {name}"),
        VerifyError::WrongIssuer => "wrong_issuer",
        VerifyError::WrongAudience => "wrong_audience",
        VerifyError::NotYetValid => "not_yet_valid",
        VerifyError::MissingScope => "missing_scope",
        VerifyError::InsufficientUserAuthentication => "insufficient_user_authentication",
        VerifyError::Expired { .. } => "expired",
        other => return format!("{other:?}"),
    }
    .to_owned()
}

/// `UPDATE_SNAPSHOTS=1` writes it.
#[test]
#[expect(clippy::disallowed_methods, reason = "asks whoever runs the test, not the configuration")]
fn the_corpus_is_what_is_written_here() {
    let kept = fs::read_to_string(path()).unwrap_or_default();
    let keys = Keys::new(&kept);
    let text = document(&keys, &cases::all(&keys));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(path(), text).unwrap();
        return;
    }
    assert!(kept == text, "edge/corpus.json is not current: run this test with UPDATE_SNAPSHOTS=1");
}

/// `CORPUS_VERDICTS=<file>` keeps the verdicts, which `make test-edge` puts beside those of the other runtimes.
#[test]
#[expect(clippy::disallowed_methods, reason = "asks whoever runs the test, not the configuration")]
fn sec_tk_02_sec_tk_07_sec_ed_13_every_token_of_the_corpus_gets_its_verdict() {
    let keys = Keys::new(&fs::read_to_string(path()).unwrap_or_default());
    let set = KeySet::parse(keys.jwks().to_string().as_bytes()).unwrap();
    let cases = cases::all(&keys);
    let verdicts: BTreeMap<&str, String> = cases.iter().map(|case| (case.name.as_str(), verdict(&set, case))).collect();
    if let Some(file) = std::env::var_os("CORPUS_VERDICTS") {
        fs::write(file, serde_json::to_string(&verdicts).unwrap()).unwrap();
    }
    for case in &cases {
        let expected = if case.verdict == "denied" { "ok" } else { &case.verdict };
        assert_eq!(verdicts[case.name.as_str()], expected, "{}", case.name);
    }
}

/// `CORPUS_TIMES=<file>` keeps how many microseconds a verification takes, which `make test-edge` asks of a release build.
/// The best of some rounds: a machine that is busy with something else only ever adds.
#[test]
#[expect(clippy::disallowed_methods, reason = "asks whoever runs the test, and measures")]
fn what_a_verification_takes_can_be_told() {
    const TIMES: u32 = 100;
    let keys = Keys::new(&fs::read_to_string(path()).unwrap_or_default());
    let set = KeySet::parse(keys.jwks().to_string().as_bytes()).unwrap();
    let verifier = Verifier::new(ISSUER, [AUDIENCE]).unwrap();
    let rounds = if std::env::var_os("CORPUS_TIMES").is_some() { 20 } else { 1 };
    let mut took = BTreeMap::new();
    for case in cases::all(&keys).iter().filter(|case| ["good RS256", "good ES256"].contains(&case.name.as_str())) {
        let token = case.parts.join(".");
        let best = (0..rounds).map(|_| {
            let began = Instant::now();
            assert!((0..TIMES).all(|_| verifier.verify(&set, &token, NOW).is_ok()));
            (began.elapsed() / TIMES).as_micros()
        });
        took.insert(case.name.clone(), u64::try_from(best.min().unwrap()).unwrap());
    }
    assert_eq!(took.len(), 2);
    if let Some(file) = std::env::var_os("CORPUS_TIMES") {
        fs::write(file, serde_json::to_string(&took).unwrap()).unwrap();
    }
}

#[test]
fn the_corpus_is_broad_and_its_names_are_unique() {
    let keys = Keys::new("");
    let cases = cases::all(&keys);
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len());
    assert!(cases.len() >= 120, "{}", cases.len());
    let lists: Value = deny::lists();
    assert!(cases.iter().filter_map(|case| case.list).all(|list| lists.get(list).is_some()));
    let mut kinds: BTreeSet<&str> = cases.iter().map(|case| case.verdict.split(' ').next().unwrap()).collect();
    // One for each variant of `VerifyError`, and these two.
    assert!(kinds.remove("ok") && kinds.remove("denied"));
    assert_eq!(kinds.len(), 17, "{kinds:?}");
}
