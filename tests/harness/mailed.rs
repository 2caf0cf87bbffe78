//! Mailed links, made from their items as the mailer makes them.

use aws_sdk_dynamodb::types::AttributeValue;
use wardgate::domain::email::Email;
use wardgate::domain::id::OneTimeId;
use wardgate::domain::one_time::{MailToken, Nonce, Purpose};

use crate::harness::{TABLE, TestServer};

impl TestServer {
    /// The token of the newest mail of this purpose to an address.
    pub async fn mailed_token(&self, email: &str, purpose: Purpose) -> String {
        let email_key = Email::parse(email).unwrap().key();
        let pk = format!("EMAIL#{}", email_key.as_str());
        let prefix = format!("ONE_TIME#{}", purpose.name());
        let mut items = self.items(TABLE, &pk).await;
        items.retain(|item| item["sk"].as_s().unwrap().starts_with(&prefix));
        items.sort_by_key(|item| item["id"].as_s().unwrap().clone());
        let item = items.pop().unwrap();
        let ring = self.app.secrets.mail_mac(self.context().now).await.unwrap();
        let key = ring.current(self.context().now).unwrap();
        let kid = AttributeValue::S(key.kid.clone());
        self.set_attribute(&pk, item["sk"].as_s().unwrap(), "mac_kid", kid).await;
        let id = OneTimeId::parse(item["id"].as_s().unwrap()).unwrap().to_bytes();
        let digits = item["nonce"].as_s().unwrap();
        let nonce = std::array::from_fn(|index| u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).unwrap());
        MailToken { purpose, email_key, id, nonce: Nonce::new(nonce) }.seal(key)
    }
}
