//! JSON bodies: strict in what they may hold, specific in what is wrong with them (SE-08).

use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::{media_type, members};

impl Reply {
    /// A JSON body.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(body).map_err(Problem::internal)?;
        let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(Self { status, headers: vec![json], body })
    }
}

/// Reads a body.
pub(super) fn parse<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Problem> {
    require(headers)?;
    // serde would take an array for a struct, member by member.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::malformed_json("The body must be a JSON object in UTF-8."));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value =
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| match error.inner().classify() {
            Category::Data => members::problem(&error.path().to_string(), &error.inner().to_string()),
            Category::Io | Category::Syntax | Category::Eof => syntax(error.inner()),
        })?;
    deserializer.end().map_err(|error| syntax(&error))?;
    Ok(value)
}

/// Refuses another media type than JSON.
pub(super) fn require(headers: &HeaderMap) -> Result<(), Problem> {
    media_type::require(headers, "application/json", "Send JSON with Content-Type: application/json.")
}

fn syntax(error: &serde_json::Error) -> Problem {
    Problem::malformed_json(format!("The JSON ends or breaks at line {}, column {}.", error.line(), error.column()))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use http::header::CONTENT_TYPE;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the refusals matter here")]
    struct Body {
        name: String,
        count: Option<u32>,
        inner: Option<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the refusals matter here")]
    struct Inner {
        x: u32,
    }

    fn json_headers() -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, "application/json".parse().unwrap())])
    }

    fn refusal(body: &str) -> (String, String, String) {
        let problem = parse::<Body>(&json_headers(), body.as_bytes()).unwrap_err();
        assert_eq!(problem.status, StatusCode::BAD_REQUEST);
        let error = problem.errors.into_iter().next();
        error.map_or((String::new(), problem.code.to_owned(), problem.detail.into_owned()), |error| {
            (error.member, error.code.into_owned(), error.detail)
        })
    }

    #[test]
    fn sec_se_08_each_mistake_names_its_member_and_never_its_value() {
        for (body, member, code) in [
            ("{}", "name", "missing"),
            (r#"{"name":"a","name":"b"}"#, "name", "duplicate"),
            (r#"{"name":"a","extra":"s3cret"}"#, "extra", "unknown"),
            (r#"{"name":77077}"#, "name", "wrong_type"),
            (r#"{"name":null}"#, "name", "wrong_type"),
            (r#"{"name":["s3cret"]}"#, "name", "wrong_type"),
            (r#"{"name":"a","count":"s3cret"}"#, "count", "wrong_type"),
            (r#"{"name":"a","count":-77077}"#, "count", "wrong_type"),
            (r#"{"name":"a","inner":{}}"#, "inner.x", "missing"),
            (r#"{"name":"a","inner":{"x":1,"x":2}}"#, "inner.x", "duplicate"),
            (r#"{"name":"a","inner":{"x":1,"s":2}}"#, "inner.s", "unknown"),
        ] {
            let (found_member, found_code, detail) = refusal(body);
            assert_eq!((found_member.as_str(), found_code.as_str()), (member, code), "{body}");
            assert!(!detail.contains("s3cret") && !detail.contains("77077"), "{body}: {detail}");
        }
    }

    #[test]
    fn sec_se_08_what_is_not_a_json_object_is_malformed() {
        for body in ["", " ", "[]", r#"["a",1,null]"#, "null", "\"a\"", "{", r#"{"name":"a"}x"#, "{\"name\":\"\u{1}\"}"]
        {
            assert_eq!(refusal(body).1, "malformed_json", "{body:?}");
        }
        let nested = format!("{{\"name\":{}", "[".repeat(2000));
        assert_eq!(refusal(&nested).0, "name");
        assert!(parse::<Body>(&json_headers(), b"{\"name\":\"\xff\"}").is_err());
    }

    #[test]
    fn sec_se_08_an_unknown_members_name_is_cut() {
        let body = format!("{{\"name\":\"a\",\"{}\":1}}", "x".repeat(5000));
        assert_eq!(refusal(&body).0.len(), 64);
    }

    #[test]
    fn sec_se_08_other_content_types_are_unsupported() {
        let status = |values: &[&str]| {
            let headers = values.iter().map(|value| (CONTENT_TYPE, value.parse().unwrap())).collect();
            parse::<Body>(&headers, br#"{"name":"a"}"#).map_or_else(|problem| problem.status.as_u16(), |_| 200)
        };
        assert_eq!(status(&["application/json"]), 200);
        assert_eq!(status(&["Application/JSON; charset=UTF-8"]), 200);
        for other in [
            &[][..],
            &["text/plain"],
            &["application/x-www-form-urlencoded"],
            &["application/json; charset=utf-16"],
            &["application/jsonp"],
            &["application/json", "application/json"],
        ] {
            assert_eq!(status(other), 415, "{other:?}");
        }
    }
}
