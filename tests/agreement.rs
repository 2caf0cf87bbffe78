//! Everything that lists the endpoints agrees with the one list.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Reader};
use wardgate::http::navigation::is_page;
use wardgate::secrets::RingName;
use wardgate_runtime_tests::{binaries, golden};
use wardgate_server::endpoints::{AREAS, ENDPOINTS, EVENT_FUNCTIONS, openapi};

use crate::harness::repository;

fn names() -> BTreeSet<String> {
    ENDPOINTS.iter().map(|(endpoint, _)| endpoint.name.to_owned()).collect()
}

/// The endpoints and what answers other events.
fn functions() -> BTreeSet<String> {
    EVENT_FUNCTIONS.iter().map(|name| (*name).to_owned()).chain(names()).collect()
}

fn folders(path: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(repository(path)).unwrap();
    entries
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

#[test]
fn each_binary_is_listed_and_the_reverse() {
    assert_eq!(binaries::functions().into_iter().collect::<BTreeSet<_>>(), functions());
    assert_eq!(names().len(), ENDPOINTS.len(), "a name stands twice");
    let packages = AREAS.iter().map(|area| area.name).chain(EVENT_FUNCTIONS.iter().copied()).chain(["hashing"]);
    assert_eq!(folders("functions"), packages.map(str::to_owned).collect());
}

/// One word in five places: the function's own file, its binary, use case, test and events.
#[test]
fn each_endpoint_has_its_name_in_every_layer() {
    for area in &AREAS {
        let folder = area.name.replace('-', "_");
        let names: BTreeSet<String> = area.endpoints.iter().map(|(e, _)| e.name.replace('-', "_")).collect();
        assert_eq!(files(&format!("functions/{}/src", area.name)), names, "functions/{}/src", area.name);
        assert_eq!(files(&format!("tests/routes/{folder}")), names, "tests/routes/{folder}");
        for name in names {
            let (_, source) = binaries::binary(&name.replace('_', "-"));
            let shows_pages = area.endpoints.iter().any(|(endpoint, _)| {
                endpoint.name.replace('-', "_") == name && matches!(endpoint.reader, Reader::Person(_))
            });
            let serve = if shows_pages { "serve_pages" } else { "serve" };
            let served = format!("wardgate::lambda::{serve}(&{folder}::{name}::ENDPOINT)");
            assert!(source.contains(&served), "{name} serves another endpoint, or is not held to what pages need");
            let use_case = format!("use_cases/{folder}/{name}.rs");
            let exists = repository(&format!("shared/src/{use_case}")).exists();
            assert_ne!(exists, WITHOUT_USE_CASE.contains(&name.as_str()), "{use_case}");
        }
    }
    for function in EVENT_FUNCTIONS {
        let name = function.replace('-', "_");
        let there =
            ["mod.rs", "rs"].map(|end| if end == "rs" { format!("{name}.rs") } else { format!("{name}/{end}") });
        let found = there.iter().any(|file| repository(&format!("shared/src/use_cases/{file}")).exists());
        assert!(found, "use_cases/{name}.rs is missing");
    }
}

/// The modules of a folder, by their files.
fn files(path: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(repository(path)).unwrap().map(|entry| entry.unwrap().path());
    let modules =
        entries.filter(|path| path.is_file()).map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    modules.filter(|name| !["lib", "mod"].contains(&name.as_str())).collect()
}

/// Pages do what an endpoint in JSON does; discovery and readiness have nothing to do.
const WITHOUT_USE_CASE: [&str; 25] = [
    "openid_configuration",
    "page_account",
    "page_account_credentials",
    "page_account_factors",
    "page_confirm_email_change",
    "page_consent",
    "page_forgot",
    "page_keep_account",
    "page_keep_factors",
    "page_remove_factors",
    "page_login",
    "page_login_code",
    "page_passkey",
    "page_second_factor",
    "page_register",
    "page_reset_password",
    "page_show",
    "page_sign_in",
    "page_sign_out",
    "page_undo_email_change",
    "page_undo_factor",
    "page_verify_email",
    "preflight",
    "ready",
    "related_origins",
];

#[test]
fn no_two_endpoints_answer_the_same_route() {
    let routes: Vec<String> = ENDPOINTS.iter().flat_map(|(e, _)| e.routes).map(ToString::to_string).collect();
    assert_eq!(routes.iter().collect::<BTreeSet<_>>().len(), routes.len());
}

#[test]
fn each_function_has_a_good_and_a_bad_event_and_each_event_its_response() {
    assert_eq!(folders("events"), functions());
    for function in functions() {
        let (events, responses) = golden::files(&function);
        assert!(events.contains(&format!("{function}/ok")), "events/{function}/ok.json is missing");
        let expected = if golden::PASS_ON.contains(&function.as_str()) { Vec::new() } else { events };
        assert_eq!(
            expected, responses,
            "left: events, right: responses; `make generate` writes what is missing; delete what nothing asks for"
        );
        // Nothing that a service of AWS sends is refused.
        if names().contains(&function) || function == "authorizer" {
            let (good, bad): (Vec<_>, Vec<_>) = responses.iter().partition(|name| is_good(&golden::response(name)));
            assert!(!good.is_empty() && !bad.is_empty(), "{function}: good {good:?}, bad {bad:?}");
        }
    }
}

/// Whether an endpoint served, or the authorizer let in.
fn is_good(response: &Value) -> bool {
    response["isAuthorized"].as_bool().unwrap_or_else(|| response["statusCode"].as_u64().unwrap() < 400)
}

/// A browser is shown a page, not JSON, wherever a page is; and only there is what makes pages linked.
#[test]
fn people_read_what_is_at_the_paths_of_pages() {
    for (endpoint, _) in ENDPOINTS.iter() {
        assert_eq!(matches!(endpoint.reader, Reader::Person(_)), is_page(endpoint.path()), "{}", endpoint.name);
    }
}

/// The ring that wraps hashes is what hashing takes: without the class there would be no processor and no throttle for it.
#[test]
fn what_hashes_passwords_says_so_by_its_class() {
    for (endpoint, _) in ENDPOINTS.iter() {
        let wraps = endpoint.needs.rings.contains(&RingName::PasswordWrap);
        assert_eq!(matches!(endpoint.class, Class::Hashing(_)), wraps, "{}", endpoint.name);
    }
}

#[test]
fn an_operation_has_the_name_of_its_function_and_each_further_one_a_name_and_an_event() {
    let mut names = BTreeSet::new();
    for (endpoint, _) in ENDPOINTS.iter() {
        let sent: Vec<Value> = golden::files(endpoint.name)
            .0
            .iter()
            .map(|name| fs::read_to_string(repository(&format!("events/{name}.json"))).unwrap())
            .map(|event| serde_json::from_str::<Value>(&event).unwrap()["routeKey"].take())
            .collect();
        for (name, route) in endpoint.operations() {
            let method = route.method.as_ref().unwrap().as_str().to_ascii_lowercase();
            assert_eq!(openapi()["paths"][route.path][&method]["operationId"], name);
            assert!(sent.contains(&Value::from(route.to_string())), "{route} has no event");
            assert!(names.insert(name), "{name} stands twice");
        }
        assert_eq!(endpoint.operations().next().map(|(name, _)| name), Some(endpoint.name));
    }
}

/// What a page may read is what the endpoint says, and `Public` never with a cookie.
#[test]
fn sec_oc_24_pages_have_no_cors_and_what_everybody_reads_takes_no_cookie() {
    for (endpoint, _) in ENDPOINTS.iter() {
        let by_people = matches!(endpoint.reader, Reader::Person(_));
        assert!(!by_people || endpoint.cors == Cors::None, "{}", endpoint.name);
        let of_clients = ["/.well-known/", "/oauth2/"].iter().any(|start| endpoint.path().starts_with(start));
        assert_eq!(endpoint.cors == Cors::Public, of_clients && !by_people, "{}", endpoint.name);
    }
}
