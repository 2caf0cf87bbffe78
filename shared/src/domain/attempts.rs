//! Limits on guessing: how many attempts, and how long to wait (EN-01, EN-02).

use std::time::Duration;

use serde::Deserialize;

use crate::domain::timestamp::Timestamp;

/// The limit on consecutive failures: some are free, then each one doubles the wait, then none are left.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FailureLimit {
    /// Failures without any wait.
    pub free_failures: u32,
    /// The wait after the last free failure. It doubles with each further one.
    pub first_delay_seconds: u64,
    /// The longest wait.
    pub longest_delay_seconds: u64,
    /// After this many consecutive failures nothing is evaluated any more.
    pub most_failures: u32,
}

/// As [`FailureLimit`], in a fixed window of time: what was counted in one is forgotten at its end, whoever came.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WindowedFailureLimit {
    /// Failures without any wait.
    pub free_failures: u32,
    /// The wait after the last free failure. It doubles with each further one.
    pub first_delay_seconds: u64,
    /// The longest wait.
    pub longest_delay_seconds: u64,
    /// After this many failures nothing is evaluated any more until the window ends.
    pub most_failures: u32,
    /// The window's length.
    pub window_seconds: u32,
}

impl WindowedFailureLimit {
    /// The limit inside a window.
    pub fn failures(&self) -> FailureLimit {
        FailureLimit {
            free_failures: self.free_failures,
            first_delay_seconds: self.first_delay_seconds,
            longest_delay_seconds: self.longest_delay_seconds,
            most_failures: self.most_failures,
        }
    }

    /// The windows.
    pub fn window(&self) -> WindowLimit {
        WindowLimit { limit: self.most_failures, window_seconds: self.window_seconds }
    }

    /// How long the caller has to wait before the next attempt would be evaluated: no longer than the window lasts.
    pub fn retry_after(&self, failures: Failures, now: Timestamp) -> Duration {
        let left = self.window().window_end(now).since(now);
        let limit = self.failures();
        limit.delay_after(failures.count).map_or(left, |_| limit.retry_after(failures, now).min(left))
    }
}

/// The state of one counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// Attempts reserved since the last completed sign-in.
    pub count: u32,
    /// When the last one was reserved.
    pub last_at: Timestamp,
}

impl FailureLimit {
    /// How long to wait after the `count`th consecutive attempt before the next is evaluated; `None` for never.
    pub fn delay_after(&self, count: u32) -> Option<Duration> {
        if count >= self.most_failures {
            return None;
        }
        let Some(doublings) = count.checked_sub(self.free_failures) else { return Some(Duration::ZERO) };
        let factor = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
        let delay = self.first_delay_seconds.saturating_mul(factor).min(self.longest_delay_seconds);
        Some(Duration::from_secs(delay))
    }

    /// The counts after which the wait differs from the count before: what a condition on the table has to tell apart.
    /// Each is `(count from which on, wait)`, in growing order, ending with the longest wait.
    pub fn steps(&self) -> Vec<(u32, Duration)> {
        let mut steps = Vec::new();
        for count in self.free_failures..self.most_failures {
            let Some(delay) = self.delay_after(count) else { break };
            if steps.last().is_some_and(|(_, longest)| *longest == delay) {
                break;
            }
            steps.push((count, delay));
        }
        steps
    }

    /// How long the caller has to wait before the next attempt would be evaluated. An exhausted counter answers the
    /// longest wait.
    pub fn retry_after(&self, failures: Failures, now: Timestamp) -> Duration {
        match self.delay_after(failures.count) {
            Some(delay) => failures.last_at.plus(delay).since(now).max(Duration::from_secs(1)),
            None => Duration::from_secs(self.longest_delay_seconds),
        }
    }
}

/// A limit on attempts in a fixed window of time, without delays.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WindowLimit {
    /// The most in one window.
    pub limit: u32,
    /// The window's length.
    pub window_seconds: u32,
}

impl WindowLimit {
    /// When the window that `now` lies in began.
    pub fn window_start(&self, now: Timestamp) -> Timestamp {
        let length = self.length_millis();
        Timestamp::from_millis(now.millis().div_euclid(length) * length)
    }

    /// When the window that `now` lies in ends.
    pub fn window_end(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_millis(self.window_start(now).millis().saturating_add(self.length_millis()))
    }

    /// The same limit for a network that counts as `share` sources.
    #[must_use]
    pub fn times(&self, share: u32) -> Self {
        Self { limit: self.limit.saturating_mul(share), ..*self }
    }

    fn length_millis(&self) -> i64 {
        i64::from(self.window_seconds.max(1)) * 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit() -> FailureLimit {
        FailureLimit { free_failures: 10, first_delay_seconds: 1, longest_delay_seconds: 900, most_failures: 100 }
    }

    #[test]
    fn sec_en_02_ten_free_then_one_second_doubling_to_fifteen_minutes_at_most_a_hundred() {
        let seconds = |count| limit().delay_after(count).map(|delay| delay.as_secs());
        assert_eq!(seconds(0), Some(0));
        assert_eq!(seconds(9), Some(0));
        assert_eq!(seconds(10), Some(1));
        assert_eq!(seconds(11), Some(2));
        assert_eq!(seconds(19), Some(512));
        assert_eq!(seconds(20), Some(900));
        assert_eq!(seconds(99), Some(900));
        assert_eq!(seconds(100), None);
    }

    #[test]
    fn steps_agree_with_the_delay_of_every_count() {
        let steps = limit().steps();
        for count in 0..100 {
            let by_steps =
                steps.iter().rev().find(|(from, _)| count >= *from).map_or(Duration::ZERO, |(_, delay)| *delay);
            assert_eq!(Some(by_steps), limit().delay_after(count), "after {count}");
        }
        assert_eq!(steps.len(), 11);
    }

    #[test]
    fn retry_after_counts_from_the_last_attempt() {
        let failures = Failures { count: 12, last_at: Timestamp::from_millis(10_000) };
        assert_eq!(limit().retry_after(failures, Timestamp::from_millis(11_000)), Duration::from_secs(3));
        assert_eq!(limit().retry_after(failures, Timestamp::from_millis(99_000)), Duration::from_secs(1));
    }

    #[test]
    fn sec_en_02_who_has_used_up_a_window_or_waits_in_it_waits_for_its_end_at_most() {
        let limit = WindowedFailureLimit {
            free_failures: 2,
            first_delay_seconds: 60,
            longest_delay_seconds: 60,
            most_failures: 3,
            window_seconds: 100,
        };
        let wait = |count, now| {
            let failures = Failures { count, last_at: Timestamp::from_millis(0) };
            limit.retry_after(failures, Timestamp::from_millis(now)).as_secs()
        };
        assert_eq!((wait(2, 10_000), wait(3, 10_000), wait(3, 99_000)), (50, 90, 1));
        let late = Failures { count: 2, last_at: Timestamp::from_millis(80_000) };
        assert_eq!(limit.retry_after(late, Timestamp::from_millis(81_000)), Duration::from_secs(19));
    }

    #[test]
    fn windows_are_aligned_and_do_not_overlap() {
        let window = WindowLimit { limit: 5, window_seconds: 60 };
        let now = Timestamp::from_millis(119_999);
        assert_eq!(window.window_start(now), Timestamp::from_millis(60_000));
        assert_eq!(window.window_end(now), Timestamp::from_millis(120_000));
        assert_eq!(window.window_start(window.window_end(now)), window.window_end(now));
    }
}
