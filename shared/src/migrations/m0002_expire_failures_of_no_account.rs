//! Gives an end to counters of failed sign-ins at addresses that have no account: guessing at invented addresses leaves
//! one each, and nothing else removes them (decision 5). Counters of accounts stay as they are.
//!
//! Expand: code that does not know it goes on counting, and leaves the end in place; code that does takes it away at the
//! next attempt. Nothing else gives such a counter a `ttl`, so that taking it back removes exactly what it set.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::timestamp::Timestamp;
use crate::migrations::{Course, Definition, Judging, Migration, Verdict};
use crate::store::edits::{Edit, Item, text};
use crate::store::migrations::Selection;

const DEFINITION: Definition = Definition {
    number: "0002",
    name: "expire-failures-of-no-account",
    timestamp: "20261121120000",
    contract: false,
    repeats: true,
    source: include_str!("m0002_expire_failures_of_no_account.rs"),
};

const PARTITION: &str = "LIMIT#login_account#";
/// Who guessed since may go on.
const RECENT: Duration = Duration::from_hours(90 * 24);
/// For thirty days at least it can be taken back without a trace.
const LIFE: Duration = Duration::from_hours(31 * 24);
const DAY: i64 = 24 * 3600 * 1000;

/// See above.
pub(super) struct ExpireFailuresOfNoAccount;

impl Migration for ExpireFailuresOfNoAccount {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn selection(&self) -> Selection {
        Selection { partition: PARTITION, sorts: &["CONSECUTIVE"] }
    }

    fn up<'a>(&'a self, course: &'a Course<'a>, item: &'a Item) -> Judging<'a, Verdict> {
        Box::pin(async move {
            let address = text(item, "pk").and_then(|pk| pk.strip_prefix(PARTITION));
            let (Some(address), Some(last_at)) = (address, last_at(item)) else { return Ok(Verdict::default()) };
            if item.contains_key("ttl") {
                return Ok(Verdict::stays("expiring"));
            }
            if last_at > course.started_at.minus(RECENT) {
                return Ok(Verdict::stays("recent"));
            }
            let (has_account, milliunits) = course.app.store.has_credential(address).await?;
            if has_account {
                return Ok(Verdict { milliunits, ..Verdict::stays("of an account") });
            }
            let end = midnight_before(course.started_at).plus(LIFE).unix_seconds();
            let edit = Edit::of(item).map(|edit| {
                let edit = edit.set("ttl", AttributeValue::N(end.to_string()));
                edit.given(item, "ttl").given(item, "failures").given(item, "last_at")
            });
            Ok(Verdict { milliunits, ..Verdict::changes(edit, "expiring") })
        })
    }

    fn down<'a>(&'a self, _course: &'a Course<'a>, item: &'a Item) -> Judging<'a, Verdict> {
        Box::pin(async move {
            if !item.contains_key("ttl") {
                return Ok(Verdict::stays("without an end"));
            }
            let edit = Edit::of(item).map(|edit| edit.remove("ttl").given(item, "ttl"));
            Ok(Verdict::changes(edit, "without an end"))
        })
    }
}

fn last_at(item: &Item) -> Option<Timestamp> {
    item.get("last_at")?.as_n().ok()?.parse().ok().map(Timestamp::from_millis)
}

/// So that it does not matter when in a day a migration began.
fn midnight_before(time: Timestamp) -> Timestamp {
    Timestamp::from_millis(time.millis().div_euclid(DAY) * DAY)
}
