//! Replies.

use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode, header};

/// How long clients and proxies may keep what is public.
const PUBLIC: HeaderValue = HeaderValue::from_static("public, max-age=300, stale-if-error=3600");

/// `Retry-After`, rounded up: a client that comes back a moment early would only be refused again.
pub(super) fn retry_after(wait: Duration) -> (HeaderName, HeaderValue) {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    (header::RETRY_AFTER, HeaderValue::from(seconds))
}

/// A handler's answer.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: StatusCode,
    /// Header fields of its own; the edge adds those that every response has.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// Lets a browser keep the reply as a file of this name: a constant of ours.
    #[must_use]
    pub fn attachment(mut self, disposition: &'static str) -> Self {
        self.headers.push((header::CONTENT_DISPOSITION, HeaderValue::from_static(disposition)));
        self
    }

    /// 204: done, nothing to say.
    pub fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, headers: Vec::new(), body: Vec::new() }
    }

    /// Lets caches keep the reply for five minutes, and for an hour while we are down (TK-04).
    #[must_use]
    pub fn public(mut self) -> Self {
        self.headers.push((header::CACHE_CONTROL, PUBLIC));
        self
    }
}
