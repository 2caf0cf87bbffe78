//! What a person has let a client have, and when they said so last.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::id::UserId;
use crate::domain::oauth::client::ClientId;
use crate::domain::oauth::resource::ResourceUri;
use crate::domain::timestamp::Timestamp;

/// The item: one for each person and client (OC-21).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenConsent {
    /// Whose it is.
    pub user_id: UserId,
    /// Whom it was given.
    pub client_id: ClientId,
    /// What it lets have.
    pub scopes: BTreeSet<String>,
    /// The APIs that it is for.
    pub resources: Vec<ResourceUri>,
    /// The hosts that the answers went to: another one is asked about anew.
    pub hosts: BTreeSet<String>,
    /// When it was given first.
    pub created_at: Timestamp,
    /// When a person pressed last.
    pub at: Timestamp,
}

impl GivenConsent {
    /// Whether it has all of another one.
    pub fn covers(&self, asked: &Self) -> bool {
        asked.scopes.is_subset(&self.scopes)
            && asked.hosts.is_subset(&self.hosts)
            && asked.resources.iter().all(|resource| self.resources.contains(resource))
    }

    /// Both together, as of now.
    #[must_use]
    pub fn and(self, before: Option<Self>) -> Self {
        let Some(before) = before else { return self };
        let new = self.resources.into_iter().filter(|resource| !before.resources.contains(resource));
        let resources: Vec<ResourceUri> = before.resources.iter().cloned().chain(new).collect();
        Self {
            scopes: &before.scopes | &self.scopes,
            hosts: &before.hosts | &self.hosts,
            resources,
            created_at: before.created_at,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consent(scopes: &[&str], resources: &[&str], hosts: &[&str]) -> GivenConsent {
        let at = Timestamp::from_millis(1000);
        let of = |items: &[&str]| items.iter().map(|it| (*it).to_owned()).collect();
        GivenConsent {
            user_id: UserId::new(at, 1),
            client_id: ClientId::parse("a").unwrap(),
            scopes: of(scopes),
            resources: resources.iter().map(|uri| ResourceUri::parse(uri).unwrap()).collect(),
            hosts: of(hosts),
            created_at: at,
            at,
        }
    }

    #[test]
    fn sec_oc_21_what_was_not_asked_about_is_not_covered() {
        let given = consent(&["openid", "email"], &["https://a.example"], &["shop.example"]);
        let covers =
            |scopes: &[&str], resources: &[&str], hosts: &[&str]| given.covers(&consent(scopes, resources, hosts));
        assert!(covers(&["openid"], &[], &["shop.example"]));
        assert!(covers(&["openid", "email"], &["https://a.example"], &["shop.example"]));
        assert!(!covers(&["openid", "profile"], &[], &["shop.example"]));
        assert!(!covers(&["openid"], &["https://b.example"], &["shop.example"]));
        assert!(!covers(&["openid"], &[], &["evil.example"]));
    }

    #[test]
    fn what_was_given_before_stays() {
        let before = consent(&["openid"], &["https://a.example"], &["a.example"]);
        let now = consent(&["email"], &["https://a.example", "https://b.example"], &["b.example"]);
        let both = GivenConsent { at: Timestamp::from_millis(2000), ..now }.and(Some(before.clone()));
        assert!(both.covers(&consent(
            &["openid", "email"],
            &["https://a.example", "https://b.example"],
            &["a.example", "b.example"]
        )));
        assert_eq!((both.resources.len(), both.created_at, both.at.millis()), (2, before.created_at, 2000));
    }
}
