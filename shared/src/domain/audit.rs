//! The audit trail's lines (PL-03): who, what, when, from where.

use serde::{Deserialize, Serialize};

use crate::domain::email::EmailKey;
use crate::domain::id::{AuditId, SessionId, UserId};
use crate::domain::timestamp::Timestamp;

/// Whom a line is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// An account.
    User(UserId),
    /// An address that may or may not have one: lines about failures must not tell.
    Address(EmailKey),
    /// The stage itself: what its operators and its own functions do to it.
    Stage,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// Somebody asked for an account.
    Registered,
    /// An account came from another system.
    Imported,
    /// A sign-in went through.
    SignedIn,
    /// A sign-in went through, or a person has shown again who they are, with a recovery code.
    RecoveryCodeUsed,
    /// The same with a passkey whose counter went back: it may have a copy (MF-16).
    PasskeyCounterRegressed,
    /// A person who is signed in has shown again who they are.
    SteppedUp,
    /// Sign-ins failed in this minute; how many is in the counters.
    SignInFailed,
    /// A second factor was wrong in this minute; how often is in the counters.
    SecondFactorFailed,
    /// A refresh that was repeated inside the grace window came from another address or agent (SE-02).
    RefreshReplayedElsewhere,
    /// An old refresh token was used; the session was revoked (SE-02).
    RefreshReused,
    /// A client got a code for the tokens of a person who is signed in.
    ClientAuthorized,
    /// A person let a client have something of theirs.
    ConsentGiven,
    /// What a client had of a person was ended, by the client or by the person.
    GrantEnded,
    /// A code came a second time; what it had been exchanged for was revoked (OC-08).
    CodeReused,
    /// An old refresh token of a client was used; what it came of was revoked (OC-10).
    ClientRefreshReused,
    /// A session was ended by its user.
    SessionEnded,
    /// All sessions but one were ended by their user.
    OtherSessionsEnded,
    /// An address was shown to be its owner's, and the account began or was confirmed.
    EmailVerified,
    /// A change of address was asked for.
    EmailChangeRequested,
    /// The account has another address.
    EmailChanged,
    /// A change of address was undone.
    EmailChangeUndone,
    /// A password was changed by its owner, who knew the old one.
    PasswordChanged,
    /// A password was set by whoever reads the address's mail.
    PasswordReset,
    /// The password was taken away by its owner, who signs in with passkeys.
    PasswordRemoved,
    /// There is an app that shows codes, or another one.
    TotpAdded,
    /// It is gone.
    TotpRemoved,
    /// There is another passkey.
    PasskeyAdded,
    /// A passkey is gone.
    PasskeyRemoved,
    /// A passkey has another name.
    PasskeyRenamed,
    /// There are new recovery codes.
    RecoveryCodesMade,
    /// A sign-in asks for a second factor.
    SecondFactorOn,
    /// It does not any more.
    SecondFactorOff,
    /// All second factors are said to be lost.
    FactorLossAsked,
    /// An operator lets them be taken away at once.
    FactorLossAllowed,
    /// They are not.
    FactorLossCancelled,
    /// All second factors were taken away, by whoever reads the address's mail.
    FactorsRemoved,
    /// The profile was changed.
    ProfileChanged,
    /// Everything that is held about the account was given out to its owner.
    Exported,
    /// Deletion was asked for.
    DeletionRequested,
    /// The account is kept after all.
    DeletionCancelled,
    /// The account was erased.
    Erased,
    /// A deletion that was asked for, and that a restore had forgotten, holds again.
    DeletionRepeated,
    /// An account that its owner keeps, which a restore had forgotten, is kept again.
    CancellationRepeated,
    /// The account cannot be used until somebody has looked at it.
    Disabled,
    /// The password was taken away: a restore had brought back one that was replaced.
    ResetForced,
    /// Second factors were taken away: a restore had brought back what was removed or replaced.
    FactorRemovalRepeated,
    /// Recovery codes were ended: a restore had brought back what was used or replaced.
    RecoveryCodesEnded,
    /// A ring got its next key.
    KeysRotated,
    /// A key was taken out of use at once.
    KeyRetired,
    /// A migration was applied or taken back.
    Migrated,
    /// An OAuth client or one of its secrets came, changed or went.
    ClientChanged,
    /// An OAuth resource came, changed or went.
    ResourceChanged,
    /// Something that another release knows, and this one does not.
    #[serde(other)]
    Other,
}

/// Where a request came from, as far as the trail keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// The address.
    pub address: Option<String>,
    /// The user agent.
    pub user_agent: Option<String>,
}

/// One line. Lines are only ever added, and lose what tells of a person only when their account is erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Unique, and sorts by time.
    pub id: AuditId,
    /// Whom it is about.
    pub subject: Subject,
    /// What happened.
    pub action: AuditAction,
    /// The session concerned.
    pub session: Option<SessionId>,
    /// When.
    pub at: Timestamp,
    /// From which address.
    pub address: Option<String>,
    /// From which user agent.
    pub user_agent: Option<String>,
    /// Who else was there: where a refresh token was presented again, who used its session last (SE-02).
    pub holder: Option<Party>,
    /// The request that did it.
    pub request_id: String,
    /// What else there is to say, for people: of a line about the stage.
    pub detail: Option<String>,
}

/// A line about an account, as its owner may read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Names the line.
    pub id: AuditId,
    /// What happened.
    pub action: AuditAction,
    /// When.
    pub at: Timestamp,
    /// From which address.
    pub address: Option<String>,
    /// From which user agent.
    pub user_agent: Option<String>,
    /// The session concerned.
    pub session: Option<SessionId>,
    /// Who had used a session last whose token was presented again.
    pub holder: Option<Party>,
}
