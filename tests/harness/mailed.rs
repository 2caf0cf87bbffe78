//! What is mailed, derived from the items as the mailer derives it: for tests of what links and codes do.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use wardgate::crypto::mail_token::MailToken;
use wardgate::domain::email::Email;
use wardgate::domain::id::{OneTimeId, RegistrationId};
use wardgate::domain::nonce::Nonce;
use wardgate::domain::one_time::Purpose;

use super::{Answer, TABLE, TestServer};

/// Registration needs the mailbox.
pub const VERIFIED: (&str, &str) = ("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", "true");

/// A mail's link and code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailed {
    pub token: String,
    pub code: String,
    /// The item's keys.
    pub pk: String,
    pub sk: String,
}

impl TestServer {
    /// The items beside the credential of an address whose sort keys begin with `prefix`, oldest first.
    pub async fn beside(&self, email: &str, prefix: &str) -> Vec<HashMap<String, AttributeValue>> {
        let pk = format!("EMAIL#{}", Email::parse(email).unwrap().key().as_str());
        let mut items = self.items(TABLE, &pk).await;
        items.retain(|item| item["sk"].as_s().unwrap().starts_with(prefix));
        items.sort_by_key(|item| item["sk"].as_s().unwrap().clone());
        items
    }

    /// The mails of a purpose that an address was sent, oldest first.
    pub async fn mailed(&self, email: &str, purpose: Purpose) -> Vec<Mailed> {
        let prefix = match purpose {
            Purpose::Verification => "REGISTRATION#".to_owned(),
            purpose => format!("ONE_TIME#{}#", purpose.name()),
        };
        let ring = self.app.secrets.mail_mac(self.app.clock.now()).await.unwrap();
        let key = ring.current(self.app.clock.now()).unwrap();
        let mut mails = Vec::new();
        for item in self.beside(email, &prefix).await {
            if item.get("kind").is_some_and(|kind| kind.as_s().unwrap() == "owner_notice") {
                continue;
            }
            let (pk, sk) = (item["pk"].as_s().unwrap().clone(), item["sk"].as_s().unwrap().clone());
            let id = sk.rsplit('#').next().unwrap();
            let id = match purpose {
                Purpose::Verification => RegistrationId::parse(id).unwrap().to_bytes(),
                _ => OneTimeId::parse(id).unwrap().to_bytes(),
            };
            let nonce: Nonce = serde_json::from_value(json!(item["nonce"].as_s().unwrap())).unwrap();
            let token = MailToken { purpose, email_key: Email::parse(email).unwrap().key(), id, nonce };
            self.set_attribute(&pk, &sk, "mac_kid", AttributeValue::S(key.kid.clone())).await;
            mails.push(Mailed { token: token.seal(key), code: token.verification_code(key), pk, sk });
        }
        mails
    }

    /// The newest of them.
    pub async fn last_mailed(&self, email: &str, purpose: Purpose) -> Mailed {
        self.mailed(email, purpose).await.pop().unwrap_or_else(|| panic!("no {} for {email}", purpose.name()))
    }

    pub async fn verify_link(&self, token: &str, flow_token: Option<&str>) -> Answer {
        self.post("/v1/email/verify", &json!({ "token": token, "flow_token": flow_token })).await
    }

    pub async fn verify_code(&self, email: &str, code: &str, flow_token: Option<&str>) -> Answer {
        self.post("/v1/email/verify", &json!({ "email": email, "code": code, "flow_token": flow_token })).await
    }

    /// Registers, and verifies with the link and the flow's own token.
    pub async fn register_verified(&self, email: &str, password: &str) {
        let flow = self.register(email, password).await.string("flow_token");
        let mail = self.last_mailed(email, Purpose::Verification).await;
        let answer = self.verify_link(&mail.token, Some(&flow)).await;
        assert_eq!((answer.status, answer.string("status").as_str()), (200, "verified"), "{}", answer.text);
    }

    /// Asks for another address, and gives the mail that went there.
    pub async fn ask_for_address(&self, access_token: &str, new_email: &str, password: &str) -> Answer {
        let body = json!({ "new_email": new_email, "password": password });
        let request = self.request(reqwest::Method::POST, "/v1/email/change").bearer_auth(access_token);
        self.send(request.json(&body)).await
    }

    /// Moves the account that signs in with `email` and `password` to `new_email`.
    pub async fn move_address(&self, email: &str, password: &str, new_email: &str) {
        self.step();
        let access = self.login(email, password).await.string("access_token");
        let asked = self.ask_for_address(&access, new_email, password).await;
        assert_eq!(asked.status, 202, "{}", asked.text);
        let token = self.last_mailed(new_email, Purpose::EmailChange).await.token;
        let moved = self.post("/v1/email/change/confirm", &json!({ "token": token })).await;
        assert_eq!(moved.status, 200, "{}", moved.text);
        self.step();
    }

    /// What ends sessions ends those of the same millisecond, too.
    pub fn step(&self) {
        self.clock.advance_millis(1);
    }
}
