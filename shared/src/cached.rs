//! What was last read from a source: used for a while, refreshed behind requests, and kept longer while the source is
//! down.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::domain::timestamp::Timestamp;

/// How long a source that failed is left alone while there is something to use.
const PAUSE: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(crate) struct Cached<T> {
    name: &'static str,
    stale: Duration,
    /// Counts each time that something serves on because its source failed.
    on_stale: fn(),
    entry: Mutex<Option<Entry<T>>>,
    // Held while reading: one request reads, the others wait for what it finds.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Entry<T> {
    value: Arc<T>,
    read_at: Timestamp,
    failed_at: Option<Timestamp>,
}

/// How old a value may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ages {
    /// Used as it is.
    pub(crate) fresh: Duration,
    /// Used while it is read again behind the request.
    pub(crate) usable: Duration,
}

/// What may be done with what is there.
enum State<T> {
    Fresh(Arc<T>),
    /// Good enough for this request, but due.
    Due(Arc<T>),
    Needed,
}

impl<T: Send + Sync + 'static> Cached<T> {
    /// For what serves for `stale` since it was read while its source is down.
    pub(crate) fn new(name: &'static str, stale: Duration, on_stale: fn()) -> Self {
        Self { name, stale, on_stale, entry: Mutex::new(None), reading: tokio::sync::Mutex::new(()) }
    }

    /// As [`Self::new`], with a value that serves until the source was read for the first time.
    pub(crate) fn beginning_with(self, value: Arc<T>) -> Self {
        let entry = Entry { value, read_at: Timestamp::from_millis(0), failed_at: None };
        Self { entry: Mutex::new(Some(entry)), ..self }
    }

    /// What was read last, however long ago.
    pub(crate) fn last(&self) -> Option<Arc<T>> {
        let entry = self.entry.lock().unwrap_or_else(PoisonError::into_inner);
        entry.as_ref().map(|entry| Arc::clone(&entry.value))
    }

    /// The value. One that is older than usable, or none, waits for the source. If the source fails, what is there
    /// serves on for as long as it may.
    pub(crate) async fn get<F, E>(
        self: &Arc<Self>,
        now: Timestamp,
        ages: Ages,
        read: impl FnOnce() -> F,
    ) -> Result<Arc<T>, E>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        E: Display,
    {
        match self.state(now, ages) {
            State::Fresh(value) => Ok(value),
            State::Due(value) => {
                let (cached, reading) = (Arc::clone(self), read());
                tokio::spawn(async move {
                    // Somebody else reads already: once is enough.
                    let Ok(_turn) = cached.reading.try_lock() else { return };
                    // A failure has been noted and logged; the next request decides what to do about it.
                    let _ = cached.finish(now, reading.await);
                });
                Ok(value)
            }
            State::Needed => {
                let _turn = self.reading.lock().await;
                match self.state(now, ages) {
                    State::Fresh(value) | State::Due(value) => Ok(value),
                    State::Needed => self.finish(now, read().await),
                }
            }
        }
    }

    fn state(&self, now: Timestamp, ages: Ages) -> State<T> {
        let entry = self.entry.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = entry.as_ref() else { return State::Needed };
        let value = Arc::clone(&entry.value);
        let paused =
            entry.failed_at.is_some_and(|failed| now < failed.plus(PAUSE)) && now < entry.read_at.plus(self.stale);
        if paused || now < entry.read_at.plus(ages.fresh) {
            State::Fresh(value)
        } else if now < entry.read_at.plus(ages.usable) {
            State::Due(value)
        } else {
            State::Needed
        }
    }

    fn finish<E: Display>(&self, now: Timestamp, read: Result<T, E>) -> Result<Arc<T>, E> {
        let mut entry = self.entry.lock().unwrap_or_else(PoisonError::into_inner);
        match (read, entry.as_mut()) {
            (Ok(value), _) => {
                let value = Arc::new(value);
                *entry = Some(Entry { value: Arc::clone(&value), read_at: now, failed_at: None });
                Ok(value)
            }
            (Err(error), Some(known)) if now < known.read_at.plus(self.stale) => {
                tracing::warn!(name = self.name, cause = %error, "using what was read before");
                (self.on_stale)();
                known.failed_at = Some(now);
                Ok(Arc::clone(&known.value))
            }
            (Err(error), _) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::secrets::{STALE, STALE_IF_RETIRABLE, SecretsError};

    const AGES: Ages = Ages { fresh: Duration::from_mins(5), usable: Duration::from_mins(10) };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    /// Asks at a time when the source would answer this, and lets what runs behind the request finish.
    async fn get(cached: &Arc<Cached<u32>>, seconds: i64, answer: Option<u32>) -> Option<u32> {
        let read = || async move { answer.ok_or(SecretsError::NoSource) };
        let value = cached.get(at(seconds), AGES, read).await.ok().map(|value| *value);
        tokio::task::yield_now().await;
        value
    }

    #[tokio::test]
    async fn a_ring_is_used_then_refreshed_behind_then_waited_for() {
        let cached = Arc::new(Cached::new("ring", STALE, || ()));
        assert_eq!(get(&cached, 0, Some(1)).await, Some(1));
        assert_eq!(get(&cached, 299, Some(2)).await, Some(1), "young enough");
        assert_eq!(get(&cached, 300, Some(3)).await, Some(1), "used while it is read again");
        assert_eq!(get(&cached, 301, Some(4)).await, Some(3), "what was read behind the request before");
        assert_eq!(get(&cached, 901, Some(5)).await, Some(5), "too old to be used unseen");
    }

    #[tokio::test]
    async fn a_ring_outlives_its_source_by_24_hours() {
        let cached = Arc::new(Cached::new("ring", STALE, || ()));
        assert_eq!(get(&cached, 0, None).await, None);
        assert_eq!(get(&cached, 1, Some(1)).await, Some(1));
        assert_eq!(get(&cached, 400, None).await, Some(1));
        assert_eq!(get(&cached, 86_400, None).await, Some(1));
        assert_eq!(get(&cached, 86_400 + 61, None).await, None);
        assert_eq!(get(&cached, 86_400 + 62, Some(2)).await, Some(2));
    }

    #[tokio::test]
    async fn sec_tk_04_a_ring_that_can_be_retired_outlives_its_source_by_one_hour() {
        let cached = Arc::new(Cached::new("ring", STALE_IF_RETIRABLE, || ()));
        assert_eq!(get(&cached, 0, Some(1)).await, Some(1));
        assert_eq!(get(&cached, 3599, None).await, Some(1));
        assert_eq!(get(&cached, 3600, None).await, None);
        assert_eq!(get(&cached, 3601, Some(2)).await, Some(2));
    }

    #[tokio::test]
    async fn a_source_that_failed_is_left_alone_for_a_minute() {
        let cached = Arc::new(Cached::new("ring", STALE, || ()));
        let reads = Arc::new(AtomicU32::new(0));
        let ask = |seconds, fails: bool| {
            let (cached, reads) = (Arc::clone(&cached), Arc::clone(&reads));
            async move {
                let read = || async move {
                    reads.fetch_add(1, Ordering::SeqCst);
                    if fails { Err(SecretsError::NoSource) } else { Ok(1_u32) }
                };
                cached.get(at(seconds), AGES, read).await.unwrap();
            }
        };
        ask(0, false).await;
        for seconds in 1000..1059 {
            ask(seconds, true).await;
        }
        assert_eq!(reads.load(Ordering::SeqCst), 2);
        ask(1060, true).await;
        assert_eq!(reads.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn many_first_requests_read_once() {
        let cached = Arc::new(Cached::new("ring", STALE, || ()));
        let reads = Arc::new(AtomicU32::new(0));
        let ask = || {
            let reads = Arc::clone(&reads);
            cached.get(at(0), AGES, || async move {
                tokio::task::yield_now().await;
                Ok::<_, SecretsError>(reads.fetch_add(1, Ordering::SeqCst))
            })
        };
        let answers = futures::future::join_all((0..20).map(|_| ask())).await;
        assert!(answers.into_iter().all(|answer| *answer.unwrap() == 0));
    }
}
