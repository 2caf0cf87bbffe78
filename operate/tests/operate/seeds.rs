//! People of a seed: the same each time, and only where nobody is real.

use crate::harness::{Folder, told};

#[track_caller]
fn seed(folder: &Folder, arguments: &[&str]) -> (bool, String) {
    let output = folder.bare("seed").args(arguments).output().unwrap();
    (output.status.success(), told(&output))
}

/// Address and password that were said.
fn said(told: &str) -> (String, String) {
    let line = told.lines().find_map(|line| line.strip_prefix("Sign in as ")).unwrap();
    let (email, rest) = line.split_once(" with ").unwrap();
    (email.to_owned(), rest.split_once(' ').unwrap().0.to_owned())
}

#[tokio::test]
async fn the_same_seed_makes_the_same_people_who_sign_in_and_have_sessions() {
    let (folder, other) = (Folder::new(), Folder::new());
    let (worked, first) = seed(&folder, &["--users", "35", "--seed", "spring"]);
    assert!(worked && first.contains("35 people of the seed spring are new, 0 were there."), "{first}");
    let people = folder.exported();
    assert_eq!(people.len(), 35);
    let (worked, again) = seed(&folder, &["--users", "35", "--seed", "spring"]);
    assert!(worked && again.contains("0 people of the seed spring are new, 35 were there."), "{again}");
    assert_eq!(folder.exported(), people);
    assert_eq!(said(&again), said(&first));

    let (worked, elsewhere) = seed(&other, &["--users", "36", "--seed", "spring"]);
    assert!(worked, "{elsewhere}");
    let more = other.exported();
    assert!(people.iter().all(|person| more.contains(person)), "another store has the same ones");
    let (worked, autumn) = seed(&other, &["--users", "1", "--seed", "autumn"]);
    assert!(worked && other.exported().len() == 37, "{autumn}");

    let served = folder.serve().await;
    let (email, password) = said(&first);
    assert_eq!(served.login(&email, &password).await, 200);
    assert_eq!(served.login(&email, "something else").await, 401);
    let sessions = served.sessions(&email).await;
    served.stop().await;
    assert_eq!(sessions, 2, "that of the seed and the sign-in's, also after the second run");
}

#[test]
fn nobody_is_made_up_beside_real_people_unless_it_is_said() {
    let folder = Folder::new();
    folder.import(&folder.copy("wardgate.csv"), &[]);
    let before = folder.exported();
    let (worked, refused) = seed(&folder, &["--users", "3"]);
    assert!(!worked && refused.contains("has people who are of no seed"), "{refused}");
    assert_eq!(folder.exported(), before);
    let (worked, told) = seed(&folder, &["--users", "3", "--anyway"]);
    assert!(worked && folder.exported().len() == before.len() + 3, "{told}");
}

#[test]
fn production_is_refused_before_anything_is_opened() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wardgate-operate"));
    let output = command.env_clear().args(["seed", "--stage", "production", "--anyway"]).output().unwrap();
    assert!(!output.status.success() && told(&output).contains("production gets no people"), "{}", told(&output));
}
