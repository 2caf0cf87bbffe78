//! Devices that have signed in before (EN-02): their attempts are counted apart from those of strangers.

use std::time::Duration;

use crate::app::{App, RequestContext};
use crate::crypto::key_ring::{MacKey, Ring};
use crate::crypto::sealed_token::{DeviceToken, TokenSecret, secret_hash};
use crate::domain::credential::Credential;
use crate::domain::device::Device;
use crate::domain::email::EmailKey;
use crate::domain::id::DeviceId;
use crate::domain::one_time::OneTime;
use crate::store::devices::DeviceClaim;
use crate::use_cases::fault::Fault;

/// An account this young is still being set up: its owner need not be told of the device.
const FIRST_MINUTES: Duration = Duration::from_mins(10);

/// A device token that opened, for the address that signs in.
#[derive(Clone)]
pub(super) struct PresentedDevice {
    pub(super) claim: DeviceClaim,
    secret: TokenSecret,
}

/// Reads a device token. One that is forged, or of another address, counts as none.
pub(super) fn presented_device(
    token: Option<&str>,
    email: &EmailKey,
    ring: &Ring<MacKey>,
    context: &RequestContext,
) -> Option<PresentedDevice> {
    let token = DeviceToken::open(token?, ring, context.now).ok()?;
    (token.email_key == *email).then(|| PresentedDevice {
        claim: DeviceClaim { email_key: token.email_key, id: token.device_id, secret_hash: secret_hash(&token.secret) },
        secret: token.secret,
    })
}

/// The device that a sign-in comes from.
pub(super) struct SignInDevice {
    pub(super) device: Device,
    secret: TokenSecret,
    /// Whether it begins with this sign-in.
    pub(super) is_new: bool,
    /// Tells the owner of a new one.
    pub(super) notice: Option<OneTime>,
}

impl SignInDevice {
    /// What the device shows at its next sign-in: the same token as before, or that of the present key.
    pub(super) fn token(&self, key: &MacKey) -> String {
        let device = &self.device;
        DeviceToken { email_key: device.email_key.clone(), device_id: device.id, secret: self.secret }.seal(key)
    }
}

/// The device that was presented, if the table knows it as this account's, or else a new one.
pub(super) fn sign_in_device(
    app: &App,
    context: &RequestContext,
    credential: &Credential,
    presented: Option<PresentedDevice>,
    known: Option<Device>,
) -> Result<SignInDevice, Fault> {
    let now = context.now;
    if let (Some(presented), Some(device)) = (presented, known)
        && device.user_id == credential.user_id
    {
        return Ok(SignInDevice { device, secret: presented.secret, is_new: false, notice: None });
    }
    let (user_id, email_key) = (credential.user_id, credential.email_key.clone());
    let secret: TokenSecret = app.entropy.bytes()?;
    let is_young = now.since(user_id.created_at()) < FIRST_MINUTES;
    let notice = if is_young { None } else { Some(app.new_device_notice(context, user_id, email_key.clone())?) };
    let device = Device {
        id: DeviceId::new(now, app.entropy.number()?),
        email_key,
        user_id,
        secret_hash: secret_hash(&secret),
        failures: 0,
        last_at: now,
        created_at: now,
        expires_at: now.plus(app.config.sessions.absolute()),
    };
    Ok(SignInDevice { device, secret, is_new: true, notice })
}
