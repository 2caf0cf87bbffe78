//! `wardgate-server engine`: the store alone, for functions beside it.

use std::collections::HashMap;
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;

use super::{command, free_port, refused};

/// Kills it if the test fails.
struct Engine(Child);

impl Drop for Engine {
    fn drop(&mut self) {
        // Already gone is fine.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the file sets, once this engine has written it.
fn variables(file: &Path, engine: &mut Engine) -> HashMap<String, String> {
    let own = format!("WARDGATE_ENGINE_PID={}\n", engine.0.id());
    loop {
        assert_eq!(engine.0.try_wait().unwrap(), None, "the engine ended");
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if text.contains(&own) {
            return text
                .lines()
                .map(|line| line.split_once('=').unwrap())
                .map(|(n, v)| (n.to_owned(), v.to_owned()))
                .collect();
        }
        std::thread::yield_now();
    }
}

#[test]
fn the_engine_says_how_to_reach_it_for_as_long_as_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("functions.env");
    let port = free_port();
    // As a killed engine leaves it.
    std::fs::write(&file, "WARDGATE_ENGINE_PID=1\nAWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:1\n").unwrap();
    let mut engine = Engine(command(folder.path(), port, &[]).arg("engine").spawn().unwrap());
    let set = variables(&file, &mut engine);
    assert_eq!(set["AUTH__STAGE"], "development");
    assert_eq!(set["AUTH__HTTP__PORT"], port.to_string(), "the issuer of tokens has it");
    assert!(Path::new(&set["AUTH__SECRETS__FILE"]).is_absolute() && Path::new(&set["AUTH__SECRETS__FILE"]).exists());
    let address = set["AWS_ENDPOINT_URL_DYNAMODB"].strip_prefix("http://").unwrap();
    assert!(TcpStream::connect(address).is_ok());
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "the port is the functions'");

    let second = command(folder.path(), free_port(), &[]).output().unwrap();
    assert!(refused(&second).contains("another server uses the data folder"));

    let signal = std::process::Command::new("kill").args(["-s", "TERM", &engine.0.id().to_string()]).status();
    assert!(signal.unwrap().success());
    assert!(engine.0.wait().unwrap().success());
    assert!(!file.exists());
}

#[test]
fn the_engine_needs_a_folder_and_no_other_word_means_anything() {
    let folder = tempfile::tempdir().unwrap();
    let homeless = command(folder.path(), free_port(), &[]).env_remove("AUTH__EMBEDDED__FOLDER").arg("engine").output();
    assert!(refused(&homeless.unwrap()).contains("AUTH__EMBEDDED__FOLDER"));
    let misspelt = command(folder.path(), free_port(), &[]).arg("engin").output().unwrap();
    assert!(
        refused(&misspelt)
            .contains("usage: wardgate-server [config [--deployed settings] | preflight | check | engine]")
    );
}
