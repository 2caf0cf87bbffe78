use age::secrecy::ExposeSecret as _;
use age::x25519::Identity;

use super::*;

const SECRET: &str = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlYw==";

fn saved(version: &str, keys: &str) -> Saved {
    Saved { version: version.to_owned(), value: SecretBytes::new(format!("{{\"keys\":[{keys}]}}").into_bytes()) }
}

fn mac(kid: &str) -> String {
    format!(r#"{{"kid":"{kid}","secret":"{SECRET}","sign_from":1,"sign_until":2,"publish_until":3}}"#)
}

fn backup_of(stage: &str) -> Backup {
    let ring = |ring: RingName| match ring {
        RingName::PasswordWrap | RingName::FactorWrap => {
            saved("w", &format!(r#"{{"version":7,"secret":"{SECRET}","sign_from":1}}"#))
        }
        RingName::PublicKeys => saved("p", r#"{"jwk":{"kid":"public"},"sign_from":1}"#),
        ring => saved("m", &mac(ring.name())),
    };
    let rings = RINGS.into_iter().map(|name| (name.name().to_owned(), ring(name))).collect();
    Backup { stage: stage.to_owned(), made_at: Timestamp::from_millis(1), rings }
}

/// A sealed file, and the file of the identity that opens it.
fn sealed(folder: &Path, backup: &Backup) -> (std::path::PathBuf, std::path::PathBuf) {
    let (file, identity) = (folder.join("keys.age"), identity(folder, "identity.txt"));
    let recipient = identity.1.to_public().to_string();
    std::fs::write(&file, seal(backup, encryptor(&[recipient], None).unwrap().unwrap()).unwrap()).unwrap();
    (file, identity.0)
}

fn identity(folder: &Path, name: &str) -> (std::path::PathBuf, Identity) {
    let identity = Identity::generate();
    std::fs::write(folder.join(name), identity.to_string().expose_secret()).unwrap();
    (folder.join(name), identity)
}

#[test]
fn sec_tk_05_a_file_of_keys_is_encrypted_and_comes_back_letter_by_letter() {
    let folder = tempfile::tempdir().unwrap();
    let (file, identity) = sealed(folder.path(), &backup_of("staging"));
    let bytes = std::fs::read(&file).unwrap();
    assert!(bytes.starts_with(MAGIC));
    for plain in [SECRET, "staging", "password_wrap"] {
        assert!(!bytes.windows(plain.len()).any(|window| window == plain.as_bytes()), "{plain}");
    }
    let (found, before) = (open(&file, identity).unwrap(), backup_of("staging"));
    for ((ring, found), (_, before)) in found.rings().unwrap().into_iter().zip(before.rings().unwrap()) {
        assert_eq!((&found.version, found.value.expose()), (&before.version, before.value.expose()), "{}", ring.name());
    }
    let names: Vec<_> = found.lines().unwrap().into_iter().flat_map(|line| line.keys).collect();
    assert_eq!(names, ["7", "7", "public", "signing", "session_mac", "login_mac", "mail_mac"]);
    assert!(!format!("{found:?}").contains("secret-"), "what is printed by mistake shows no key");
}

#[test]
fn another_identity_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = sealed(folder.path(), &backup_of("staging"));
    let (other, _) = identity(folder.path(), "other.txt");
    let refused = open(&file, other).unwrap_err().to_string();
    assert!(refused.contains("keys.age") && refused.contains("No matching keys found"), "{refused}");
}

#[test]
fn a_file_that_is_cut_off_or_changed_is_refused_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (file, identity) = sealed(folder.path(), &backup_of("staging"));
    let whole = std::fs::read(&file).unwrap();
    for length in [whole.len() - 1, whole.len() - 20, whole.len() / 2, 30, 0] {
        std::fs::write(&file, &whole[..length]).unwrap();
        assert!(open(&file, identity.clone()).is_err(), "{length} of {} bytes", whole.len());
    }
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    std::fs::write(&file, &changed).unwrap();
    assert!(open(&file, identity.clone()).is_err());
    std::fs::write(&file, "{}").unwrap();
    assert!(open(&file, identity).unwrap_err().to_string().contains("not encrypted with age"));
}

#[test]
fn the_keys_of_another_stage_are_refused() {
    let refused = backup_of("staging").is_of(StageName::Production).unwrap_err().to_string();
    assert_eq!(refused, "the file has the keys of staging, which mean nothing in production");
    backup_of("production").is_of(StageName::Production).unwrap();
}

#[test]
fn a_file_without_one_of_the_rings_is_refused() {
    let mut backup = backup_of("staging");
    backup.rings.remove("signing");
    assert!(backup.rings().unwrap_err().to_string().contains("no ring signing"));
    // One of before there was that ring has the others.
    let mut earlier = backup_of("staging");
    earlier.rings.remove("factor_wrap");
    assert_eq!(earlier.rings().unwrap().len(), RINGS.len() - 1);
}

#[test]
fn only_what_is_lost_is_put_back_unless_the_ring_is_named() {
    let ring = RingName::SessionMac;
    let file = saved("1", &mac("a"));
    let newer = saved("2", &[mac("a"), mac("b")].join(","));
    let does = |there: Option<&Saved>, overwrite: &[RingName]| plan(ring, &file, there, overwrite).unwrap();
    assert_eq!(does(None, &[]).does, Some(Does::Restore));
    assert_eq!(does(Some(&file), &[ring]).does, Some(Does::Nothing));
    let kept = does(Some(&newer), &[RingName::Signing]);
    assert_eq!((kept.does, kept.only_there), (Some(Does::Keep), vec!["b".to_owned()]));
    let overwritten = does(Some(&newer), &[ring]);
    assert_eq!((overwritten.does, overwritten.keys), (Some(Does::Overwrite), vec!["a".to_owned()]));
    let broken = Saved { version: "3".to_owned(), value: SecretBytes::new(b"broken".to_vec()) };
    assert_eq!(does(Some(&broken), &[]).does, Some(Does::Keep), "it is for somebody to say that it may go");
}

#[test]
fn what_is_no_ring_is_neither_kept_nor_put_back() {
    for text in ["", "{}", r#"{"keys":[{"secret":"x"}]}"#] {
        let saved = Saved { version: "1".to_owned(), value: SecretBytes::new(text.into()) };
        assert!(plan(RingName::Signing, &saved, None, &[]).is_err(), "{text:?}");
    }
}
