//! Bodies of HTML forms, as strict as JSON ones (SE-08).

use http::HeaderMap;
use serde::de::DeserializeOwned;

use crate::http::problem::Problem;
use crate::http::{media_type, query};

/// The media type.
pub(super) const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// Reads a form. What is no UTF-8 becomes U+FFFD: browsers send none (HTML, 4.10.21.8).
pub(super) fn parse<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Problem> {
    require(headers)?;
    query::parse(body)
}

/// Refuses what does not call itself a form.
pub(super) fn require(headers: &HeaderMap) -> Result<(), Problem> {
    media_type::require(headers, MEDIA_TYPE, "Send a form with Content-Type: application/x-www-form-urlencoded.")
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Form {
        token: String,
        csrf: Option<String>,
    }

    fn read(content_type: &str, body: &[u8]) -> Result<Form, Problem> {
        parse(&HeaderMap::from_iter([(CONTENT_TYPE, content_type.parse().unwrap())]), body)
    }

    fn refusal(body: &str) -> (String, String) {
        let error = read(MEDIA_TYPE, body.as_bytes()).unwrap_err().errors.remove(0);
        (error.member, error.code.into_owned())
    }

    #[test]
    fn sec_se_08_a_form_is_as_strict_as_a_query() {
        let form = read("application/x-www-form-urlencoded;charset=UTF-8", b"token=a+b%C3%A4%26").unwrap();
        assert_eq!(form, Form { token: "a b\u{e4}&".to_owned(), csrf: None });
        assert_eq!(refusal(""), ("token".to_owned(), "missing".to_owned()));
        assert_eq!(refusal("token=a&token=b"), ("token".to_owned(), "duplicate".to_owned()));
        assert_eq!(refusal("token=a&s3cret=b").1, "unknown");
        assert_eq!(refusal("{\"token\":1}").1, "unknown");
        assert!(read(MEDIA_TYPE, b"token=%ff\xff&csrf=%").is_ok());
    }

    #[test]
    fn sec_se_08_another_media_type_is_415() {
        for other in ["application/json", "multipart/form-data; boundary=x", "text/plain", ""] {
            assert_eq!(read(other, b"token=a").unwrap_err().status, 415, "{other}");
        }
    }
}
