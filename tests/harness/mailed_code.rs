//! What a sign-in mail says, without sending it.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use wardgate::domain::email::Email;
use wardgate::domain::one_time::OneTime;

use super::{Answer, TABLE, TestServer};

/// The sort keys of codes begin with this.
pub const CODES: &str = "ONE_TIME#email_code#";

/// A code and what belongs to it.
#[derive(Clone)]
pub struct MailedCode {
    /// Whom it was asked for.
    pub email: String,
    /// What a person types.
    pub code: String,
    /// The token of the link.
    pub token: String,
    /// What the order answered.
    pub flow: String,
}

impl MailedCode {
    /// What signs in with the code.
    pub fn body(&self) -> Value {
        self.with(&self.code)
    }

    /// The same with another code.
    pub fn with(&self, code: &str) -> Value {
        json!({ "email": self.email, "code": code, "flow_token": self.flow })
    }

    /// What signs in with the link.
    pub fn link(&self) -> Value {
        json!({ "token": self.token, "flow_token": self.flow })
    }
}

impl TestServer {
    /// Asks for a code and gives its flow token.
    pub async fn code_flow(&self, email: &str) -> String {
        let answer = self.post("/v1/login/email-code", &json!({ "email": email })).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        answer.string("flow_token")
    }

    pub async fn verify_sign_in(&self, body: &Value) -> Answer {
        self.post("/v1/login/email-code/verify", body).await
    }

    /// The items of an address's codes, oldest first.
    pub async fn codes(&self, email: &str) -> Vec<HashMap<String, AttributeValue>> {
        let pk = format!("EMAIL#{}", Email::parse(email).unwrap().key().as_str());
        let mut items = self.items(TABLE, &pk).await;
        items.retain(|item| item["sk"].as_s().unwrap().starts_with(CODES));
        items.sort_by_key(|item| item["sk"].as_s().unwrap().clone());
        items
    }

    /// Asks for a code, binds it to the account as the mailer does, and gives what the mail would say.
    pub async fn mailed_code(&self, email: &str) -> MailedCode {
        let before = self.codes(email).await;
        let flow = self.code_flow(email).await;
        let mut codes = self.codes(email).await;
        codes.retain(|item| before.iter().all(|other| other["sk"] != item["sk"]));
        let item: OneTime = serde_dynamo::from_item(codes[0].clone()).unwrap();
        let (pk, sk) = (codes[0]["pk"].as_s().unwrap(), codes[0]["sk"].as_s().unwrap());
        let now = self.context().now;
        let ring = self.app.secrets.mail_mac(now).await.unwrap();
        let mac_key = ring.current(now).unwrap();
        let of_address = self.items(TABLE, pk).await;
        let credential = of_address.iter().find(|item| item["sk"].as_s().unwrap() == "CREDENTIAL").unwrap();
        for name in ["user_id", "cred_version"] {
            self.set_attribute(pk, sk, name, credential[name].clone()).await;
        }
        self.set_attribute(pk, sk, "mac_kid", AttributeValue::S(mac_key.kid.clone())).await;
        let token = item.token();
        MailedCode { email: email.to_owned(), code: token.sign_in_code(mac_key), token: token.seal(mac_key), flow }
    }
}
