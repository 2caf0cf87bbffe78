//! A function that cannot work does not start, and says why.

use std::collections::BTreeMap;

use wardgate_runtime_tests::binaries::{function_binary, functions};
use wardgate_runtime_tests::environment::Variables;
use wardgate_runtime_tests::function::Function;
use wardgate_runtime_tests::runtime_api::Event;

use crate::world::World;

/// What a function that must not start wrote before it ended.
async fn refused(name: &str, variables: &Variables) -> String {
    let mut function = Function::spawn(&function_binary(name), variables).await;
    loop {
        match function.event().await {
            // Not required, and welcome: Lambda shows it to whoever invokes the function.
            Event::InitFailed(_) => {}
            Event::Exited(status) => {
                assert!(!status.success(), "{name}: {status}");
                return function.stderr();
            }
            other => panic!("{name} started: {other:?}"),
        }
    }
}

#[tokio::test]
async fn every_function_names_the_mistake_in_its_configuration() {
    let world = World::start().await;
    for name in functions() {
        let mut variables = world.variables(&name);
        variables.insert("AUTH__HTTP__PROT".to_owned(), "1".to_owned());
        let message = refused(&name, &variables).await;
        assert!(message.contains("http.prot") && message.contains("AUTH__HTTP__PROT"), "{name}: {message}");
    }
}

#[tokio::test]
async fn each_kind_of_mistake_is_named() {
    let world = World::start().await;
    let mistakes = BTreeMap::from([
        ("AUTH__STAGE", ("prod", "AUTH__STAGE")),
        ("AUTH__LOG__LEVEL", ("loud", "log.level")),
        ("AUTH__HASHING__MEMORY_KIB", ("1024", "hashing.memory_kib")),
        ("AUTH__TOKENS__ACCESS_SECONDS", ("soon", "tokens.access_seconds")),
    ]);
    for (variable, (value, key)) in mistakes {
        let mut variables = world.variables("login");
        variables.insert(variable.to_owned(), value.to_owned());
        let message = refused("login", &variables).await;
        assert!(message.contains(key), "{variable}={value}: {message}");
    }
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let world = World::start().await;
    for (name, missing) in [
        ("authorizer", "AUTH__AUTHORIZER__AUDIENCE"),
        ("login", "AUTH__STAGE"),
        ("login", "AWS_ACCESS_KEY_ID"),
        ("login", "AWS_REGION"),
        ("login", "AWS_SECRET_ACCESS_KEY"),
    ] {
        let mut variables = world.variables(name);
        variables.remove(missing).unwrap();
        let message = refused(name, &variables).await;
        assert!(message.contains(missing), "{name} without {missing}: {message}");
    }
}

#[tokio::test]
async fn sec_pl_06_production_takes_neither_a_key_file_nor_a_default_issuer() {
    let world = World::start().await;
    let mut variables = world.variables("login");
    variables.insert("AUTH__STAGE".to_owned(), "production".to_owned());
    let message = refused("login", &variables).await;
    assert!(message.contains("AUTH__TOKENS__ISSUER") || message.contains("AUTH__TOKENS__AUDIENCE"), "{message}");
    variables.insert("AUTH__TOKENS__ISSUER".to_owned(), "https://auth.example.com".to_owned());
    variables.insert("AUTH__TOKENS__AUDIENCE".to_owned(), "https://api.example.com".to_owned());
    let message = refused("login", &variables).await;
    assert!(message.contains("secrets.file") && message.contains("PL-06"), "{message}");
}
