//! What a sign-in mail says, without sending it.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use wardgate::domain::email::Email;
use wardgate::domain::one_time::OneTime;

use super::{TABLE, TestServer};

/// The sort key of an address's one code.
pub const SLOT: &str = "ONE_TIME#email_code";

impl TestServer {
    /// Asks for a code, binds it to the account as the mailer does, and gives what the mail would say: the code and the
    /// token of the link.
    pub async fn mailed_code(&self, email: &str) -> (String, String) {
        assert_eq!(self.post("/v1/login/email-code", &json!({ "email": email })).await.status, 202);
        let email_key = Email::parse(email).unwrap().key();
        let pk = format!("EMAIL#{}", email_key.as_str());
        let of_address = self.items(TABLE, &pk).await;
        let by_sk = |sk: &str| of_address.iter().find(|item| item["sk"].as_s().unwrap() == sk).unwrap().clone();
        let item: OneTime = serde_dynamo::from_item(by_sk(SLOT)).unwrap();
        let now = self.context().now;
        let ring = self.app.secrets.mail_mac(now).await.unwrap();
        let mac_key = ring.current(now).unwrap();
        let credential = by_sk("CREDENTIAL");
        for name in ["user_id", "cred_version"] {
            self.set_attribute(&pk, SLOT, name, credential[name].clone()).await;
        }
        self.set_attribute(&pk, SLOT, "mac_kid", AttributeValue::S(mac_key.kid.clone())).await;
        let token = item.token();
        (token.sign_in_code(mac_key), token.seal(mac_key))
    }
}
