//! Mails: which are owed, that they arrive, and what stands in them.

use std::collections::BTreeSet;

use wardgate::domain::credential::Credential;
use wardgate::domain::one_time::{OneTime, Purpose};
use wardgate::domain::registration::{Registration, RegistrationKind};
use wardgate::domain::user::{User, UserStatus};
use wardgate_server::dev::outbox::Mail;
use wardgate_server::dev::pump::Drained;

use super::people::{Item, World, parsed, text};
use super::{ADDRESSES, Death};
use crate::harness::code;
use crate::harness::mail_edge::MailDisturbance;

/// More than one round is needed only where two orders are about one registration.
const ROUNDS: usize = 5;

impl World {
    /// Lets the mailer run, and holds it to what it owes (EN-05): what is due arrives as soon as nothing fails, and
    /// nothing arrives twice unless a crash fell between the transport and the mark.
    pub async fn deliver(&mut self, death: Death, mail: Option<MailDisturbance>) {
        let items = self.table().await;
        let is_sent = |item: &&Item| item.contains_key("sent_at");
        let sent: BTreeSet<&str> = items.iter().filter(is_sent).map(|item| text(item, "id")).collect();
        let wanted: Vec<&Item> = items.iter().filter(|item| self.is_wanted(item)).collect();
        // A mark alone pays nothing: what is marked has to have arrived.
        self.owed.retain(|id, _| wanted.iter().any(|item| text(item, "id") == id));
        for item in wanted.into_iter().filter(|item| !is_sent(item)) {
            let expected = self.has_a_reader(item, &items);
            let owed = self.owed.entry(text(item, "id").to_owned()).or_insert(true);
            *owed &= expected;
        }
        let before = self.server.mail_edge.arrived().len();
        if let Some((after, crash)) = death {
            self.server.store.crash_after(after, crash);
        }
        if let Some(mail) = mail {
            self.server.mail_edge.disturb(mail, 1);
        }
        let undisturbed = death.is_none() && mail.is_none();
        let mut rounds = 0;
        while self.server.pump.drain().await.unwrap() == Drained::Waiting && undisturbed {
            rounds += 1;
            assert!(rounds < ROUNDS, "mails wait though nothing fails");
        }
        self.server.store.mend();
        self.server.mail_edge.mend();
        let arrived = self.server.mail_edge.arrived().split_off(before);
        let once: BTreeSet<&str> = arrived.iter().map(String::as_str).collect();
        assert_eq!(once.len(), arrived.len(), "a mail twice in one run: {arrived:?}");
        assert!(once.is_disjoint(&sent), "a mail that is marked as sent is sent again: {arrived:?}");
        if undisturbed {
            let arrived: BTreeSet<String> = self.server.mail_edge.arrived().into_iter().collect();
            let lost: Vec<_> = self.owed.iter().filter(|(id, owed)| **owed && !arrived.contains(*id)).collect();
            assert!(lost.is_empty(), "mails were lost: {lost:?}");
        }
    }

    fn is_wanted(&self, item: &Item) -> bool {
        let number = |name: &str| item.get(name).and_then(|value| value.as_n().ok()?.parse::<i64>().ok());
        item.contains_key("nonce")
            && !item.contains_key("used_at")
            && number("expires_at").is_some_and(|end| self.now().millis() < end)
    }

    /// Whether an order's mail is for anybody, as the accounts are now.
    fn has_a_reader(&self, item: &Item, items: &[Item]) -> bool {
        let beside =
            |sk: &str| items.iter().find(|other| text(other, "pk") == text(item, "pk") && text(other, "sk") == sk);
        let credential: Option<Credential> = beside("CREDENTIAL").map(parsed);
        let is_free = credential.as_ref().is_none_or(|credential| credential.is_free(self.now()));
        let profile = |id: &str| {
            let pk = format!("USER#{id}");
            let found = items.iter().find(|other| text(other, "pk") == pk && text(other, "sk") == "PROFILE");
            found.map(parsed::<User>).filter(|user| user.status == UserStatus::Active)
        };
        let live = credential.as_ref().filter(|credential| credential.reserved_until.is_none());
        let account = live.and_then(|credential| profile(&credential.user_id.to_string()));
        if text(item, "sk").starts_with("REGISTRATION#") {
            let registration: Registration = parsed(item);
            return registration.kind == RegistrationKind::Verification || account.is_some();
        }
        let order: OneTime = parsed(item);
        let bound = account.filter(|user| order.cred_version.is_none_or(|version| version == user.cred_version));
        // What is mailed again is the newest; on a second try, the newest that has been mailed.
        let pending = items.iter().any(|other| {
            text(other, "pk") == text(item, "pk")
                && text(other, "kind") == "verification"
                && !other.contains_key("used_at")
                && parsed::<Registration>(other).expires_at > self.now()
                && (order.mailing.mac_kid.is_none() || other.contains_key("mac_kid"))
        });
        match order.purpose {
            Purpose::PasswordReset => bound.is_some() || is_free && pending,
            Purpose::EmailCode => bound.is_some_and(|user| user.email_verified),
            Purpose::Resend => {
                let verified = credential.as_ref().is_some_and(|credential| credential.email_verified);
                (is_free || !verified) && pending
            }
            Purpose::NewDevice
            | Purpose::SessionReused
            | Purpose::SecondFactorFailed
            | Purpose::PasskeyCounterRegressed
            | Purpose::RecoveryCodeUsed => profile(text(item, "user_id")).is_some(),
            Purpose::Verification => false,
            Purpose::EmailChange
            | Purpose::EmailUndo
            | Purpose::KeepAccount
            | Purpose::PasswordChanged
            | Purpose::FactorUndo
            | Purpose::KeepFactors
            | Purpose::RemoveFactors
            | Purpose::FactorsChanged => true,
        }
    }

    /// Somebody looks into a mailbox: the tokens of its links to a page, newest first.
    pub async fn links(&mut self, address: usize, page: &str) -> Vec<String> {
        let mails = self.mails(address, page).await;
        let start = format!("/ui/{page}?token=");
        let token = |mail: &Mail| {
            let (_, rest) = mail.text.split_once(&start).unwrap();
            rest.split_whitespace().next().unwrap().to_owned()
        };
        mails.iter().map(token).collect()
    }

    /// The `back`th newest link to a page in any mailbox.
    pub async fn link_anywhere(&mut self, page: &str, back: usize) -> Option<(usize, String)> {
        let mut links = Vec::new();
        for address in 0..ADDRESSES {
            let sent = self.mails(address, page).await.into_iter().map(|mail| mail.sent_at);
            let links_here: Vec<_> = sent.zip(self.links(address, page).await).collect();
            links.extend(links_here.into_iter().map(|(sent_at, token)| (sent_at, address, token)));
        }
        // Times as text sort as times.
        links.sort();
        links.into_iter().rev().map(|(_, address, token)| (address, token)).nth(back)
    }

    /// The codes of its mails with a link to a page, newest first.
    pub async fn codes(&mut self, address: usize, page: &str) -> Vec<String> {
        self.mails(address, page).await.iter().map(code).collect()
    }

    async fn mails(&mut self, address: usize, page: &str) -> Vec<Mail> {
        self.deliver(None, None).await;
        let mut mails = self.server.arrived(Self::email(address));
        mails.retain(|mail| mail.text.contains(&format!("/ui/{page}?token=")));
        mails.reverse();
        mails
    }
}
