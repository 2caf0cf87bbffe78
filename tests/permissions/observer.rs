//! Drives one function at a time, and records what it asks for.

use std::collections::{BTreeMap, BTreeSet};

use std::sync::Arc;

use wardgate::app::Needs;
use wardgate::current::Current;
use wardgate_server::endpoints::ENDPOINTS;

use super::Uses;
use crate::harness::{EMAIL, PASSWORD, TestServer, link_token};

/// What functions have been seen to do.
pub struct Observer {
    pub server: TestServer,
    pub seen: BTreeMap<&'static str, Uses>,
    /// The rings that each has read by itself, beside those that a cold start reads ahead for it.
    pub rings: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Observer {
    pub async fn with(variables: &[(&str, &str)]) -> Self {
        Self::of(TestServer::with_secrets_manager(variables).await)
    }

    /// Over a server that has something behind it.
    pub fn of(server: TestServer) -> Self {
        Self { server, seen: BTreeMap::new(), rings: BTreeMap::new() }
    }

    /// Drives one function in a process of its own that has read nothing yet, as Lambda starts it.
    pub async fn see(&mut self, name: &'static str, drive: impl AsyncFnOnce(&TestServer)) {
        let process = self.server.restarted().await;
        let needs = self.needs(name);
        self.server.store.reset();
        self.server.secrets_manager.accesses();
        drive(&process).await;
        let read = self.server.secrets_manager.accesses();
        let rings = read.iter().filter(|it| it.action == "secretsmanager:GetSecretValue").map(|it| it.resource.clone());
        self.rings.entry(name).or_default().extend(rings);
        // Ahead, in Lambda. Here afterwards, which shows what the code itself needs.
        Current::new(Arc::clone(&process.app), needs).prefetch(needs).await;
        let uses = self.seen.entry(name).or_default();
        // This one may use partitions, and no kinds of them.
        uses.extend(if name == smoke::FUNCTION.name {
            self.server.store.exact_accesses()
        } else {
            self.server.store.accesses()
        });
        uses.extend(read);
        uses.extend(self.server.secrets_manager.accesses());
    }

    fn needs(&self, name: &str) -> Needs {
        let config = &self.server.app.config;
        match ENDPOINTS.iter().find(|(endpoint, _)| endpoint.name == name) {
            Some((endpoint, _)) => Ok(endpoint.needs),
            None if name == audit_watch::FUNCTION.name => (audit_watch::FUNCTION.needs)(config),
            None if name == authorizer::FUNCTION.name => (authorizer::FUNCTION.needs)(config),
            None if name == edge_sync::FUNCTION.name => (edge_sync::FUNCTION.needs)(config),
            None if name == eraser::FUNCTION.name => (eraser::FUNCTION.needs)(config),
            None if name == events::FUNCTION.name => (events::FUNCTION.needs)(config),
            None if name == restore_sweep::FUNCTION.name => (restore_sweep::FUNCTION.needs)(config),
            None if name == logout_notifier::FUNCTION.name => (logout_notifier::FUNCTION.needs)(config),
            None if name == mailer::FUNCTION.name => (mailer::FUNCTION.needs)(config),
            None if name == rotate_keys::FUNCTION.name => (rotate_keys::FUNCTION.needs)(config),
            None if name == smoke::FUNCTION.name => (smoke::FUNCTION.needs)(config),
            None if name == migrate::FUNCTION.name => (migrate::FUNCTION.needs)(config),
            None => panic!("there is no function {name}"),
        }
        .unwrap()
    }

    pub async fn signed_in(&self) -> (String, String) {
        let answer = self.server.login(EMAIL, PASSWORD).await;
        (answer.string("access_token"), answer.string("refresh_token"))
    }

    /// The token of the link in the newest mail to an address.
    pub async fn mailed_token(&self, email: &str) -> String {
        link_token(&self.server.newest_mail(email).await)
    }
}

#[track_caller]
pub fn expect(status: u16, expected: u16) {
    assert_eq!(status, expected);
}
