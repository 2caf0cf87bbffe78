//! Time as a parameter: the one place that reads the system clock.

use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::domain::timestamp::Timestamp;

/// Waiting in the making.
pub type Waiting<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Lets time pass, for what must not go too fast. Tests pass one that moves their clock.
pub trait Pause: Send + Sync + 'static {
    /// Waits for so long.
    fn pause(&self, duration: Duration) -> Waiting<'_>;
}

/// Tells the time. Tests pass one that they move.
pub trait Clock: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}

impl Pause for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the waiting that everything else is given")]
    fn pause(&self, duration: Duration) -> Waiting<'_> {
        Box::pin(tokio::time::sleep(duration))
    }
}
