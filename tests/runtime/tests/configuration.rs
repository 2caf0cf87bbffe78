//! A function that cannot work does not start, and says why.

use std::collections::BTreeMap;
use std::process::Command;

use wardgate_runtime_tests::binaries::{function_binary, functions};
use wardgate_runtime_tests::environment::Variables;
use wardgate_runtime_tests::function::Function;
use wardgate_runtime_tests::runtime_api::Event;

use crate::world::World;

/// What a function that must not start told Lambda before it ended. It is on standard error too.
async fn refused(name: &str, variables: &Variables) -> String {
    let mut function = Function::spawn(&function_binary(name), variables).await;
    let message = match function.event().await {
        Event::InitFailed { error_type, body } => {
            assert_eq!((error_type.as_str(), &body["errorType"]), ("Runtime.InitError", &error_type.as_str().into()));
            body["errorMessage"].as_str().unwrap().to_owned()
        }
        other => panic!("{name}: {other:?}\n{}", function.stderr()),
    };
    let status = function.exit().await;
    assert!(!status.success(), "{name}: {status}");
    assert!(function.stderr().contains(&message), "{name}: {message}\n{}", function.stderr());
    message
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

/// What shows no page has nothing of the brand in it, and does not look at it.
#[tokio::test]
async fn what_shows_pages_does_not_start_with_colours_that_nobody_can_read() {
    let world = World::start().await;
    let shows_pages = |name: &str| name.starts_with("page-") || ["authorize", "end-session"].contains(&name);
    let pages: Vec<String> = functions().into_iter().filter(|name| shows_pages(name)).collect();
    assert!(pages.len() > 10, "{pages:?}");
    for name in pages {
        let mut variables = world.variables(&name);
        variables.insert("AUTH__BRAND__LIGHT__TEXT".to_owned(), "#777777".to_owned());
        let message = refused(&name, &variables).await;
        let expected = "wrong value for key `brand.light.text` from AUTH__BRAND__LIGHT__TEXT: expected a contrast of at least 4.5:1";
        assert!(message.starts_with(expected) && message.contains("it is 3.95:1"), "{name}: {message}");
    }
    for name in ["jwks", "login"] {
        let mut variables = world.variables(name);
        variables.insert("AUTH__BRAND__LIGHT__TEXT".to_owned(), "#777777".to_owned());
        Function::start(&function_binary(name), &variables).await;
    }
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let world = World::start().await;
    for (name, missing) in [
        ("authorizer", "AUTH__AUTHORIZER__AUDIENCE"),
        ("edge-sync", "AUTH__EDGE__DROPS_URL"),
        ("edge-sync", "AUTH__EDGE__STORE_ARN"),
        ("events", "AUTH__MAIL__QUEUE_URL"),
        ("events", "AUTH__MAIL__EVENT_BUS"),
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

/// PL-02: a secret that landed in the wrong place must not go on from there.
#[tokio::test]
async fn sec_pl_02_no_value_is_told() {
    let world = World::start().await;
    for variable in [
        "AUTH__STAGE",
        "AUTH__LOG__LEVEL",
        "AUTH__LOG__FORMAT",
        "AUTH__HTTP__PORT",
        "AUTH__HTTP__PROT",
        "AUTH__HASHING__MEMORY_KIB",
        "AUTH__TOKENS__ISSUER",
        "AUTH__TOKENS__ALGORITHM",
    ] {
        let mut variables = world.variables("login");
        variables.insert(variable.to_owned(), "hunter2".to_owned());
        let mut function = Function::spawn(&function_binary("login"), &variables).await;
        let told = function.event().await;
        assert!(matches!(told, Event::InitFailed { .. }), "{variable}: {told:?}");
        function.exit().await;
        assert!(!format!("{told:?}{}", function.stderr()).contains("hunter2"), "{variable}: {told:?}");
    }
}

#[tokio::test]
async fn a_function_without_a_runtime_api_still_says_why_it_does_not_start() {
    let world = World::start().await;
    for address in [None, Some(""), Some("/"), Some("127.0.0.1:1")] {
        let mut login = Command::new(function_binary("login"));
        login.env_clear().envs(world.variables("login")).env("AUTH__HTTP__PROT", "1");
        if let Some(address) = address {
            login.env("AWS_LAMBDA_RUNTIME_API", address);
        }
        let output = login.output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{address:?}: {message}");
        assert!(message.contains("http.prot"), "{address:?}: {message}");
    }
}
