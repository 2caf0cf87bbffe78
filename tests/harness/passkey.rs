//! An account with a passkey, as people have one on their phones and security keys.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};
use wardgate::domain::id::FactorId;
use wardgate::use_cases::accounts::passkey_add::{NewPasskey, passkey_add};
use wardgate::use_cases::accounts::passkey_options::passkey_options;
use wardgate::use_cases::accounts::passkey_remove::passkey_remove;
pub use wardgate_runtime_tests::authenticator::Authenticator;

use super::{Answer, EMAIL, PASSWORD, TestServer};

/// What a person has whose first second factor is a passkey.
pub struct WithPasskey {
    pub authenticator: Authenticator,
    /// As they were shown.
    pub recovery_codes: Vec<String>,
    /// The passkey's id in paths.
    pub id: String,
    /// The session that did it.
    pub session: Answer,
}

impl WithPasskey {
    /// The access token of that session.
    pub fn access(&self) -> String {
        self.session.string("access_token")
    }
}

impl TestServer {
    /// An authenticator whose browser is on our own pages.
    pub fn authenticator(&self) -> Authenticator {
        Authenticator::synced(&self.app.config.passkeys.origins[0])
    }

    /// Registers [`EMAIL`], signs in, and registers a passkey.
    pub async fn with_passkey(&self) -> WithPasskey {
        self.register(EMAIL, PASSWORD).await;
        self.with_passkey_of(EMAIL, self.authenticator()).await
    }

    /// As [`Self::with_passkey`], of whoever is registered, with this authenticator.
    pub async fn with_passkey_of(&self, email: &str, mut authenticator: Authenticator) -> WithPasskey {
        let session = self.login(email, PASSWORD).await;
        self.verify_directly(email).await;
        let (id, recovery_codes) = self.add_passkey(&session.string("access_token"), &mut authenticator).await;
        WithPasskey { authenticator, recovery_codes, id, session }
    }

    /// Registers what an authenticator makes: the passkey's id, and the recovery codes that come with it.
    pub async fn add_passkey(&self, access: &str, authenticator: &mut Authenticator) -> (String, Vec<String>) {
        let options = passkey_options(&self.app, &self.context(), Some(access)).await.unwrap();
        let credential = authenticator.create(&options.public_key);
        let bytes = |value: &Value| URL_SAFE_NO_PAD.decode(value.as_str().unwrap()).unwrap();
        let new = NewPasskey {
            credential_id: bytes(&credential["rawId"]),
            client_data_json: bytes(&credential["response"]["clientDataJSON"]),
            attestation_object: bytes(&credential["response"]["attestationObject"]),
            transports: Vec::new(),
            name: None,
            end_other_sessions: false,
        };
        let added = passkey_add(&self.app, &self.context(), Some(access), new).await.unwrap();
        let codes = added.recovery_codes.iter().map(|code| code.shown().to_string()).collect();
        (added.passkey.id.to_string(), codes)
    }

    /// Takes a passkey away.
    pub async fn remove_passkey(&self, access: &str, id: &str) {
        passkey_remove(&self.app, &self.context(), Some(access), FactorId::parse(id).ok()).await.unwrap();
    }

    /// What an authenticator is asked for a sign-in without anything else.
    pub async fn login_options(&self) -> Value {
        let answer = self.send(self.request(Method::POST, "/v1/passkeys/login/options")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["publicKey"].clone()
    }

    /// Signs in with a passkey alone.
    pub async fn passkey_login(&self, authenticator: &mut Authenticator) -> Answer {
        let options = self.login_options().await;
        self.send_login(&authenticator.get(&options)).await
    }

    /// Sends what a passkey has signed.
    pub async fn send_login(&self, credential: &Value) -> Answer {
        self.post("/v1/passkeys/login", &json!({ "credential": credential })).await
    }

    /// What an authenticator is asked as the second step.
    pub async fn second_step_options(&self, token: &str) -> Value {
        let answer = self.post("/v1/login/mfa/options", &json!({ "mfa_token": token })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["publicKey"].clone()
    }

    /// The second step by a passkey.
    pub async fn passkey_step(&self, token: &str, authenticator: &mut Authenticator) -> Answer {
        let options = self.second_step_options(token).await;
        self.show_passkey(token, &authenticator.get(&options)).await
    }

    /// Sends what a passkey has signed as the second step.
    pub async fn show_passkey(&self, token: &str, credential: &Value) -> Answer {
        let body = json!({ "mfa_token": token, "method": "passkey", "credential": credential });
        self.post("/v1/login/mfa", &body).await
    }

    /// Asks something of `/v1/passkeys`.
    pub async fn passkeys(&self, access: &str, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.request(method, &format!("/v1/passkeys/{path}")).bearer_auth(access);
        self.send(if body.is_null() { request } else { request.json(body) }).await
    }
}
