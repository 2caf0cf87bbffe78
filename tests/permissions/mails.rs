//! What the stream and the queue bring about.

use serde_json::json;
use wardgate::domain::email::Email;
use wardgate::use_cases::accounts::password_forgot::password_forgot;

use super::observer::Observer;
use crate::harness::EMAIL;

impl Observer {
    /// Everything that a mail can need: its item, an account, a registration, the counters.
    pub async fn see_mails(&mut self) {
        self.see_register().await;
        // A stream brings everything that these two need.
        self.see("events", async |_| {}).await;
        self.see("audit-watch", async |_| {}).await;
        self.server.mails(EMAIL).await;
        let email = Email::parse(EMAIL).unwrap();
        password_forgot(&self.server.app, &self.server.context(), &email, None).await.unwrap();
        let again = json!({ "email": EMAIL });
        assert_eq!(self.server.post("/v1/email/verify/resend", &again).await.status, 202);
        self.see("mailer", async |it| assert!(!it.mails(EMAIL).await.is_empty())).await;
    }
}
