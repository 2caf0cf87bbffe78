//! What belongs to an account: its profile, its activity, all of it; and leaving.

use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::Method;
use serde_json::json;

use super::observer::{Observer, expect};
use crate::harness::pages::Browser;
use crate::harness::{EMAIL, OTHER_PASSWORD, PASSWORD, TABLE};

const GRACE: i64 = 14 * 86_400;

impl Observer {
    pub async fn see_account(&mut self) {
        self.server.register(EMAIL, PASSWORD).await;
        self.server.move_address(EMAIL, PASSWORD, "ada@new.example").await;
        self.server.move_address("ada@new.example", PASSWORD, "ada@newer.example").await;
        let email = "ada@newer.example";
        let access = self.server.login(email, PASSWORD).await.string("access_token");
        self.see("me-update", async |it| {
            let request = it.request(Method::PATCH, "/v1/me").bearer_auth(&access).json(&json!({ "name": "Ada" }));
            expect(it.send(request).await.status, 200);
        })
        .await;
        for (name, path) in [("me-activity", "/v1/me/activity"), ("me-export", "/v1/me/export")] {
            self.see(name, async |it| expect(it.as_bearer(Method::GET, path, &access).await.status, 200)).await;
        }
        self.see_leaving(email, &access).await;
        let keep = json!({ "token": self.mailed_token(email).await });
        self.see_twice("me-keep", "/v1/me/keep", &keep).await;

        self.server.step();
        let access = self.server.login(email, PASSWORD).await.string("access_token");
        self.see_leaving(email, &access).await;
        let token = self.mailed_token(email).await;
        for status in [200, 400] {
            self.see_page(&mut Browser::default(), "page-keep-account", &token, &[], status).await;
        }

        // What an erasure finds: failed sign-ins of the address, sessions, former addresses, a passkey.
        self.server.login(email, OTHER_PASSWORD).await;
        self.server.step();
        let access = self.server.login(email, PASSWORD).await.string("access_token");
        self.server.add_passkey(&access, &mut self.server.authenticator()).await;
        self.see_leaving(email, &access).await;
        self.server.login(email, OTHER_PASSWORD).await;
        self.server.clock.advance(GRACE);
        self.see_eraser(1).await;

        // An account that became active by another way leaves a turn behind.
        let access = self.server.signed_in().await.string("access_token");
        self.see_leaving(EMAIL, &access).await;
        let users = self.server.items(TABLE, "USER#").await;
        let profile = users.iter().find(|item| item["sk"].as_s().unwrap() == "PROFILE").unwrap();
        let active = AttributeValue::S("active".to_owned());
        self.server.set_attribute(profile["pk"].as_s().unwrap(), "PROFILE", "status", active).await;
        self.server.clock.advance(GRACE);
        self.see_eraser(0).await;
    }

    async fn see_leaving(&mut self, email: &str, access: &str) {
        self.see("me-delete", async |it| {
            let answer = it.as_bearer(Method::DELETE, "/v1/me", access).await;
            assert_eq!(answer.status, 202, "{email}: {}", answer.text);
        })
        .await;
    }

    async fn see_eraser(&mut self, accounts: u32) {
        self.see("eraser", async |it| {
            let event = serde_json::from_value(json!({ "id": "evt-1" })).unwrap();
            let erased = (eraser::FUNCTION.handler)(&it.app, &(), event).await.unwrap();
            assert_eq!(erased.erased, accounts);
        })
        .await;
    }
}
