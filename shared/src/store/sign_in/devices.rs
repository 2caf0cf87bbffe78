//! Known devices, each with a counter of its own (EN-02).

use std::time::Duration;

use futures::future::try_join_all;

use crate::domain::attempts::{FailureLimit, Failures};
use crate::domain::credential::Credential;
use crate::domain::device::{Device, MOST_DEVICES};
use crate::domain::email::EmailKey;
use crate::domain::id::DeviceId;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::FIRST_CRED_VERSION;
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::limits::is_counted;
use crate::store::outcome::Outcome;
use crate::store::read::first_page;
use crate::store::sign_in::failures::Counted;
use crate::store::write::{Put, Write};

/// An address has one device too many at a time, unless an earlier release or a failure has left more.
const MOST_LOOKED_AT: i32 = 100;
/// How many are deleted at a time.
const MOST_FORGOTTEN: usize = 25;

/// A device token, as far as the table has a say in it.
#[derive(Debug, Clone)]
pub struct DeviceClaim {
    /// The address that the device belongs to.
    pub email_key: EmailKey,
    /// The device.
    pub id: DeviceId,
    /// The hash of the secret that was presented.
    pub secret_hash: String,
}

impl DeviceClaim {
    fn is_of(&self, device: &Device, now: Timestamp) -> bool {
        device.secret_hash == self.secret_hash && now < device.expires_at
    }
}

/// What became of a sign-in attempt from a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceReservation {
    /// It has been counted against this device.
    Reserved(Device),
    /// It may not be evaluated now.
    Refused {
        /// When to try again.
        retry_after: Duration,
    },
    /// The account has no such device under its present credentials, or the device has used up its attempts: nothing was
    /// counted.
    Unknown,
}

impl Store {
    /// Counts a sign-in attempt against a device instead of its address. A device that has none left is as good as
    /// unknown: a person who forgot the password must not be locked out by their own token.
    pub async fn reserve_on_device(
        &self,
        claim: &DeviceClaim,
        credential: &Credential,
        limit: &FailureLimit,
        attempt: &str,
        now: Timestamp,
    ) -> Result<DeviceReservation, StoreError> {
        // As Device::is_known_to has it.
        let nameless =
            if credential.cred_version == FIRST_CRED_VERSION { " OR attribute_not_exists(cred_version)" } else { "" };
        let guard = format!(
            "secret_hash = :secret AND expires_at > :now AND user_id = :user AND (cred_version = :version{nameless}) AND "
        );
        let counted = Counted {
            key: &Key::device(&claim.email_key, claim.id),
            guard: &guard,
            also: "",
            values: vec![
                (":secret", string(&claim.secret_hash)),
                (":user", string(credential.user_id)),
                (":version", number(credential.cred_version)),
            ],
            attempt,
        };
        let item = match self.reserve_consecutive(counted, limit, now).await? {
            Outcome::Written(device) => return Ok(DeviceReservation::Reserved(device)),
            Outcome::Refused(item) => item,
        };
        let is_counted = item.as_ref().is_some_and(|item| is_counted(item, attempt));
        let device: Option<Device> = item.map(serde_dynamo::from_item).transpose()?;
        if let Some(device) = device.as_ref().filter(|_| is_counted) {
            return Ok(DeviceReservation::Reserved(device.clone()));
        }
        let waits = |device: &Device| {
            claim.is_of(device, now) && device.is_known_to(credential) && device.failures < limit.most_failures
        };
        Ok(match device.filter(waits) {
            Some(device) => {
                let failures = Failures { count: device.failures, last_at: device.last_at };
                DeviceReservation::Refused { retry_after: limit.retry_after(failures, now) }
            }
            None => DeviceReservation::Unknown,
        })
    }

    /// Reads the device that a token names, strongly consistent, if the token has its secret.
    pub async fn read_device(&self, claim: &DeviceClaim, now: Timestamp) -> Result<Option<Device>, StoreError> {
        let device: Option<Device> = self.read(&Key::device(&claim.email_key, claim.id)).await?;
        Ok(device.filter(|device| claim.is_of(device, now)))
    }

    /// Forgets a device's failures and keeps it until `expires_at`, with what it is remembered for: only a completed sign-in
    /// may (EN-02, MF-23).
    pub async fn renew_device(&self, device: &Device, expires_at: Timestamp) -> Result<(), StoreError> {
        let remembered = device.remembered_at.zip(device.remembered_version);
        let set = if remembered.is_some() { ", remembered_at = :at, remembered_version = :factors" } else { "" };
        let renew = self
            .update(
                &Key::device(&device.email_key, device.id),
                format!(
                    "SET failures = :none, expires_at = :expires, #ttl = :ttl, \
                     cred_version = if_not_exists(cred_version, :version){set}"
                ),
            )
            .given("secret_hash = :secret")
            .with([
                (":none", number(0)),
                (":version", number(device.cred_version.unwrap_or(FIRST_CRED_VERSION))),
                (":expires", number(expires_at.millis())),
                (":ttl", number(expires_at.unix_seconds())),
                (":secret", string(&device.secret_hash)),
            ])
            .with(
                remembered
                    .into_iter()
                    .flat_map(|(at, factors)| [(":at", number(at.millis())), (":factors", number(factors))]),
            );
        // Where it is refused, it was forgotten meanwhile: its next sign-in is a new device's.
        renew.send(&self.client).await.map(drop)
    }

    /// Forgets the devices of an address beyond [`MOST_DEVICES`], whose last sign-in is the longest ago.
    pub async fn forget_oldest_devices(&self, email: &EmailKey) -> Result<(), StoreError> {
        let query = self.beginning_with(&Key::devices(email)).limit(MOST_LOOKED_AT);
        let mut devices: Vec<Device> = first_page(query).await?;
        devices.sort_by_key(|device| device.expires_at);
        let beyond = devices.len().saturating_sub(MOST_DEVICES).min(MOST_FORGOTTEN);
        let forgotten = devices
            .iter()
            .take(beyond)
            .map(|device| self.delete(&Key::device(&device.email_key, device.id)).send(&self.client));
        try_join_all(forgotten).await?;
        Ok(())
    }

    /// A new device as a part of the transaction that makes it known.
    pub(in crate::store) fn device_put(&self, device: &Device) -> Result<Write<Put>, StoreError> {
        let key = Key::device(&device.email_key, device.id);
        self.put_new(&key, device, Some(device.expires_at.unix_seconds()))
    }
}
