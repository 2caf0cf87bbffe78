//! What migrations need of the table: their states, and every item once.

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;

use crate::domain::audit::AuditEntry;
use crate::domain::migration::{MigrationState, Position};
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::edits::{Item, milliunits, position_of};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::outcome::Outcome;
use crate::store::read::Pages;
use crate::store::write::{Put, Write};

/// Which items a migration looks at: by what their keys are. Others are counted and not handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection {
    /// What the partition key begins with.
    pub partition: &'static str,
    /// What the sort key begins with: one of these.
    pub sorts: &'static [&'static str],
}

/// A page of a part of the table.
#[derive(Debug)]
pub struct ScanPage {
    /// The items that were asked for, in no order.
    pub items: Vec<Item>,
    /// How many items were looked at.
    pub seen: u64,
    /// Where the next page begins; none after the last.
    pub next: Option<Position>,
    /// What it consumed, in thousandths of a unit.
    pub milliunits: u64,
}

/// What became of a migration's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// It is written, and the lock is held.
    Held,
    /// Somebody else has the lock, or had it meanwhile; nothing was written.
    Lost,
}

impl Store {
    /// Every migration's state, in order, strongly consistent.
    pub async fn migration_states(&self) -> Result<Vec<MigrationState>, StoreError> {
        let mut states = Vec::new();
        let mut pages = Pages::of(self.partition(&Key::migration("")));
        while let Some(page) = pages.read_next().await? {
            states.extend(page);
        }
        Ok(states)
    }

    /// Writes a migration's state over the version before, or for the first time: whoever wrote since has the lock.
    pub async fn save_migration(&self, state: &MigrationState) -> Result<Saved, StoreError> {
        Ok(match self.migration_put(state)?.send(&self.client).await? {
            Outcome::Written(_) => Saved::Held,
            Outcome::Refused(met) => saved(state, met.as_ref()),
        })
    }

    /// As [`Self::save_migration`], with the line of the audit trail that it is at its end.
    pub async fn finish_migration(&self, state: &MigrationState, audit: &AuditEntry) -> Result<Saved, StoreError> {
        let detail = format!("{} {} {}", state.number, state.name, state.direction.name());
        let parts = [self.migration_put(state)?.into(), self.audit_put_with(audit, &detail)?.into()];
        Ok(match self.transact_parts(parts).await? {
            Outcome::Written(()) => Saved::Held,
            Outcome::Refused(refusal) => saved(state, refusal.met(0)),
        })
    }

    fn migration_put(&self, state: &MigrationState) -> Result<Write<Put>, StoreError> {
        let put = self.put_new(&Key::migration(&state.number), state, None)?;
        Ok(match state.version.checked_sub(1) {
            None | Some(0) => put,
            Some(before) => put.given("version = :before").with([(":before", number(before))]),
        })
    }

    /// Reads a page of one of `segments` parts of the table, strongly consistent: at most `limit` items are looked at.
    pub async fn scan_selected(
        &self,
        selection: &Selection,
        (segment, segments): (usize, usize),
        from: Option<&Position>,
        limit: u32,
    ) -> Result<ScanPage, StoreError> {
        let sorts: Vec<String> =
            (0..selection.sorts.len()).map(|index| format!("begins_with(sk, :sort{index})")).collect();
        let mut scan = self
            .client
            .scan()
            .table_name(&self.table)
            .segment(in_range(segment))
            .total_segments(in_range(segments))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(from.map(|position| Key::of_position(position).attributes()))
            .filter_expression(format!("begins_with(pk, :partition) AND ({})", sorts.join(" OR ")))
            .expression_attribute_values(":partition", string(selection.partition))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        for (index, sort) in selection.sorts.iter().enumerate() {
            scan = scan.expression_attribute_values(format!(":sort{index}"), string(sort));
        }
        let output = scan.send().await?;
        Ok(ScanPage {
            milliunits: milliunits(output.consumed_capacity()),
            seen: u64::try_from(output.scanned_count).unwrap_or_default(),
            next: output.last_evaluated_key.as_ref().and_then(position_of),
            items: output.items.unwrap_or_default(),
        })
    }

    /// Whether an address, given by its hash, has a credential; and what asking
    /// consumed, in thousandths of a unit.
    pub async fn has_credential(&self, address: &str) -> Result<(bool, u64), StoreError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(Key::credential_at(address).attributes()))
            .projection_expression("pk")
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await?;
        Ok((output.item.is_some(), milliunits(output.consumed_capacity.as_ref())))
    }

    /// About how many items the table has. The service counts every six hours.
    pub async fn estimated_items(&self) -> Result<Option<u64>, StoreError> {
        let table = self.client.describe_table().table_name(&self.table).send().await?.table;
        Ok(table.and_then(|table| table.item_count).and_then(|count| u64::try_from(count).ok()))
    }
}

/// What a refused write means: ours was carried out before, and only its answer was lost, or it is another's turn.
fn saved(state: &MigrationState, met: Option<&Item>) -> Saved {
    let met: Option<MigrationState> = met.and_then(|item| serde_dynamo::from_item(item.clone()).ok());
    if met.as_ref() == Some(state) { Saved::Held } else { Saved::Lost }
}

fn in_range(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
