//! What the mail of an item says.

use std::time::Duration;

use crate::app::App;
use crate::crypto::key_ring::MacKey;
use crate::crypto::mail_token::MailToken;
use crate::domain::device::device_name;
use crate::domain::factors::FactorChange;
use crate::domain::mail_order::Ordered;
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::registration::RegistrationKind;
use crate::domain::timestamp::Timestamp;
use crate::mail::Letter;

/// The letter, with the link and the code that this key makes of the item. `None` for what has no letter.
pub(in crate::use_cases) fn letter(app: &App, subject: &Ordered, key: &MacKey, now: Timestamp) -> Option<Letter> {
    let left = subject.expires_at().since(now);
    let token = token(subject);
    // OT-06: the origin is configured, never taken from a request.
    let link = |page: &str| format!("{}/ui/{page}?token={}", app.config.tokens.issuer, token.seal(key));
    let item = match subject {
        Ordered::Registration(registration) => {
            return Some(match registration.kind {
                RegistrationKind::OwnerNotice => Letter::OwnerNotice,
                RegistrationKind::Verification => Letter::Verification {
                    link: link("verify-email"),
                    code: token.verification_code(key),
                    hours: whole(left, 3600),
                    required: app.config.accounts.require_verified_email,
                },
            });
        }
        Ordered::OneTime(item) => item,
    };
    match item.purpose {
        Purpose::PasswordReset => {
            Some(Letter::PasswordReset { link: link("reset-password"), minutes: whole(left, 60) })
        }
        Purpose::EmailCode => Some(Letter::EmailCode {
            link: Some(link("sign-in")),
            code: token.sign_in_code(key),
            minutes: whole(left, 60),
        }),
        Purpose::EmailChange => {
            Some(Letter::EmailChange { link: link("confirm-email-change"), hours: whole(left, 3600) })
        }
        Purpose::EmailUndo => {
            Some(Letter::EmailChanged { undo_link: link("undo-email-change"), days: whole(left, 24 * 3600) })
        }
        Purpose::KeepAccount => {
            Some(Letter::DeletionScheduled { keep_link: link("keep-account"), erase_at: item.expires_at })
        }
        Purpose::PasswordChanged => Some(Letter::PasswordChanged),
        Purpose::NewDevice => Some(Letter::NewDevice {
            device: device_name(item.user_agent.as_deref()),
            address: item.address.clone(),
            at: item.created_at,
        }),
        Purpose::SessionReused => Some(Letter::SessionReused {
            device: device_name(item.user_agent.as_deref()),
            address: item.address.clone(),
            at: item.created_at,
        }),
        Purpose::SecondFactorFailed => Some(Letter::SecondFactorFailed {
            device: device_name(item.user_agent.as_deref()),
            address: item.address.clone(),
            at: item.created_at,
        }),
        Purpose::PasskeyCounterRegressed => Some(Letter::PasskeyCounterRegressed {
            device: device_name(item.user_agent.as_deref()),
            address: item.address.clone(),
            at: item.created_at,
        }),
        Purpose::RecoveryCodeUsed => Some(Letter::RecoveryCodeUsed {
            left: item.recovery_codes_left.unwrap_or_default(),
            device: device_name(item.user_agent.as_deref()),
            address: item.address.clone(),
            at: item.created_at,
        }),
        Purpose::FactorUndo => {
            Some(Letter::FactorAdded { change: change(item), undo_link: link("undo-factor"), hours: whole(left, 3600) })
        }
        Purpose::KeepFactors => Some(Letter::FactorsLost {
            keep_link: link("keep-factors"),
            hours: item
                .usable_from
                .filter(|from| *from > item.created_at)
                .map(|it| whole(it.since(item.created_at), 3600)),
        }),
        Purpose::RemoveFactors => {
            Some(Letter::FactorsRemoval { link: link("remove-factors"), minutes: whole(left, 60) })
        }
        Purpose::FactorsChanged => Some(Letter::FactorsChanged { change: change(item) }),
        Purpose::Verification | Purpose::Resend => None,
    }
}

fn change(item: &OneTime) -> FactorChange {
    item.factor_change.unwrap_or(FactorChange::Other)
}

fn token(subject: &Ordered) -> MailToken {
    match subject {
        Ordered::OneTime(item) => item.token(),
        Ordered::Registration(registration) => registration.token(),
    }
}

/// The time in whole units, to the nearest: a mail is a moment younger than its link.
fn whole(left: Duration, seconds: u64) -> u64 {
    ((left.as_secs() + seconds / 2) / seconds).max(1)
}
