//! Every mail.

use crate::domain::factors::FactorChange;
use crate::domain::timestamp::Timestamp;
use crate::gallery::LINK;
use crate::mail::Letter;

/// Every mail.
pub(crate) fn letters() -> Vec<(&'static str, Letter)> {
    let link = || LINK.to_owned();
    let code = || "482913".to_owned();
    let at = Timestamp::from_millis(1_772_368_200_250);
    let device = || "Firefox on Linux".to_owned();
    let mut letters = vec![
        ("verification", Letter::Verification { link: link(), code: code(), hours: 24, required: true }),
        (
            "verification-of-a-usable-account",
            Letter::Verification { link: link(), code: code(), hours: 1, required: false },
        ),
        ("owner-notice", Letter::OwnerNotice),
        ("password-reset", Letter::PasswordReset { link: link(), minutes: 30 }),
        ("email-code", Letter::EmailCode { link: Some(link()), code: code(), minutes: 10 }),
        ("email-code-alone", Letter::EmailCode { link: None, code: code(), minutes: 1 }),
        ("email-change", Letter::EmailChange { link: link(), hours: 1 }),
        ("email-changed", Letter::EmailChanged { undo_link: link(), days: 7 }),
        ("password-changed", Letter::PasswordChanged),
        ("new-device", Letter::NewDevice { device: device(), address: Some("192.0.2.7".to_owned()), at }),
        ("new-device-unplaced", Letter::NewDevice { device: device(), address: None, at }),
        ("session-reused", Letter::SessionReused { device: device(), address: Some("192.0.2.7".to_owned()), at }),
        ("session-reused-unplaced", Letter::SessionReused { device: device(), address: None, at }),
        ("deletion-scheduled", Letter::DeletionScheduled { keep_link: link(), erase_at: at }),
    ];
    let address = || Some("192.0.2.7".to_owned());
    letters.push(("second-factor-failed", Letter::SecondFactorFailed { device: device(), address: address(), at }));
    let regressed = Letter::PasskeyCounterRegressed { device: device(), address: address(), at };
    letters.push(("passkey-counter-regressed", regressed));
    for (name, left) in [("recovery-code-used", 7), ("recovery-code-used-last-but-one", 1)] {
        letters.push((name, Letter::RecoveryCodeUsed { left, device: device(), address: address(), at }));
    }
    let change = FactorChange::TotpAdded;
    letters.push(("factor-added", Letter::FactorAdded { change, undo_link: link(), hours: 24 }));
    letters.push(("factors-lost", Letter::FactorsLost { keep_link: link(), hours: Some(72) }));
    letters.push(("factors-lost-allowed", Letter::FactorsLost { keep_link: link(), hours: None }));
    letters.push(("factors-removal", Letter::FactorsRemoval { link: link(), minutes: 30 }));
    for (name, change) in [
        ("factors-changed-totp-removed", FactorChange::TotpRemoved),
        ("factors-changed-password-removed", FactorChange::PasswordRemoved),
        ("factors-changed-passkey-added", FactorChange::PasskeyAdded),
        ("factors-changed-passkey-removed", FactorChange::PasskeyRemoved),
        ("factors-changed-recovery-codes", FactorChange::RecoveryCodesMade),
        ("factors-changed-on", FactorChange::SecondFactorOn),
        ("factors-changed-off", FactorChange::SecondFactorOff),
        ("factors-changed-undone", FactorChange::Undone),
    ] {
        letters.push((name, Letter::FactorsChanged { change }));
    }
    letters
}
