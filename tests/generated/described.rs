//! The API description is held to what functions answer: every golden response is one that it knows.

use std::fs;

use serde_json::Value;
use wardgate_runtime_tests::golden::files;
use wardgate_server::endpoints::{ENDPOINTS, openapi};

use crate::harness::repository;

/// But for the routes that no description has, and for an event that no gateway sends.
#[test]
fn every_golden_response_is_one_that_the_description_knows() {
    let document = openapi();
    let mut wrong = Vec::new();
    for (endpoint, _) in ENDPOINTS.iter() {
        for (_, route) in endpoint.operations() {
            let method = route.method.as_ref().unwrap().as_str().to_lowercase();
            let operation = &document["paths"][route.path][&method];
            for name in files(endpoint.name).1 {
                let event: Value = read(&format!("events/{name}.json"));
                if event["routeKey"] != route.to_string() || name.ends_with("/broken-body") {
                    continue;
                }
                let response = filled(read(&format!("events/{name}.response.json")));
                wrong.extend(difference(&document, operation, &response).map(|why| format!("{name}: {why}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn read(path: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(repository(path)).unwrap()).unwrap()
}

/// With numbers where the golden file has what stands for them.
fn filled(mut response: Value) -> Value {
    match &mut response {
        Value::String(text) if ["<milliseconds>", "<items>", "<seconds>"].contains(&text.as_str()) => {
            return Value::from(0);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = filled(item.take())),
        Value::Object(members) => members.values_mut().for_each(|member| *member = filled(member.take())),
        _ => {}
    }
    response
}

/// Why a response is none of the operation's.
fn difference(document: &Value, operation: &Value, response: &Value) -> Option<String> {
    let status = response["statusCode"].to_string();
    let Some(described) = operation["responses"].get(&status) else {
        return Some(format!("{status} is not described"));
    };
    let sent = response["headers"]["content-type"].as_str();
    let (Some(sent), Some(content)) = (sent, described.get("content")) else {
        let is_bare = sent.is_none() && described.get("content").is_none();
        return (!is_bare).then(|| format!("{status} is {sent:?}, described as {}", described["content"]));
    };
    let media_type = sent.split(';').next().unwrap();
    let Some(content) = content.get(media_type) else { return Some(format!("{status} is {media_type}")) };
    if media_type == "text/html" {
        return None;
    }
    // With the components beside it, to which it points.
    let schema = merged(&content["schema"], &document["components"]);
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.validate(&response["body"]).err().map(|error| format!("{status}: {error}"))
}

fn merged(schema: &Value, components: &Value) -> Value {
    let mut schema = schema.clone();
    schema["components"] = components.clone();
    schema
}
