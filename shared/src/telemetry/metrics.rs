//! What is measured, under the same names on Lambda (`CloudWatch`) and on the standalone server (Prometheus). Labels are
//! few and known beforehand: never an id, an address or anything that a client chose.

mod edge;
mod process;

use http::StatusCode;

pub use edge::{edge_folded, edge_store_bytes};
pub use process::{cold_start, memory};

/// Ways in which something can end, each with its label.
macro_rules! outcomes {
    ($(#[$about:meta])* $name:ident { $($(#[$meaning:meta])* $outcome:ident = $label:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$meaning])* $outcome),+ }

        impl $name {
            /// All of them: what alarms and dashboards can name.
            pub const ALL: &[Self] = &[$(Self::$outcome),+];

            /// The value of the label, mostly `outcome`.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$outcome => $label),+ }
            }
        }
    };
}

outcomes! {
    /// How a sign-in ended.
    SignIn {
        /// With a session.
        SignedIn = "signed_in",
        /// The password was wrong, or there is no such account.
        InvalidCredentials = "invalid_credentials",
        /// The mailed code or link was wrong.
        InvalidCode = "invalid_code",
        /// The mailed link was opened elsewhere than it was asked for: its code has to be typed.
        CodeRequired = "code_required",
        /// The first factor was right, and waits for the second.
        MfaRequired = "mfa_required",
        /// The second factor was wrong, or came too late.
        InvalidSecondFactor = "invalid_second_factor",
        /// A passkey was shown alone, and refused.
        InvalidPasskey = "invalid_passkey",
        /// It was not evaluated.
        TooManyAttempts = "too_many_attempts",
        /// Our side failed.
        Fault = "fault",
    }
}

outcomes! {
    /// How a refresh ended.
    Refresh {
        /// With the session's next token.
        Rotated = "rotated",
        /// With the same token again, as a retry gets it.
        Repeated = "repeated",
        /// So too, but another address or agent had used the session last.
        ReplayedElsewhere = "replayed_elsewhere",
        /// With the end of its session: the token had been used.
        Reused = "reused",
        /// The token was none, or none any more.
        InvalidToken = "invalid_token",
        /// Our side failed.
        Fault = "fault",
    }
}

outcomes! {
    /// How the proof of an address ended.
    Verification {
        /// The address is its account's.
        Verified = "verified",
        /// The link was none, or none any more.
        InvalidLink = "invalid_link",
        /// The code was wrong.
        InvalidCode = "invalid_code",
        /// The code was not evaluated.
        TooManyAttempts = "too_many_attempts",
        /// Our side failed.
        Fault = "fault",
    }
}

outcomes! {
    /// What was found of a new password among breached ones.
    BreachCheck {
        /// It is known.
        Breached = "breached",
        /// It is not.
        Clear = "clear",
        /// The service did not answer.
        Skipped = "skipped",
    }
}

outcomes! {
    /// What became of an order for a mail.
    Mail {
        /// The mail went out.
        Sent = "sent",
        /// There was nothing to send, or no longer.
        Nothing = "nothing",
        /// A limit is reached.
        OverLimit = "over_limit",
        /// Whoever should take it has refused it for good.
        Refused = "refused",
        /// The order waits for another try.
        Failed = "failed",
    }
}

outcomes! {
    /// Which limit an order for a mail met.
    MailLimit {
        /// That of whoever asks.
        Source = "source",
        /// That of whoever asks for this address.
        Pair = "pair",
        /// The address's.
        Address = "address",
        /// The stage's.
        Stage = "stage",
    }
}

outcomes! {
    /// How the rotation of a ring ended.
    Rotation {
        /// The ring has its next key.
        Done = "ok",
        /// A step on the way there failed.
        Failed = "failed",
    }
}

outcomes! {
    /// What was done to a line of the audit trail that nobody may touch.
    AuditChange {
        /// It was changed.
        Changed = "changed",
        /// It was deleted before its time.
        Deleted = "deleted",
    }
}

outcomes! {
    /// What the standalone server has too much of.
    Shed {
        /// Requests that are answered at the same time (SA-05).
        InFlight = "in_flight",
        /// Requests that wait for a password's hash (PW-08).
        Hashing = "hashing",
        /// Calls that wait for the store (SA-06).
        Store = "store",
    }
}

outcomes! {
    /// A cookie that was dead, damaged or never ours.
    StaleCookie {
        /// The refresh token's.
        Refresh = "refresh",
        /// The flow token's.
        Flow = "flow",
    }
}

/// A request was answered: how many, how many by our fault, and how long it took.
pub fn request(endpoint: &'static str, status: StatusCode, seconds: f64) {
    let code = status.as_str().to_owned();
    metrics::counter!("wardgate_requests_total", "endpoint" => endpoint, "status" => code).increment(1);
    if status.is_server_error() {
        metrics::counter!("wardgate_errors_total", "endpoint" => endpoint).increment(1);
    }
    metrics::histogram!("wardgate_request_duration_seconds", "endpoint" => endpoint).record(seconds);
}

/// A sign-in ended so.
pub fn sign_in(outcome: SignIn) {
    metrics::counter!("wardgate_sign_ins_total", "outcome" => outcome.label()).increment(1);
}

/// A refresh ended so.
pub fn refresh(outcome: Refresh) {
    metrics::counter!("wardgate_refreshes_total", "outcome" => outcome.label()).increment(1);
}

/// An address was verified, or not.
pub fn verification(outcome: Verification) {
    metrics::counter!("wardgate_verifications_total", "outcome" => outcome.label()).increment(1);
}

/// A new password was looked for among breached ones, or could not be.
pub fn breach_check(outcome: BreachCheck) {
    metrics::counter!("wardgate_breach_checks_total", "outcome" => outcome.label()).increment(1);
}

/// An order for a mail was carried out, or not.
pub fn mail(outcome: Mail) {
    metrics::counter!("wardgate_mails_total", "outcome" => outcome.label()).increment(1);
}

/// An order for a mail of this kind met a limit.
pub fn mail_refused(kind: &'static str, limit: MailLimit) {
    metrics::counter!("wardgate_mail_refusals_total", "kind" => kind, "limit" => limit.label()).increment(1);
}

/// A ring got its next key, or a step on the way there failed.
pub fn rotation(ring: &'static str, outcome: Rotation) {
    metrics::counter!("wardgate_rotations_total", "ring" => ring, "outcome" => outcome.label()).increment(1);
}

/// A line of the audit trail was touched (PL-03).
pub fn audit_tampering(outcome: AuditChange) {
    metrics::counter!("wardgate_audit_tampering_total", "outcome" => outcome.label()).increment(1);
}

/// A line of the audit trail was touched as an erasure does (decision 23).
pub fn audit_erasure() {
    metrics::counter!("wardgate_audit_erasures_total").increment(1);
}

/// A call to the table took so long, retries included.
pub fn store_operation(operation: String, seconds: f64) {
    metrics::histogram!("wardgate_store_duration_seconds", "operation" => operation).record(seconds);
}

/// A call to the table brought no answer, after all retries.
pub fn store_error(operation: String) {
    metrics::counter!("wardgate_store_errors_total", "operation" => operation).increment(1);
}

/// A ring of keys could not be read again, and its last copy is used.
pub fn stale_secrets() {
    metrics::counter!("wardgate_secrets_stale_total").increment(1);
}

/// A trusted proxy hid the source of a request: it counts for the proxy's own address.
pub fn hidden_source() {
    metrics::counter!("wardgate_sources_hidden_total").increment(1);
}

/// A request was refused because there are too many.
pub fn shed(reason: Shed) {
    metrics::counter!("wardgate_shed_total", "reason" => reason.label()).increment(1);
}

/// How many requests wait for their turn to hash a password, and what a hash takes at the moment.
pub fn hashing(waiting: u32, seconds: f64) {
    metrics::gauge!("wardgate_hashes_waiting").set(f64::from(waiting));
    metrics::gauge!("wardgate_hash_seconds").set(seconds);
}

/// How many connections the standalone server has, and may have.
pub fn connections(open: u32, most: u32) {
    metrics::gauge!("wardgate_connections").set(f64::from(open));
    metrics::gauge!("wardgate_connections_limit").set(f64::from(most));
}

/// How many requests the standalone server answers at the moment, and may answer.
pub fn in_flight(requests: u32, most: u32) {
    metrics::gauge!("wardgate_in_flight").set(f64::from(requests));
    metrics::gauge!("wardgate_in_flight_limit").set(f64::from(most));
}

/// Which version runs.
pub fn build(version: &'static str) {
    metrics::gauge!("wardgate_build_info", "version" => version).set(1.0);
}

/// A ring was read whose newest key began to sign so long ago. A histogram, because a gauge would be written with every
/// request.
pub fn key_age(ring: &'static str, seconds: f64) {
    metrics::histogram!("wardgate_key_age_seconds", "ring" => ring).record(seconds);
}

/// A browser was made to forget a cookie that was worth nothing.
pub fn cookie_cleared(cookie: StaleCookie) {
    metrics::counter!("wardgate_cookies_cleared_total", "cookie" => cookie.label()).increment(1);
}
