//! Bodies and queries: a mistake is told by its member, never by its value (SE-08).

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::Value;
use wardgate::domain::language::Language;
use wardgate::domain::origin::Origin;
use wardgate::domain::request_context::RequestContext;
use wardgate::domain::timestamp::Timestamp;
use wardgate::http::problem::Problem;
use wardgate::http::request::Request;

/// A member of every kind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it can be read matters")]
struct Body {
    text: String,
    number: Option<u16>,
    flag: Option<bool>,
    #[serde(default)]
    list: Vec<Choice>,
    inner: Option<Box<Body>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Choice {
    One,
    Two,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it can be read matters")]
struct Query {
    limit: Option<u16>,
    cursor: Option<String>,
    order: Option<Choice>,
}

/// The input is a query, a line break, and a body.
pub(crate) fn run(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let query = crate::text(parts.next().unwrap_or_default()).to_owned();
    let body = Bytes::copy_from_slice(parts.next().unwrap_or_default());
    let content_type = HeaderValue::from_static("application/json");
    let request = Request {
        path: "/v1".to_owned(),
        headers: HeaderMap::from_iter([(header::CONTENT_TYPE, content_type)]),
        path_parameters: BTreeMap::new(),
        query,
        body,
        context: RequestContext {
            now: Timestamp::from_millis(0),
            origin: Origin::new(None, None),
            language: Language::default(),
            request_id: String::new(),
        },
    };
    match request.json::<Body>() {
        Ok(_) => {
            let value = serde_json::from_slice(&request.body);
            assert!(matches!(value, Ok(Value::Object(_))), "what was read is not a JSON object");
        }
        Err(problem) => check(&problem),
    }
    if let Err(problem) = request.query::<Query>() {
        check(&problem);
    }
}

fn check(problem: &Problem) {
    assert_eq!(problem.status, StatusCode::BAD_REQUEST);
    for error in &problem.errors {
        assert!(error.member.chars().count() <= 64, "{} is long", error.member);
        // A member's own name may be the canary; what is said of its value may not.
        assert!(!error.detail.contains(crate::CANARY), "{}", error.detail);
    }
    let named = problem.errors.iter().any(|error| error.member.contains(crate::CANARY));
    assert!(named || !problem.detail.contains(crate::CANARY), "{}", problem.detail);
}
