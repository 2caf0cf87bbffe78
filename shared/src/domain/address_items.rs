//! What an address has, beside its password.

use serde::Deserialize;

use crate::domain::credential::Credential;
use crate::domain::one_time::OneTime;
use crate::domain::registration::Registration;
use crate::domain::timestamp::Timestamp;

/// A device that an address has signed in from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct KnownDevice {
    /// Names it.
    pub id: String,
    /// When it first signed in.
    pub created_at: Timestamp,
    /// When it last tried to.
    pub last_at: Timestamp,
    /// Unknown from then on, unless it signs in again.
    pub expires_at: Timestamp,
}

/// What an address has.
#[derive(Debug, Default)]
pub struct AddressItems {
    /// Whose address it is.
    pub credential: Option<Credential>,
    /// The devices that signed in with it.
    pub devices: Vec<KnownDevice>,
    /// What mails were ordered for it.
    pub one_times: Vec<OneTime>,
    /// Who tried to register it.
    pub registrations: Vec<Registration>,
    /// Whether this is all of it.
    pub complete: bool,
}
