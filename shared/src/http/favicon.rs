//! The icon that browsers ask for by themselves, at a path that they choose.

use http::{HeaderValue, StatusCode, header};

use crate::http::reply::Reply;

/// Where browsers look.
pub const PATH: &str = "/favicon.ico";

const ICON: &[u8] = include_bytes!("../../templates/pages/favicon.ico");

/// The icon, which browsers keep for a day.
pub fn reply() -> Reply {
    let headers = vec![
        (header::CONTENT_TYPE, HeaderValue::from_static("image/x-icon")),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400")),
    ];
    Reply { status: StatusCode::OK, headers, body: ICON.to_vec() }
}
