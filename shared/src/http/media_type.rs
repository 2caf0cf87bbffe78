//! What a body says that it is (SE-08).

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use crate::http::problem::Problem;

/// Refuses a body of another media type, or in another character set than UTF-8. `advice` says what to send.
pub(super) fn require(headers: &HeaderMap, expected: &str, advice: &'static str) -> Result<(), Problem> {
    if is(headers, expected) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "The body has the wrong media type.",
        advice,
    ))
}

fn is(headers: &HeaderMap, expected: &str) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Ok(value) = value.to_str() else { return false };
    let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
    let parameters = parameters.trim().to_ascii_lowercase();
    essence.trim().eq_ignore_ascii_case(expected)
        && matches!(parameters.as_str(), "" | "charset=utf-8" | r#"charset="utf-8""#)
}
