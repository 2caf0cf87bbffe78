//! Counters that decide whether a guess is evaluated at all (EN-01 to EN-03). They count in the table, never in a
//! process, and the increment is the decision.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::attempts::{WindowLimit, WindowedFailureLimit};
use crate::domain::email::EmailKey;
use crate::domain::id::DeviceId;
use crate::domain::timestamp::Timestamp;
use crate::store::Store;
use crate::store::attributes::{Item, number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::outcome::Outcome;
use crate::store::write::{Update, Write};

/// What keeps an attempt from being counted twice where an answer was lost and the request was tried again.
pub(super) const NOT_YET_COUNTED: &str = "(attribute_not_exists(last_by) OR last_by <> :by) AND ";

/// Whether what a condition failed on has counted this very attempt.
pub(super) fn is_counted(item: &Item, attempt: &str) -> bool {
    item.get("last_by").and_then(|by| by.as_s().ok()).is_some_and(|by| by == attempt)
}

/// Whether an attempt may be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reservation {
    /// It may, and has been counted.
    Reserved,
    /// It may not, for this long.
    Refused {
        /// When to try again.
        retry_after: Duration,
    },
}

/// What a window counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Sign-ins from one source.
    LoginSource,
    /// Passwords of one address tried from one source, and from no known device: the subject names both.
    LoginPair,
    /// Passwords of one address tried from no known device.
    LoginAccount,
    /// Passwords asked of one signed-in user.
    PasswordUser,
    /// Codes of one user's app.
    Totp,
    /// Recovery codes of one user.
    RecoveryCode,
    /// Passkeys of one user.
    Passkey,
    /// Mails to one user that somebody has shown the password and no second factor.
    SecondFactorNotice,
    /// Mails to one user whose link takes lost second factors away.
    FactorRemoval,
    /// Registrations from one source.
    RegisterSource,
    /// Registrations of one address.
    RegisterAddress,
    /// Orders of mails from one source.
    MailSource,
    /// Orders of mails of one kind to one address from one source: the subject names all three.
    MailPair,
    /// Orders of mails of one kind to one address: the subject names both.
    MailAddress,
    /// As [`Self::MailPair`], for resets.
    ResetPair,
    /// As [`Self::MailAddress`], for resets.
    ResetAddress,
    /// Orders of mails of one kind from one known device: the subject names both.
    MailDevice,
    /// Mails of one kind that tell an owner of something: the subject names kind and address.
    NoticeAddress,
    /// Mails to owners that somebody tried to register their address.
    RegisterNotice,
    /// All mails but notices of changes.
    MailAll,
}

impl Scope {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::LoginSource => "login_source",
            Self::LoginPair => "login_pair",
            Self::LoginAccount => "login_account",
            Self::PasswordUser => "password_user",
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery_code",
            Self::Passkey => "passkey",
            Self::SecondFactorNotice => "second_factor_notice",
            Self::FactorRemoval => "factor_removal",
            Self::RegisterSource => "register_source",
            Self::RegisterAddress => "register_address",
            Self::MailSource => "mail_source",
            Self::MailPair => "mail_pair",
            Self::MailAddress => "mail_address",
            Self::ResetPair => "reset_pair",
            Self::ResetAddress => "reset_address",
            Self::MailDevice => "mail_device",
            Self::NoticeAddress => "notice_address",
            Self::RegisterNotice => "register_notice",
            Self::MailAll => "mail_all",
        }
    }
}

/// The counter of an attempt that can be given back.
#[derive(Debug, Clone)]
pub struct Place {
    pub(super) key: Key,
    counter: &'static str,
}

impl Place {
    /// Where the window of `now` counts failures.
    pub fn failures(scope: Scope, subject: &str, limit: &WindowedFailureLimit, now: Timestamp) -> Self {
        let start = limit.window().window_start(now);
        Self { key: Key::window(scope.name(), subject, start), counter: "failures" }
    }

    /// Where the window of `now` counts attempts.
    pub fn window(scope: Scope, subject: &str, limit: &WindowLimit, now: Timestamp) -> Self {
        Self { key: Key::window(scope.name(), subject, limit.window_start(now)), counter: "attempts" }
    }

    /// Where a known device counts.
    pub fn device(email: &EmailKey, id: DeviceId) -> Self {
        Self { key: Key::device(email, id), counter: "failures" }
    }
}

impl Store {
    /// Counts an attempt in the current window, unless the window is full.
    pub async fn reserve_in_window(
        &self,
        scope: Scope,
        subject: &str,
        limit: &WindowLimit,
        now: Timestamp,
    ) -> Result<Reservation, StoreError> {
        let counted = self.window_update(scope, subject, limit, now).send(&self.client).await?;
        Ok(counted
            .either(Reservation::Reserved, Reservation::Refused { retry_after: limit.window_end(now).since(now) }))
    }

    /// As [`Self::reserve_in_window`], for an attempt that has a name and may be given back: however often its answer is
    /// lost, it counts once.
    pub async fn reserve_attempt(
        &self,
        place: &Place,
        limit: &WindowLimit,
        attempt: &str,
        now: Timestamp,
    ) -> Result<Reservation, StoreError> {
        let update = self.update(&place.key, "ADD attempts :one SET #ttl = :ttl, last_by = :by");
        let counted = update
            .given(format!("{NOT_YET_COUNTED}{UNLESS_FULL}"))
            .with(window_values(limit, now))
            .with([(":by", string(attempt))])
            .showing_met();
        Ok(match counted.send(&self.client).await? {
            Outcome::Refused(item) if !item.as_ref().is_some_and(|item| is_counted(item, attempt)) => {
                Reservation::Refused { retry_after: limit.window_end(now).since(now) }
            }
            Outcome::Written(_) | Outcome::Refused(_) => Reservation::Reserved,
        })
    }

    /// Takes back an attempt that was counted. The others stay: a counter is never below 0 and never made by this, since one
    /// that is gone has nothing to give.
    pub async fn give_back(&self, place: &Place) -> Result<(), StoreError> {
        self.take_one_back(place).send(&self.client).await.map(drop)
    }

    /// As [`Self::give_back`], of an attempt that may never have been counted: where another came after it, it stays.
    pub async fn give_back_last(&self, place: &Place, attempt: &str) -> Result<(), StoreError> {
        let update = self.take_one_back(place).and("last_by = :by").with([(":by", string(attempt))]);
        update.send(&self.client).await.map(drop)
    }

    fn take_one_back(&self, place: &Place) -> Write<Update> {
        // Nobody's any more: a request that is tried again must not take another's.
        self.update(&place.key, format!("ADD #{0} :less REMOVE last_by", place.counter))
            .given(format!("#{} > :none", place.counter))
            .with([(":less", number(-1)), (":none", number(0))])
    }

    /// Counts an attempt in the current window, on condition that it is not full.
    pub(super) fn window_update(
        &self,
        scope: Scope,
        subject: &str,
        limit: &WindowLimit,
        now: Timestamp,
    ) -> Write<Update> {
        self.update(&Key::window(scope.name(), subject, limit.window_start(now)), "ADD attempts :one SET #ttl = :ttl")
            .given(UNLESS_FULL)
            .with(window_values(limit, now))
    }
}

const UNLESS_FULL: &str = "(attribute_not_exists(attempts) OR attempts < :limit)";

fn window_values(limit: &WindowLimit, now: Timestamp) -> [(&'static str, AttributeValue); 3] {
    [
        (":one", number(1)),
        (":limit", number(limit.limit)),
        (":ttl", number(limit.window_end(now).unix_seconds() + 3600)),
    ]
}
