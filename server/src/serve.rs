//! Listening, and stopping cleanly.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use wardgate::app::App;

use crate::router::router;

/// How long running requests may take to finish after a stop was asked for.
const DRAIN: Duration = Duration::from_secs(10);

/// Why nothing listens.
#[derive(Debug, Error)]
pub enum ListenError {
    /// Somebody else has the port.
    #[error(
        "port {} is in use on {}: stop the program that has it, or choose another port with AUTH__HTTP__PORT",
        .0.port(), .0.ip()
    )]
    PortInUse(SocketAddr),
    /// None of the addresses exists on this machine.
    #[error("none of the addresses in http.bind exists on this machine")]
    NoAddress,
    /// Anything else.
    #[error("cannot listen on {0}: {1}")]
    Other(SocketAddr, std::io::Error),
}

/// Listens on every address that this machine has: one without IPv6 still serves 127.0.0.1.
pub async fn listen(addresses: &[IpAddr], port: u16) -> Result<Vec<TcpListener>, ListenError> {
    let mut listeners = Vec::new();
    for address in addresses {
        let address = SocketAddr::new(*address, port);
        match TcpListener::bind(address).await {
            Ok(listener) => listeners.push(listener),
            Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(ListenError::PortInUse(address)),
            Err(error) if error.kind() == ErrorKind::AddrNotAvailable => {
                tracing::warn!(%address, "this machine has no such address: not listening there");
            }
            Err(error) if error.raw_os_error() == Some(ADDRESS_FAMILY_NOT_SUPPORTED) => {
                tracing::warn!(%address, "this machine has no such address family: not listening there");
            }
            Err(error) => return Err(ListenError::Other(address, error)),
        }
    }
    if listeners.is_empty() { Err(ListenError::NoAddress) } else { Ok(listeners) }
}

/// EAFNOSUPPORT, for which the standard library has no `ErrorKind`.
const ADDRESS_FAMILY_NOT_SUPPORTED: i32 = 97;

/// Serves until `stop` changes, then lets running requests finish.
pub async fn serve(app: &Arc<App>, listeners: Vec<TcpListener>, stop: watch::Receiver<bool>) -> std::io::Result<()> {
    serve_router(router(app), listeners, stop).await
}

/// As [`serve`], whatever the router has.
pub async fn serve_router(
    router: Router,
    listeners: Vec<TcpListener>,
    stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let servers = listeners.into_iter().map(|listener| {
        let service = router.clone().into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, service).with_graceful_shutdown(stopped(stop.clone())).into_future()
    });
    let all = futures::future::try_join_all(servers);
    tokio::select! {
        finished = all => finished.map(|_| ()),
        () = drained(stop) => Ok(()),
    }
}

/// Resolves once a stop is asked for.
pub async fn stopped(mut stop: watch::Receiver<bool>) {
    // A sender that is gone asks for nothing any more: that is a stop too.
    let _ = stop.wait_for(|stop| *stop).await;
}

#[expect(clippy::disallowed_methods, reason = "a client that never finishes must not keep the process alive")]
async fn drained(stop: watch::Receiver<bool>) {
    stopped(stop).await;
    tokio::time::sleep(DRAIN).await;
}
