//! A JSON object whose member names are unique.
//!
//! RFC 7515 section 4 and RFC 7519 section 4 let a parser keep the last of two members with one name. Two parsers that
//! keep different ones then read different tokens, so a repeated name is refused here.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

/// The members of one JSON object. Nested objects are left to `serde_json`; nothing reads them.
#[derive(Clone)]
pub(crate) struct Members(BTreeMap<String, Value>);

/// A member was there with another type or an empty value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WrongType;

impl Members {
    /// Parses exactly one object; anything after it, a repeated name and any other JSON type are `None`.
    pub(crate) fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Takes a string that must not be empty.
    pub(crate) fn take_text(&mut self, name: &str) -> Result<Option<String>, WrongType> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(WrongType),
        }
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // `deserialize_map`, not a derived struct: serde reads a derived struct from a JSON array too.
        deserializer.deserialize_map(UniqueNames)
    }
}

struct UniqueNames;

impl<'de> Visitor<'de> for UniqueNames {
    type Value = Members;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object without repeated names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("repeated name"));
            }
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_object_with_unique_names_parses() {
        assert!(Members::parse(br#"{"a":1,"b":[]}"#).is_some());
        for bad in [
            r#"{"a":1,"a":1}"#,
            // The same name once the escape is read.
            r#"{"a":1,"\u0061":1}"#,
            r#"["a"]"#,
            "null",
            r#"{"a":1}{"#,
            r#"{"a":1} x"#,
            "",
        ] {
            assert!(Members::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_stack_overflow() {
        let deep = format!("{{\"a\":{}", "[".repeat(100_000));
        assert!(Members::parse(deep.as_bytes()).is_none());
    }
}
