//! People who are made up, the same for the same seed (`make seed`): for development, staging and what measures them.
//!
//! They are written as an import writes accounts, so that a second run finds them and changes nothing.

mod person;

use std::ops::RangeInclusive;
use std::sync::Arc;

use futures::stream::{StreamExt as _, TryStreamExt as _};
use wardgate::app::App;
use wardgate::clock::{Clock as _, SystemClock};
use wardgate::crypto::password_wrap;
use wardgate::domain::audit::{AuditAction, AuditEntry, Subject};
use wardgate::domain::credential::Credential;
use wardgate::domain::id::{AuditId, SessionId};
use wardgate::domain::session::Session;
use wardgate::domain::timestamp::Timestamp;
use wardgate::store::accounts::imports::{Import, ImportRow, ImportedAccount, MAX_ACCOUNTS};
use wardgate::store::sign_in::sessions::NewSession;

use crate::Failure;
use crate::arguments::{SeedArguments, StageName};
use crate::progress::{Progress, say};
use crate::stage::Deployment;
use person::{Person, Seed, is_made_up};

/// How many transactions are under way at a time.
const CONCURRENCY: usize = 8;
/// Into how many parts the table is cut to look for people of another origin.
const SEGMENTS: i32 = 4;

/// Makes sure that the people of the seed are there.
pub async fn run(arguments: SeedArguments) -> Result<(), Failure> {
    if arguments.stage == StageName::Production {
        return Err("production gets no people who are made up: seed development or staging".into());
    }
    let deployment = Deployment::open(arguments.stage).await?;
    let result = seed(&deployment.app, &arguments).await;
    deployment.close().await?;
    result
}

async fn seed(app: &Arc<App>, arguments: &SeedArguments) -> Result<(), Failure> {
    if !arguments.anyway {
        refuse_strangers(app, arguments.stage).await?;
    }
    let seed = Seed::new(&arguments.seed, arguments.stage);
    let mut progress = Progress::new(Some(arguments.users), 0, SystemClock.now());
    let (mut created, mut done) = (0, 0);
    let mut batches = futures::stream::iter(batches(arguments.users))
        .map(|numbers| {
            let people: Vec<Person> = numbers.map(|number| seed.person(number)).collect();
            batch(app, &seed, people)
        })
        .buffered(CONCURRENCY);
    while let Some(batch) = batches.try_next().await? {
        created += batch.created;
        done += batch.people;
        progress.update(done, done, SystemClock.now());
    }
    progress.finish();
    say(&format!("{created} people of the seed {} are new, {} were there.", arguments.seed, done - created));
    let first = seed.person(1);
    say(&format!("Sign in as {} with {} (number 1 of {}).", first.email.display(), first.password, arguments.users));
    Ok(())
}

/// Numbers from one, as many at a time as a transaction takes.
fn batches(users: u64) -> impl Iterator<Item = RangeInclusive<u64>> {
    let step = u64::try_from(MAX_ACCOUNTS).unwrap_or(1);
    (0..users.div_ceil(step)).map(move |batch| batch * step + 1..=users.min((batch + 1) * step))
}

/// Among people who are real, those of a seed would be found by nobody again.
async fn refuse_strangers(app: &App, stage: StageName) -> Result<(), Failure> {
    for segment in 0..SEGMENTS {
        let mut from = None;
        loop {
            let page = app.store.scan_users(segment, SEGMENTS, from).await?;
            if page.users.iter().any(|user| !is_made_up(user.email.canonical())) {
                return Err(format!(
                    "{} has people who are of no seed. To add some beside them: --anyway (ANYWAY=1)",
                    stage.name()
                )
                .into());
            }
            from = page.next;
            if from.is_none() {
                break;
            }
        }
    }
    Ok(())
}

/// What became of a batch.
struct Batch {
    people: u64,
    created: u64,
}

async fn batch(app: &App, seed: &Seed, people: Vec<Person>) -> Result<Batch, Failure> {
    let emails: Vec<_> = people.iter().map(|person| person.email.key()).collect();
    let there = app.store.read_credentials(&emails).await?;
    let now = SystemClock.now();
    let (mut accounts, mut settled) = (Vec::new(), Vec::new());
    for person in &people {
        match there.iter().find(|credential| credential.email_key == person.email.key()) {
            // A hash takes a while: what is there needs none.
            Some(credential) if credential.user_id == person.id => settled.push((person, credential.clone())),
            Some(_) => say(&format!("{} has an account of another origin.", person.email.display())),
            None => {
                let account = account(app, seed, person, now).await?;
                settled.push((person, account.credential.clone()));
                accounts.push(account);
            }
        }
    }
    let outcomes = app.store.import_accounts(&accounts).await?;
    for (person, credential) in &settled {
        for number in 0..person.sessions() {
            start_session(app, seed, person, credential, number, now).await?;
        }
    }
    let created = outcomes.iter().filter(|outcome| **outcome == Import::Created).count();
    Ok(Batch { people: u64::try_from(people.len())?, created: u64::try_from(created)? })
}

async fn account(app: &App, seed: &Seed, person: &Person, now: Timestamp) -> Result<ImportedAccount, Failure> {
    let user = person.user();
    let hash = app.hasher.hash(&person.typed()?, person.salt).await?;
    let ring = app.secrets.password_wrap(now).await?;
    let wrapped = password_wrap::wrap(&hash, user.id, &ring, now, &*app.entropy)?;
    Ok(ImportedAccount {
        credential: Credential::of(&user, Some(wrapped)),
        audit: line(app, seed, person, AuditAction::Imported, None, now)?,
        from: ImportRow { file: seed.name(), row: person.number },
        user,
    })
}

/// A session whose tokens nobody has. One that is there stays as it is.
async fn start_session(
    app: &App,
    seed: &Seed,
    person: &Person,
    credential: &Credential,
    number: u8,
    now: Timestamp,
) -> Result<(), Failure> {
    let ring = app.secrets.session_mac(now).await?;
    let policy = &app.config.sessions;
    let session = Session {
        id: SessionId::new(person.created_at, seed.number(person.number, &format!("session {number}"))),
        user_id: person.id,
        generation: 0,
        secret_hash: wardgate::domain::hex(&app.entropy.bytes::<32>()?),
        mac_kid: ring.current(now)?.kid.clone(),
        cred_version: Some(credential.cred_version),
        created_at: now,
        authenticated_at: now,
        amr: vec!["pwd".to_owned()],
        rotated_at: now,
        idle_expires_at: now.plus(policy.idle()),
        expires_at: now.plus(policy.absolute()),
        revoked_at: None,
        // Of the range for documentation.
        address: Some(format!("192.0.2.{}", person.number % 254 + 1)),
        user_agent: Some(format!("wardgate-seed/{}", number + 1)),
        told_clients: Vec::new(),
    };
    let audit = line(app, seed, person, AuditAction::SignedIn, Some(session.id), now)?;
    // Who was changed since, by hand, has the sessions that they have.
    let new = NewSession {
        session: &session,
        factors_version: credential.factors.version,
        proof: None,
        second: None,
        device: None,
        notice: None,
    };
    app.store.start_session(&new, &audit).await?;
    Ok(())
}

fn line(
    app: &App,
    seed: &Seed,
    person: &Person,
    action: AuditAction,
    session: Option<SessionId>,
    now: Timestamp,
) -> Result<AuditEntry, Failure> {
    Ok(AuditEntry {
        id: AuditId::new(now, app.entropy.number()?),
        subject: Subject::User(person.id),
        action,
        session,
        at: now,
        address: None,
        user_agent: None,
        holder: None,
        request_id: seed.name(),
        detail: None,
    })
}
