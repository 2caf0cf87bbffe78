//! Programs that tests run to their end, which comes whatever they do.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

/// Many times what any of them takes on a machine that is busy with other things.
const LIMIT: Duration = Duration::from_mins(8);
/// For ending what it has started.
const NOTICE: Duration = Duration::from_secs(10);

/// What a command prints that succeeds.
pub(super) fn run(command: &mut Command) -> String {
    run_within(command, LIMIT)
}

fn run_within(command: &mut Command, limit: Duration) -> String {
    // A file and no pipes: what a program leaves behind would hold them open, and the test would wait for that.
    let mut printed = tempfile::tempfile().unwrap();
    let to = |file: &File| Stdio::from(file.try_clone().unwrap());
    let mut child = command
        // A `make` that runs the tests has variables of its own.
        .env_remove("MAKEFLAGS")
        .env_remove("MFLAGS")
        // Some programs print otherwise where it is set: they do so on every machine then.
        .env("CI", "true")
        .stdin(Stdio::null())
        .stdout(to(&printed))
        .stderr(to(&printed))
        .process_group(0)
        .spawn()
        .unwrap();
    let group = Pid::from_child(&child);
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(child.wait()));
    let ended = told.recv_timeout(limit);
    if ended.is_err() {
        // It may have ended by itself just now.
        let _ = kill_process_group(group, Signal::TERM);
        let _ = told.recv_timeout(NOTICE);
    }
    // What is still there of its group, if anything is.
    let _ = kill_process_group(group, Signal::KILL);
    let mut said = String::new();
    printed.rewind().unwrap();
    printed.read_to_string(&mut said).unwrap();
    assert!(ended.is_ok(), "{command:?} has not ended after {limit:?}:\n{said}");
    let status = ended.unwrap().unwrap();
    assert!(status.success(), "{command:?}: {status}\n{said}");
    said
}

#[test]
fn a_program_that_leaves_another_behind_is_not_waited_for_and_one_that_hangs_is_named() {
    let mut leaves = Command::new("sh");
    leaves.args(["-c", "sleep 3600 & echo begun"]);
    assert_eq!(run(&mut leaves), "begun\n");
    let hangs = || run_within(Command::new("sh").args(["-c", "echo begun; sleep 3600 & wait"]), Duration::from_secs(1));
    let panic = std::panic::catch_unwind(hangs).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("has not ended after 1s:\nbegun\n"), "{message}");
}
