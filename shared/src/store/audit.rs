//! The audit table: lines are only ever added (PL-03).

use serde::Serialize;

use crate::domain::attempts::WindowLimit;
use crate::domain::audit::{AuditAction, AuditEntry, Subject};
use crate::domain::month::Month;
use crate::domain::timestamp::Timestamp;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::write::{Put, Write};

/// Failures are recorded once per address and this window; how many there were is in the counters.
const FAILURE_WINDOW: WindowLimit = WindowLimit { limit: 1, window_seconds: 60 };

#[derive(Serialize)]
struct Line<'a> {
    pk: String,
    sk: String,
    action: AuditAction,
    at: Timestamp,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder_address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder_user_agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    ttl: i64,
}

impl Store {
    /// The line, for the transaction that makes the change it records.
    pub(super) fn audit_put(&self, entry: &AuditEntry) -> Result<Write<Put>, StoreError> {
        self.line_put(entry, entry.id.to_string(), None)
    }

    /// As [`Self::audit_put`], with a text for operators, as their own commands leave one.
    pub(super) fn audit_put_with(&self, entry: &AuditEntry, detail: &str) -> Result<Write<Put>, StoreError> {
        self.line_put(entry, entry.id.to_string(), Some(detail))
    }

    /// Adds a line about something that changed nothing else.
    pub async fn record(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        self.audit_put(entry)?.send(&self.client).await.map(drop)
    }

    /// Records that something fails, once per subject and minute. A failed condition means: already recorded.
    pub async fn record_failure(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let window = FAILURE_WINDOW.window_start(entry.at);
        let what = if entry.action == AuditAction::SecondFactorFailed { "second_factor" } else { "sign_in" };
        let sk = format!("{what}_failed#{:015}", window.millis());
        self.line_put(entry, sk, None)?.send(&self.client).await.map(drop)
    }

    fn line_put(&self, entry: &AuditEntry, sk: String, detail: Option<&str>) -> Result<Write<Put>, StoreError> {
        let mut line = self.line(entry, sk);
        line.detail = detail.or(line.detail);
        Ok(Write::put(&self.audit_table, serde_dynamo::to_item(line)?).given_none())
    }

    fn line<'a>(&self, entry: &'a AuditEntry, sk: String) -> Line<'a> {
        let day_seconds = 24 * 60 * 60;
        Line {
            pk: partition(&entry.subject, entry.at),
            sk,
            action: entry.action,
            at: entry.at,
            request_id: &entry.request_id,
            session: entry.session.map(|id| id.to_string()),
            address: entry.address.as_deref(),
            user_agent: entry.user_agent.as_deref(),
            holder_address: entry.holder.as_ref().and_then(|holder| holder.address.as_deref()),
            holder_user_agent: entry.holder.as_ref().and_then(|holder| holder.user_agent.as_deref()),
            detail: entry.detail.as_deref(),
            ttl: entry.at.unix_seconds() + i64::from(self.audit_retention_days) * day_seconds,
        }
    }
}

/// By subject and month, so that no partition grows without end.
fn partition(subject: &Subject, at: Timestamp) -> String {
    partition_of(subject, Month::of(at))
}

/// The partition of a subject's lines of a month.
pub(super) fn partition_of(subject: &Subject, month: Month) -> String {
    match subject {
        Subject::User(id) => format!("USER#{id}#{month}"),
        Subject::Address(key) => format!("EMAIL#{}#{month}", key.as_str()),
        Subject::Stage => format!("STAGE#{month}"),
    }
}
