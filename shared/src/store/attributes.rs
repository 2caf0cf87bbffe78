//! Rust values as the table's attribute values.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// An item as it lies in the table.
pub type Item = HashMap<String, AttributeValue>;

/// A string attribute.
#[expect(clippy::needless_pass_by_value, reason = "callers pass numbers, ids and references alike")]
pub(super) fn string(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// A number attribute.
#[expect(clippy::needless_pass_by_value, reason = "callers pass numbers of any type")]
pub(super) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
