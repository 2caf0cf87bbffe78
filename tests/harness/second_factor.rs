//! An account with an app that shows codes, as people have one on their phones.

use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::Method;
use serde_json::{Value, json};
use wardgate::domain::email::Email;
pub use wardgate_runtime_tests::phone_app::PhoneApp;

use super::{Answer, EMAIL, PASSWORD, TestServer};

/// What a person has who has set up a second factor.
pub struct SecondFactor {
    pub app: PhoneApp,
    /// As they were shown.
    pub recovery_codes: Vec<String>,
    /// The session that did it.
    pub session: Answer,
}

impl SecondFactor {
    /// The access token of that session.
    pub fn access(&self) -> String {
        self.session.string("access_token")
    }
}

impl TestServer {
    /// Registers [`EMAIL`], signs in, and sets up a second factor.
    pub async fn with_second_factor(&self) -> SecondFactor {
        self.register(EMAIL, PASSWORD).await;
        self.with_second_factor_of(EMAIL).await
    }

    /// As [`Self::with_second_factor`], of whoever is registered. Half a minute passes, so that the app's next code is new.
    pub async fn with_second_factor_of(&self, email: &str) -> SecondFactor {
        let session = self.login(email, PASSWORD).await;
        self.verify_directly(email).await;
        let access = session.string("access_token");
        let (app, enrolment_token) = self.enrolment(&access).await;
        let answer = self.confirm(&access, &enrolment_token, &self.code_of(&app)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let codes = answer.json()["recovery_codes"].as_array().cloned().unwrap_or_default();
        let recovery_codes = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
        self.clock.advance(30);
        SecondFactor { app, recovery_codes, session }
    }

    /// What an app shows now.
    pub fn code_of(&self, app: &PhoneApp) -> String {
        self.code_later(app, 0)
    }

    /// What it shows so many steps of 30 seconds later.
    pub fn code_later(&self, app: &PhoneApp, steps: i64) -> String {
        app.code(self.context().now.unix_seconds() + 30 * steps)
    }

    /// Begins to set up an app: it, and what comes back with its first code.
    pub async fn enrolment(&self, access: &str) -> (PhoneApp, String) {
        let answer = self.as_bearer(Method::POST, "/v1/mfa/totp", access).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        (PhoneApp::typed(&answer.string("secret")), answer.string("enrolment_token"))
    }

    /// Sends an app's first code.
    pub async fn confirm(&self, access: &str, enrolment_token: &str, code: &str) -> Answer {
        self.mfa(access, Method::POST, "/totp/confirm", &json!({ "enrolment_token": enrolment_token, "code": code }))
            .await
    }

    /// Asks something of `/v1/mfa`.
    pub async fn mfa(&self, access: &str, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.request(method, &format!("/v1/mfa{path}")).bearer_auth(access);
        self.send(if body.is_null() { request } else { request.json(body) }).await
    }

    /// Sets whether sign-ins ask [`EMAIL`] for a second factor.
    pub async fn ask_at_sign_in(&self, asked: bool) {
        let email = Email::parse(EMAIL).unwrap().key();
        let credential = self.app.store.read_credential(&email).await.unwrap().unwrap();
        let factors: AttributeValue = serde_dynamo::to_attribute_value(credential.factors.asked(asked)).unwrap();
        let user = format!("USER#{}", credential.user_id);
        for (pk, sk) in [(format!("EMAIL#{}", email.as_str()), "CREDENTIAL"), (user, "PROFILE")] {
            self.set_attribute(&pk, sk, "factors", factors.clone()).await;
        }
    }

    /// The first step, which asks for the second: what it answers.
    pub async fn first_step(&self) -> String {
        let answer = self.login(EMAIL, PASSWORD).await;
        assert_eq!((answer.status, answer.string("status").as_str()), (200, "mfa_required"), "{}", answer.text);
        answer.string("mfa_token")
    }

    /// The second step.
    pub async fn second_step(&self, token: &str, method: &str, code: &str) -> Answer {
        self.post("/v1/login/mfa", &json!({ "mfa_token": token, "method": method, "code": code })).await
    }

    /// Shows again who one is, with all that there is.
    pub async fn step_up_with(&self, access: &str, shown: &Value) -> Answer {
        self.send(self.request(Method::POST, "/v1/step-up").bearer_auth(access).json(shown)).await
    }
}
