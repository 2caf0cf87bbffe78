//! What is done from time to time, by the one that has the lease for it (SA-13).

use std::sync::Arc;
use std::time::Duration;

use futures::join;
use wardgate::app::App;
use wardgate::current::Current;
use wardgate::domain::mail_order::MailOrder;
use wardgate::domain::timestamp::Timestamp;

use crate::jobs::events::Told;
use crate::jobs::lease::{ASKED, Asked, Holder, Lease};
use crate::jobs::logouts::Logouts;
use crate::jobs::mails::Mails;
use crate::jobs::stream::Turn;

/// The lease's name.
pub const NAME: &str = "jobs";
/// How often accounts are erased whose time has come: as on AWS.
const ERASURES: Duration = Duration::from_mins(15);
/// How often it is counted how many mails wait.
const COUNTED: Duration = Duration::from_mins(1);

/// The jobs of one replica for all.
pub struct Schedule {
    current: Current,
    holder: Holder,
    lease: Option<Lease>,
    asked_at: Option<Timestamp>,
    work: Work,
}

/// What there is to do, and when it was done last.
struct Work {
    mails: Arc<Mails>,
    logouts: Logouts,
    told: Option<Arc<Told>>,
    erased_at: Option<Timestamp>,
    counted_at: Option<Timestamp>,
}

impl Schedule {
    /// Nothing is taken yet.
    pub fn new(current: Current, holder: Holder, mails: Arc<Mails>, logouts: Logouts) -> Self {
        let work = Work { mails, logouts, told: None, erased_at: None, counted_at: None };
        Self { current, holder, lease: None, asked_at: None, work }
    }

    /// Tells of the events that wait, too.
    pub fn tell(&mut self, told: Arc<Told>) {
        self.work.told = Some(told);
    }

    /// Does what is due, if this is the one to do it.
    pub async fn turn(&mut self) -> Turn {
        let app = self.current.app().await;
        let now = app.clock.now();
        if app.writes().is_err() {
            // A lease is an item, too (ED-17). One that was held is left to end by itself.
            self.lease = None;
            return held(Turn::Idle, false);
        }
        if let Some(lease) = &mut self.lease
            && !lease.is_kept(&app).await
        {
            tracing::warn!(lease = NAME, "a lease was lost");
            self.lease = None;
        }
        if self.lease.is_none() && is_due(self.asked_at, ASKED, now) {
            self.asked_at = Some(now);
            self.ask(&app).await;
        }
        let Some(lease) = &mut self.lease else { return held(Turn::Idle, false) };
        // In its place all the while: a stop that cuts the work short gives it back.
        if let Some(turn) = lease.while_held(&app, Box::pin(self.work.turn(&app, now))).await {
            return held(turn, true);
        }
        tracing::warn!(lease = NAME, "a lease was lost");
        self.lease = None;
        held(Turn::Waiting, false)
    }

    async fn ask(&mut self, app: &App) {
        match Lease::take(app, NAME, &self.holder).await {
            // What the holder before did may have been cut short.
            Ok(Asked::Taken(lease)) => (self.lease, self.work.erased_at) = (Some(lease), None),
            Ok(Asked::Busy | Asked::Finished) => {}
            Err(cause) => tracing::warn!(lease = NAME, %cause, "a lease could not be asked for"),
        }
    }

    /// Lets another have it at once.
    pub async fn give_back(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.give_back(&*self.current.app().await).await;
        }
    }
}

fn held(turn: Turn, is_held: bool) -> Turn {
    metrics::gauge!("wardgate_lease_held", "lease" => NAME).set(f64::from(u8::from(is_held)));
    turn
}

impl Work {
    async fn turn(&mut self, app: &App, now: Timestamp) -> Turn {
        let told = async {
            match &self.told {
                Some(told) => told.retry(app).await,
                None => Ok(false),
            }
        };
        // Beside each other: a client or a receiver that does not answer keeps no mail.
        let (mails, logouts, told) = join!(self.mails.retry(app), self.logouts.retry(app), told);
        let mut turn = Turn::Idle;
        for (what, tried) in [("mails", mails), ("clients", logouts), ("events", told)] {
            turn = turn.max(match tried {
                Ok(true) => Turn::Worked,
                Ok(false) => Turn::Idle,
                Err(cause) => {
                    tracing::warn!(what, %cause, "what waits could not be tried");
                    Turn::Waiting
                }
            });
        }
        if is_due(self.erased_at, ERASURES, now) {
            self.erased_at = Some(now);
            let event = eraser::ScheduledEvent { id: format!("eraser-{}", now.millis()) };
            if let Err(cause) = (eraser::FUNCTION.handler)(app, &(), event).await {
                tracing::warn!(%cause, "could not erase every account whose turn has come");
                turn = turn.max(Turn::Waiting);
            }
        }
        if is_due(self.counted_at, COUNTED, now) {
            self.counted_at = Some(now);
            if let Ok(waiting) = app.store.count_retries::<MailOrder>().await {
                metrics::gauge!("wardgate_mail_retries").set(f64::from(u32::try_from(waiting).unwrap_or(u32::MAX)));
            }
        }
        turn
    }
}

/// Whether it is time again for what was done last at `last`.
pub(super) fn is_due(last: Option<Timestamp>, every: Duration, now: Timestamp) -> bool {
    last.is_none_or(|last| now >= last.plus(every))
}
