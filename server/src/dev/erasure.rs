//! What a schedule starts on AWS.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use wardgate::app::App;
use wardgate::use_cases::eraser::erase_accounts;

use crate::serve::stopped;

/// How often accounts are erased. On AWS, once a day does.
const ERASURES: Duration = Duration::from_mins(5);

/// Erases accounts now and then, until the server stops.
pub fn start(app: &Arc<App>, stop: watch::Receiver<bool>) -> JoinHandle<()> {
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let mut interval = tokio::time::interval(ERASURES);
        let mut stop = std::pin::pin!(stopped(stop));
        loop {
            tokio::select! {
                () = &mut stop => return,
                _ = interval.tick() => {}
            }
            if let Err(cause) = erase_accounts(&app, "eraser").await {
                tracing::warn!(%cause, "could not erase every account whose turn has come");
            }
        }
    })
}
