//! Reading an account's own lines of the audit trail.

use std::time::Duration;

use serde::Deserialize;

use crate::domain::audit::{Activity, AuditAction, Party, Subject};
use crate::domain::id::{AuditId, SessionId};
use crate::domain::month::Month;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::store::Store;
use crate::store::attributes::{Item, string};
use crate::store::audit::partition_of;
use crate::store::error::StoreError;
use crate::store::read::Pages;

/// Sorts after the id of every line.
const AFTER_EVERY_LINE: &str = "aud_~";

/// A page of an account's activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityPage {
    /// Newest first.
    pub items: Vec<Activity>,
    /// The last of them, where there are older ones.
    pub next: Option<AuditId>,
}

#[derive(Deserialize)]
struct Line {
    sk: AuditId,
    action: AuditAction,
    at: Timestamp,
    session: Option<SessionId>,
    address: Option<String>,
    user_agent: Option<String>,
    holder_address: Option<String>,
    holder_user_agent: Option<String>,
}

impl From<Line> for Activity {
    fn from(line: Line) -> Self {
        let Line { sk: id, action, at, session, address, user_agent, holder_address, holder_user_agent } = line;
        let told = holder_address.is_some() || holder_user_agent.is_some();
        let holder = told.then_some(Party { address: holder_address, user_agent: holder_user_agent });
        Self { id, action, at, address, user_agent, session, holder }
    }
}

impl Store {
    /// Since when lines are kept.
    pub(in crate::store) fn retention_start(&self, now: Timestamp) -> Timestamp {
        now.minus(Duration::from_hours(24) * self.audit_retention_days)
    }

    /// Reads a page of what happened to an account, newest first, strongly consistent. It ends with the account's
    /// beginning or with the retention of the trail. Takes a query for each month until the page is full.
    pub async fn list_activity(
        &self,
        user: &User,
        limit: usize,
        after: Option<AuditId>,
        now: Timestamp,
    ) -> Result<ActivityPage, StoreError> {
        let oldest = user.created_at.max(self.retention_start(now));
        let mut newest = Month::of(now);
        if let Some(after) = after {
            if after.made_at() < oldest {
                return Ok(ActivityPage { items: Vec::new(), next: None });
            }
            newest = newest.min(Month::of(after.made_at()));
        }
        let first = AuditId::new(oldest, 0);
        // One more than asked for, to know whether there are more.
        let wanted = limit + 1;
        let mut lines: Vec<Line> = Vec::new();
        for month in newest.back_to(Month::of(oldest)) {
            let partition = partition_of(&Subject::User(user.id), month);
            let begun = after.filter(|after| Month::of(after.made_at()) == month);
            let query = self
                .lines(&partition)
                .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
                .expression_attribute_values(":first", string(first))
                .expression_attribute_values(":last", string(AFTER_EVERY_LINE))
                .scan_index_forward(false)
                .limit(i32::try_from(wanted.saturating_sub(lines.len())).unwrap_or(i32::MAX))
                .set_exclusive_start_key(begun.map(|after| line_key(&partition, after)));
            let mut pages = Pages::of(query);
            while lines.len() < wanted
                && let Some(page) = pages.read_next().await?
            {
                lines.extend(page);
            }
            if lines.len() >= wanted {
                break;
            }
        }
        let more = lines.len() > limit;
        lines.truncate(limit);
        let next = if more { lines.last().map(|line| line.sk) } else { None };
        Ok(ActivityPage { items: lines.into_iter().map(Activity::from).collect(), next })
    }
}

fn line_key(partition: &str, id: AuditId) -> Item {
    Item::from([("pk".to_owned(), string(partition)), ("sk".to_owned(), string(id))])
}
