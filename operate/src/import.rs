//! Rows into accounts: the file is read once before anything is written; then again, checked on one thread, written by
//! several transactions at a time, and counted in the order of the file, so that one number says how far it has come.

mod account;
mod repeats;
mod survey;
mod write;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::StreamExt as _;
use tokio::sync::mpsc;
use wardgate::app::App;
use wardgate::clock::{Clock, SystemClock};
use wardgate::domain::id::ImportId;
use wardgate::domain::timestamp::Timestamp;
use wardgate::entropy::{Entropy, SystemEntropy};
use wardgate::store::accounts::imports::Resumption;

use crate::Failure;
use crate::arguments::ImportArguments;
use crate::checkpoint::{self, Checkpoint, Job};
use crate::errors::ErrorList;
use crate::input;
use crate::progress::{Progress, say};
use crate::rows;
use crate::stage::Deployment;
use crate::summary::{Counts, Summary};
use account::{Accounts, check};
use survey::{Survey, survey};
use write::{Batch, Done, Refusal, RowOutcome};

/// Imports a file.
pub async fn run(arguments: ImportArguments) -> Result<(), Failure> {
    let survey = survey(&arguments).await?;
    let deployment = if arguments.dry_run { None } else { Some(Deployment::open(arguments.stage).await?) };
    if let Some(deployment) = &deployment {
        let switches = deployment.app.config.switches;
        if !switches.import || switches.read_only {
            let switch = if switches.import { "switches.read_only" } else { "switches.import" };
            let stage = arguments.stage.name();
            return Err(format!("nothing is imported: {switch} of stage {stage} says so; see make set").into());
        }
    }
    let result = import(&arguments, deployment.as_ref().map(|deployment| &deployment.app), survey).await;
    if let Some(deployment) = deployment {
        deployment.close().await?;
    }
    result
}

/// Where an import begins, and what it leaves behind.
struct Run {
    job: Job,
    /// What the table knows it by.
    id: ImportId,
    checkpoint: Option<PathBuf>,
    counts: Counts,
    /// How many rows the checkpoint says.
    saved: u64,
    errors: ErrorList,
    progress: Progress,
}

async fn import(arguments: &ImportArguments, app: Option<&Arc<App>>, survey: Survey) -> Result<(), Failure> {
    let clock = SystemClock;
    let Survey { reading, file, length, repeated } = survey;
    let mut run = Run::begin(arguments, app, file, length, clock.now()).await?;
    let input = input::open(&arguments.file, length, &arguments.decryption, arguments.encoding)?;
    let accounts = Accounts {
        format: arguments.format,
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
    let reader = tokio::task::spawn_blocking(move || {
        let mut open = Batch::default();
        let mut row = 0;
        let result = rows::each(input.text, reading.format, &mut |object| {
            row += 1;
            if row <= first {
                return ControlFlow::Continue(());
            }
            let checked = object.map_err(Refusal::from).and_then(|object| check(&reading, &object));
            let account = match (checked, repeated.get(&row)) {
                (Ok(_), Some(other)) => Err(Refusal::repeated(*other)),
                (Ok(checked), None) => {
                    let traits = checked.traits();
                    accounts.account(row, checked).map(|account| (account, traits))
                }
                (Err(refusal), _) => Err(refusal),
            };
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
    let mut writes = incoming.map(|batch| write::write(app, batch)).buffered(concurrency);
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
        unsaved += u64::try_from(done.rows.len())?;
        run.count(&done)?;
        run.progress.update(done.position, run.counts.rows(), clock.now());
        if unsaved >= arguments.checkpoint_rows {
            run.save(app, clock.now()).await?;
            unsaved = 0;
        }
    }
    drop(writes);
    let saved = run.save(app, clock.now()).await;
    if let Some(error) = failure {
        return Err(format!("{error}. Run the same command again: it goes on after row {}", run.saved).into());
    }
    saved?;
    reader.await??;
    run.end(arguments, clock.now())
}

impl Run {
    async fn begin(
        arguments: &ImportArguments,
        app: Option<&Arc<App>>,
        file: String,
        length: u64,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let job = Job { file, stage: arguments.stage.name().to_owned(), format: arguments.format.name().to_owned() };
        let path = checkpoint::path(&arguments.file);
        let found = if arguments.dry_run || arguments.restart { None } else { Checkpoint::read(&path, &job)? };
        let found = match (found, app) {
            (Some(found), Some(app)) if found.counts.rows() > 0 => known(app, found, now).await?,
            _ => None,
        };
        if let Some(found) = &found {
            say(&format!("An earlier run did {} rows: going on after them.", found.counts.rows()));
        }
        let (id, counts, errors_length) = if let Some(found) = found {
            (found.run, found.counts, found.errors_length)
        } else {
            let entropy: &dyn Entropy = &SystemEntropy;
            (ImportId::new(now, entropy.number()?), Counts::default(), 0)
        };
        let errors = arguments.errors.clone().unwrap_or_else(|| {
            let mut path = arguments.file.as_os_str().to_owned();
            path.push(".errors.csv");
            path.into()
        });
        let progress = Progress::new(Some(length), counts.rows(), now);
        let checkpoint = (!arguments.dry_run).then_some(path);
        let errors = ErrorList::open(&errors, errors_length).map_err(|cause| {
            format!(
                "cannot write the list of refused rows, {}: {cause}. To begin anew: --restart (RESTART=1)",
                errors.display()
            )
        })?;
        let saved = counts.rows();
        Ok(Self { job, id, checkpoint, counts, saved, errors, progress })
    }

    fn count(&mut self, done: &Done) -> Result<(), Failure> {
        for (row, outcome) in &done.rows {
            match outcome {
                RowOutcome::Created(traits) => {
                    self.counts.created += 1;
                    self.counts.account(traits);
                }
                RowOutcome::AlreadyImported(traits) => {
                    self.counts.already_imported += 1;
                    self.counts.account(traits);
                }
                RowOutcome::Refused(refusal) => {
                    self.counts.refusal(&refusal.reason);
                    self.errors.add(*row, refusal.told())?;
                }
            }
        }
        Ok(())
    }

    /// The list of errors first: a checkpoint says how long it is. Then the table: a checkpoint that says more than its
    /// note is of another table.
    async fn save(&mut self, app: Option<&Arc<App>>, now: Timestamp) -> Result<(), Failure> {
        let (Some(path), Some(app)) = (&self.checkpoint, app) else { return Ok(()) };
        self.errors.sync()?;
        app.store.note_import(self.id, self.counts.rows(), now).await?;
        let checkpoint = Checkpoint {
            job: self.job.clone(),
            run: self.id,
            counts: self.counts.clone(),
            errors_length: self.errors.length(),
        };
        checkpoint.write(path)?;
        self.saved = self.counts.rows();
        Ok(())
    }

    fn end(self, arguments: &ImportArguments, now: Timestamp) -> Result<(), Failure> {
        self.progress.finish();
        if let Some(path) = &self.checkpoint {
            Checkpoint::remove(path)?;
        }
        let Counts { created, already_imported, refused, .. } = self.counts;
        let rate = self.progress.rate(self.counts.rows(), now);
        say(&if arguments.dry_run {
            format!("Dry run: {created} rows would become accounts unless they exist, {refused} are refused.")
        } else {
            format!(
                "{created} accounts created in {}, {already_imported} were imported before, {refused} rows refused; \
                 {rate} rows a second.",
                arguments.stage.name()
            )
        });
        say(&self.counts.table(arguments.dry_run));
        if refused > 0 {
            say(&format!("Refused rows and reasons: {}", self.errors.path().display()));
        }
        if let Some(path) = &arguments.summary {
            let summary = Summary {
                dry_run: arguments.dry_run,
                stage: arguments.stage.name(),
                format: arguments.format.name(),
                read: self.counts.rows(),
                counts: &self.counts,
            };
            let unwritable = |cause| format!("cannot write {}: {cause}", path.display());
            std::fs::write(path, serde_json::to_vec_pretty(&summary)?).map_err(unwritable)?;
        }
        Ok(())
    }
}

/// The checkpoint, if the table knows of what it says.
async fn known(app: &App, found: Checkpoint, now: Timestamp) -> Result<Option<Checkpoint>, Failure> {
    let rows = found.counts.rows();
    Ok(match app.store.resume_import(found.run, rows, now).await? {
        Resumption::Known => Some(found),
        Resumption::Unknown => {
            say(&format!(
                "An earlier run did {rows} rows, but not into this store as it is now: it is another one, or it was \
                 deleted or restored since. Starting with the first row; what is there is recognised."
            ));
            None
        }
    })
}
