//! Parameters of OAuth's endpoints, as OAuth reads them: unknown ones are passed over, empty ones are absent, and none but
//! `resource` may come twice (OC-01; RFC 6749, 3.1 and 3.2).

use std::collections::{BTreeMap, BTreeSet};

/// The one that may come more than once (RFC 8707, 2).
const RESOURCE: &str = "resource";

/// The parameters of a query or of a form.
#[derive(Default)]
pub struct Parameters {
    values: BTreeMap<String, String>,
    repeated: BTreeSet<String>,
    resources: Vec<String>,
}

impl Parameters {
    /// Reads a query, or a form's body, which is written in the same way.
    pub fn parse(encoded: &[u8]) -> Self {
        let mut parameters = Self::default();
        for (name, value) in form_urlencoded::parse(encoded).filter(|(_, value)| !value.is_empty()) {
            if name == RESOURCE {
                parameters.resources.push(value.into_owned());
            } else if parameters.values.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                parameters.repeated.insert(name.into_owned());
            }
        }
        parameters
    }

    /// The value of a parameter that came once.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|_| !self.repeated.contains(name))
    }

    /// Whether a parameter came at all.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// One of these that came twice. What nobody here knows may do so.
    pub fn repeated(&self, known: &[&'static str]) -> Option<&'static str> {
        known.iter().copied().find(|name| self.repeated.contains(*name))
    }

    /// Every `resource`.
    pub fn resources(&self) -> &[String] {
        &self.resources
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_oc_01_unknown_is_passed_over_empty_is_absent_and_only_resources_repeat() {
        let read =
            Parameters::parse(b"scope=a+b&state=&x=1&x=2&resource=r1&resource=r2&nonce=a&nonce=a&prompt=&prompt=none");
        assert_eq!(read.get("scope"), Some("a b"));
        assert!(!read.has("state") && read.get("state").is_none());
        assert_eq!(read.get("prompt"), Some("none"), "the empty one is absent");
        assert_eq!(read.resources(), ["r1", "r2"]);
        assert_eq!(read.repeated(&["scope", "nonce"]), Some("nonce"));
        assert_eq!(read.get("nonce"), None, "which of the two nobody can tell");
        assert!(read.has("nonce"));
        assert_eq!(read.repeated(&["scope", "state"]), None);
    }

    #[test]
    fn arbitrary_bytes_are_read() {
        assert_eq!(Parameters::parse(b"scope=%ff%&&=&a").get("scope"), Some("\u{fffd}%"));
    }
}
