//! Whom passkeys are for.

use serde::Deserialize;
use url::Url;

use crate::crypto::webauthn::expected::RelyingParty;

/// Passkeys: of the issuer alone, unless something is set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Passkeys {
    /// The host that passkeys are made for: that of the issuer, or what its name ends with. They work for it alone: after a
    /// change of it, nobody's does any more.
    pub rp_id: Option<String>,
    /// The origins of pages that may ask for a passkey, beside the issuer's own; of an Android app, `android:apk-key-hash:…`.
    pub origins: Vec<String>,
    /// The origins of pages of other domains that may do so, too. Browsers look them up at the RP ID.
    pub related_origins: Vec<String>,
    /// The origins of other sites that may have such a page in a frame.
    pub top_origins: Vec<String>,
}

impl Passkeys {
    /// The RP ID of WebAuthn.
    pub fn rp_id(&self) -> &str {
        self.rp_id.as_deref().unwrap_or_default()
    }

    /// Who we are to authenticators.
    pub fn relying_party(&self) -> RelyingParty<'_> {
        RelyingParty {
            id: self.rp_id(),
            origins: &self.origins,
            related_origins: &self.related_origins,
            top_origins: &self.top_origins,
        }
    }

    /// What is not set is the issuer's; and its own pages may always ask.
    pub(in crate::config) fn complete(&mut self, issuer: &str) {
        let issuer = Url::parse(issuer).ok();
        if self.rp_id.is_none() {
            self.rp_id = issuer.as_ref().and_then(Url::host_str).map(str::to_owned);
        }
        let own = issuer.map(|url| url.origin().ascii_serialization());
        let missing = own.filter(|own| !self.origins.contains(own));
        self.origins.splice(..0, missing);
    }
}
