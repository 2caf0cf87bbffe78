//! Migrations, there and back.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use wardgate::clock::Pause;
use wardgate::domain::email::Email;

use super::observer::Observer;
use crate::harness::{EMAIL, START, TABLE};
use crate::migrations::ByClock;

impl Observer {
    pub async fn see_migrations(&mut self) {
        self.server.with_second_factor().await;
        // Counters of releases before: of an account, and of none.
        for email in [EMAIL, "nobody@example.com"] {
            let key = Email::parse(email).unwrap().key();
            let counter = [
                ("pk", AttributeValue::S(format!("LIMIT#login_account#{}", key.as_str()))),
                ("sk", AttributeValue::S("CONSECUTIVE".to_owned())),
                ("failures", AttributeValue::N("1".to_owned())),
                ("last_at", AttributeValue::N(START.millis().to_string())),
            ];
            self.server.put(TABLE, counter.map(|(name, value)| (name.to_owned(), value)).into()).await;
        }
        self.server.clock.advance(100 * 86_400);
        for ring in ["password_wrap", "factor_wrap"] {
            self.server.secrets_manager.rotate(ring, |ring| {
                let mut key = ring["keys"][0].clone();
                key["version"] = json!(2);
                key["sign_from"] = json!(START.millis() + 1);
                ring["keys"].as_array_mut().unwrap().push(key);
            });
        }
        for event in [json!({ "status": true }), json!({ "dry_run": true }), json!({}), json!({ "to": "0000" })] {
            self.see("migrate", async |it| {
                let pause: Box<dyn Pause> = Box::new(ByClock(Arc::clone(&it.clock)));
                let event: migrate::MigrateEvent = serde_json::from_value(event).unwrap();
                let answer = (migrate::FUNCTION.handler)(&it.app, &pause, event).await.unwrap();
                assert_eq!(serde_json::to_value(answer).unwrap().get("refused"), None::<&Value>);
            })
            .await;
        }
    }
}
