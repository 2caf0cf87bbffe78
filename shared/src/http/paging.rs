//! Lists come in pages: `limit` says how long one is, and an opaque `cursor` where it begins.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::http::openapi::{Parameter, schema};
use crate::http::problem::Problem;
use crate::http::request::Request;

const DEFAULT_LIMIT: u16 = 50;
const MAX_LIMIT: u16 = 100;

/// Which page of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<T> {
    /// How many of its items are read: 1 to 100.
    pub limit: u16,
    /// The last item of the page before.
    pub after: Option<T>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    limit: Option<u16>,
    cursor: Option<String>,
}

impl<T> Page<T> {
    /// Reads the query of a list of `items`, whose cursors `parse` understands.
    pub fn read<E>(request: &Request, items: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<Self, Problem> {
        let query: Query = request.query()?;
        let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            let detail = format!("A page has 1 to {MAX_LIMIT} {items}.");
            return Err(Problem::invalid_member("limit", "out_of_range", detail));
        }
        let after = query.cursor.as_deref().map(parse).transpose();
        let after = after.map_err(|_| Problem::invalid_member("cursor", "invalid", "Not a cursor of this list."))?;
        Ok(Self { limit, after })
    }
}

fn limits(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT })
}

/// What the API description says of the query; `limit` is what it says of that member.
pub const fn parameters(limit: &'static str) -> [Parameter; 2] {
    [
        Parameter { name: "limit", location: "query", description: limit, schema: limits },
        Parameter {
            name: "cursor",
            location: "query",
            description: "The next_cursor of the page before.",
            schema: schema::<String>,
        },
    ]
}
