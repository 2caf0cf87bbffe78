//! The API description, generated from the types that the handlers themselves use.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Map, Value, json};

use crate::http::endpoint::{Endpoint, Reader};
use crate::http::form;
use crate::http::problem::ProblemBody;

/// Names a type to the generator.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The schema of `T`.
pub fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// A page instead of JSON.
pub fn html(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "contentMediaType": "text/html" })
}

/// What the description says of an endpoint, beside its method and path. Each has one; only the
/// standalone server links it.
pub struct Operation {
    /// One line.
    pub summary: &'static str,
    /// Whether an access token is needed.
    pub bearer: Bearer,
    /// Path and query parameters.
    pub parameters: &'static [Parameter],
    /// The body.
    pub request: Body,
    /// The answers that are no problems: status, what it means, and its body.
    pub responses: &'static [(u16, &'static str, Option<SchemaOf>)],
    /// The problems.
    pub problems: &'static [(u16, &'static str)],
}

/// Whether an endpoint takes an access token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Bearer {
    /// It does not look at one.
    Ignored,
    /// It can do with one.
    Optional,
    /// It refuses without.
    Required,
}

/// What body an endpoint takes.
#[derive(Clone, Copy)]
pub enum Body {
    /// None is looked at.
    None,
    /// It can do with one.
    Optional(SchemaOf),
    /// It refuses without.
    Required(SchemaOf),
    /// It refuses without, and takes an HTML form's.
    Form(SchemaOf),
}

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// What every endpoint that reads a body may answer (SE-08).
const BODY_PROBLEMS: [(u16, &str); 2] = [(408, "The body did not arrive in time."), (413, "The body is over 64 KiB.")];

/// A parameter.
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// `path` or `query`.
    pub location: &'static str,
    /// What it means.
    pub description: &'static str,
    /// Its type.
    pub schema: SchemaOf,
}

impl Parameter {
    /// A text in the query.
    pub const fn query(name: &'static str, description: &'static str) -> Self {
        Self { name, location: "query", description, schema: schema::<String> }
    }
}

/// The whole description (`OpenAPI` 3.1).
pub fn document(operations: &[(Endpoint, &Operation)]) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<ProblemBody<'_>>();
    let mut paths = Map::new();
    for (endpoint, operation) in operations {
        for (name, route) in endpoint.operations() {
            let described = describe(name, endpoint, operation, &mut generator, &problem);
            let item = paths.entry(route.path).or_insert_with(|| json!({}));
            if let (Some(item), Some(method)) = (item.as_object_mut(), &route.method) {
                item.insert(method.as_str().to_ascii_lowercase(), described);
            }
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Wardgate",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Serverless authentication for AWS.",
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
        },
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } },
        },
    })
}

fn describe(
    name: &str,
    endpoint: &Endpoint,
    operation: &Operation,
    generator: &mut SchemaGenerator,
    problem: &Schema,
) -> Value {
    let mut responses = Map::new();
    for (status, meaning, body) in operation.responses {
        let mut response = Map::from_iter([("description".to_owned(), json!(meaning))]);
        if let Some(body) = body {
            response.insert("content".to_owned(), content(&body(generator), JSON));
        }
        responses.insert(status.to_string(), Value::Object(response));
    }
    if let Reader::Person(_) = endpoint.reader {
        let meaning = "Asked by a script, a frame or a page of another site: pages answer people alone (SE-07).";
        let refusal = responses.entry("403").or_insert_with(|| json!({ "description": meaning, "content": {} }));
        if let Some(content) = refusal.get_mut("content").and_then(Value::as_object_mut) {
            content.insert(PROBLEM.to_owned(), json!({ "schema": problem }));
        }
    }
    let mut refuse = |status: u16, meaning: &str| {
        let content = content(problem, PROBLEM);
        responses.insert(status.to_string(), json!({ "description": meaning, "content": content }));
    };
    for (status, meaning) in operation.problems {
        refuse(*status, meaning);
    }
    let request_body = match operation.request {
        Body::None => None,
        Body::Optional(schema) => Some((false, JSON, schema(generator))),
        Body::Required(schema) => Some((true, JSON, schema(generator))),
        Body::Form(schema) => Some((true, form::MEDIA_TYPE, schema(generator))),
    };
    if let Some((_, media_type, _)) = request_body {
        for (status, meaning) in BODY_PROBLEMS {
            refuse(status, meaning);
        }
        refuse(415, &format!("The body is not {media_type}."));
    }
    let parameters: Vec<Value> = operation
        .parameters
        .iter()
        .map(|parameter| {
            json!({
                "name": parameter.name,
                "in": parameter.location,
                "description": parameter.description,
                "required": parameter.location == "path",
                "schema": (parameter.schema)(generator),
            })
        })
        .collect();
    let security = match operation.bearer {
        Bearer::Ignored => json!([]),
        Bearer::Optional => json!([{}, { "bearer": [] }]),
        Bearer::Required => json!([{ "bearer": [] }]),
    };
    let mut described = Map::from_iter([
        ("operationId".to_owned(), json!(name)),
        ("summary".to_owned(), json!(operation.summary)),
        ("parameters".to_owned(), Value::Array(parameters)),
        ("responses".to_owned(), Value::Object(responses)),
        ("security".to_owned(), security),
    ]);
    if let Some((required, media_type, schema)) = request_body {
        let content = content(&schema, media_type);
        described.insert("requestBody".to_owned(), json!({ "required": required, "content": content }));
    }
    Value::Object(described)
}

/// A body of this media type, unless the schema itself names another one.
fn content(schema: &Schema, media_type: &str) -> Value {
    let named = schema.get("contentMediaType").and_then(Value::as_str);
    json!({ named.unwrap_or(media_type): { "schema": schema } })
}
