//! Which member of a body or query is at fault, and why, out of what serde reports (SE-08).

use std::borrow::Cow;

use crate::domain::email::Email;
use crate::http::problem::{MemberError, Problem};

/// Names in a reply are cut at this many characters: an unknown member's name is the client's own text.
const MAX_NAME: usize = 64;

/// The address in a member named `email`.
pub fn email(text: &str) -> Result<Email, Problem> {
    Email::parse(text).map_err(|error| Problem::invalid_member("email", "invalid", error.to_string()))
}

/// Turns serde's report into one that names the member but never its value. serde distinguishes its failures only by
/// how the message begins; tests hold each of them.
pub(super) fn problem(path: &str, message: &str) -> Problem {
    let named = || message.split('`').nth(1).unwrap_or_default();
    let (member, code, detail): (String, &'static str, Cow<'static, str>) = if message.starts_with("missing field") {
        (join(path, named()), "missing", "This member is required.".into())
    } else if message.starts_with("duplicate field") {
        (join(path, named()), "duplicate", "This member is given more than once.".into())
    } else if message.starts_with("unknown field") {
        (path.to_owned(), "unknown", "There is no such member.".into())
    } else {
        (path.to_owned(), "wrong_type", expectation(message))
    };
    let member = member.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
    Problem::invalid_request(vec![MemberError { member, code: code.into(), detail: detail.into_owned() }])
}

/// What was expected, without what was found: that may be a password in the wrong place.
fn expectation(message: &str) -> Cow<'static, str> {
    let expected = message.rsplit_once("expected ").map(|(_, rest)| rest.split(" at line ").next().unwrap_or(rest));
    expected.map_or("This value is not valid.".into(), |expected| format!("Expected {expected}.").into())
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() || path == "." { name.to_owned() } else { format!("{path}.{name}") }
}
