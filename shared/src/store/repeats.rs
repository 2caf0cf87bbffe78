//! Items that were used up, asked for once more by the browser that used them (OT-02).

use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::domain::email::EmailKey;
use crate::domain::id::{OneTimeId, RegistrationId};
use crate::domain::nonce::Nonce;
use crate::domain::one_time::{MailToken, OneTime, Purpose};
use crate::domain::registration::Registration;
use crate::domain::timestamp::Timestamp;
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;

/// How long a press may be repeated: a double click, an answer that was lost on the way, a page that is gone back to. The
/// link of whoever comes later has simply been used.
const WINDOW: Duration = Duration::from_mins(1);
/// The most repeats of one press: more than impatience makes, and few enough for what a repeat compares (EN-01).
const MOST_REPEATS: u32 = 20;

impl Store {
    /// Counts a repeat of the press that used up a token's item, and gives the item. `None` where this browser did not
    /// press, or too long ago, or too often since.
    pub async fn reserve_repeat(
        &self,
        token: &MailToken,
        mark: &str,
        now: Timestamp,
    ) -> Result<Option<OneTime>, StoreError> {
        let key = Key::one_time(&token.email_key, token.purpose, token.one_time_id());
        self.count_repeat(&key, &token.nonce, mark, now).await
    }

    /// As [`Self::reserve_repeat`], of a registration.
    pub async fn reserve_verification_repeat(
        &self,
        token: &MailToken,
        mark: &str,
        now: Timestamp,
    ) -> Result<Option<Registration>, StoreError> {
        let key = Key::registration(&token.email_key, token.registration_id());
        self.count_repeat(&key, &token.nonce, mark, now).await
    }

    /// Reads what sets the password after a verification, strongly consistent. It has the registration's id.
    pub async fn read_verification_reset(
        &self,
        email: &EmailKey,
        id: RegistrationId,
    ) -> Result<Option<OneTime>, StoreError> {
        self.read(&Key::one_time(email, Purpose::PasswordReset, OneTimeId::from_bytes(id.to_bytes()))).await
    }

    async fn count_repeat<T: DeserializeOwned>(
        &self,
        key: &Key,
        nonce: &Nonce,
        mark: &str,
        now: Timestamp,
    ) -> Result<Option<T>, StoreError> {
        let since = now.millis().saturating_sub(i64::try_from(WINDOW.as_millis()).unwrap_or(i64::MAX));
        let repeat = self
            .update(key, "ADD repeats :one")
            .given(
                "nonce = :nonce AND used_by = :by AND used_at > :since \
                 AND (attribute_not_exists(repeats) OR repeats < :most)",
            )
            .with([
                (":one", number(1)),
                (":most", number(MOST_REPEATS)),
                (":nonce", string(nonce.as_str())),
                (":by", string(mark)),
                (":since", number(since)),
            ])
            .returning_new();
        Ok(repeat.send(&self.client).await?.read()?.written())
    }
}
