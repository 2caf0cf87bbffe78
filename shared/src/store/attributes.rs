//! Rust values as the table's attribute values.

use aws_sdk_dynamodb::types::AttributeValue;

/// A string attribute.
pub(super) fn string(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// A number attribute.
pub(super) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
