use std::fs::{self, Permissions};
use std::os::unix::fs::symlink;

use serde_json::Value;
use tempfile::TempDir;

use super::*;

/// A folder as Kubernetes mounts a secret: each name leads through `..data` to the folder of an edition.
fn mounted(edition: &str, ring: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join(edition), ring, 0o440);
    symlink(edition, folder.path().join("..data")).unwrap();
    symlink("..data/login_mac", folder.path().join("login_mac")).unwrap();
    folder
}

fn write(edition: &Path, ring: &str, mode: u32) {
    fs::create_dir_all(edition).unwrap();
    let file = edition.join("login_mac");
    fs::write(&file, ring).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
}

fn read(folder: &TempDir) -> Result<Value, SecretsError> {
    from_folder(folder.path(), RingName::LoginMac)?.parsed()
}

#[test]
fn a_ring_that_was_put_in_place_of_another_is_read_at_once() {
    let folder = mounted("1", r#"{"keys":["old"]}"#);
    assert_eq!(read(&folder).unwrap()["keys"][0], "old");
    write(&folder.path().join("2"), r#"{"keys":["new"]}"#, 0o400);
    symlink("2", folder.path().join("..next")).unwrap();
    fs::rename(folder.path().join("..next"), folder.path().join("..data")).unwrap();
    assert_eq!(read(&folder).unwrap()["keys"][0], "new");
}

#[test]
fn tk_05_a_ring_that_others_may_read_or_change_is_refused_with_its_mode() {
    let folder = mounted("1", "{}");
    for (mode, is_taken) in
        [(0o400, true), (0o440, true), (0o600, true), (0o444, false), (0o460, false), (0o642, false)]
    {
        write(&folder.path().join("1"), "{}", 0o600);
        fs::set_permissions(folder.path().join("1/login_mac"), Permissions::from_mode(mode)).unwrap();
        match read(&folder) {
            Ok(_) => assert!(is_taken, "{mode:04o}"),
            Err(error) => assert!(!is_taken && error.to_string().contains(&format!("mode {mode:04o}")), "{error}"),
        }
    }
}

#[test]
fn what_is_wrong_with_a_file_is_said_without_what_is_in_it() {
    let folder = mounted("1", r#"{"keys": "s3cret"#);
    let malformed = read(&folder).unwrap_err();
    assert!(matches!(malformed, SecretsError::Malformed { .. }) && !malformed.to_string().contains("s3cret"));
    let missing = from_folder(folder.path(), RingName::Signing).err().unwrap().to_string();
    assert!(missing.contains("/signing: No such file"), "{missing}");
}
