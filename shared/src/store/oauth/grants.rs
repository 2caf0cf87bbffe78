//! Grants: one item from the code to the tombstone. Each step is one conditional write, and the write is the check.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::audit::AuditEntry;
use crate::domain::id::{GrantId, UserId};
use crate::domain::oauth::grant::{CodeProof, Grant, GrantRefresh, KEPT, RefreshProof, SpentCode};
use crate::domain::session::Presented;
use crate::domain::timestamp::Timestamp;
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::outcome::Outcome;
use crate::store::read::Pages;

/// A code, as far as the table has a say in it.
#[derive(Debug, Clone)]
pub struct CodeRequest<'a> {
    /// Whose grant.
    pub user_id: UserId,
    /// Which grant.
    pub grant_id: GrantId,
    /// What is shown.
    pub proof: CodeProof,
    /// Random, and the same in each try of one request.
    pub attempt: &'a str,
    /// How long the grant lies in the table.
    pub kept_until: Timestamp,
    /// The family of refresh tokens that begins, if the client may have one.
    pub refresh: Option<&'a GrantRefresh>,
    /// How long the client may ask again without ending the grant.
    pub grace: Duration,
}

/// What became of a code that was about to go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeIssue {
    /// It is written down, and may go out.
    Issued,
    /// Its session is gone.
    SessionGone,
}

/// A refresh token of a client.
#[derive(Debug, Clone)]
pub struct RefreshRequest<'a> {
    /// Whose grant.
    pub user_id: UserId,
    /// Which grant.
    pub grant_id: GrantId,
    /// What is shown.
    pub proof: RefreshProof,
    /// The MAC key of the successor; `None` where the token stays as it is.
    pub rotates_with: Option<&'a str>,
    /// How long the family lives without a refresh.
    pub idle: Duration,
    /// How much longer, where the grant outlives its session.
    pub longer: Duration,
    /// How long a refresh may be repeated with the same answer.
    pub grace: Duration,
}

/// What became of a refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed {
    /// The grant as it is now; asked again within the window, the same.
    Refreshed(Box<Grant>),
    /// An old generation of a live family.
    Reused,
    /// No live grant has this token.
    Dead,
}

/// What became of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redemption {
    /// It is exchanged, just now.
    Redeemed(Box<Grant>),
    /// It is not, for this reason, and the grant is as it was.
    Spent(SpentCode),
}

impl Store {
    /// Writes a grant whose code is about to go out. Nothing lives before it is exchanged, so that nobody else's item is
    /// looked at: five tabs would be in each other's way. But where the client is to be told of the session's end (`is_told`)
    /// and the session does not say so yet, it does from now on.
    pub async fn issue_code(&self, grant: &Grant, is_told: bool, audit: &AuditEntry) -> Result<CodeIssue, StoreError> {
        let ttl = grant.code_expires_at.plus(KEPT).unix_seconds();
        let put = self.put_new(&Key::grant(grant.user_id, grant.id), grant, Some(ttl))?;
        let told = is_told.then(|| {
            self.update(&Key::session(grant.user_id, grant.session_id), "ADD told_clients :client")
                .given("attribute_exists(pk)")
                .with([(":client", AttributeValue::Ss(vec![grant.client_id.as_str().to_owned()]))])
        });
        let parts = [put.into()].into_iter().chain(told.map(Into::into));
        match self.transact(parts, audit).await? {
            Outcome::Refused(refusal) if is_told && refusal.failed(1) => Ok(CodeIssue::SessionGone),
            // Its id is random: what is there already is this one, from a try whose answer was lost.
            _ => Ok(CodeIssue::Issued),
        }
    }

    /// Exchanges a code, in one conditional write (OC-07).
    pub async fn redeem_code(&self, request: &CodeRequest<'_>, now: Timestamp) -> Result<Redemption, StoreError> {
        let CodeRequest { proof, attempt, refresh, .. } = request;
        let family = if refresh.is_some() {
            ", generation = :generation, refresh_hash = :refresh, mac_kid = :kid, rotated_at = :now, idle_expires_at = :idle"
        } else {
            ""
        };
        let challenge = match &proof.challenge {
            Some(_) => "challenge = :challenge",
            None => "attribute_not_exists(challenge)",
        };
        let redeem = self
            .update(
                &Key::grant(request.user_id, request.grant_id),
                format!("SET #state = :live, redeemed_at = :now, redeemed_by = :attempt, #ttl = :ttl{family}"),
            )
            .given(
                "#state = :code AND code_hash = :hash AND code_expires_at > :now AND client_id = :client \
                 AND redirect_uri_hash = :uri AND attribute_not_exists(revoked_at)",
            )
            .and(challenge)
            .with([
                (":live", string("live")),
                (":code", string("code")),
                (":now", number(now.millis())),
                (":ttl", number(request.kept_until.unix_seconds())),
                (":attempt", string(attempt)),
                (":hash", string(&proof.code_hash)),
                (":client", string(proof.client_id.as_str())),
                (":uri", string(&proof.redirect_uri_hash)),
            ])
            .with(proof.challenge.iter().map(|challenge| (":challenge", string(challenge))))
            .with(refresh.iter().flat_map(|refresh| {
                [
                    (":generation", number(refresh.generation)),
                    (":refresh", string(&refresh.refresh_hash)),
                    (":kid", string(&refresh.mac_kid)),
                    (":idle", number(refresh.idle_expires_at.millis())),
                ]
            }))
            .returning_new()
            .showing_met();
        let met = match redeem.send(&self.client).await?.read()? {
            Outcome::Written(grant) => return Ok(Redemption::Redeemed(Box::new(grant))),
            Outcome::Refused(met) => met,
        };
        let Some(grant) = met.map(serde_dynamo::from_item::<_, Grant>).transpose()? else {
            return Ok(Redemption::Spent(SpentCode::Refused));
        };
        // A try whose answer was lost has done it.
        if grant.redeemed_by.as_deref() == Some(*attempt) && grant.is_live() {
            return Ok(Redemption::Redeemed(Box::new(grant)));
        }
        Ok(Redemption::Spent(grant.judge(proof, request.grace, now)))
    }

    /// Moves a family of refresh tokens on, or, where it does not rotate, its idle time alone: in one conditional write, which
    /// is the check (OC-10).
    pub async fn refresh_grant(&self, request: &RefreshRequest<'_>, now: Timestamp) -> Result<Refreshed, StoreError> {
        let RefreshRequest { proof, rotates_with, .. } = request;
        let Some(next) = proof.generation.checked_add(1) else { return Ok(Refreshed::Dead) };
        let rotates = rotates_with.is_some();
        let set = if rotates {
            "SET generation = :next, mac_kid = :kid, rotated_at = :now, idle_expires_at = :idle"
        } else {
            "SET idle_expires_at = :idle"
        };
        let settled = "(generation = :zero OR rotated_at <= :settled)";
        let write = self
            .update(&Key::grant(request.user_id, request.grant_id), set)
            .given(
                "#state = :live AND refresh_hash = :secret AND client_id = :client AND generation = :presented \
                 AND attribute_not_exists(revoked_at) \
                 AND (idle_expires_at > :now OR (attribute_exists(offline_version) AND idle_expires_at > :before))",
            )
            .with([
                (":live", string("live")),
                (":now", number(now.millis())),
                (":before", number(now.minus(request.longer).millis())),
                (":idle", number(now.plus(request.idle).millis())),
                (":secret", string(&proof.refresh_hash)),
                (":client", string(proof.client_id.as_str())),
                (":presented", number(proof.generation)),
            ]);
        let write = match rotates_with {
            Some(kid) => write.and(settled).with([
                (":next", number(next)),
                (":kid", string(kid)),
                (":zero", number(0)),
                (":settled", number(now.minus(request.grace).millis())),
            ]),
            None => write,
        };
        let met = match write.returning_new().showing_met().send(&self.client).await?.read()? {
            Outcome::Written(grant) => return Ok(Refreshed::Refreshed(Box::new(grant))),
            Outcome::Refused(met) => met,
        };
        let Some(grant) = met.map(serde_dynamo::from_item::<_, Grant>).transpose()? else { return Ok(Refreshed::Dead) };
        Ok(match grant.judge_refresh(proof, request.grace, request.longer, now) {
            Presented::Current | Presented::Replayed => Refreshed::Refreshed(Box::new(grant)),
            // One that does not rotate has one generation.
            Presented::Reused if rotates => Refreshed::Reused,
            Presented::Reused | Presented::Dead => Refreshed::Dead,
        })
    }

    /// Ends a grant, whatever it still gave.
    pub async fn revoke_grant(&self, user_id: UserId, id: GrantId, audit: &AuditEntry) -> Result<(), StoreError> {
        let revoke = self
            .update(&Key::grant(user_id, id), "SET revoked_at = :now")
            .given("attribute_exists(pk) AND attribute_not_exists(revoked_at)")
            .with([(":now", number(audit.at.millis()))]);
        self.transact([revoke.into()], audit).await.map(drop)
    }

    /// A user's grants, newest first, at most this many, and whether these are all.
    pub async fn list_grants(&self, user_id: UserId, most: usize) -> Result<(Vec<Grant>, bool), StoreError> {
        let query = self.beginning_with(&Key::grants(user_id)).scan_index_forward(false);
        let mut pages = Pages::of(query);
        let mut grants: Vec<Grant> = Vec::new();
        while grants.len() <= most {
            let Some(page) = pages.read_next().await? else { break };
            grants.extend(page);
        }
        let complete = grants.len() <= most;
        grants.truncate(most);
        Ok((grants, complete))
    }

    /// Reads a grant, strongly consistent.
    pub async fn read_grant(&self, user_id: UserId, id: GrantId) -> Result<Option<Grant>, StoreError> {
        self.read(&Key::grant(user_id, id)).await
    }
}
