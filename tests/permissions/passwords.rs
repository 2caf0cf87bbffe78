//! Setting another password.

use reqwest::Method;
use serde_json::json;

use super::observer::{Observer, expect};
use crate::harness::pages::Browser;
use crate::harness::{EMAIL, OTHER_PASSWORD, PASSWORD};

impl Observer {
    pub async fn see_passwords(&mut self) {
        self.server.register(EMAIL, PASSWORD).await;
        self.server.verify_directly(EMAIL).await;
        let (access, _) = self.signed_in().await;
        // The wrong one first: afterwards it would be the right one.
        for (current, new, status) in [(OTHER_PASSWORD, PASSWORD, 400), (PASSWORD, OTHER_PASSWORD, 200)] {
            self.see("password-change", async |it| {
                let request = it.request(Method::POST, "/v1/password/change").bearer_auth(&access);
                let body = json!({ "current_password": current, "new_password": new });
                expect(it.send(request.json(&body)).await.status, status);
            })
            .await;
        }
        let ask = json!({ "email": EMAIL });
        self.see("password-forgot", async |it| expect(it.post("/v1/password/forgot", &ask).await.status, 202)).await;
        let reset = json!({ "token": self.mailed_token(EMAIL).await, "new_password": PASSWORD });
        self.see_twice("password-reset", "/v1/password/reset", &reset).await;

        assert_eq!(self.server.post("/v1/password/forgot", &ask).await.status, 202);
        let token = self.mailed_token(EMAIL).await;
        for status in [200, 400] {
            let typed = [("new_password", OTHER_PASSWORD)];
            self.see_page(&mut Browser::default(), "page-reset-password", &token, &typed, status).await;
        }
    }
}
