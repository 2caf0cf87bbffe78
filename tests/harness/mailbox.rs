//! What an address has been mailed.

use wardgate_runtime_tests::golden;
use wardgate_server::dev::outbox::Mail;
use wardgate_server::dev::pump::Drained;

use super::TestServer;

impl TestServer {
    /// The mails to an address, oldest first, once everything that has happened so far has led to its mails. Fails if
    /// one could not be sent.
    #[track_caller]
    pub fn mails<'a>(&'a self, to: &'a str) -> impl Future<Output = Vec<Mail>> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            assert_eq!(self.pump.drain().await.unwrap(), Drained::Empty, "mails wait at {caller}");
            self.outbox.mails(Some(to))
        }
    }

    /// The mails that have arrived so far.
    pub fn arrived(&self, to: &str) -> Vec<Mail> {
        self.outbox.mails(Some(to))
    }

    /// The newest mail to an address.
    #[track_caller]
    pub fn newest_mail<'a>(&'a self, to: &'a str) -> impl Future<Output = Mail> + 'a {
        let caller = std::panic::Location::caller();
        async move { self.mails(to).await.pop().unwrap_or_else(|| panic!("no mail to {to} at {caller}")) }
    }
}

/// The token in a mail's first link.
#[track_caller]
pub fn link_token(mail: &Mail) -> String {
    golden::link_token(&mail.text)
}

/// The code in a mail.
#[track_caller]
pub fn code(mail: &Mail) -> String {
    golden::code(&mail.text)
}
