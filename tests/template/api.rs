//! The HTTP API: its routes, what it lets through, and what it writes down.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::{Value, json};
use wardgate::http::endpoint::Route;
use wardgate::secrets::RingName;
use wardgate_server::endpoints::ENDPOINTS;

use super::api_stack;
use crate::harness::cloudformation::{API, functions, read, resolve, resources, stack_of};

const ACCOUNT: &str = "eu-central-1:123456789012";

/// What the API calls for a route, and what it may call for it: each stands once for each, and there is nothing else.
#[test]
fn routes_are_the_endpoints() {
    let template = api_stack();
    let expected = || ENDPOINTS.iter().flat_map(|(it, _)| it.routes.iter().map(|route| (route, it.name)));
    let body = &template["Resources"]["Api"]["Properties"]["DefinitionBody"];
    let mut routes = BTreeSet::new();
    for (path, methods) in body["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method = if method == "x-amazon-apigateway-any-method" { "ANY" } else { &method.to_uppercase() };
            routes.insert((format!("{method} {path}"), integrated(operation)));
            assert_eq!(declared_parameters(operation), parameters(path), "{method} {path}");
        }
    }
    assert_eq!(routes, expected().map(|(route, name)| (route.to_string(), name.to_owned())).collect());

    let permissions = resources(&template, "AWS::Lambda::Permission");
    let allowed: BTreeSet<(String, String)> = permissions
        .values()
        .map(|it| {
            assert_eq!(
                (&it["Action"], &it["Principal"]),
                (&json!("lambda:InvokeFunction"), &json!("apigateway.amazonaws.com"))
            );
            let source =
                it["SourceArn"].as_str().unwrap().strip_prefix(&format!("arn:aws:execute-api:{ACCOUNT}:${{Api}}/*/"));
            (source.unwrap().to_owned(), live(it["FunctionName"].as_str().unwrap()))
        })
        .collect();
    assert_eq!(allowed, expected().map(|(route, name)| (source(route), name.to_owned())).collect());
    assert_eq!(permissions.len(), allowed.len(), "a right stands twice");
}

/// The function's name, of an ARN of its alias.
#[track_caller]
fn live(arn: &str) -> String {
    let name = arn.strip_prefix(&format!("arn:aws:lambda:{ACCOUNT}:function:wardgate-development-"));
    name.and_then(|name| name.strip_suffix(":live")).unwrap_or_else(|| panic!("{arn}")).to_owned()
}

/// The function that a route leads to, as an event of version 2.
fn integrated(operation: &Value) -> String {
    let integration = operation["x-amazon-apigateway-integration"].as_object().unwrap();
    let fixed = ["type", "httpMethod", "payloadFormatVersion"].map(|name| integration[name].as_str().unwrap());
    assert_eq!((fixed, integration.len()), (["aws_proxy", "POST", "2.0"], 4));
    let arn = integration["uri"].as_str().unwrap();
    let arn = arn.strip_prefix("arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/").unwrap();
    live(arn.strip_suffix("/invocations").unwrap())
}

fn declared_parameters(operation: &Value) -> Vec<String> {
    let declared = operation["parameters"].as_array().into_iter().flatten();
    declared
        .map(|it| {
            assert_eq!((&it["in"], &it["required"]), (&json!("path"), &json!(true)), "{it}");
            format!("{{{}}}", it["name"].as_str().unwrap())
        })
        .collect()
}

/// The parts of a path that a request fills.
fn parameters(path: &str) -> Vec<String> {
    path.split('/').filter(|part| part.starts_with('{')).map(str::to_owned).collect()
}

/// A route as API Gateway names it where it calls: any method and any part are a star.
fn source(route: &Route) -> String {
    let path: Vec<&str> = route.path.split('/').map(|part| if part.starts_with('{') { "*" } else { part }).collect();
    format!("{}{}", route.method.as_ref().map_or("*", Method::as_str), path.join("/"))
}

#[test]
fn sec_pl_02_the_access_log_has_no_query_and_no_header() {
    let template = api_stack();
    let format = template["Resources"]["Api"]["Properties"]["AccessLogSettings"]["Format"].as_str().unwrap();
    let fields: BTreeMap<String, String> = serde_json::from_str(format).unwrap();
    let harmless = [
        "error.responseType",
        "identity.sourceIp",
        "integrationLatency",
        "integrationStatus",
        "protocol",
        "requestId",
        "requestTimeEpoch",
        "responseLatency",
        "responseLength",
        // The path as we wrote it, with {id}, and not as somebody typed it.
        "routeKey",
        "status",
    ];
    for (name, value) in &fields {
        let variable = value.strip_prefix("$context.").unwrap_or(value);
        assert!(harmless.contains(&variable), "{name} is {value}");
    }
    assert!(["request_id", "route", "status"].iter().all(|name| fields.contains_key(*name)));
    let log_group = &template["Resources"]["Api"]["Properties"]["AccessLogSettings"]["DestinationArn"];
    assert_eq!(log_group, &json!({ "Fn::GetAtt": "ApiLogGroup.Arn" }));
}

/// The gateway would drop what functions say, and let scripts read pages.
#[test]
fn sec_oc_24_the_gateway_itself_allows_no_origin() {
    let api = &api_stack()["Resources"]["Api"]["Properties"];
    assert!(api.get("CorsConfiguration").is_none() && api["DefinitionBody"].get("x-amazon-apigateway-cors").is_none());
    let named = resolve(&read(API), &[("AllowedOrigins", json!("https://a.example,https://b.example"))]);
    let listed = &named["Globals"]["Function"]["Environment"]["Variables"]["AUTH__HTTP__ALLOWED_ORIGINS"];
    assert_eq!(listed, r#"["https://a.example","https://b.example"]"#);
}

/// The emulator's lowering loses both.
#[test]
fn the_api_fails_on_warnings_and_its_paths_begin_with_no_stage() {
    let api = &api_stack()["Resources"]["Api"]["Properties"];
    assert_eq!((&api["FailOnWarnings"], &api["StageName"]), (&json!(true), &json!("$default")));
}

/// A throttle of 20 a second, which all clients share, let one host keep everybody out: it limits what a flood costs, and
/// not guessing, which is counted in the table by source.
#[test]
fn sec_en_02_the_throttle_of_what_hashes_is_above_what_one_source_may_send() {
    for stage_file in ["infra/staging/parameters.yaml", "infra/production/parameters.yaml"] {
        let given = read(stage_file);
        let rate = given["HashingRate"].as_u64().unwrap();
        assert!(rate * 60 >= 50 * 100, "{stage_file}: fewer than fifty sources fill it");
    }
}

#[test]
fn what_hashes_passwords_has_concurrency_memory_and_a_throttle_of_its_own() {
    let given = ["LoginConcurrency", "PasswordConcurrency", "RegisterConcurrency"].map(|name| (name, json!(7)));
    let api = &api_stack()["Resources"]["Api"]["Properties"];
    for (endpoint, _) in ENDPOINTS.iter() {
        let hashes = endpoint.needs.rings.contains(&RingName::PasswordWrap);
        let template = stack_of(endpoint.name, &given);
        let id = functions(&template)[endpoint.name];
        let function = &template["Resources"][format!("{id}Function")]["Properties"];
        assert_eq!(function["ReservedConcurrentExecutions"].is_number(), hashes, "{id}");
        assert_eq!(function["MemorySize"].is_number(), hashes, "{id}: all others have that of Globals");
        for route in endpoint.routes.iter().map(ToString::to_string) {
            let throttle = &api["RouteSettings"][&route];
            assert_eq!(throttle.is_object(), hashes, "{route}");
            if hashes {
                for limit in ["ThrottlingRateLimit", "ThrottlingBurstLimit"] {
                    let (own, general) = (throttle[limit].as_u64(), api["DefaultRouteSettings"][limit].as_u64());
                    assert!(own.unwrap() < general.unwrap(), "{route}: {limit}");
                }
            }
        }
    }
}
