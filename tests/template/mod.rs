//! What `template.yaml`, the stacks of `infra/functions/`, `infra/migrate.yaml` and `infra/data.yaml` have to say.
//! `make validate` checks that they are templates at all, `permissions/` that each role is what its function needs, and
//! `deployments.rs` how they are deployed.

mod api;
mod configuration;
mod data;
mod delivery;
mod edge;
mod functions;
mod limits;
mod roles;
mod rotation;

use serde_json::Value;

use crate::harness::cloudformation::{API, CodeStack, code_stacks, everything, read, resolve};

/// The API's stack, with everything that a parameter can switch on.
fn api_stack() -> Value {
    resolve(&read(API), &everything())
}

/// The stacks with functions, with everything that a parameter can switch on.
fn stacks() -> Vec<CodeStack> {
    code_stacks(&everything())
}
