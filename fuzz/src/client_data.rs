//! Client data from strangers: it is accepted for what another reader finds in it, and for nothing else (MF-09, MF-10).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::IgnoredAny;
use serde_json::Value;
use wardgate::crypto::webauthn::client_data::{Ceremony, ClientData};
use wardgate::crypto::webauthn::expected::RelyingParty;

const ORIGIN: &str = "https://example.org";
const TOP_ORIGIN: &str = "https://example.com";
/// The challenge of the seeds.
const CHALLENGE: &[u8] = b"challenge";

pub(crate) fn run(data: &[u8]) {
    let (origins, top_origins) = ([ORIGIN.to_owned()], [TOP_ORIGIN.to_owned()]);
    let relying_party =
        RelyingParty { id: "example.org", origins: &origins, related_origins: &[], top_origins: &top_origins };
    let Ok(client_data) = ClientData::parse(data) else { return };
    let text = std::str::from_utf8(data).expect("JSON is UTF-8");
    let json = text.strip_prefix('\u{feff}').unwrap_or(text);
    assert!(serde_json::from_str::<IgnoredAny>(json).is_ok(), "{text} is no JSON");
    // It also refuses numbers and escapes that mean nothing, in members that are passed over.
    let Ok(read) = serde_json::from_str::<Value>(json) else { return };
    assert!(read.is_object(), "{text}");
    let member = |name: &str| read.get(name).and_then(Value::as_str);
    for ceremony in [Ceremony::Registration, Ceremony::Authentication] {
        let expected = member("type") == Some(ceremony.kind())
            && member("challenge") == Some(&URL_SAFE_NO_PAD.encode(CHALLENGE))
            && member("origin") == Some(ORIGIN)
            && member("topOrigin").is_none_or(|top| top == TOP_ORIGIN);
        assert_eq!(client_data.verify(ceremony, CHALLENGE, &relying_party).is_ok(), expected, "{text}");
        let without_frames = RelyingParty { top_origins: &[], ..relying_party };
        let is_framed = member("topOrigin").is_some() || read.get("crossOrigin") == Some(&Value::Bool(true));
        let verified = client_data.verify(ceremony, CHALLENGE, &without_frames);
        assert_eq!(verified.is_ok(), expected && !is_framed, "{text}");
    }
    assert_eq!(client_data.challenge(), member("challenge").and_then(|it| URL_SAFE_NO_PAD.decode(it).ok()));
}
