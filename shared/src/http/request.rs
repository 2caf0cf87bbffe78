//! A request as handlers see it, whatever host it came through.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::HeaderMap;
use serde::de::DeserializeOwned;

use crate::domain::request_context::RequestContext;
use crate::http::problem::Problem;
use crate::http::{form, json, query};

/// A request that has passed the edge's limits.
pub struct Request {
    /// The path, as it was sent.
    pub path: String,
    /// Header fields.
    pub headers: HeaderMap,
    /// The values of the `{…}` parts of the endpoint's path.
    pub path_parameters: BTreeMap<String, String>,
    /// The query, without `?`.
    pub query: String,
    /// The body: at most 64 KiB.
    pub body: Bytes,
    /// Time, origin and id.
    pub context: RequestContext,
}

impl Request {
    /// The body as JSON, which must be sent as such (SE-08).
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        json::parse(&self.headers, &self.body)
    }

    /// Refuses a request that does not call itself JSON, whatever its body: no form of another site's can (SE-06).
    pub fn require_json(&self) -> Result<(), Problem> {
        json::require(&self.headers)
    }

    /// The body as JSON, or `T`'s default if there is no body.
    pub fn optional_json<T: DeserializeOwned + Default>(&self) -> Result<T, Problem> {
        if self.body.is_empty() { Ok(T::default()) } else { self.json() }
    }

    /// The body as a form's, which must be sent as such (SE-08).
    pub fn form<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        form::parse(&self.headers, &self.body)
    }

    /// Refuses a request that does not call itself a form, whatever its body.
    pub fn require_form(&self) -> Result<(), Problem> {
        form::require(&self.headers)
    }

    /// The query's parameters (SE-08).
    pub fn query<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        query::parse(self.query.as_bytes())
    }

    /// The value of the `{name}` part of the path; empty if the endpoint's path has no such part.
    pub fn path_parameter(&self, name: &str) -> &str {
        self.path_parameters.get(name).map_or("", String::as_str)
    }
}
