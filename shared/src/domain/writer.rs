//! A stage in two regions has one that writes, and one that stands by.

use serde::Deserialize;
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
    /// What each change of it that kept sessions has ended all the same. A later change does not bring any of it back.
    pub windows: Vec<Window>,
}

/// Sessions that began in it are over: who has one may have registered with the region that was lost and, since that did
/// not arrive, once more with the other one (ED-18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Window {
    /// What was written until then had arrived.
    pub until: Timestamp,
    /// When the other region took over.
    pub since: Timestamp,
}

/// Another region writes, or this one was told to stand by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("this region stands by: another one writes")]
pub struct StandsBy;

impl Writer {
    /// Whether a session outlived every change.
    pub fn keeps(&self, session: &Session) -> bool {
        self.keeps_from(session.created_at)
    }

    /// The same of what began then.
    pub fn keeps_from(&self, began: Timestamp) -> bool {
        self.windows.iter().all(|it| began <= it.until || began > it.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::session::tests::session;

    #[test]
    fn sec_ed_18_sessions_of_the_window_are_over_and_no_others() {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        let window = |until, since| Window { until: at(until), since: at(since) };
        let kept = |windows: &[Window], seconds| {
            let writer = Writer { region: "eu-west-1".to_owned(), epoch: 2, since: at(90), windows: windows.to_vec() };
            writer.keeps(&Session { created_at: at(seconds), ..session(0) })
        };
        for (seconds, expected) in [(9, true), (10, true), (11, false), (20, false), (21, true)] {
            assert_eq!(kept(&[window(10, 20)], seconds), expected, "{seconds}");
            // Also once the first region has taken its place back.
            assert_eq!(kept(&[window(10, 20), window(80, 90)], seconds), expected, "{seconds}");
        }
        assert!(kept(&[], 15));
    }
}
