//! Reserving what a request spends of its source's budget (EN-02, decision 32).

use futures::future::try_join_all;

use crate::app::App;
use crate::domain::attempts::WindowLimit;
use crate::domain::request_context::RequestContext;
use crate::store::error::StoreError;
use crate::store::limits::{Reservation, Scope};

/// Counts an attempt against every network that the request comes from, in parallel: one write for IPv4, three for IPv6.
/// Comes before whatever is counted for an address, so that who is over the limit spends nothing of others'.
pub(super) async fn reserve_for_source(
    app: &App,
    context: &RequestContext,
    scope: Scope,
    limit: &WindowLimit,
) -> Result<Reservation, StoreError> {
    let reservations = context.origin.sources().into_iter().map(|source| async move {
        let limit = limit.times(source.share);
        app.store.reserve_in_window(scope, &source.network, &limit, context.now).await
    });
    let reservations = try_join_all(reservations).await?;
    let refused = reservations.into_iter().find(|reservation| *reservation != Reservation::Reserved);
    Ok(refused.unwrap_or(Reservation::Reserved))
}
