//! Query parameters, as strict as bodies (SE-08).

use serde::de::DeserializeOwned;

use crate::http::members;
use crate::http::problem::Problem;

/// Reads a query, or a form's body, which is written in the same way.
pub(super) fn parse<T: DeserializeOwned>(query: &[u8]) -> Result<T, Problem> {
    let deserializer = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query));
    serde_path_to_error::deserialize(deserializer)
        .map_err(|error| members::problem(&error.path().to_string(), &error.inner().to_string()))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Page {
        limit: Option<u16>,
    }

    fn refusal(query: &str) -> (String, String) {
        let error = parse::<Page>(query.as_bytes()).unwrap_err().errors.remove(0);
        (error.member, error.code.into_owned())
    }

    #[test]
    fn sec_se_08_parameters_are_strict() {
        assert_eq!(parse::<Page>(b"").unwrap(), Page { limit: None });
        assert_eq!(parse::<Page>(b"limit=5").unwrap(), Page { limit: Some(5) });
        assert_eq!(refusal("limit=5&limit=6"), ("limit".to_owned(), "duplicate".to_owned()));
        assert_eq!(refusal("limt=5"), ("limt".to_owned(), "unknown".to_owned()));
        assert_eq!(refusal("limit=s3cret"), ("limit".to_owned(), "wrong_type".to_owned()));
        assert_eq!(refusal("limit=-1"), ("limit".to_owned(), "wrong_type".to_owned()));
    }

    #[test]
    fn sec_se_08_a_parameters_value_is_never_echoed() {
        let detail = parse::<Page>(b"limit=s3cret").unwrap_err().errors.remove(0).detail;
        assert!(!detail.contains("s3cret"), "{detail}");
    }
}
