//! An endpoint: what a function crate offers to every host.

use std::pin::Pin;

use http::Method;

use crate::app::App;
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::secrets::RingName;

/// A handler's answer in the making.
pub type HandlerFuture<'a> = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send + 'a>>;

/// What an endpoint needs from outside.
#[derive(Clone, Copy)]
pub struct Needs {
    /// The key rings it reads.
    pub rings: &'static [RingName],
    /// Whether it uses the table.
    pub table: bool,
}

/// One method and path, and what answers it.
#[derive(Clone)]
pub struct Endpoint {
    /// The function's name: its folder, binary, events and template resource.
    pub name: &'static str,
    /// The method.
    pub method: Method,
    /// The path as API Gateway has it, with parameters as `{id}`.
    pub path: &'static str,
    /// What it needs from outside, so that a cold start can fetch it ahead and its role can be held to it.
    pub needs: Needs,
    /// What answers.
    pub handler: for<'a> fn(&'a App, &'a Request) -> HandlerFuture<'a>,
}
