//! The users of the smoke test (PL-08). There are few, and they are known beforehand: the role of the function that plays
//! them names each partition that it may touch, and so reaches nobody else's items.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::email::{Email, EmailKey};
use crate::domain::id::UserId;
use crate::domain::oauth::client::{Client, ClientId, ClientRegistration, Consent, Grant, Pkce};
use crate::domain::oauth::client_brand::ClientBrand;
use crate::domain::oauth::client_kind::ClientKind;
use crate::domain::oauth::redirect_uri::RedirectUri;
use crate::domain::oauth::token_algorithm::TokenAlgorithm;

/// How many there are, and so how many runs there can be at a time. A deploy begins one run for each function; more at a
/// time would only take the functions from the people who use them.
pub const SYNTHETIC_USERS: u8 = 4;

/// Where the answers for their clients go: nowhere (RFC 6761, 6.4).
pub const REDIRECT_URI: &str = "https://smoke.invalid/callback";

/// One of them. Whoever plays it has it alone for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Synthetic {
    number: u8,
    email: Email,
}

impl Synthetic {
    /// All of them.
    pub fn all() -> Vec<Self> {
        (1..=SYNTHETIC_USERS).filter_map(Self::new).collect()
    }

    fn new(number: u8) -> Option<Self> {
        // The mailbox simulator of SES takes every mail and reads none: nobody can show that the address is theirs.
        let email = Email::parse(&format!("success+wardgate-smoke-{number}@simulator.amazonses.com")).ok()?;
        Some(Self { number, email })
    }

    /// Tells them apart: from 1.
    pub const fn number(&self) -> u8 {
        self.number
    }

    /// The address.
    pub const fn email(&self) -> &Email {
        &self.email
    }

    /// The address's key.
    pub fn email_key(&self) -> EmailKey {
        self.email.key()
    }

    /// The account's id, always the same: `usr_00000000000000000000000001`.
    pub fn user_id(&self) -> UserId {
        let mut bytes = [0; 16];
        bytes[15] = self.number;
        UserId::from_bytes(bytes)
    }

    /// The client that it signs in to, which no file can register.
    pub fn client_id(&self) -> ClientId {
        ClientId::synthetic(self.number)
    }

    /// That client: one without a secret, for whom a person is not asked. `None` would be a mistake of ours.
    pub fn client(&self) -> Option<Client> {
        let kind = ClientKind::Spa;
        let registration = ClientRegistration {
            id: self.client_id(),
            kind,
            name: BTreeMap::from([("en".to_owned(), "Smoke test".to_owned())]),
            redirect_uris: vec![RedirectUri::parse(REDIRECT_URI, kind, false).ok()?],
            post_logout_redirect_uris: Vec::new(),
            backchannel_logout_uri: None,
            allowed_origins: Vec::new(),
            grants: BTreeSet::from([Grant::AuthorizationCode]),
            scopes: BTreeSet::from(["openid".to_owned()]),
            resources: Vec::new(),
            consent: Consent::None,
            pkce: Pkce::Required,
            id_token_algorithm: TokenAlgorithm::default(),
            claims_in_id_token: false,
            brand: ClientBrand::default(),
        };
        Some(Client { registration, secrets: Vec::new(), disabled: false, version: 1 })
    }

    /// Where its requests come from, as far as the limits are concerned: an address of documentation (RFC 5737), which no
    /// client can have.
    pub fn source(&self) -> String {
        format!("192.0.2.{}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::oauth::client::{InvalidClient, SYNTHETIC_CLIENTS};

    #[test]
    fn sec_pl_08_each_has_an_address_that_nobody_reads_and_an_id_of_its_own() {
        let all = Synthetic::all();
        assert_eq!(all.len(), usize::from(SYNTHETIC_USERS));
        assert!(all.iter().all(|it| it.email().domain() == "simulator.amazonses.com"));
        let ids: Vec<String> = all.iter().map(|it| it.user_id().to_string()).collect();
        assert_eq!(ids[0], "usr_00000000000000000000000001");
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
    }

    #[test]
    fn sec_pl_08_each_signs_in_to_a_client_that_no_file_can_register() {
        let palettes = crate::domain::brand::Palettes::default();
        let reserved = Err(InvalidClient::Reserved(SYNTHETIC_CLIENTS));
        for user in Synthetic::all() {
            let client = user.client().unwrap();
            assert_eq!(client.registration.check(false, &palettes), reserved);
            let others = ClientRegistration { id: ClientId::parse("shop").unwrap(), ..client.registration };
            assert_eq!(others.check(false, &palettes), Ok(()));
        }
    }
}
