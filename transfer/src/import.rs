//! Rows into accounts: read and checked on one thread, written by several transactions at a time, and counted in the
//! order of the file, so that one number says how far it has come.

mod account;
mod write;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::StreamExt as _;
use tokio::sync::{mpsc, watch};
use wardgate::app::App;
use wardgate::clock::{Clock, SystemClock};
use wardgate::domain::timestamp::Timestamp;
use wardgate::entropy::SystemEntropy;

use crate::Failure;
use crate::arguments::{ImportArguments, StageName};
use crate::checkpoint::{self, Checkpoint, Counts, Job};
use crate::errors::ErrorList;
use crate::formats::{Reading, project};
use crate::input;
use crate::progress::{Progress, say};
use crate::rows;
use crate::stage::Deployment;
use account::Accounts;
use write::{Batches, Done, RowOutcome};

/// Imports a file.
pub async fn run(arguments: ImportArguments) -> Result<(), Failure> {
    let deployment = if arguments.dry_run { None } else { Some(Deployment::open(arguments.stage).await?) };
    let result = import(&arguments, deployment.as_ref().map(|deployment| &deployment.app)).await;
    if let Some(deployment) = deployment {
        deployment.close().await?;
    }
    result
}

/// Where an import begins, and what it leaves behind.
struct Run {
    job: Job,
    checkpoint: Option<PathBuf>,
    counts: Counts,
    errors: ErrorList,
    progress: Progress,
}

async fn import(arguments: &ImportArguments, app: Option<&Arc<App>>) -> Result<(), Failure> {
    let clock = SystemClock;
    let (file, length) = input::fingerprint(&arguments.file)?;
    let mut run = Run::begin(arguments, file, length, clock.now())?;
    let input = input::open(&arguments.file, length, &arguments.decryption)?;
    let accounts = Accounts {
        reading: Reading { format: arguments.format, project: project(&arguments.firebase)?, now: clock.now() },
        file: run.job.file.clone(),
        wrapping: match app {
            Some(app) => {
                let ring = app.secrets.password_wrap(clock.now()).await?;
                // Better now than as the reason of every row.
                ring.current(clock.now())?;
                Some(ring)
            }
            None => None,
        },
        entropy: Arc::new(SystemEntropy),
        now: clock.now(),
    };

    let (first, read) = (run.counts.rows(), Arc::clone(&input.read));
    let concurrency = usize::from(arguments.concurrency);
    let (batches, mut incoming) = mpsc::channel(concurrency * 2);
    let format = arguments.format;
    let reader = tokio::task::spawn_blocking(move || {
        let mut open = Batches::new(concurrency * 4);
        let mut row = 0;
        let result = rows::each(input.text, format, &mut |object| {
            row += 1;
            if row <= first {
                return ControlFlow::Continue(());
            }
            let account = object.map_err(RowOutcome::from).and_then(|object| accounts.account(row, &object));
            let full = open.add(row, account, read.load(Ordering::Relaxed));
            // Whoever would take it may have given up.
            if full.is_none_or(|full| batches.blocking_send(full).is_ok()) {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        // As above.
        let _ = batches.blocking_send(open.take(read.load(Ordering::Relaxed)));
        result
    });

    let incoming = futures::stream::poll_fn(|context| incoming.poll_recv(context));
    let (written, watching) = watch::channel(0);
    let mut writes = incoming.map(|batch| write::write(app, batch, watching.clone())).buffered(concurrency);
    let mut unsaved = 0;
    let mut failure = None;
    while let Some(done) = writes.next().await {
        let done = match done {
            Ok(done) => done,
            Err(error) => {
                failure = Some(error);
                break;
            }
        };
        written.send_modify(|written| *written += 1);
        unsaved += u64::try_from(done.rows.len())?;
        run.count(&done)?;
        run.progress.update(done.position, run.counts.rows(), clock.now());
        if unsaved >= arguments.checkpoint_rows {
            run.save()?;
            unsaved = 0;
        }
    }
    drop(writes);
    run.save()?;
    if let Some(error) = failure {
        return Err(format!("{error}. Run the same command again: it goes on after row {}", run.counts.rows()).into());
    }
    reader.await??;
    run.end(arguments.stage, clock.now())
}

impl Run {
    fn begin(arguments: &ImportArguments, file: String, length: u64, now: Timestamp) -> Result<Self, Failure> {
        let job = Job { file, stage: arguments.stage.name().to_owned(), format: arguments.format.name().to_owned() };
        let path = checkpoint::path(&arguments.file);
        let found = if arguments.dry_run || arguments.restart { None } else { Checkpoint::read(&path, &job)? };
        let (counts, errors_length) = found.map_or_else(Default::default, |found| (found.counts, found.errors_length));
        if counts.rows() > 0 {
            say(&format!("An earlier run did {} rows: going on after them.", counts.rows()));
        }
        let errors = arguments.errors.clone().unwrap_or_else(|| {
            let mut path = arguments.file.as_os_str().to_owned();
            path.push(".errors.csv");
            path.into()
        });
        let progress = Progress::new(Some(length), counts.rows(), now);
        let checkpoint = (!arguments.dry_run).then_some(path);
        let errors = ErrorList::open(&errors, errors_length)
            .map_err(|cause| format!("cannot write the list of refused rows, {}: {cause}", errors.display()))?;
        Ok(Self { job, checkpoint, counts, errors, progress })
    }

    fn count(&mut self, done: &Done) -> Result<(), Failure> {
        for (row, outcome) in &done.rows {
            match outcome {
                RowOutcome::Created => self.counts.created += 1,
                RowOutcome::AlreadyImported => self.counts.already_imported += 1,
                RowOutcome::Refused(reason) => {
                    self.counts.refused += 1;
                    self.errors.add(*row, reason)?;
                }
            }
        }
        Ok(())
    }

    /// The list of errors first: a checkpoint says how long it is.
    fn save(&self) -> Result<(), Failure> {
        let Some(path) = &self.checkpoint else { return Ok(()) };
        self.errors.sync()?;
        let checkpoint =
            Checkpoint { job: self.job.clone(), counts: self.counts.clone(), errors_length: self.errors.length() };
        Ok(checkpoint.write(path)?)
    }

    fn end(self, stage: StageName, now: Timestamp) -> Result<(), Failure> {
        self.progress.finish();
        if let Some(path) = &self.checkpoint {
            Checkpoint::remove(path)?;
        }
        let Counts { created, already_imported, refused } = self.counts;
        let rate = self.progress.rate(self.counts.rows(), now);
        say(&match self.checkpoint {
            None => format!("Dry run: {created} rows would become accounts unless they exist, {refused} are refused."),
            Some(_) => format!(
                "{created} accounts created in {}, {already_imported} were imported before, {refused} rows refused; \
                 {rate} rows a second.",
                stage.name()
            ),
        });
        if refused > 0 {
            say(&format!("Refused rows and reasons: {}", self.errors.path().display()));
        }
        Ok(())
    }
}
