//! Reading every user, for an export.

use aws_sdk_dynamodb::types::KeysAndAttributes;

use crate::domain::credential::Credential;
use crate::domain::email::EmailKey;
use crate::domain::user::User;
use crate::store::Store;
use crate::store::attributes::{Item, string};
use crate::store::error::StoreError;
use crate::store::keys::{Key, PROFILE, USER_PREFIX};

/// The most items that are looked at for one page. It keeps a page cheap where the table's pages have no bound of their
/// own, as those of the embedded engine.
const MAX_SEEN: i32 = 1000;
/// The most credentials of one request.
pub const MAX_CREDENTIALS: usize = 100;

/// Where a scan goes on.
#[derive(Debug, Clone)]
pub struct Position(Item);

/// A page of users, in no order.
#[derive(Debug)]
pub struct UserPage {
    /// The users. There may be none on a page that is not the last.
    pub users: Vec<User>,
    /// Where the next page begins.
    pub next: Option<Position>,
}

impl Store {
    /// Reads a page of one of `segments` parts of the table. What changes meanwhile is seen or not. The whole table is not
    /// asked for as a segment: the embedded engine sorts a segment anew for each page.
    pub async fn scan_users(
        &self,
        segment: i32,
        segments: i32,
        from: Option<Position>,
    ) -> Result<UserPage, StoreError> {
        let scan = self
            .client
            .scan()
            .table_name(&self.table)
            .set_segment((segments > 1).then_some(segment))
            .set_total_segments((segments > 1).then_some(segments))
            .limit(MAX_SEEN)
            .set_exclusive_start_key(from.map(|position| position.0))
            .filter_expression("begins_with(pk, :user) AND sk = :profile")
            .expression_attribute_values(":user", string(USER_PREFIX))
            .expression_attribute_values(":profile", string(PROFILE));
        let page = scan.send().await?;
        let users = page.items.unwrap_or_default().into_iter().map(serde_dynamo::from_item);
        Ok(UserPage {
            users: users.collect::<Result<_, _>>()?,
            next: page.last_evaluated_key.filter(|key| !key.is_empty()).map(Position),
        })
    }

    /// Reads the credentials of at most [`MAX_CREDENTIALS`] addresses, strongly consistent and in no order.
    pub async fn read_credentials(&self, emails: &[EmailKey]) -> Result<Vec<Credential>, StoreError> {
        let mut wanted: Vec<Item> = emails.iter().map(|email| Key::credential(email).attributes()).collect();
        let mut credentials = Vec::with_capacity(emails.len());
        while !wanted.is_empty() {
            let keys = KeysAndAttributes::builder().set_keys(Some(std::mem::take(&mut wanted))).consistent_read(true);
            let keys = keys.build().map_err(|_| StoreError::Incomplete("a batch without keys"))?;
            let answer = self.client.batch_get_item().request_items(&self.table, keys).send().await?;
            for item in answer.responses.unwrap_or_default().into_values().flatten() {
                credentials.push(serde_dynamo::from_item(item)?);
            }
            // What the table had no capacity for.
            let left = answer.unprocessed_keys.unwrap_or_default().into_values().flat_map(|left| left.keys);
            wanted.extend(left);
        }
        Ok(credentials)
    }
}
