//! Between the mailer and the outbox: can refuse mails, or lose the answer about one that arrived.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use wardgate::outbound::{MailTransport, OutboundError, OutgoingMail};
use wardgate_server::dev::outbox::Outbox;

/// What happens to a mail instead of, or after, arriving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailDisturbance {
    /// It is not taken.
    Refused,
    /// It is not taken, and never will be.
    RefusedForGood,
    /// It arrives, but the answer about it does not.
    LostAnswer,
}

/// The transport that the mailer is given.
#[derive(Clone)]
pub struct MailEdge {
    inner: Arc<Outbox>,
    disturbances: Arc<Mutex<VecDeque<MailDisturbance>>>,
    arrived: Arc<Mutex<Vec<String>>>,
    newest: Arc<Mutex<Option<Vec<u8>>>>,
}

impl fmt::Debug for MailEdge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailEdge")
    }
}

impl MailEdge {
    pub fn new(inner: Arc<Outbox>) -> Self {
        Self { inner, disturbances: Arc::default(), arrived: Arc::default(), newest: Arc::default() }
    }

    /// How many mails have arrived.
    pub fn taken(&self) -> usize {
        self.inner.mails(None).len()
    }

    /// Disturbs the next `times` mails.
    pub fn disturb(&self, disturbance: MailDisturbance, times: usize) {
        self.disturbances.lock().unwrap().extend(std::iter::repeat_n(disturbance, times));
    }

    /// Disturbs no more mails.
    pub fn mend(&self) {
        self.disturbances.lock().unwrap().clear();
    }

    /// The items whose mails have arrived, in order: their ids, which stand in each mail's `Message-ID`.
    pub fn arrived(&self) -> Vec<String> {
        self.arrived.lock().unwrap().clone()
    }

    /// The message that arrived last.
    pub fn newest(&self) -> Option<Vec<u8>> {
        self.newest.lock().unwrap().clone()
    }

    fn note(&self, mail: &OutgoingMail) {
        *self.newest.lock().unwrap() = Some(mail.message.clone());
        let message = String::from_utf8_lossy(&mail.message);
        let (_, id) = message.split_once("Message-ID: <").unwrap();
        self.arrived.lock().unwrap().push(id.split_once('@').unwrap().0.to_owned());
    }
}

impl MailTransport for MailEdge {
    fn send<'a>(&'a self, mail: &'a OutgoingMail) -> BoxFuture<'a, Result<(), OutboundError>> {
        let failed = Err(OutboundError::passing("the test", "disturbed"));
        let disturbance = self.disturbances.lock().unwrap().pop_front();
        Box::pin(async move {
            match disturbance {
                None => {
                    self.inner.send(mail).await?;
                    self.note(mail);
                    Ok(())
                }
                Some(MailDisturbance::Refused) => failed,
                Some(MailDisturbance::RefusedForGood) => {
                    failed.map_err(|error| OutboundError { is_final: true, ..error })
                }
                Some(MailDisturbance::LostAnswer) => {
                    self.inner.send(mail).await?;
                    self.note(mail);
                    failed
                }
            }
        })
    }
}
