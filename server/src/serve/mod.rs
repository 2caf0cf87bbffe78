//! Listening, and stopping cleanly.

mod accept;
mod answer;
mod drain;
mod gate;
mod head;
mod limits;
mod load;
mod phase;

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};
use wardgate::app::App;

use crate::ops;
use crate::router::router;
use crate::store_gate::StoreGate;
use accept::{Port, accept};
use answer::Answerer;
pub(crate) use drain::pause;
pub use drain::stopped;
use drain::{Stop, conduct};
pub use limits::{Limits, TooFewDescriptors, claim_descriptors};
pub(crate) use load::{Load, count};

/// How many connections operators may have: a scraper, a kubelet, somebody with curl.
const OPS_CONNECTIONS: usize = 32;

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

/// Serves the API until `stop` changes, and then until everything asked is answered. `ops` has a router of its own: what
/// operators ask is answered however busy the API is.
/// While there is too much to do for the store behind `gate`, nothing is begun (SA-06).
pub async fn serve(
    app: Arc<App>,
    gate: Arc<StoreGate>,
    listeners: Vec<TcpListener>,
    ops: Vec<TcpListener>,
    stop: watch::Receiver<bool>,
) {
    let limits = Limits::new(&app.config.http);
    let load = Load::new(limits);
    let (api, operators) = (router(&app), ops::router(&app, load.clone(), stop.clone()));
    let of_operators = Limits { connections: OPS_CONNECTIONS, in_flight: OPS_CONNECTIONS, ..limits };
    futures::future::join(
        serve_port(Arc::clone(&app), api, listeners, (load, Some(gate)), stop.clone()),
        serve_port(app, operators, ops, (Load::new(of_operators), None), stop),
    )
    .await;
}

/// As [`serve`], whatever the router has, and nothing for operators.
pub async fn serve_router(
    app: Arc<App>,
    gate: Arc<StoreGate>,
    router: Router,
    listeners: Vec<TcpListener>,
    stop: watch::Receiver<bool>,
) {
    let limits = Limits::new(&app.config.http);
    serve_port(app, router, listeners, (Load::new(limits), Some(gate)), stop).await;
}

async fn serve_port(
    app: Arc<App>,
    router: Router,
    listeners: Vec<TcpListener>,
    (load, gate): (Load, Option<Arc<StoreGate>>),
    stop: watch::Receiver<bool>,
) {
    let limits = load.limits;
    let (stage, watching) = watch::channel(Stop::Serving);
    let port = Arc::new(Port {
        limits,
        answerer: Answerer::new(app, router, load.requests, gate),
        stage: watching,
        room: load.connections,
        crowded: Notify::new(),
    });
    let (alive, mut dead) = mpsc::channel(1);
    let accepting = listeners.into_iter().map(|listener| accept(Arc::clone(&port), listener, alive.clone()));
    let accepting = futures::future::join_all(accepting);
    // The last connection that ends drops the last sender.
    let finished = async {
        accepting.await;
        drop(alive);
        let _ = dead.recv().await;
    };
    conduct(stop, limits, &stage, finished).await;
}
