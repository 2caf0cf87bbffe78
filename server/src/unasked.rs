//! What the server does without being asked, if it is to. A build without the feature `standalone` answers and does nothing
//! else.

#[cfg(feature = "standalone")]
pub(crate) use with::start;
#[cfg(not(feature = "standalone"))]
pub(crate) use without::start;

#[cfg(feature = "standalone")]
mod with {
    use std::sync::Arc;

    use tokio::sync::watch;
    use tokio::task::JoinHandle;
    use wardgate::app::App;
    use wardgate::aws::Connection;
    use wardgate_server::jobs::{Jobs, JobsError};

    pub(crate) fn start(
        app: &Arc<App>,
        connection: &Connection,
        stop: &watch::Receiver<bool>,
    ) -> Result<JoinHandle<()>, JobsError> {
        if !app.config.jobs.enabled {
            tracing::info!("other replicas send the mails and erase the accounts: jobs.enabled is false");
            return Ok(tokio::spawn(async {}));
        }
        Ok(Jobs::new(app, connection)?.start(stop.clone()))
    }
}

#[cfg(not(feature = "standalone"))]
mod without {
    use std::convert::Infallible;
    use std::sync::Arc;

    use tokio::sync::watch;
    use tokio::task::JoinHandle;
    use wardgate::app::App;
    use wardgate::aws::Connection;

    #[expect(clippy::unnecessary_wraps, reason = "the same shape as with the feature")]
    pub(crate) fn start(
        _app: &Arc<App>,
        _connection: &Connection,
        _stop: &watch::Receiver<bool>,
    ) -> Result<JoinHandle<()>, Infallible> {
        Ok(tokio::spawn(async {}))
    }
}
