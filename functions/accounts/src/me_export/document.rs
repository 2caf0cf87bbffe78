//! The document that an export is.

use schemars::JsonSchema;
use serde::Serialize;
use wardgate::domain::address_items::KnownDevice;
use wardgate::domain::audit::{Activity, AuditAction};
use wardgate::domain::oauth::consent::GivenConsent;
use wardgate::domain::oauth::grant::Grant;
use wardgate::domain::one_time::OneTime;
use wardgate::domain::registration::{Registration, RegistrationKind};
use wardgate::domain::session::Session;
use wardgate::domain::timestamp::Timestamp;
use wardgate::http::me::MeReply;
use wardgate::http::mfa::MfaReply;
use wardgate::use_cases::accounts::me_export::{Export, HeldAddress};

/// Everything that is held about a person. Times are RFC 3339.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MeExportReply {
    /// When this was put together.
    exported_at: String,
    /// The profile.
    profile: MeReply,
    /// The address, and former ones that are kept for an undo.
    addresses: Vec<AddressDocument>,
    /// Second factors, without anything that opens the account.
    second_factors: MfaReply,
    /// Newest first; ended ones as long as they are held.
    sessions: Vec<SessionDocument>,
    /// What applications may have of the person, newest first.
    applications: Vec<GrantDocument>,
    /// What the person has let applications have, by application.
    consents: Vec<ConsentDocument>,
    /// What happened, newest first.
    activity: Vec<ActivityDocument>,
    /// Where older activity begins, as the `cursor` of `GET /v1/me/activity`; null if all of it is here.
    activity_next_cursor: Option<String>,
    /// Whether all else that is held is here. It is not where there is far more than a person makes; sessions that are
    /// missing are in the activity.
    complete: bool,
}

#[derive(Serialize, JsonSchema)]
struct AddressDocument {
    /// The address as it was typed; null for a former one that is held as a hash alone.
    address: Option<String>,
    /// The address in its one form, by which it can be compared; null where the address is.
    address_canonical: Option<String>,
    /// Until when a former address is kept.
    reserved_until: Option<String>,
    /// Whether it signs in with a password.
    has_password: bool,
    /// Devices that have signed in with it.
    devices: Vec<DeviceDocument>,
    /// Mails that were ordered for it.
    mails: Vec<MailDocument>,
    /// Registrations of it that were begun.
    registrations: Vec<RegistrationDocument>,
}

#[derive(Serialize, JsonSchema)]
struct DeviceDocument {
    id: String,
    created_at: String,
    last_used_at: String,
    expires_at: String,
}

#[derive(Serialize, JsonSchema)]
struct MailDocument {
    purpose: &'static str,
    created_at: String,
    /// Until when its link or code works.
    expires_at: String,
    sent_at: Option<String>,
    used_at: Option<String>,
    /// The address that a new device signed in from.
    address: Option<String>,
    /// What a new device calls itself.
    user_agent: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct RegistrationDocument {
    #[schemars(with = "String")]
    kind: RegistrationKind,
    name: Option<String>,
    created_at: String,
    expires_at: String,
    used_at: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct SessionDocument {
    id: String,
    created_at: String,
    /// When the person last proved who they are.
    authenticated_at: String,
    /// How (RFC 8176).
    methods: Vec<String>,
    last_used_at: String,
    expires_at: String,
    ended_at: Option<String>,
    address: Option<String>,
    user_agent: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct GrantDocument {
    id: String,
    client_id: String,
    scopes: Vec<String>,
    resources: Vec<String>,
    session_id: String,
    created_at: String,
    /// When the application took it.
    taken_at: Option<String>,
    ended_at: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct ConsentDocument {
    client_id: String,
    scopes: Vec<String>,
    resources: Vec<String>,
    /// Where the answers went.
    hosts: Vec<String>,
    created_at: String,
    /// When the person said so last.
    given_at: String,
}

#[derive(Serialize, JsonSchema)]
struct ActivityDocument {
    id: String,
    #[schemars(with = "String")]
    action: AuditAction,
    at: String,
    address: Option<String>,
    user_agent: Option<String>,
    session_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder_user_agent: Option<String>,
}

impl MeExportReply {
    pub(crate) fn new(export: Export, now: Timestamp) -> Self {
        Self {
            exported_at: now.rfc3339(),
            profile: export.user.into(),
            addresses: export.addresses.into_iter().map(AddressDocument::from).collect(),
            second_factors: export.mfa.into(),
            sessions: export.sessions.into_iter().map(SessionDocument::from).collect(),
            applications: export.grants.into_iter().map(GrantDocument::from).collect(),
            consents: export.consents.into_iter().map(ConsentDocument::from).collect(),
            activity: export.activity.into_iter().map(ActivityDocument::from).collect(),
            activity_next_cursor: export.next_activity.map(|id| id.to_string()),
            complete: export.complete,
        }
    }
}

impl From<GivenConsent> for ConsentDocument {
    fn from(consent: GivenConsent) -> Self {
        Self {
            client_id: consent.client_id.as_str().to_owned(),
            scopes: consent.scopes.into_iter().collect(),
            resources: consent.resources.into_iter().map(String::from).collect(),
            hosts: consent.hosts.into_iter().collect(),
            created_at: consent.created_at.rfc3339(),
            given_at: consent.at.rfc3339(),
        }
    }
}

impl From<Grant> for GrantDocument {
    fn from(grant: Grant) -> Self {
        Self {
            id: grant.id.to_string(),
            client_id: grant.client_id.as_str().to_owned(),
            scopes: grant.scopes.into_iter().collect(),
            resources: grant.resources.iter().map(|uri| uri.as_str().to_owned()).collect(),
            session_id: grant.session_id.to_string(),
            created_at: grant.created_at.rfc3339(),
            taken_at: grant.redeemed_at.map(Timestamp::rfc3339),
            ended_at: grant.revoked_at.map(Timestamp::rfc3339),
        }
    }
}

impl From<HeldAddress> for AddressDocument {
    fn from(held: HeldAddress) -> Self {
        let items = held.items;
        Self {
            address_canonical: held.email.as_ref().map(|email| email.canonical().to_owned()),
            address: held.email.map(|email| email.display().to_owned()),
            reserved_until: held.reserved_until.map(Timestamp::rfc3339),
            has_password: items.credential.is_some_and(|credential| credential.password.is_some()),
            devices: items.devices.into_iter().map(DeviceDocument::from).collect(),
            mails: items.one_times.into_iter().map(MailDocument::from).collect(),
            registrations: items.registrations.into_iter().map(RegistrationDocument::from).collect(),
        }
    }
}

impl From<KnownDevice> for DeviceDocument {
    fn from(device: KnownDevice) -> Self {
        Self {
            id: device.id,
            created_at: device.created_at.rfc3339(),
            last_used_at: device.last_at.rfc3339(),
            expires_at: device.expires_at.rfc3339(),
        }
    }
}

impl From<OneTime> for MailDocument {
    fn from(item: OneTime) -> Self {
        Self {
            purpose: item.purpose.name(),
            created_at: item.created_at.rfc3339(),
            expires_at: item.expires_at.rfc3339(),
            sent_at: item.mailing.sent_at.map(Timestamp::rfc3339),
            used_at: item.used_at.map(Timestamp::rfc3339),
            address: item.address,
            user_agent: item.user_agent,
        }
    }
}

impl From<Registration> for RegistrationDocument {
    fn from(registration: Registration) -> Self {
        Self {
            kind: registration.kind,
            name: registration.name.map(|name| name.as_str().to_owned()),
            created_at: registration.created_at.rfc3339(),
            expires_at: registration.expires_at.rfc3339(),
            used_at: registration.used_at.map(Timestamp::rfc3339),
        }
    }
}

impl From<Session> for SessionDocument {
    fn from(session: Session) -> Self {
        Self {
            id: session.id.to_string(),
            created_at: session.created_at.rfc3339(),
            authenticated_at: session.authenticated_at.rfc3339(),
            methods: session.amr,
            last_used_at: session.rotated_at.rfc3339(),
            expires_at: session.expires_at.rfc3339(),
            ended_at: session.revoked_at.map(Timestamp::rfc3339),
            address: session.address,
            user_agent: session.user_agent,
        }
    }
}

impl From<Activity> for ActivityDocument {
    fn from(line: Activity) -> Self {
        let (holder_address, holder_user_agent) =
            line.holder.map_or((None, None), |holder| (holder.address, holder.user_agent));
        Self {
            id: line.id.to_string(),
            action: line.action,
            at: line.at.rfc3339(),
            address: line.address,
            user_agent: line.user_agent,
            session_id: line.session.map(|id| id.to_string()),
            holder_address,
            holder_user_agent,
        }
    }
}
