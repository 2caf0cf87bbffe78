//! How clients show who they are (RFC 6749, 2.3.1): whatever the header is, it is read or is none, and what a library has encoded
//! is found again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use wardgate::http::oauth::client_proof;
use wardgate::use_cases::oauth::client_authentication::ClientProof;

/// The input is the header's value; and an id and a secret with a line break between.
pub(crate) fn run(data: &[u8]) {
    if let Ok(value) = HeaderValue::from_bytes(data) {
        let _ = client_proof(&HeaderMap::from_iter([(AUTHORIZATION, value)]));
    }
    let Some((id, secret)) = crate::text(data).split_once('\n') else { return };
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let basic = STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)));
    let value = HeaderValue::from_str(&format!("Basic {basic}")).expect("visible ASCII");
    let found = client_proof(&HeaderMap::from_iter([(AUTHORIZATION, value)]));
    assert_eq!(found, Some(ClientProof::Basic(id.to_owned(), secret.to_owned())));
}
