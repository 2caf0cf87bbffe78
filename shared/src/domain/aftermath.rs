//! What a restored table has forgotten about an account, as the audit trail tells it, and what follows from that (PL-07).

use std::time::Duration;

use crate::domain::audit::AuditAction;
use crate::domain::factors::{Factors, PasswordKind};
use crate::domain::timestamp::Timestamp;
use crate::domain::user::{User, UserStatus};

/// How long before the point a line may have been begun whose change was committed after it: longer than any request.
const IN_FLIGHT: Duration = Duration::from_mins(1);

/// The point to which a table was restored, and what counts from there.
#[derive(Debug, Clone, Copy)]
pub struct Restored {
    /// The table is as it was then.
    pub point: Timestamp,
    /// When the restore was made: sessions from before it are dead.
    pub now: Timestamp,
    /// How long an account that its owner leaves can be kept.
    pub deletion_grace: Duration,
    /// How long a change of address can be undone.
    pub undo: Duration,
}

impl Restored {
    /// Since when lines count.
    pub fn since(&self) -> Timestamp {
        self.point.minus(IN_FLIGHT)
    }
}

/// What the table forgot about one account.
#[expect(clippy::struct_excessive_bools, reason = "any of them is told alone, and with any other")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Aftermath {
    /// Its credentials were replaced, or its address was shown to be its owner's.
    credentials: bool,
    /// It has an address again that its owner gave up, or that was taken from it.
    address: bool,
    /// Whether it is to be erased: what was said last.
    deletion: Option<Deletion>,
    /// A token that can undo or keep something was used.
    right_used: bool,
    /// A factor came or went.
    factors: bool,
    /// How many went.
    factors_gone: usize,
    /// A recovery code was used, or others were made.
    codes: bool,
    /// Whether sign-ins are to ask for the second factor.
    asked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deletion {
    Done,
    Requested(Timestamp),
    Cancelled,
}

/// What becomes of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The account as it is to be.
    pub after: User,
    /// Whether its password goes: only a reset opens the account.
    pub without_password: bool,
    /// Whether its recovery codes go.
    pub without_codes: bool,
    /// What the trail says of it.
    pub actions: Vec<AuditAction>,
}

impl Aftermath {
    /// From the account's lines since [`Restored::since`], oldest first.
    pub fn of(lines: impl IntoIterator<Item = (AuditAction, Timestamp)>, restored: &Restored) -> Self {
        lines.into_iter().fold(Self::default(), |so_far, (action, at)| so_far.and(action, at, restored))
    }

    fn and(self, action: AuditAction, at: Timestamp, restored: &Restored) -> Self {
        // Not for lines from before the point: the table has what most of them tell.
        let forgotten = at >= restored.point;
        match action {
            AuditAction::PasswordChanged
            | AuditAction::PasswordReset
            | AuditAction::PasswordRemoved
            | AuditAction::EmailVerified => Self { credentials: true, ..self },
            // Until a change cannot be undone, the address before may take the account back. After that it may be
            // anybody's.
            AuditAction::EmailChanged => {
                let given_up = forgotten && at.plus(restored.undo) <= restored.now;
                Self { credentials: true, right_used: true, address: self.address || given_up, ..self }
            }
            // The table has the address that was somebody else's doing.
            AuditAction::EmailChangeUndone => Self {
                credentials: true,
                right_used: true,
                address: self.address || forgotten,
                deletion: Some(Deletion::Cancelled),
                ..self
            },
            // Without a factor that the table does not have, the account would be weaker than its owner has made it.
            AuditAction::TotpAdded | AuditAction::PasskeyAdded => {
                Self { factors: true, codes: true, credentials: true, ..self }
            }
            AuditAction::TotpRemoved | AuditAction::PasskeyRemoved => {
                Self { factors: true, factors_gone: self.factors_gone + 1, codes: true, ..self }
            }
            AuditAction::FactorsRemoved => {
                Self { factors: true, codes: true, credentials: true, right_used: true, ..self }
            }
            AuditAction::RecoveryCodesMade | AuditAction::RecoveryCodeUsed => Self { codes: true, ..self },
            AuditAction::SecondFactorOn => Self { asked: true, ..self },
            AuditAction::DeletionRequested => Self { deletion: Some(Deletion::Requested(at)), ..self },
            AuditAction::DeletionCancelled => Self { deletion: Some(Deletion::Cancelled), right_used: true, ..self },
            AuditAction::Erased => Self { deletion: Some(Deletion::Done), right_used: true, ..self },
            _ => self,
        }
    }

    /// Whether a token that undoes a change of address or keeps an account can still be let work. Such a token cannot be
    /// asked for again, so it is killed only where it may have been used.
    pub const fn spares_rights(&self) -> bool {
        !self.right_used
    }

    /// What becomes of the account: every session is dead, and what was forgotten is made up for.
    pub fn judge(&self, before: &User, restored: &Restored) -> Verdict {
        let mut after = User { sessions_not_before: Some(restored.now), kept_sid: None, ..before.clone() };
        // Names of their own: another restore must not take what this one says for what the owner said.
        let mut actions = Vec::new();
        // The next run of the eraser finishes what one began.
        if before.status == UserStatus::Erasing {
            return Verdict { after, without_password: false, without_codes: false, actions };
        }
        match (self.deletion, before.status) {
            (Some(Deletion::Done), _) => {
                (after.status, after.erase_at) = (UserStatus::Leaving, Some(restored.now));
                actions.push(AuditAction::DeletionRepeated);
            }
            (Some(Deletion::Requested(at)), UserStatus::Active) => {
                let erase_at = at.plus(restored.deletion_grace);
                (after.status, after.erase_at) = (UserStatus::Leaving, Some(erase_at));
                actions.push(AuditAction::DeletionRepeated);
            }
            (Some(Deletion::Cancelled), UserStatus::Leaving) => {
                (after.status, after.erase_at) = (UserStatus::Active, None);
                actions.push(AuditAction::CancellationRepeated);
            }
            _ => {}
        }
        if self.address && after.status == UserStatus::Active {
            after.status = UserStatus::Disabled;
            actions.push(AuditAction::Disabled);
        }
        // All factors go where one did. What its owner had beside that one, the account would be without.
        let weakened = self.factors && before.factors.count() > self.factors_gone;
        let short = before.factors.password == PasswordKind::Short && self.factors;
        let without_password = self.credentials || weakened || short;
        if without_password {
            actions.push(AuditAction::ResetForced);
        }
        let without_codes = self.codes && before.factors.has_any();
        if self.factors && before.factors.has_any() {
            after.factors = before.factors.removed();
            actions.push(AuditAction::FactorRemovalRepeated);
        } else if without_codes {
            after.factors = before.factors.asked(before.factors.second_factor);
            actions.push(AuditAction::RecoveryCodesEnded);
        }
        if self.asked && after.factors.has_any() && !after.factors.second_factor {
            after.factors = after.factors.asked(true);
            actions.push(AuditAction::SecondFactorOn);
        }
        if without_password && after.factors.password == PasswordKind::Short {
            // What is not there is not too short.
            after.factors =
                Factors { password: PasswordKind::Sufficient, ..before.factors.asked(after.factors.second_factor) };
        }
        if !actions.is_empty() {
            after.cred_version += 1;
        }
        Verdict { after, without_password, without_codes, actions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::user::tests::ada;

    const RP_ID: &str = "example.com";
    const POINT: Timestamp = Timestamp::from_millis(10_000_000);

    fn restored() -> Restored {
        let hour = Duration::from_hours(1);
        Restored { point: POINT, now: POINT.plus(hour), deletion_grace: 2 * hour, undo: hour / 2 }
    }

    fn verdict(before: &User, lines: &[(AuditAction, i64)]) -> Verdict {
        let lines = lines.iter().map(|(action, after)| (*action, Timestamp::from_millis(POINT.millis() + after)));
        Aftermath::of(lines, &restored()).judge(before, &restored())
    }

    #[test]
    fn sec_pl_07_an_account_that_nothing_happened_to_loses_its_sessions_alone() {
        let Verdict { after, without_password, actions, .. } = verdict(&ada(), &[(AuditAction::SignedIn, 5)]);
        assert_eq!(after, User { sessions_not_before: Some(restored().now), ..ada() });
        assert!(!without_password && actions.is_empty());
    }

    #[test]
    fn sec_pl_07_replaced_credentials_force_a_reset_also_if_begun_just_before_the_point() {
        for action in [AuditAction::PasswordChanged, AuditAction::PasswordReset, AuditAction::EmailVerified] {
            for after_point in [-59_999, 0, 5] {
                let verdict = verdict(&ada(), &[(action, after_point)]);
                assert!(verdict.without_password, "{action:?}");
                assert_eq!(verdict.after.cred_version, 2, "{action:?}");
                assert_eq!(verdict.actions, [AuditAction::ResetForced]);
            }
        }
    }

    #[test]
    fn sec_pl_07_what_was_said_last_about_a_deletion_holds() {
        use AuditAction::{DeletionCancelled, DeletionRequested, EmailChangeUndone, Erased};
        let leaving = User { status: UserStatus::Leaving, erase_at: Some(POINT), ..ada() };
        let requested = verdict(&ada(), &[(DeletionRequested, 1), (DeletionCancelled, 2), (DeletionRequested, 3)]);
        let erase_at = Some(Timestamp::from_millis(POINT.millis() + 3 + 7_200_000));
        assert_eq!((requested.after.status, requested.after.erase_at), (UserStatus::Leaving, erase_at));
        for before in [ada(), leaving.clone()] {
            let erased = verdict(&before, &[(DeletionRequested, 1), (Erased, 2)]);
            assert_eq!((erased.after.status, erased.after.erase_at), (UserStatus::Leaving, Some(restored().now)));
            let kept = verdict(&before, &[(DeletionRequested, 1), (DeletionCancelled, 2)]);
            assert_eq!((kept.after.status, kept.after.erase_at), (UserStatus::Active, None));
        }
        let undone = verdict(&leaving, &[(EmailChangeUndone, 2)]);
        assert_eq!(undone.actions[0], AuditAction::CancellationRepeated);
    }

    #[test]
    fn sec_pl_07_an_address_that_is_not_the_owners_any_more_opens_nothing() {
        let early = verdict(&ada(), &[(AuditAction::EmailChanged, 1)]);
        assert_eq!(early.after.status, UserStatus::Disabled, "it can have another owner by now");
        let late = verdict(&ada(), &[(AuditAction::EmailChanged, 1_800_001)]);
        assert_eq!(late.after.status, UserStatus::Active, "it could still undo the change");
        assert!(early.without_password && late.without_password);
        let undone = verdict(&ada(), &[(AuditAction::EmailChangeUndone, 1)]);
        assert_eq!(undone.after.status, UserStatus::Disabled, "the table has the address of a takeover");
        let in_flight = verdict(&ada(), &[(AuditAction::EmailChangeUndone, -1)]);
        assert_eq!(in_flight.after.status, UserStatus::Active);
    }

    #[test]
    fn sec_mf_24_factors_that_the_table_has_wrong_go_and_leave_no_account_weaker() {
        let with = |factors: Factors| User { factors, ..ada() };
        let (none, app) = (ada(), with(Factors::default().with_totp(RP_ID)));
        let (key, both) = (with(Factors::default().with_passkey(RP_ID)), with(app.factors.with_passkey(RP_ID)));
        let quiet = with(app.factors.asked(false));
        let short = with(app.factors.with_password(PasswordKind::Short).unwrap());
        // (before, line, factors afterwards, password stays, codes stay)
        for (before, action, has_app, has_password, has_codes) in [
            (&app, AuditAction::TotpRemoved, false, true, false),
            (&app, AuditAction::TotpAdded, false, false, false),
            (&none, AuditAction::TotpAdded, false, false, true),
            (&app, AuditAction::FactorsRemoved, false, false, false),
            (&app, AuditAction::RecoveryCodeUsed, true, true, false),
            (&app, AuditAction::RecoveryCodesMade, true, true, false),
            (&none, AuditAction::TotpRemoved, false, true, true),
            (&app, AuditAction::SecondFactorOff, true, true, true),
            (&app, AuditAction::SignedIn, true, true, true),
            (&key, AuditAction::PasskeyRemoved, false, true, false),
            (&key, AuditAction::PasskeyAdded, false, false, false),
            (&none, AuditAction::PasskeyAdded, false, false, true),
            (&both, AuditAction::PasskeyRemoved, false, false, false),
            (&both, AuditAction::TotpRemoved, false, false, false),
            (&both, AuditAction::PasskeyCounterRegressed, true, true, true),
            // MF-22: what is left of a short password would stand alone, or is gone and not too short any more.
            (&short, AuditAction::TotpRemoved, false, false, false),
            (&short, AuditAction::RecoveryCodeUsed, true, true, false),
            (&short, AuditAction::PasswordChanged, true, false, true),
            (&key, AuditAction::PasswordRemoved, true, false, true),
        ] {
            let verdict = verdict(before, &[(action, 1)]);
            let found = (verdict.after.factors.has_any(), !verdict.without_password, !verdict.without_codes);
            assert_eq!(found, (has_app, has_password, has_codes), "{action:?}");
            let is_short = verdict.after.factors.password == PasswordKind::Short;
            assert!(!is_short || has_password && has_app, "{action:?}");
            let is_changed = verdict.after.factors != before.factors;
            assert_eq!(is_changed, verdict.after.factors.version == before.factors.version + 1, "{action:?}");
        }
        let asked = verdict(&quiet, &[(AuditAction::SecondFactorOn, 1)]);
        assert!(asked.after.factors.second_factor && asked.actions == [AuditAction::SecondFactorOn]);
        let last = verdict(&app, &[(AuditAction::TotpRemoved, 1), (AuditAction::TotpAdded, 2)]);
        assert!(!last.after.factors.has_any() && last.without_password, "what was added last is not in the table");
    }

    #[test]
    fn sec_pl_07_a_right_lives_on_only_where_nothing_can_have_used_it() {
        let spares = |action| Aftermath::of([(action, POINT)], &restored()).spares_rights();
        for used in [
            AuditAction::EmailChanged,
            AuditAction::EmailChangeUndone,
            AuditAction::DeletionCancelled,
            AuditAction::Erased,
        ] {
            assert!(!spares(used), "{used:?}");
        }
        assert!(spares(AuditAction::SignedIn) && spares(AuditAction::PasswordChanged));
    }
}
