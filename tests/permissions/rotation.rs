//! What makes new keys.

use serde_json::{Value, json};
use wardgate::crypto::rotation::Generate;
use wardgate::secrets::RingName;

use super::observer::Observer;
use crate::harness::TestServer;
use crate::harness::secrets_manager::PREFIX;

const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

impl Observer {
    /// Every ring, a version that is given up, and a key that is retired.
    pub async fn see_rotation(&mut self) {
        for (number, ring) in RingName::ROTATING.map(RingName::name).iter().enumerate() {
            let event = |step: &str| {
                json!({
                    "SecretId": format!("{PREFIX}{ring}"),
                    "ClientRequestToken": format!("{number:032x}"),
                    "Step": step,
                })
            };
            self.see("rotate-keys", async |it| assert!(send(it, event(STEPS[0])).await)).await;
            self.server.clock.advance(2 * 86_400);
            // Too late: the label is taken away.
            self.see("rotate-keys", async |it| assert!(!send(it, event(STEPS[3])).await)).await;
            let again = |step: &str| {
                let mut event = event(step);
                event["ClientRequestToken"] = format!("{number:031x}a").into();
                event
            };
            for step in STEPS {
                self.see("rotate-keys", async |it| assert!(send(it, again(step)).await)).await;
            }
        }
        let retire = json!({ "retire": { "ring": "signing", "kid": "rs256-1" } });
        self.see("rotate-keys", async |it| assert!(send(it, retire).await)).await;
        self.see("rotate-keys", async |it| assert!(send(it, json!({ "list": "mail_mac" })).await)).await;
    }
}

async fn send(server: &TestServer, event: Value) -> bool {
    let generate: Generate = wardgate_generate::generate;
    let event = serde_json::from_value(event).unwrap();
    (rotate_keys::FUNCTION.handler)(&server.app, &generate, event).await.is_ok()
}
