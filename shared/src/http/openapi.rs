//! The API description, generated from the types that the handlers themselves use.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use crate::http::endpoint::Endpoint;
use crate::http::problem::ProblemBody;

/// Names a type to the generator.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The schema of `T`.
pub fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// What the description says of an endpoint, beside its method and path. Each function crate has one; only the
/// standalone server links it.
pub struct Operation {
    /// One line.
    pub summary: &'static str,
    /// Whether an access token is needed.
    pub bearer: bool,
    /// Path and query parameters.
    pub parameters: &'static [Parameter],
    /// The body.
    pub request: Option<SchemaOf>,
    /// The success: status, what it means, and its body.
    pub response: (u16, &'static str, Option<SchemaOf>),
    /// The refusals.
    pub problems: &'static [(u16, &'static str)],
}

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
        let described = describe(endpoint, operation, &mut generator, &problem);
        let item = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(endpoint.method.as_str().to_ascii_lowercase(), described);
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

fn describe(endpoint: &Endpoint, operation: &Operation, generator: &mut SchemaGenerator, problem: &Schema) -> Value {
    let (status, meaning, body) = operation.response;
    let mut responses = Map::new();
    let mut success = json!({ "description": meaning });
    if let (Some(body), Some(success)) = (body, success.as_object_mut()) {
        success.insert("content".to_owned(), json!({ "application/json": { "schema": body(generator) } }));
    }
    responses.insert(status.to_string(), success);
    for (status, meaning) in operation.problems {
        let content = json!({ "application/problem+json": { "schema": problem } });
        responses.insert(status.to_string(), json!({ "description": meaning, "content": content }));
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
    let mut described = json!({
        "operationId": endpoint.name,
        "summary": operation.summary,
        "parameters": parameters,
        "responses": responses,
        "security": if operation.bearer { json!([{ "bearer": [] }]) } else { json!([]) },
    });
    if let (Some(request), Some(described)) = (operation.request, described.as_object_mut()) {
        let content = json!({ "application/json": { "schema": request(generator) } });
        described.insert("requestBody".to_owned(), json!({ "required": true, "content": content }));
    }
    described
}
