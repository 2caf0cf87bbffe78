//! What the stream and the queue bring about.

use reqwest::Method;
use serde_json::json;
use wardgate::domain::email::Email;
use wardgate::use_cases::accounts::password_forgot::password_forgot;
use wardgate_server::dev::pump::Drained;

use super::observer::{Observer, expect};
use crate::harness::applications::{ask_for_tokens, code_of, exchange, register_applications, register_instead};
use crate::harness::pages::Browser;
use crate::harness::relying_party::RelyingParty;
use crate::harness::{EMAIL, PASSWORD};

impl Observer {
    /// Everything that a mail can need: its item, an account, a registration, the counters.
    pub async fn see_mails(&mut self) {
        self.see_register().await;
        // A stream brings everything that it needs.
        self.see("audit-watch", async |_| {}).await;
        self.server.mails(EMAIL).await;
        self.see_events().await;
        let email = Email::parse(EMAIL).unwrap();
        password_forgot(&self.server.app, &self.server.context(), &email, None).await.unwrap();
        let again = json!({ "email": EMAIL });
        assert_eq!(self.server.post("/v1/email/verify/resend", &again).await.status, 202);
        self.see("mailer", async |it| assert!(!it.mails(EMAIL).await.is_empty())).await;
    }
}

impl Observer {
    /// A person who has signed out everywhere else: where, the stream does not say.
    pub async fn see_events(&mut self) {
        let (access, _) = self.signed_in().await;
        self.server.step();
        expect(self.server.as_bearer(Method::DELETE, "/v1/sessions", &access).await.status, 204);
        self.see("events", async |it| assert_eq!(it.pump.drain().await.unwrap(), Drained::Empty)).await;
    }

    /// An application that is told of a sign-out, and does not listen.
    pub async fn see_logouts(&mut self) {
        register_applications(&self.server).await;
        let client = RelyingParty::start().client("shop", "");
        register_instead(&self.server, "shop", &client).await;
        self.server.register(EMAIL, PASSWORD).await;
        let mut browser = Browser::default();
        let code = code_of(&self.server, &mut browser, &[("scope", "openid")]).await;
        let tokens = ask_for_tokens(&self.server, &exchange(&code, &[])).await;
        self.server.pump.drain().await.unwrap();
        self.server.step();
        let out = format!("/oauth2/logout?id_token_hint={}", tokens.string("id_token"));
        expect(browser.open(&self.server, &out).await.status, 200);
        self.see("logout-notifier", async |it| assert_eq!(it.pump.drain().await.unwrap(), Drained::Empty)).await;
    }
}
