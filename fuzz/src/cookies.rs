//! Cookie header fields, in which everything but our own cookie is written by others.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use wardgate::http::cookies::refresh_token;

const NAME: &str = "__Host-wardgate-refresh";

/// The input is the fields' values, one a line.
pub(crate) fn run(data: &[u8]) {
    let values = data.split(|byte| *byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok());
    let others: HeaderMap = values.map(|value| (COOKIE, value)).collect();
    let Some(found) = refresh_token(&others) else {
        for field in [format!("{NAME}=rt_a"), format!("a=1; {NAME}=rt_a;b=2"), format!("{NAME}=\"rt_a\"")] {
            let field = HeaderValue::from_str(&field).expect("visible ASCII");
            let mut with_ours = others.clone();
            with_ours.append(COOKIE, field);
            assert_eq!(refresh_token(&with_ours).as_deref(), Some("rt_a"));
        }
        return;
    };
    // Whatever it is, another value beside it makes it worth nothing.
    let mut twice = others;
    let other = if found == "rt_b" { "rt_c" } else { "rt_b" };
    twice.append(COOKIE, HeaderValue::from_str(&format!("{NAME}={other}")).expect("visible ASCII"));
    assert_eq!(refresh_token(&twice).as_deref(), Some(""));
}
