//! The server with a store, keys and a demo user of its own: a laptop's (PL-06).

#[cfg(feature = "dev")]
pub(crate) use with::{engine, run};
#[cfg(not(feature = "dev"))]
pub(crate) use without::{engine, run};

#[cfg(feature = "dev")]
mod with {
    use std::path::Path;
    use std::sync::Arc;

    use tokio::net::TcpListener;
    use tokio::sync::watch;
    use wardgate::config::Config;
    use wardgate_server::dev::local::Local;
    use wardgate_server::dev::{demo, demo_clients, erasure, outbox, tour};
    use wardgate_server::env_file::Environment;
    use wardgate_server::serve::{listen, serve_router};
    use wardgate_server::store_gate::StoreGate;

    use crate::{AnyError, app};

    #[expect(clippy::print_stdout, reason = "the tour is what whoever typed `make run` waits for")]
    pub(crate) async fn run(
        mut config: Config,
        folder: &Path,
        listeners: Vec<TcpListener>,
        stopping: watch::Receiver<bool>,
    ) -> Result<(), AnyError> {
        let local = Local::start(&mut config, folder).await?;
        let base = format!("http://localhost:{}", config.http.port);
        let gate = StoreGate::of_a_server();
        let app = app(config, gate.before(local.connection.clone()))?;
        demo::ensure(&app).await?;
        demo_clients::ensure(&app).await?;
        println!("\nWardgate listens on {base}. Ctrl-C ends it; data and keys stay in {}.\n", folder.display());
        println!("{}", tour::tour(&base));
        let (pump, outbox) = local.pump(&app);
        let router = outbox::router(&app, &pump, &outbox);
        let pumping = tokio::spawn(pump.run(stopping.clone()));
        let erasures = erasure::start(&app, stopping.clone());
        serve_router(Arc::clone(&app), gate, router, listeners, stopping).await;
        pumping.await?;
        // One that is under way is finished at the next start.
        erasures.abort();
        let _ = erasures.await;
        drop(app);
        local.stop().await?;
        println!("Wardgate has stopped.");
        Ok(())
    }

    /// The store, keys, demo user and outbox for functions that run as processes of their own.
    #[expect(clippy::print_stdout, reason = "whoever typed `make watch` looks for their mails")]
    pub(crate) async fn engine(
        mut config: Config,
        folder: &Path,
        environment: &Environment,
        stopping: watch::Receiver<bool>,
    ) -> Result<(), AnyError> {
        let local = Local::start(&mut config, folder).await?;
        let gate = StoreGate::of_a_server();
        let app = app(config, gate.before(local.connection.clone()))?;
        demo::ensure(&app).await?;
        demo_clients::ensure(&app).await?;
        // The functions have no outbox: it is here, on a port of its own.
        let listeners = listen(app.config.http.bind.get(..1).unwrap_or_default(), 0).await?;
        let (pump, outbox) = local.pump(&app);
        let router = outbox::routes(&app.config, &pump, &outbox);
        let pumping = tokio::spawn(pump.run(stopping.clone()));
        let env_file = local.write_env_file(&app.config, environment.from_file())?;
        if let Some(address) = listeners.first().and_then(|listener| listener.local_addr().ok()) {
            println!("Mails land at http://{address}/dev/outbox.");
        }
        serve_router(app, gate, router, listeners, stopping).await;
        pumping.await?;
        drop(env_file);
        Ok(local.stop().await?)
    }
}

#[cfg(not(feature = "dev"))]
mod without {
    use std::path::Path;

    use tokio::net::TcpListener;
    use tokio::sync::watch;
    use wardgate::config::Config;
    use wardgate_server::env_file::Environment;

    use crate::AnyError;

    pub(crate) async fn run(
        _config: Config,
        _folder: &Path,
        _listeners: Vec<TcpListener>,
        _stopping: watch::Receiver<bool>,
    ) -> Result<(), AnyError> {
        Err("embedded.folder is set, but this build has no embedded store: it needs the cargo feature dev (PL-06)"
            .into())
    }

    pub(crate) async fn engine(
        config: Config,
        folder: &Path,
        _environment: &Environment,
        stopping: watch::Receiver<bool>,
    ) -> Result<(), AnyError> {
        run(config, folder, Vec::new(), stopping).await
    }
}
