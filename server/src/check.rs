//! `wardgate-server check`: whether the server of this machine lives, for a container that has nothing else to ask with.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::TcpStream;
use wardgate::config::Config;

use crate::ops::is_beside_the_api;

/// Whoever asks has a limit of its own; this is below that of the image.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why it does not live.
#[derive(Debug, Error)]
pub enum CheckError {
    /// Nobody listens.
    #[error("nothing answers at http://{0}/live: {1}")]
    Silent(SocketAddr, String),
    /// Something else listens there, or it is not well.
    #[error("http://{0}/live answers {1}")]
    Status(SocketAddr, u16),
    /// A laptop's server has no port for operators.
    #[error("stage development has no port for operators (ops.port), which is what is asked")]
    NoPort,
}

/// Asks `/live` at the operators' port, over loopback.
pub async fn live(config: &Config) -> Result<(), CheckError> {
    if is_beside_the_api(config) {
        return Err(CheckError::NoPort);
    }
    let address = SocketAddr::new(reached_by(&config.ops.bind), config.ops.port);
    let status = tokio::time::timeout(PATIENCE, status(address)).await;
    match status.map_err(|elapsed| elapsed.to_string()).and_then(|status| status.map_err(|error| error.to_string())) {
        Ok(200) => Ok(()),
        Ok(status) => Err(CheckError::Status(address, status)),
        Err(cause) => Err(CheckError::Silent(address, cause)),
    }
}

/// An address that reaches whatever listens on these.
fn reached_by(bind: &[IpAddr]) -> IpAddr {
    match bind.first() {
        None | Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) => Ipv4Addr::LOCALHOST.into(),
        Some(IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => Ipv6Addr::LOCALHOST.into(),
        Some(address) => *address,
    }
}

async fn status(address: SocketAddr) -> Result<u16, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request =
        http::Request::get("/live").header(http::header::HOST, address.to_string()).body(Empty::<Bytes>::new())?;
    let answer = async { sender.send_request(request).await };
    tokio::select! {
        answer = answer => Ok(answer?.status().as_u16()),
        ended = connection => Err(ended.err().map_or_else(|| "it hung up".into(), Into::into)),
    }
}
