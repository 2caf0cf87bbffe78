//! Orders that are tried again until they are carried out, or given up (SA-11).

use std::time::Duration;

use wardgate::app::App;
use wardgate::store::error::StoreError;
use wardgate::store::retries::{Order, Retry};

/// After the first failure. Each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// At the most.
const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// How often an order is tried before a person has to look: for half a day.
pub const MOST_TRIES: u32 = 20;
/// How many that wait are looked at together.
pub const AT_ONCE: u16 = 100;

/// How long an order waits that has failed so often.
pub fn wait(tries: u32) -> Duration {
    let doubled = 1_u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX);
    FIRST_WAIT.saturating_mul(doubled).min(LONGEST_WAIT)
}

/// What has become of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is carried out.
    Done,
    /// It waits on.
    Waiting,
    /// Nobody tries it any more.
    GivenUp,
}

/// Notes whether one that was tried again is carried out.
pub async fn settle<O: Order>(app: &App, retry: &Retry<O>, is_done: bool) -> Result<Settled, StoreError> {
    if is_done {
        app.store.drop_retry(retry).await?;
        return Ok(Settled::Done);
    }
    let (tries, now) = (retry.tries + 1, app.clock.now());
    if tries >= MOST_TRIES {
        app.store.give_retry_up(&Retry { tries, ..retry.clone() }, now).await?;
        return Ok(Settled::GivenUp);
    }
    let later = Retry { order: retry.order.clone(), tries, due_at: now.plus(wait(tries)) };
    app.store.postpone_retry(retry, &later).await?;
    Ok(Settled::Waiting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sa_11_an_order_waits_from_ten_seconds_to_an_hour_and_for_half_a_day_in_all() {
        let waits: Vec<u64> = (1..MOST_TRIES).map(|tries| wait(tries).as_secs()).collect();
        assert_eq!(waits[..4], [10, 20, 40, 80]);
        assert!(waits.iter().all(|wait| *wait <= 3600) && waits.contains(&3600), "{waits:?}");
        let all: u64 = waits.iter().sum();
        assert!((10 * 3600..14 * 3600).contains(&all), "{all}");
        assert_eq!(wait(u32::MAX), LONGEST_WAIT);
    }
}
