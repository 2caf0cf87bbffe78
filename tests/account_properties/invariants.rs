//! What holds of both tables and of every token and password, once everything has come to rest.

use std::collections::{BTreeMap, BTreeSet};

use wardgate::domain::credential::Credential;
use wardgate::domain::session::Session;
use wardgate::domain::user::{User, UserStatus};

use super::ADDRESSES;
use super::people::{Item, World, parsed, text};
use crate::harness::AUDIT_TABLE;

/// How many of the passwords that an account no longer has are tried again.
const REPLACED: usize = 2;

impl World {
    /// Everything that was cut short is taken up again, and then everything is looked at.
    pub async fn settle(&mut self) {
        self.server.clock.advance(1);
        self.deliver(None, None).await;
        self.erase(None).await;
        let items: Vec<Item> = self.table().await.into_iter().filter(|item| !self.is_gone(item)).collect();
        let users: BTreeMap<String, User> = items
            .iter()
            .filter(|item| text(item, "sk") == "PROFILE")
            .map(parsed)
            .map(|user: User| (user.id.to_string(), user))
            .collect();
        self.every_account_has_one_address(&items, &users);
        self.nothing_is_an_orphan(&items, &users);
        self.no_session_outlives_its_end(&items, &users);
        self.the_trail_of_the_erased_tells_nothing(&users).await;
        self.no_token_outlives_its_session().await;
        self.at_most_one_password_works().await;
    }

    /// Whether the table's TTL may have taken it: nothing counts on its being there, nor on its being gone.
    fn is_gone(&self, item: &Item) -> bool {
        let ttl = item.get("ttl").and_then(|value| value.as_n().ok()?.parse::<i64>().ok());
        ttl.is_some_and(|ttl| ttl <= self.now().unix_seconds())
    }

    fn every_account_has_one_address(&self, items: &[Item], users: &BTreeMap<String, User>) {
        let credentials = items.iter().filter(|item| text(item, "sk") == "CREDENTIAL");
        let credentials: Vec<(&str, Credential)> = credentials.map(|item| (text(item, "pk"), parsed(item))).collect();
        let mut owners = BTreeSet::new();
        for (pk, credential) in &credentials {
            assert_eq!(*pk, format!("EMAIL#{}", credential.email_key.as_str()));
            let id = credential.user_id.to_string();
            let user = users.get(&id).unwrap_or_else(|| panic!("a credential without its user: {credential:?}"));
            if let Some(until) = credential.reserved_until {
                let kept = |former: &wardgate::domain::user::FormerAddress| {
                    former.email_key == credential.email_key && former.reserved_until == until
                };
                assert!(until <= self.now() || user.former_addresses.iter().any(kept), "{credential:?} {user:?}");
                assert_eq!(credential.password, None, "an address that is only kept has a password");
                continue;
            }
            assert!(owners.insert(id), "two addresses of one account: {credential:?}");
            let copies = (&credential.email_key, credential.cred_version, credential.status, credential.email_verified);
            assert_eq!(copies, (&user.email.key(), user.cred_version, user.status, user.email_verified));
            assert_eq!(credential.roles, user.roles);
        }
        assert_eq!(owners, users.keys().cloned().collect(), "accounts without an address");
        let addresses: BTreeSet<String> = users.values().map(|user| user.email.key().as_str().to_owned()).collect();
        assert_eq!(addresses.len(), users.len(), "two accounts share an address");
        for user in users.values() {
            assert_ne!(user.status, UserStatus::Erasing, "an erasure was not finished");
            let leaving = user.status == UserStatus::Leaving;
            assert_eq!(leaving, user.erase_at.is_some_and(|at| at > self.now()), "{user:?}");
            let turn = |item: &&Item| text(item, "pk") == "ERASURE" && text(item, "user_id") == user.id.to_string();
            assert!(!leaving || items.iter().any(|item| turn(&item)), "nobody will erase {user:?}");
            for former in user.former_addresses.iter().filter(|former| former.reserved_until > self.now()) {
                let kept =
                    |(_, other): &(&str, Credential)| other.email_key == former.email_key && other.user_id == user.id;
                assert!(credentials.iter().any(kept), "an address is no longer kept: {former:?}");
            }
        }
    }

    /// What is an account's own goes with it. At addresses that it had given up before, devices and one-time items may
    /// lie until their TTL: they open nothing.
    fn nothing_is_an_orphan(&self, items: &[Item], users: &BTreeMap<String, User>) {
        for item in items {
            let (pk, sk) = (text(item, "pk"), text(item, "sk"));
            if let Some(id) = pk.strip_prefix("USER#") {
                assert!(users.contains_key(id), "an orphan: {item:?}");
            } else if pk.starts_with("EMAIL#") && item.contains_key("user_id") && sk != "CREDENTIAL" {
                // The account that a registration would begin is not there yet.
                let exists = users.contains_key(text(item, "user_id")) || sk.starts_with("REGISTRATION#");
                assert!(exists, "an orphan: {item:?}");
            } else if pk == "ERASURE" {
                let sk = sk.split('#').next().unwrap();
                assert!(sk.parse::<i64>().unwrap() > self.now().millis(), "a turn that has come: {item:?}");
            }
        }
    }

    /// Also of those whose tokens nobody got.
    fn no_session_outlives_its_end(&self, items: &[Item], users: &BTreeMap<String, User>) {
        for item in items.iter().filter(|item| text(item, "sk").starts_with("SESSION#")) {
            let session: Session = parsed(item);
            let (user, id) = (session.user_id.to_string(), session.id.to_string());
            let admitted = users.get(&user).is_some_and(|user| user.admits(&session));
            if session.is_live(self.now()) && admitted {
                assert_eq!(self.ended(&user, &id, session.created_at), None, "a session lives on: {session:?}");
            }
        }
    }

    async fn no_token_outlives_its_session(&self) {
        for client in &self.clients {
            let Some(end) = self.ended_client(client) else { continue };
            for token in &client.tokens {
                let answer = self.server.refresh(token).await;
                assert_eq!(answer.status, 401, "a refresh token works after {end}");
            }
        }
    }

    async fn the_trail_of_the_erased_tells_nothing(&self, users: &BTreeMap<String, User>) {
        for line in self.server.items(AUDIT_TABLE, "USER#").await {
            let user = text(&line, "pk").split('#').nth(1).unwrap();
            // Before its verification, an account is an id that a registration has.
            if self.passwords.contains_key(user) && !users.contains_key(user) {
                assert!(!line.contains_key("address") && !line.contains_key("user_agent"), "{line:?}");
            }
        }
    }

    async fn at_most_one_password_works(&mut self) {
        for address in 0..ADDRESSES {
            let account = self.account(address).await;
            let user = account.as_ref().map(|user| user.id.to_string());
            let mut tried = BTreeSet::new();
            let strangers = self.asked.iter().rev().filter(|asked| asked.address == address).take(REPLACED);
            tried.extend(strangers.map(|asked| asked.password.clone()));
            if let Some(known) = user.as_ref().map(|user| &self.passwords[user]) {
                tried.extend(known.possible.iter().flatten().cloned());
                tried.extend(known.replaced().take(REPLACED).cloned());
            }
            let mut working = Vec::new();
            for password in tried {
                self.server.clock.advance(1);
                let answer = self.server.login(Self::email(address), &password).await;
                if answer.status == 200 {
                    working.push(password);
                } else {
                    assert_eq!(answer.status, 401, "{}", answer.text);
                }
            }
            let Some(account) = account else {
                assert!(working.is_empty(), "signed in without an account");
                continue;
            };
            let known = &self.passwords[&account.id.to_string()];
            assert!(working.iter().all(|password| known.may_work(password)), "an old password works");
            assert!(working.len() <= 1, "two passwords work");
            let admitted = account.status == UserStatus::Active && (account.email_verified || !self.verified);
            assert!(admitted || working.is_empty(), "signed in to {account:?}");
            let works = admitted && !known.possible.contains(&None);
            assert!(!works || working.len() == 1, "no password works any more");
        }
    }
}
