//! Known devices, each with a counter of its own (EN-02).

use aws_sdk_dynamodb::types::Put;

use crate::domain::attempts::{FailureLimit, Failures};
use crate::domain::device::Device;
use crate::domain::email::EmailKey;
use crate::domain::id::DeviceId;
use crate::domain::timestamp::Timestamp;
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::limits::{Consecutive, Reservation, reserve_consecutive};

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
    Refused(Reservation),
    /// There is no such device, or it has used up its attempts: nothing was counted.
    Unknown,
}

impl Store {
    /// Counts a sign-in attempt against a device instead of its address. A device that has none left is as good as
    /// unknown, so that a reset, which frees the address's counter, also frees who still holds its token.
    pub async fn reserve_on_device(
        &self,
        claim: &DeviceClaim,
        limit: &FailureLimit,
        now: Timestamp,
    ) -> Result<DeviceReservation, StoreError> {
        let counter = self
            .update(&Key::device(&claim.email_key, claim.id))
            .expression_attribute_values(":secret", string(&claim.secret_hash));
        let guard = "secret_hash = :secret AND expires_at > :now AND ";
        let item = match reserve_consecutive(counter, guard, "", limit, now).await? {
            Consecutive::Reserved(item) => return Ok(DeviceReservation::Reserved(serde_dynamo::from_item(item)?)),
            Consecutive::Refused(item) => item,
        };
        let device: Option<Device> = item.map(serde_dynamo::from_item).transpose()?;
        Ok(match device.filter(|device| claim.is_of(device, now) && device.failures < limit.most_failures) {
            Some(device) => {
                let failures = Failures { count: device.failures, last_at: device.last_at };
                DeviceReservation::Refused(Reservation::Refused { retry_after: limit.retry_after(failures, now) })
            }
            None => DeviceReservation::Unknown,
        })
    }

    /// Reads the device that a token names, strongly consistent, if the token has its secret.
    pub async fn read_device(&self, claim: &DeviceClaim, now: Timestamp) -> Result<Option<Device>, StoreError> {
        let device: Option<Device> = self.read(&Key::device(&claim.email_key, claim.id)).await?;
        Ok(device.filter(|device| claim.is_of(device, now)))
    }

    /// Forgets a device's failures and keeps it until `expires_at`: only a completed sign-in may (EN-02).
    pub async fn renew_device(&self, device: &Device, expires_at: Timestamp) -> Result<(), StoreError> {
        let update = self
            .update(&Key::device(&device.email_key, device.id))
            .update_expression("SET failures = :none, expires_at = :expires, #ttl = :ttl")
            .condition_expression("secret_hash = :secret")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":none", number(0))
            .expression_attribute_values(":expires", number(expires_at.millis()))
            .expression_attribute_values(":ttl", number(expires_at.unix_seconds()))
            .expression_attribute_values(":secret", string(&device.secret_hash));
        match update.send().await {
            Ok(_) => Ok(()),
            // It was forgotten meanwhile: its next sign-in is a new device's.
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// A new device as a part of the transaction that begins its first session.
    pub(super) fn device_put(&self, device: &Device) -> Result<Put, StoreError> {
        let key = Key::device(&device.email_key, device.id);
        self.put_new(&key, device, Some(device.expires_at.unix_seconds()))
    }
}
