//! Passkeys as browsers send them: `PublicKeyCredential.toJSON()` (WebAuthn, section 5.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::factors::Method;
use crate::domain::name::DisplayName;
use crate::http::problem::Problem;
use crate::use_cases::accounts::passkey_add::NewPasskey;
use crate::use_cases::passkey::{PasskeyOptions, ShownPasskey};
use crate::use_cases::second_factor::SecondProof;

/// What `navigator.credentials.get` gave, by `toJSON()`. Members that browsers add are let be.
#[derive(Deserialize, JsonSchema)]
pub struct AssertionCredential {
    /// The credential's id, in base64url.
    #[serde(rename = "rawId")]
    raw_id: String,
    /// What the authenticator signed.
    response: AssertionResponse,
}

/// What the authenticator signed, each member in base64url.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssertionResponse {
    /// What the browser says of the ceremony.
    #[serde(rename = "clientDataJSON")]
    client_data_json: String,
    /// What the authenticator says of itself.
    authenticator_data: String,
    /// The signature over both.
    signature: String,
    /// Whose it is, where the authenticator says so.
    user_handle: Option<String>,
}

/// What `navigator.credentials.create` gave, by `toJSON()`. Members that browsers add are let be.
#[derive(Deserialize, JsonSchema)]
pub struct RegistrationCredential {
    /// The credential's id, in base64url.
    #[serde(rename = "rawId")]
    raw_id: String,
    /// What the authenticator made.
    response: AttestationResponse,
}

/// What the authenticator made.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttestationResponse {
    /// What the browser says of the ceremony, in base64url.
    #[serde(rename = "clientDataJSON")]
    client_data_json: String,
    /// The credential and its public key, in base64url.
    attestation_object: String,
    /// How the authenticator can be reached.
    #[serde(default)]
    transports: Vec<String>,
}

/// What an authenticator is to be asked.
#[derive(Serialize, JsonSchema)]
pub struct PasskeyOptionsReply {
    /// For `PublicKeyCredential.parseRequestOptionsFromJSON` and `navigator.credentials.get`; of a registration
    /// `parseCreationOptionsFromJSON` and `navigator.credentials.create`.
    #[serde(rename = "publicKey")]
    public_key: Value,
    /// The challenge's life, in seconds.
    expires_in: u64,
}

impl From<PasskeyOptions> for PasskeyOptionsReply {
    fn from(options: PasskeyOptions) -> Self {
        Self { public_key: options.public_key, expires_in: options.expires_in.as_secs() }
    }
}

/// A second factor from what a client says that it is.
pub fn second_proof(
    method: Method,
    code: Option<String>,
    credential: Option<AssertionCredential>,
) -> Result<SecondProof, Problem> {
    let code = || code.ok_or_else(|| Problem::invalid_member("code", "missing", "Send the code of the second factor."));
    match method {
        Method::Totp => code().map(SecondProof::Totp),
        Method::RecoveryCode => code().map(SecondProof::RecoveryCode),
        Method::Passkey => {
            let missing = || Problem::invalid_member("credential", "missing", "Send what the passkey has signed.");
            let shown = credential.ok_or_else(missing)?.shown();
            shown.map(|shown| SecondProof::Passkey(Box::new(shown))).ok_or_else(no_credential)
        }
    }
}

/// What a passkey has signed, as a page's form has it.
pub fn shown_passkey(json: &str) -> Option<ShownPasskey> {
    serde_json::from_str::<AssertionCredential>(json).ok()?.shown()
}

/// What an authenticator has made, as a page's form has it.
pub fn new_passkey(json: &str, name: Option<DisplayName>) -> Option<NewPasskey> {
    serde_json::from_str::<RegistrationCredential>(json).ok()?.made(name, false)
}

/// What is no base64url.
pub fn no_credential() -> Problem {
    Problem::invalid_member("credential", "invalid", "Send what `toJSON()` of the credential gives, as it is.")
}

impl RegistrationCredential {
    /// The passkey. `None` where a member is no base64url.
    pub fn made(self, name: Option<DisplayName>, end_other_sessions: bool) -> Option<NewPasskey> {
        Some(NewPasskey {
            credential_id: bytes(&self.raw_id)?,
            client_data_json: bytes(&self.response.client_data_json)?,
            attestation_object: bytes(&self.response.attestation_object)?,
            transports: self.response.transports,
            name,
            end_other_sessions,
        })
    }
}

impl AssertionCredential {
    /// What was shown. `None` where a member is no base64url.
    pub fn shown(&self) -> Option<ShownPasskey> {
        let response = &self.response;
        Some(ShownPasskey {
            credential_id: bytes(&self.raw_id)?,
            client_data_json: bytes(&response.client_data_json)?,
            authenticator_data: bytes(&response.authenticator_data)?,
            signature: bytes(&response.signature)?,
            user_handle: match &response.user_handle {
                Some(handle) => Some(bytes(handle)?),
                None => None,
            },
        })
    }
}

/// Reads base64url, which has no padding.
fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
