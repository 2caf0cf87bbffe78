//! Sending a browser on.

use http::{HeaderValue, StatusCode, header};

use crate::http::problem::Problem;
use crate::http::reply::Reply;

impl Reply {
    /// 303: on to a path of ours, by GET (OC-32). No part of where it comes from is told to anybody (OC-49).
    pub fn see_other(location: &str) -> Result<Self, Problem> {
        Self::redirect(StatusCode::SEE_OTHER, location)
    }

    /// On to this address.
    pub fn redirect(status: StatusCode, location: &str) -> Result<Self, Problem> {
        let location = HeaderValue::from_str(location).map_err(Problem::internal)?;
        let headers =
            vec![(header::LOCATION, location), (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"))];
        Ok(Self { status, headers, body: Vec::new() })
    }
}
