//! What a restored table goes through before anybody uses it (PL-07). The table is as it was at the point; what happened
//! to accounts after it is in the audit trail, which is not rolled back.
//!
//! A page at a time, and none knows of another: a run that was cut short is begun again, and finds what is done.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::try_join_all;
use serde::{Deserialize, Serialize, Serializer};

use crate::app::App;
use crate::domain::aftermath::{Aftermath, Restored};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::id::UserId;
use crate::domain::language::Language;
use crate::domain::oauth::consent::GivenConsent;
use crate::domain::origin::Origin;
use crate::domain::request_context::RequestContext;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::{User, UserStatus};
use crate::fault::Fault;
use crate::store::Store;
use crate::store::restored::{LineSince, Rewrite, Swept};
use crate::store::restored_items::{Content, Mailed, RestoredItem};
pub use crate::store::restored_items::{Cursor, Segment};

/// How many items are looked at at a time.
const AT_ONCE: usize = 32;

/// What to go through: what `make restore` asks for. Times are milliseconds since 1970.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// Names the restore in the audit trail.
    pub id: String,
    /// The restored table, by its full name.
    pub table: String,
    /// The table is as it was then.
    pub point: Timestamp,
    /// When the restore was made: the same for every page of it, and for a run that is begun again.
    pub now: Timestamp,
    /// Whether to look only.
    pub check: bool,
    /// Which part of the table.
    pub segment: Segment,
    /// Where in it, as the answer before said.
    pub cursor: Option<Cursor>,
    /// How many items.
    pub limit: i32,
}

/// What was found and done on a page.
#[derive(Debug, Default, Serialize)]
pub struct SweptPage {
    /// Where the next one begins; null after the last.
    pub cursor: Option<Cursor>,
    /// Items by kind.
    pub items: BTreeMap<&'static str, u64>,
    /// The sum over the items that stay, modulo 2^128, of what the sweep leaves as it is; 32 hex digits.
    #[serde(serialize_with = "hex_digits")]
    pub checksum: u128,
    /// Accounts that were changed just now.
    pub accounts: u64,
    /// Tokens and codes that were killed just now, and consents that were withdrawn.
    pub killed: u64,
    /// What was done to accounts, by name of the line in their trail.
    pub actions: Vec<(AuditAction, UserId)>,
    /// What is not as it has to be, where there was only to look.
    pub wrong: Vec<String>,
}

impl SweptPage {
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Nothing => {}
            Outcome::Account(actions) => {
                self.accounts += 1;
                self.actions.extend(actions);
            }
            Outcome::Killed => self.killed += 1,
            Outcome::Wrong(what) => self.wrong.push(what),
        }
    }
}

fn hex_digits<S: Serializer>(checksum: &u128, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{checksum:032x}"))
}

/// Goes through a page.
pub async fn sweep_restored(app: &App, sweep: Sweep) -> Result<SweptPage, Fault> {
    let store = app.store.restored(sweep.table.clone())?;
    let page = store.scan_restored(sweep.segment, sweep.limit, sweep.cursor.clone(), sweep.now).await?;
    let mut swept = SweptPage { cursor: page.next, ..SweptPage::default() };
    for item in &page.items {
        *swept.items.entry(item.kind).or_default() += 1;
        // Turns to be erased come and go in the sweep, and consents and factors go.
        if !["erasure", "consent", "factor", "passkey_owner"].contains(&item.kind) {
            swept.checksum = swept.checksum.wrapping_add(item.checksum);
        }
    }
    let run = Run { app, store: &store, sweep: &sweep, restored: restored(app, &sweep) };
    for some in page.items.chunks(AT_ONCE) {
        for outcome in try_join_all(some.iter().map(|item| run.item(item))).await? {
            swept.count(outcome);
        }
    }
    tracing::info!(request_id = sweep.id, accounts = swept.accounts, killed = swept.killed, "swept a page");
    Ok(swept)
}

fn restored(app: &App, sweep: &Sweep) -> Restored {
    let accounts = &app.config.accounts;
    Restored {
        point: sweep.point,
        now: sweep.now,
        deletion_grace: Duration::from_secs(accounts.deletion_grace_seconds),
        // The trail does not tell which of the two it was: after the shorter, the address may be anybody's.
        undo: Duration::from_secs(accounts.email_undo_known_device_seconds),
    }
}

enum Outcome {
    Nothing,
    Account(Vec<(AuditAction, UserId)>),
    Killed,
    Wrong(String),
}

struct Run<'a> {
    app: &'a App,
    store: &'a Store,
    sweep: &'a Sweep,
    restored: Restored,
}

impl Run<'_> {
    async fn item(&self, item: &RestoredItem) -> Result<Outcome, Fault> {
        match (&item.content, self.sweep.check) {
            (Content::User(user), false) => self.account(user).await,
            (Content::Mailed(mailed), false) => self.mailed(mailed).await,
            (Content::Consent(consent), false) => self.consent(consent).await,
            (Content::User(user), true) => self.look_at_account(user).await,
            (Content::Mailed(mailed), true) => self.look_at_mailed(mailed).await,
            (Content::Consent(consent), true) => self.look_at_consent(consent).await,
            (Content::Other, _) => Ok(Outcome::Nothing),
        }
    }

    async fn account(&self, user: &User) -> Result<Outcome, Fault> {
        // Done by a run before this one: what it did must not be judged again.
        if user.sessions_not_before >= Some(self.sweep.now) {
            return Ok(Outcome::Nothing);
        }
        let verdict = self.aftermath(user.id).await?.judge(user, &self.restored);
        let context = RequestContext {
            now: self.sweep.now,
            origin: Origin::new(None, None),
            language: Language::default(),
            request_id: self.sweep.id.clone(),
        };
        let line = |action: &AuditAction| self.app.audit(&context, Subject::User(user.id), *action, None);
        let audit = verdict.actions.iter().map(line).collect::<Result<Vec<_>, _>>()?;
        let keeps = verdict.after.factors.passkeys() == user.factors.passkeys();
        let passkeys = if keeps { Vec::new() } else { self.store.list_passkeys(user.id).await? };
        let rewrite = Rewrite {
            before: user,
            after: &verdict.after,
            passkeys: &passkeys,
            without_password: verdict.without_password,
            without_codes: verdict.without_codes,
            now: self.sweep.now,
            audit: &audit,
        };
        Ok(match self.store.rewrite_account(&rewrite).await? {
            Swept::Changed => Outcome::Account(verdict.actions.into_iter().map(|action| (action, user.id)).collect()),
            Swept::Before => Outcome::Nothing,
            Swept::Unfit => self.end_sessions_of_unfit(user).await?,
        })
    }

    /// A restore is not of one moment: of a transaction that was under way at the point, it may have a part. Nobody can
    /// sign in to such an account, so it is enough that its sessions end; somebody has to look at it.
    async fn end_sessions_of_unfit(&self, user: &User) -> Result<Outcome, Fault> {
        let now = self.sweep.now;
        let after = User { sessions_not_before: Some(now), kept_sid: None, ..user.clone() };
        let rewrite = Rewrite {
            before: user,
            after: &after,
            without_password: false,
            without_codes: false,
            passkeys: &[],
            now,
            audit: &[],
        };
        self.store.rewrite_account(&rewrite).await?;
        Ok(Outcome::Wrong(format!("{}: its credential is not what it says", user.id)))
    }

    async fn aftermath(&self, user: UserId) -> Result<Aftermath, Fault> {
        // A request that is under way now is of the table before, and may be recorded a little later than that.
        let lines = self.lines(user).await?.into_iter().map(|line| (line.action, line.at));
        Ok(Aftermath::of(lines, &self.restored))
    }

    async fn lines(&self, user: UserId) -> Result<Vec<LineSince>, Fault> {
        let until = self.app.clock.now().max(self.sweep.now);
        Ok(self.app.store.lines_since(user, self.restored.since(), until).await?)
    }

    /// A person who has taken something back from a client is asked once more before it has that again; whoever has only
    /// ended a grant of it is asked once too often.
    async fn consent(&self, consent: &GivenConsent) -> Result<Outcome, Fault> {
        if !self.is_taken_back(consent).await? {
            return Ok(Outcome::Nothing);
        }
        Ok(match self.store.withdraw_consent(consent).await? {
            Swept::Changed => Outcome::Killed,
            Swept::Before | Swept::Unfit => Outcome::Nothing,
        })
    }

    async fn is_taken_back(&self, consent: &GivenConsent) -> Result<bool, Fault> {
        let client_id = consent.client_id.as_str();
        let lines = self.lines(consent.user_id).await?;
        Ok(lines.iter().any(|it| it.action == AuditAction::GrantEnded && it.detail.as_deref() == Some(client_id)))
    }

    async fn look_at_consent(&self, consent: &GivenConsent) -> Result<Outcome, Fault> {
        if !self.is_taken_back(consent).await? {
            return Ok(Outcome::Nothing);
        }
        Ok(Outcome::Wrong(format!("{}: an application has again what was taken back from it", consent.user_id)))
    }

    async fn mailed(&self, mailed: &Mailed) -> Result<Outcome, Fault> {
        if !mailed.is_live || self.spares(mailed).await? {
            return Ok(Outcome::Nothing);
        }
        Ok(match self.store.kill_mailed(mailed, self.sweep.now).await? {
            Swept::Changed => Outcome::Killed,
            Swept::Before | Swept::Unfit => Outcome::Nothing,
        })
    }

    async fn spares(&self, mailed: &Mailed) -> Result<bool, Fault> {
        match mailed.right_of {
            Some(user) => Ok(self.aftermath(user).await?.spares_rights()),
            None => Ok(false),
        }
    }

    async fn look_at_account(&self, user: &User) -> Result<Outcome, Fault> {
        let id = user.id;
        if user.sessions_not_before < Some(self.sweep.now) || user.kept_sid.is_some() {
            return Ok(Outcome::Wrong(format!("{id}: its sessions live")));
        }
        if (user.status == UserStatus::Leaving) != user.erase_at.is_some() && user.status != UserStatus::Erasing {
            return Ok(Outcome::Wrong(format!("{id}: its erasure is not what its status says")));
        }
        if !self.store.fits_its_credential(user).await? {
            return Ok(Outcome::Wrong(format!("{id}: its credential is not what it says")));
        }
        Ok(Outcome::Nothing)
    }

    async fn look_at_mailed(&self, mailed: &Mailed) -> Result<Outcome, Fault> {
        if !mailed.is_live || self.spares(mailed).await? {
            return Ok(Outcome::Nothing);
        }
        Ok(Outcome::Wrong("a mailed token still works".to_owned()))
    }
}
