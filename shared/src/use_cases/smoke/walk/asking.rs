//! What a step asks of a function, and what it makes of the answer.

use serde_json::Value;

use super::{Tokens, Walk, Why, Wrong};
use crate::outbound::functions::{Answered, Ask, Body, Sent};

/// What Lambda says of a function, or an alias, that is not there.
const NO_SUCH_FUNCTION: &str = "ResourceNotFoundException";

impl Walk<'_> {
    pub(super) fn tokens(&self, function: &str, answer: &Answered) -> Result<Tokens, Wrong> {
        Ok(Tokens {
            access: self.text(function, answer, "access_token")?,
            refresh: self.text(function, answer, "refresh_token")?,
            session: self.text(function, answer, "session_id")?,
        })
    }

    pub(super) fn text(&self, function: &str, answer: &Answered, member: &str) -> Result<String, Wrong> {
        let text = answer.text(member).map(str::to_owned);
        text.ok_or_else(|| self.wrong(function, &format!("answered without {member}")))
    }

    pub(super) async fn expect(
        &self,
        (function, route): (&str, (&str, &str)),
        body: Option<&Value>,
        bearer: Option<&str>,
        status: u16,
        code: Option<&str>,
    ) -> Result<Answered, Wrong> {
        let answer = self.ask((function, route), body, bearer).await?;
        self.met(function, &answer, status, code)?;
        Ok(answer)
    }

    pub(super) async fn ask(
        &self,
        (function, route): (&str, (&str, &str)),
        body: Option<&Value>,
        bearer: Option<&str>,
    ) -> Result<Answered, Wrong> {
        self.send((function, route), Sent { body: body.map(Body::Json), bearer, ..Sent::default() }).await
    }

    pub(super) async fn send(
        &self,
        (function, route): (&str, (&str, &str)),
        sent: Sent<'_>,
    ) -> Result<Answered, Wrong> {
        let source = self.user.source();
        let qualifier = self.qualifier(function);
        let ask = Ask { function, qualifier, route, sent, source: &source, request_id: self.request_id };
        let answer = self.send_once(ask).await?;
        // Whoever is told that the service is busy tries again, people as well. What was unlucky once must not take a release
        // back.
        if answer.status == 503 && !matches!(answer.text("code"), Some("read_only" | "standby")) {
            tracing::warn!(function, qualifier, "a function was busy");
            return self.send_once(ask).await;
        }
        Ok(answer)
    }

    async fn send_once(&self, ask: Ask<'_>) -> Result<Answered, Wrong> {
        self.functions.ask(ask).await.map_err(|cause| {
            let why = if cause.code == NO_SUCH_FUNCTION { Why::NotThere } else { Why::Fault };
            Wrong { why, ..self.wrong(ask.function, &cause.to_string()) }
        })
    }

    pub(super) fn met(&self, function: &str, answer: &Answered, status: u16, code: Option<&str>) -> Result<(), Wrong> {
        let found = answer.text("code");
        if answer.status != status || (code.is_some() && found != code) {
            let is_read_only = (answer.status, found) == (503, Some("read_only"));
            let why = if is_read_only { Why::ReadOnly } else { Why::Fault };
            let found = found.unwrap_or("no code");
            let wrong = self.wrong(function, &format!("answered {} with {found}, not {status}", answer.status));
            return Err(Wrong { why, ..wrong });
        }
        Ok(())
    }

    fn qualifier(&self, function: &str) -> &str {
        let deployed = self.deployed.filter(|it| self.functions.folder(&it.function) == Some(function));
        deployed.map_or("live", |deployed| &deployed.version)
    }

    pub(super) fn wrong(&self, function: &str, reason: &str) -> Wrong {
        let function = Some(format!("{function}:{}", self.qualifier(function)));
        Wrong { function, reason: reason.to_owned(), why: Why::Fault }
    }
}
