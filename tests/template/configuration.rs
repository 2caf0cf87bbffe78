//! What parameters say, and what functions make of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wardgate::config::{Config, RequiredAcr};

use crate::harness::cloudformation::{CodeStack, code_stacks, functions, read, stage_parameters, templates};

/// Templates whose parameter is another one than elsewhere, in spite of its name.
const MEAN_SOMETHING_ELSE: [(&str, &str); 0] = [];

/// The configuration itself takes what each stack passes to each of its functions.
#[test]
fn each_stages_parameters_are_a_configuration() {
    for stage in ["development", "staging", "production"] {
        let given = stage_parameters(stage);
        let guarded = ("AuthorizerAudience", json!("https://api.example.com"));
        let given = given.iter().filter(|(_, value)| value != "").map(|(name, value)| (name.as_str(), value.clone()));
        let given: Vec<(&str, Value)> = [guarded].into_iter().chain(given).collect();
        for CodeStack { path, template } in code_stacks(&given) {
            for (name, id) in functions(&template) {
                let config = configuration(&template, id);
                assert_eq!(config.stage.name(), stage, "{path}: {name}");
                assert_eq!(config.secrets.prefix, Some(format!("wardgate/{stage}/")), "{path}: {name}");
                assert!(stage == "development" || config.tokens.issuer.starts_with("https://"), "{path}: {name}");
                if name == "authorizer" {
                    assert_eq!(config.authorizer.audience.as_deref(), Some("https://api.example.com"));
                    assert_eq!(config.authorizer.required_scopes, ["account"]);
                    assert_eq!(config.authorizer.required_acr, RequiredAcr::OneFactor);
                }
            }
        }
    }
}

/// A variable lies above `Settings`: a key that both have would be set in vain. Lambda takes 4 KB of names and values, of
/// which `Settings` may have half.
#[test]
fn a_stages_settings_are_in_no_variable_and_there_is_room_for_them() {
    const MOST: usize = 4096;
    for stage in ["staging", "production"] {
        let given = stage_parameters(stage);
        let (_, text) = given.iter().find(|(name, _)| name == "Settings").unwrap();
        let settings: BTreeMap<String, Value> = serde_json::from_str(text.as_str().unwrap()).unwrap();
        let given: Vec<(&str, Value)> = given.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        for CodeStack { path, template } in code_stacks(&given) {
            let most = template["Parameters"]["Settings"]["MaxLength"].as_u64().unwrap();
            for (name, id) in functions(&template) {
                let variables = variables(&template, id);
                let others = variables.iter().filter(|(name, _)| *name != "AUTH__SETTINGS");
                let bytes: usize = others.clone().map(|(name, value)| name.len() + value.len()).sum();
                assert!(
                    bytes + "AUTH__SETTINGS".len() + usize::try_from(most).unwrap() <= MOST,
                    "{path}: {name} {bytes}"
                );
                for (variable, _) in others {
                    let key = variable.trim_start_matches("AUTH__").to_ascii_lowercase().replace("__", ".");
                    assert!(!settings.contains_key(&key), "{path}: {name} has {key} by {variable}");
                }
            }
        }
    }
}

/// What a function is configured with.
#[track_caller]
fn configuration(template: &Value, id: &str) -> Config {
    Config::load(variables(template, id)).unwrap_or_else(|error| panic!("{id}: {error}"))
}

/// A function's variables: its stack's, and its own.
fn variables(template: &Value, id: &str) -> BTreeMap<String, String> {
    let own = &template["Resources"][format!("{id}Function")]["Properties"];
    let variables = [&template["Globals"]["Function"], own].map(|it| it["Environment"]["Variables"].as_object());
    let merged: BTreeMap<&String, &Value> = variables.into_iter().flatten().flatten().collect();
    // Another stack says what is imported: the queue's address.
    let text = |value: &Value| value.as_str().unwrap_or("https://imported.example.com").to_owned();
    merged.into_iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// A stage has one file of parameters, of which each stack takes its own: a name that meant two things would be refused by
/// one stack, or taken differently.
#[test]
fn a_parameter_means_the_same_in_every_template() {
    let members = [
        "Type",
        "Default",
        "AllowedPattern",
        "AllowedValues",
        "MinValue",
        "MaxValue",
        "MinLength",
        "MaxLength",
        "NoEcho",
    ];
    let mut seen: BTreeMap<String, (String, Value)> = BTreeMap::new();
    let (mut shared, mut different) = (0, Vec::new());
    for path in templates() {
        for (name, parameter) in read(&path)["Parameters"].as_object().unwrap() {
            let says: Value = members.iter().map(|member| parameter[*member].clone()).collect();
            let Some((first, said)) = seen.get(name) else {
                seen.insert(name.clone(), (path.clone(), says));
                continue;
            };
            shared += 1;
            if *said != says && !MEAN_SOMETHING_ELSE.contains(&(path.as_str(), name)) {
                different.push(format!("{name}: {first} says {said}, {path} says {says}"));
            }
        }
    }
    assert!(shared > 80, "{shared}");
    assert!(different.is_empty(), "{}", different.join("\n"));
}
