//! How long the table takes, and whether it answers, measured around the SDK's calls.

use std::time::Instant;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

use crate::telemetry::metrics;

/// Records each call's duration by operation, and calls that brought no answer. What the table refuses is an answer: a
/// failed condition is what many calls are for.
#[derive(Debug)]
pub(crate) struct StoreLatency;

#[derive(Debug)]
struct Began(Instant);

impl Storable for Began {
    type Storer = StoreReplace<Self>;
}

#[dyn_dispatch_hint]
impl Intercept for StoreLatency {
    fn name(&self) -> &'static str {
        "store latency"
    }

    #[expect(clippy::disallowed_methods, reason = "a call's duration is measured, not decided by")]
    fn read_before_execution(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(Began(Instant::now()));
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(Began(began)), Some(call)) = (config.load::<Began>(), config.load::<Metadata>()) {
            metrics::store_operation(call.name().to_owned(), began.elapsed().as_secs_f64());
            if is_without_answer(context) {
                metrics::store_error(call.name().to_owned());
            }
        }
        Ok(())
    }
}

/// Whether the last try timed out, broke off, or met a failing service.
fn is_without_answer(context: &FinalizerInterceptorContextRef<'_>) -> bool {
    let failed = context.output_or_error().is_some_and(|result| result.is_err_and(|error| !error.is_operation_error()));
    failed || context.response().is_some_and(|response| response.status().is_server_error())
}
