//! A stage in two regions has one that writes, and one that stands by.

use thiserror::Error;

use crate::domain::session::Session;
use crate::domain::timestamp::Timestamp;

/// Which region writes, and what a change of it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    /// Its name, as AWS has it.
    pub region: String,
    /// Grows with each change.
    pub epoch: u64,
    /// When it took over. No mail of a registration, a link or a code that was asked for before goes out any more: the other
    /// region may have sent it, and somebody may have used it there (ED-18).
    pub since: Timestamp,
    /// Sessions that began after this and before `since` are over: who has one may have registered with the other region
    /// and, since that did not arrive, once more with this one (ED-18).
    pub sessions_until: Option<Timestamp>,
}

/// Another region writes, or this one was told to stand by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("this region stands by: another one writes")]
pub struct StandsBy;

impl Writer {
    /// Whether a session outlived the change.
    pub fn keeps(&self, session: &Session) -> bool {
        self.sessions_until.is_none_or(|until| session.created_at <= until || session.created_at > self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::session::tests::session;

    #[test]
    fn ed_18_sessions_of_the_window_are_over_and_no_others() {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        let writer = |until| Writer { region: "eu-west-1".to_owned(), epoch: 2, since: at(20), sessions_until: until };
        let kept = |writer: Writer, seconds| writer.keeps(&Session { created_at: at(seconds), ..session(0) });
        for (seconds, expected) in [(9, true), (10, true), (11, false), (20, false), (21, true)] {
            assert_eq!(kept(writer(Some(at(10))), seconds), expected, "{seconds}");
        }
        assert!(kept(writer(None), 15));
    }
}
