//! A stop, step by step: nothing that was asked is lost, and nobody can stretch it.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::serve::limits::Limits;

/// How far a stop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// None is asked for.
    Serving,
    /// Everything is served as before, and each answer says that its connection ends: whoever sends requests here has
    /// time to see that `/ready` refuses.
    Notice,
    /// What has come is answered; nothing more is taken. Since when.
    Draining(Instant),
    /// Whatever is left is cut.
    Over,
}

impl Stop {
    /// Whether connections end with their next answer.
    pub(super) fn is_asked_for(self) -> bool {
        self != Self::Serving
    }

    /// Since when nothing more is taken.
    pub(super) fn draining(self) -> Option<Instant> {
        if let Self::Draining(since) = self { Some(since) } else { None }
    }
}

/// Resolves once a stop is asked for.
pub async fn stopped(mut stop: watch::Receiver<bool>) {
    // A sender that is gone asks for nothing any more: that is a stop too.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Serves until a stop is asked for, gives notice, and lets the connections finish: `served` resolves when none is left
/// and nothing more is accepted.
pub(super) async fn conduct(
    stop: watch::Receiver<bool>,
    limits: Limits,
    stage: &watch::Sender<Stop>,
    served: impl Future<Output = ()>,
) {
    let stages = async {
        stopped(stop).await;
        stage.send_replace(Stop::Notice);
        pause(limits.notice).await;
        stage.send_replace(Stop::Draining(Instant::now()));
        pause(limits.drain).await;
    };
    tokio::select! {
        () = served => {}
        // Whoever is not done by then is cut.
        () = stages => {}
    }
    stage.send_replace(Stop::Over);
}

#[expect(
    clippy::disallowed_methods,
    reason = "notice is time, and what failed or is not there yet is tried again a little later"
)]
pub(crate) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
