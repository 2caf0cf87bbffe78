//! Key rings in a folder.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::harness::{Folder, outcome, succeeded};

struct Rings(Folder);

impl Rings {
    fn new() -> Self {
        let rings = Self(Folder::new());
        rings.operated(&["new"]);
        rings
    }

    fn file(&self, ring: &str) -> PathBuf {
        self.0.path("keys").join(ring)
    }

    fn operate(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wardgate-operate"));
        // Neither AWS nor a table: keys are made where nobody is asked.
        command.env_clear().arg("keys").args(arguments).arg("--folder").arg(self.0.path("keys"));
        outcome(&mut command)
    }

    #[track_caller]
    fn operated(&self, arguments: &[&str]) -> String {
        succeeded(self.operate(arguments))
    }

    fn keys(&self, ring: &str) -> Vec<Value> {
        let ring: Value = serde_json::from_slice(&std::fs::read(self.file(ring)).unwrap()).unwrap();
        ring.get("keys").and_then(Value::as_array).unwrap().clone()
    }

    fn kids(&self, ring: &str) -> Vec<String> {
        let text = |key: &Value, path: &str| key.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let version = |key: &Value| key.get("version").unwrap().to_string();
        let kid = |key: &Value| text(key, "/kid").or_else(|| text(key, "/jwk/kid")).unwrap_or_else(|| version(key));
        let mut kids: Vec<String> = self.keys(ring).iter().map(kid).collect();
        kids.sort();
        kids
    }
}

const ALL: [&str; 7] =
    ["signing", "public_keys", "session_mac", "login_mac", "mail_mac", "password_wrap", "factor_wrap"];

#[test]
fn sec_tk_05_new_rings_are_for_their_owner_alone_and_nothing_secret_is_told() {
    let rings = Rings::new();
    let told = rings.operated(&["list"]);
    for ring in ALL {
        let mode = std::fs::metadata(rings.file(ring)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{ring}");
        for key in rings.keys(ring) {
            for secret in ["secret", "pkcs8"].iter().filter_map(|member| key[*member].as_str()) {
                assert!(secret.len() > 20 && !told.contains(secret), "{ring}");
            }
        }
    }
    assert_eq!(told.matches(": in use since ").count(), 7, "{told}");
    assert!(!told.contains("public_keys"), "{told}");
}

#[test]
fn tk_04_the_next_key_of_each_ring_is_published_before_it_signs_and_made_once() {
    let rings = Rings::new();
    let before = ALL.map(|ring| rings.kids(ring));
    let text = rings.operated(&["next"]);
    assert_eq!(text.matches(": in use from ").count(), 7, "{text}");
    for (ring, before) in ALL.iter().zip(&before) {
        let after = rings.kids(ring);
        assert_eq!(after.len(), 2 * before.len(), "{ring}");
        assert!(before.iter().all(|kid| after.contains(kid)), "{ring}");
    }
    assert_eq!(rings.kids("public_keys"), rings.kids("signing"));
    let after = ALL.map(|ring| rings.kids(ring));
    rings.operated(&["next"]);
    assert_eq!(ALL.map(|ring| rings.kids(ring)), after, "a key waits already");
}

#[test]
fn sec_tk_04_a_retired_key_is_gone_at_once_with_its_public_half_and_another_signs() {
    let rings = Rings::new();
    let before = rings.kids("signing");
    rings.operated(&["retire", "--ring", "signing", "--kid", &before[0]]);
    let after = rings.kids("signing");
    assert!(after.len() == 2 && !after.contains(&before[0]) && after.contains(&before[1]), "{before:?} {after:?}");
    assert_eq!(rings.kids("public_keys"), after);
    rings.operated(&["retire", "--ring", "session_mac", "--kid", "all"]);
    let text = rings.operated(&["list"]);
    assert_eq!(text.matches(": in use since ").count(), 7, "{text}");
}

#[test]
fn what_cannot_be_done_is_said_and_changes_nothing() {
    let rings = Rings::new();
    let before = ALL.map(|ring| rings.keys(ring));
    for (arguments, expected) in [
        (["retire", "--ring", "signing", "--kid", "nobody"].as_slice(), "signing has no key nobody: keys list says"),
        (&["retire", "--ring", "password_wrap", "--kid", "1"], "password_wrap: "),
        (&["retire", "--ring", "public_keys", "--kid", "all"], "no ring that gets keys: there are signing"),
    ] {
        let (succeeded, text) = rings.operate(arguments);
        assert!(!succeeded && text.contains(expected), "{arguments:?}: {text}");
    }
    assert_eq!(ALL.map(|ring| rings.keys(ring)), before);
    std::fs::write(rings.file("login_mac"), r#"{"keys": "s3cret"#).unwrap();
    let (succeeded, text) = rings.operate(&["new"]);
    assert!(!succeeded && text.contains("login_mac is no key ring, and stays as it is"), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
    std::fs::remove_file(rings.file("login_mac")).unwrap();
    let (succeeded, text) = rings.operate(&["next"]);
    assert!(!succeeded && text.contains("login_mac has no ring: keys new makes it"), "{text}");
}

/// Whoever is interrupted between the two has told of a key that signs nothing, and not the reverse.
#[test]
fn tk_04_what_verifies_is_put_in_place_before_what_signs() {
    let rings = Rings::new();
    let before = rings.kids("signing");
    std::fs::create_dir(rings.file("signing.new")).unwrap();
    let (succeeded, text) = rings.operate(&["next", "--ring", "signing"]);
    assert!(!succeeded && text.contains("keys/signing: "), "{text}");
    assert_eq!(rings.kids("signing"), before);
    let published = rings.kids("public_keys");
    assert!(published.len() == 4 && before.iter().all(|kid| published.contains(kid)), "{published:?}");
}
