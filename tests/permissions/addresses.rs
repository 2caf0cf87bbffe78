//! Verifying an address, and changing it.

use serde_json::json;

use super::observer::{Observer, expect};
use crate::harness::pages::Browser;
use crate::harness::{EMAIL, OTHER_PASSWORD, PASSWORD, TestServer, code};

const NEW_EMAIL: &str = "ada@new.example";

impl Observer {
    /// Where the account begins with the proof of its address, and where it had begun without one.
    pub async fn see_verification(&mut self) {
        let ask = json!({ "email": EMAIL });
        self.see("email-verify-resend", async |it| {
            expect(it.post("/v1/email/verify/resend", &ask).await.status, 202);
        })
        .await;
        // By the link, in the flow that began it and in none. Each time another registration waits, too.
        for (index, in_flow) in [true, false].into_iter().enumerate() {
            let email = format!("link{index}@example.com");
            let (token, flow) = self.registered_twice(&email).await;
            let flow = in_flow.then_some(flow);
            self.see("email-verify", async |it| {
                expect(it.verify_link(&token, flow.as_deref()).await.status, 200);
            })
            .await;
            self.see("email-verify", async |it| expect(it.verify_link(&token, None).await.status, 400)).await;
        }
        // By the code, which needs the flow: a wrong one, and the right one.
        let email = "code@example.com";
        let flow = self.server.register(email, PASSWORD).await.string("flow_token");
        let typed = code(&self.server.newest_mail(email).await);
        for (typed, status) in [("00000000", 400), (typed.as_str(), 200)] {
            self.see("email-verify", async |it| {
                expect(it.verify_code(email, typed, Some(&flow)).await.status, status);
            })
            .await;
        }
        // By the page, in the browser that registered and in another.
        for (index, in_flow) in [true, false].into_iter().enumerate() {
            let email = format!("page{index}@example.com");
            let (token, flow) = self.registered_twice(&email).await;
            let mut browser = Browser::default();
            if in_flow {
                browser.cookies.insert("__Host-wardgate-flow".to_owned(), flow);
            }
            for status in [200, 400] {
                browser.cookies.remove("__Host-wardgate-browser");
                self.see_page(&mut browser, "page-verify-email", &token, &[], status).await;
            }
        }
    }

    /// The first of two registrations: its link and its flow.
    async fn registered_twice(&self, email: &str) -> (String, String) {
        let flow = self.server.register(email, PASSWORD).await.string("flow_token");
        let token = self.mailed_token(email).await;
        self.server.register(email, OTHER_PASSWORD).await;
        (token, flow)
    }

    /// Presses the button of a link's page, which another function has shown.
    pub async fn see_page(
        &mut self,
        browser: &mut Browser,
        name: &'static str,
        token: &str,
        typed: &[(&str, &str)],
        status: u16,
    ) {
        let page = name.strip_prefix("page-").unwrap();
        let (shown, own) = (browser.open_link(&self.server, page, token).await, self.server.base.clone());
        self.see(name, async |it| {
            let answer = browser.submit(it, &shown, typed, Some(&own)).await;
            assert_eq!(answer.status, status, "{name}: {}", answer.text);
            if status == 200 {
                let again = browser.submit(it, &shown, typed, Some(&own)).await;
                assert_eq!(again.status, status, "{name}, pressed again: {}", again.text);
            }
        })
        .await;
    }

    /// There and back, by the API and by the pages.
    pub async fn see_address_change(&mut self) {
        self.server.register(EMAIL, PASSWORD).await;
        self.server.register("taken@example.com", PASSWORD).await;
        let (access, _) = self.signed_in().await;
        for (email, password, status) in
            [(NEW_EMAIL, OTHER_PASSWORD, 401), ("taken@example.com", PASSWORD, 202), (NEW_EMAIL, PASSWORD, 202)]
        {
            self.see("email-change", async |it| {
                expect(it.ask_for_address(&access, email, password).await.status, status);
            })
            .await;
        }
        let link = json!({ "token": self.mailed_token(NEW_EMAIL).await });
        self.server.step();
        self.see_twice("email-change-confirm", "/v1/email/change/confirm", &link).await;
        let link = json!({ "token": self.mailed_token(EMAIL).await });
        self.see_twice("email-change-undo", "/v1/email/change/undo", &link).await;

        let email = "bob@example.com";
        self.server.register(email, PASSWORD).await;
        let access = self.server.login(email, PASSWORD).await.string("access_token");
        assert_eq!(self.server.ask_for_address(&access, NEW_EMAIL, PASSWORD).await.status, 202);
        let token = self.mailed_token(NEW_EMAIL).await;
        self.server.step();
        for status in [200, 400] {
            self.see_page(&mut Browser::default(), "page-confirm-email-change", &token, &[], status).await;
        }
        let token = self.mailed_token(email).await;
        for status in [200, 400] {
            self.see_page(&mut Browser::default(), "page-undo-email-change", &token, &[], status).await;
        }
    }

    /// A link that works, and then does no longer.
    pub async fn see_twice(&mut self, name: &'static str, path: &str, link: &serde_json::Value) {
        for status in [200, 400] {
            self.see(name, async |it: &TestServer| {
                let answer = it.post(path, link).await;
                assert_eq!(answer.status, status, "{name}: {}", answer.text);
            })
            .await;
        }
    }
}
