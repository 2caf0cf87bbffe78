//! Devices that have signed in before (EN-02): their attempts are counted apart from those of strangers.

use std::time::Duration;

use crate::app::App;
use crate::crypto::key_ring::{MacKey, Ring};
use crate::crypto::sealed_token::{DeviceToken, TokenSecret, secret_hash};
use crate::domain::credential::Credential;
use crate::domain::device::Device;
use crate::domain::email::EmailKey;
use crate::domain::id::{DeviceId, UserId};
use crate::domain::one_time::OneTime;
use crate::domain::request_context::RequestContext;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::fault::Fault;
use crate::store::error::StoreError;
use crate::store::sign_in::devices::DeviceClaim;
use crate::use_cases::counted::Counted;

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

/// The device that a person comes from.
pub(super) struct SignInDevice {
    pub(super) device: Device,
    secret: TokenSecret,
    /// Whether it begins with this sign-in.
    pub(super) is_new: bool,
    /// Tells the owner of a new one.
    pub(super) notice: Option<OneTime>,
}

impl SignInDevice {
    /// Has the second factor be left out of its next sign-ins, where that is let at all (MF-23).
    pub(super) fn remember(&mut self, app: &App, credential: &Credential, now: Timestamp) {
        if app.config.accounts.remember_device_days > 0 {
            self.device.remembered_at = Some(now);
            self.device.remembered_version = Some(credential.factors.version);
        }
    }

    /// What the device shows at its next sign-in: the same token as before, or that of the present key.
    pub(super) fn token(&self, key: &MacKey) -> String {
        let device = &self.device;
        DeviceToken { email_key: device.email_key.clone(), device_id: device.id, secret: self.secret }.seal(key)
    }
}

/// The device that was presented, if the account knows it under its present credentials, or else a new one.
pub(super) fn sign_in_device(
    app: &App,
    context: &RequestContext,
    credential: &Credential,
    presented: Option<PresentedDevice>,
    known: Option<&Device>,
) -> Result<SignInDevice, Fault> {
    if let (Some(presented), Some(device)) = (presented, known)
        && device.is_known_to(credential)
    {
        return Ok(SignInDevice { device: device.clone(), secret: presented.secret, is_new: false, notice: None });
    }
    let (user_id, email_key) = (credential.user_id, &credential.email_key);
    let is_young = context.now.since(user_id.created_at()) < FIRST_MINUTES;
    let notice = if is_young { None } else { Some(app.new_device_notice(context, user_id, email_key.clone())?) };
    Ok(SignInDevice { notice, ..new_device(app, context, email_key, user_id, credential.cred_version)? })
}

/// A device that nobody need be told of.
pub(super) fn new_device(
    app: &App,
    context: &RequestContext,
    email_key: &EmailKey,
    user_id: UserId,
    cred_version: u64,
) -> Result<SignInDevice, Fault> {
    let now = context.now;
    let secret: TokenSecret = app.entropy.bytes()?;
    let device = Device {
        id: DeviceId::new(now, app.entropy.number()?),
        email_key: email_key.clone(),
        user_id,
        cred_version: Some(cred_version),
        secret_hash: secret_hash(&secret),
        failures: 0,
        last_at: now,
        remembered_at: None,
        remembered_version: None,
        created_at: now,
        expires_at: now.plus(app.config.sessions.absolute()),
    };
    Ok(SignInDevice { device, secret, is_new: true, notice: None })
}

/// The device that was presented, as the table has it. One read, where a token opened.
pub(super) async fn read_presented(
    app: &App,
    presented: Option<&PresentedDevice>,
    now: Timestamp,
) -> Result<Option<Device>, StoreError> {
    match presented {
        Some(presented) => app.store.read_device(&presented.claim, now).await,
        None => Ok(None),
    }
}

/// The device that was presented, if the user knows it under the present credentials. One read, where a token opened.
pub(super) async fn device_of_user(
    app: &App,
    context: &RequestContext,
    user: &User,
    presented: Option<&PresentedDevice>,
) -> Result<Option<Device>, StoreError> {
    let device = read_presented(app, presented, context.now).await?;
    Ok(device.filter(|device| device.is_known_to(&Credential::of(user, None))))
}

/// What is left to do once a person has signed in. The session exists: a counter or a device that stays only makes the
/// next failures dearer, and must not keep the tokens from their owner.
pub(super) async fn settle(app: &App, context: &RequestContext, counted: Option<Counted>, device: &SignInDevice) {
    if !device.is_new {
        // All that the device has counted is forgotten with it.
        if let Some(mut counted) = counted {
            counted.stands();
        }
        let expires_at = context.now.plus(app.config.sessions.absolute());
        if let Err(cause) = app.store.renew_device(&device.device, expires_at).await {
            tracing::warn!(request_id = context.request_id, %cause, "could not clear the failures of a device");
        }
        return;
    }
    let given = async {
        if let Some(counted) = counted {
            counted.give_back().await;
        }
    };
    let (forgotten, ()) = futures::join!(app.store.forget_oldest_devices(&device.device.email_key), given);
    if let Err(cause) = forgotten {
        tracing::warn!(request_id = context.request_id, %cause, "could not forget the oldest devices of an address");
    }
}
