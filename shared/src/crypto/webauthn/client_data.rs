//! What a browser says of a ceremony: WebAuthn, section 5.8.1. It is read as JSON and never compared as text, since
//! browsers add members (MF-10).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::crypto::webauthn::errors::CeremonyError;
use crate::crypto::webauthn::expected::RelyingParty;

/// Which of the two ceremonies it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ceremony {
    /// A credential is made.
    Registration,
    /// A credential signs.
    Authentication,
}

impl Ceremony {
    /// The `type` of its client data.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Registration => "webauthn.create",
            Self::Authentication => "webauthn.get",
        }
    }
}

/// The members that matter. A member that occurs twice is refused.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ClientData<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    challenge: Cow<'a, str>,
    #[serde(borrow)]
    origin: Cow<'a, str>,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: Option<bool>,
    #[serde(borrow, default, rename = "topOrigin")]
    top_origin: Option<Cow<'a, str>>,
}

impl<'a> ClientData<'a> {
    /// Reads `clientDataJSON`.
    pub fn parse(json: &'a [u8]) -> Result<Self, CeremonyError> {
        let text = std::str::from_utf8(json).map_err(|_| CeremonyError::ClientData)?;
        // The specification decodes as browsers do, who drop it.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // serde would take the members' values in a list, too.
        if !text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{') {
            return Err(CeremonyError::ClientData);
        }
        serde_json::from_str(text).map_err(|_| CeremonyError::ClientData)
    }

    /// The challenge that was answered, for whoever has sealed one and has to open it before anything else. It is not to be
    /// believed until [`Self::verify`] has.
    pub fn challenge(&self) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(self.challenge.as_bytes()).ok()
    }

    /// Whether it is of this ceremony, answers this challenge, and comes from where it may.
    pub fn verify(
        &self,
        ceremony: Ceremony,
        challenge: &[u8],
        relying_party: &RelyingParty<'_>,
    ) -> Result<(), CeremonyError> {
        let is_listed = |origins: &[String], origin: &str| origins.iter().any(|listed| listed == origin);
        if self.kind != ceremony.kind() {
            return Err(CeremonyError::Type);
        }
        if self.challenge != URL_SAFE_NO_PAD.encode(challenge) {
            return Err(CeremonyError::Challenge);
        }
        let RelyingParty { origins, related_origins, .. } = relying_party;
        if ![origins, related_origins].iter().any(|listed| is_listed(listed, &self.origin)) {
            return Err(CeremonyError::Origin);
        }
        let is_framed = self.cross_origin == Some(true) || self.top_origin.is_some();
        // Not every browser names the site around the frame.
        if is_framed && relying_party.top_origins.is_empty() {
            return Err(CeremonyError::CrossOrigin);
        }
        match &self.top_origin {
            Some(top) if !is_listed(relying_party.top_origins, top) => Err(CeremonyError::TopOrigin),
            _ => Ok(()),
        }
    }
}
