//! Bodies from the network, bounded (SE-08).

use std::io::ErrorKind;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use wardgate::http::edge::{BodyError, MAX_BODY};

/// How much of a body that is too large is still read: a client that is cut off while it writes does not see why.
const MAX_DRAINED: usize = 1024 * 1024;

/// Reads a body, for at most `deadline`.
pub(crate) async fn read(body: Body, deadline: Duration) -> Result<Bytes, BodyError> {
    tokio::time::timeout(deadline, collect(body)).await.unwrap_or(Err(BodyError::Incomplete))
}

async fn collect(mut body: Body) -> Result<Bytes, BodyError> {
    let mut kept = BytesMut::new();
    let mut seen = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| failure(&error))?;
        let Some(data) = frame.data_ref() else { continue };
        seen += data.len();
        if seen > MAX_DRAINED {
            break;
        }
        if seen <= MAX_BODY {
            kept.extend_from_slice(data);
        }
    }
    if seen > MAX_BODY { Err(BodyError::TooLarge) } else { Ok(kept.freeze()) }
}

/// A body that breaks off may be sent again; one whose chunks are none may not.
fn failure(error: &axum::Error) -> BodyError {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>()
            && matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData)
        {
            return BodyError::Malformed;
        }
        cause = error.source();
    }
    BodyError::Incomplete
}
