//! A lease as its holder sees it (SA-09). It ends for the holder before it ends for anybody else, by more than clocks may
//! differ.

use std::pin::pin;
use std::time::Duration;

use wardgate::app::App;
use wardgate::domain::timestamp::Timestamp;
use wardgate::entropy::{Entropy, NoEntropy};
use wardgate::store::error::StoreError;
use wardgate::store::leases::{Held, Keeping, Taking};

/// How long a lease lasts for others once its holder has said nothing more.
pub const TERM: Duration = Duration::from_secs(30);
/// How often its holder says that it is there.
pub const RENEWAL: Duration = Duration::from_secs(10);
/// How much the clocks of two replicas may differ.
pub const SKEW: Duration = Duration::from_secs(5);
/// How often somebody who has it not asks for it. With [`TERM`], what a killed holder did goes on within 35 seconds.
pub const ASKED: Duration = Duration::from_secs(5);
/// How often a holder that is at work looks at the clock.
const LOOKED: Duration = Duration::from_secs(1);

/// A process, for as long as it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder(String);

impl Holder {
    /// A new one.
    pub fn new(entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        let bits: [u8; 16] = entropy.bytes()?;
        Ok(Self(format!("{:032x}", u128::from_be_bytes(bits))))
    }
}

/// Whether a lease could be had.
#[derive(Debug)]
pub enum Asked {
    /// Here it is.
    Taken(Lease),
    /// Somebody else has it.
    Busy,
    /// Nobody needs it any more.
    Finished,
}

/// A lease that this process has, until it finds that it has it no more.
#[derive(Debug)]
pub struct Lease {
    held: Held,
    until: Timestamp,
    renewed_at: Timestamp,
}

impl Lease {
    /// Asks for one.
    pub async fn take(app: &App, name: &str, holder: &Holder) -> Result<Asked, StoreError> {
        // Before the request: what it takes is no time that we have.
        let now = app.clock.now();
        let until = now.plus(TERM);
        Ok(match app.store.take_lease(name, &holder.0, until, now).await? {
            Taking::Taken(held) => Asked::Taken(Self { held, until, renewed_at: now }),
            Taking::Busy => Asked::Busy,
            Taking::Finished => Asked::Finished,
        })
    }

    /// How far the work has come.
    pub fn checkpoint(&self) -> Option<&str> {
        self.held.checkpoint.as_deref()
    }

    /// Notes how far it has come. It is written when the lease is renewed next.
    pub fn note(&mut self, checkpoint: String) {
        self.held.checkpoint = Some(checkpoint);
    }

    /// Whether it is still ours, as far as the clock says.
    pub fn is_held(&self, now: Timestamp) -> bool {
        now.plus(SKEW) < self.until
    }

    /// Renews it, with what was noted. Whether it is still ours.
    pub async fn renew(&mut self, app: &App) -> Result<bool, StoreError> {
        let now = app.clock.now();
        let until = now.plus(TERM);
        // Whoever was frozen for too long must not come back to life by it.
        if !self.is_held(now) || app.store.keep_lease(&self.held, until).await? == Keeping::Lost {
            return Ok(false);
        }
        (self.until, self.renewed_at) = (until, now);
        Ok(true)
    }

    /// Whether it is still ours. Renews it where it is time to; a table that does not answer leaves us the rest of it.
    pub async fn is_kept(&mut self, app: &App) -> bool {
        let now = app.clock.now();
        if now < self.renewed_at.plus(RENEWAL) {
            return self.is_held(now);
        }
        match self.renew(app).await {
            Ok(kept) => kept,
            Err(cause) => {
                tracing::warn!(lease = self.held.name, %cause, "a lease could not be renewed");
                self.is_held(app.clock.now())
            }
        }
    }

    /// Does work that may take longer than the lease. `None` where it was lost meanwhile: the work is cut short.
    pub async fn while_held<T>(&mut self, app: &App, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut ticks = tokio::time::interval(LOOKED);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                _ = ticks.tick() => if !self.is_kept(app).await { return None },
            }
        }
    }

    /// Gives it back. What fails here ends by itself.
    pub async fn give_back(self, app: &App) {
        if let Err(cause) = app.store.release_lease(&self.held, app.clock.now()).await {
            tracing::warn!(lease = self.held.name, %cause, "a lease could not be given back");
        }
    }

    /// Its work is done for good.
    pub async fn finish(&self, app: &App) -> Result<bool, StoreError> {
        Ok(app.store.finish_lease(&self.held, app.clock.now()).await? == Keeping::Kept)
    }
}
