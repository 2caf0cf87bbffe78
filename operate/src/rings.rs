//! Key rings in a folder, a file each, as a server reads them that has no Secrets Manager (TK-04, TK-05).
//!
//! A file is put in place of another whole. Of two that belong together what others verify by comes first, so that nothing
//! is signed that nobody could verify, whenever this is interrupted.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use wardgate::app::App;
use wardgate::crypto::key_ring::{MacKey, Ring, SigningKey, WrapKey};
use wardgate::crypto::rotation::{Change, NO_END, RotatingKey, Source};
use wardgate::domain::timestamp::Timestamp;
use wardgate::secrets::RingName;
use wardgate::use_cases::rotate_keys::terms;
use wardgate_generate::generate;
use zeroize::Zeroizing;

use crate::Failure;
use crate::arguments::{KeysArguments, KeysCommand};
use crate::progress::say;
use crate::stage::Deployment;

/// For whoever owns the files alone: a secret of Kubernetes is made of them, and they go.
const MODE: u32 = 0o600;

/// Does what was typed about keys.
pub fn run(arguments: &KeysArguments) -> Result<(), Failure> {
    let app = Deployment::configured(arguments.stage)?;
    let folder = arguments.folder.clone().or_else(|| app.config.secrets.folder.clone());
    let folder = Folder { path: folder.ok_or("say which folder: --folder, or AUTH__SECRETS__FOLDER")?, app: &app };
    match &arguments.command {
        KeysCommand::New => {
            std::fs::create_dir_all(&folder.path).map_err(|cause| unusable(&folder.path, &cause))?;
            folder.each(&RingName::ROTATING, &Asked::New)
        }
        KeysCommand::Next { rings } if rings.is_empty() => {
            folder.each(&RingName::ROTATING, &Asked::Change(Change::Rotate))
        }
        KeysCommand::Next { rings } => folder.each(rings, &Asked::Change(Change::Rotate)),
        KeysCommand::Retire { ring, kid } => {
            let change = if kid == "all" { Change::RetireAll } else { Change::Retire(kid.clone()) };
            folder.each(&[*ring], &Asked::Change(change))
        }
        KeysCommand::List => folder.each(&RingName::ROTATING, &Asked::List),
    }
}

/// What is to become of a ring.
enum Asked {
    /// It is made, unless it is there.
    New,
    /// It changes.
    Change(Change),
    /// Nothing.
    List,
}

struct Folder<'a> {
    path: PathBuf,
    app: &'a App,
}

impl Folder<'_> {
    fn each(&self, rings: &[RingName], asked: &Asked) -> Result<(), Failure> {
        for ring in rings {
            match ring {
                RingName::Signing => self.one::<SigningKey>(*ring, asked)?,
                RingName::SessionMac | RingName::LoginMac | RingName::MailMac => self.one::<MacKey>(*ring, asked)?,
                RingName::PasswordWrap | RingName::FactorWrap => self.one::<WrapKey>(*ring, asked)?,
                // Made of the signing ring, with it.
                RingName::PublicKeys => {}
            }
        }
        Ok(())
    }

    fn one<K: RotatingKey>(&self, name: RingName, asked: &Asked) -> Result<(), Failure> {
        let there: Option<Ring<K>> = self.read(name)?;
        let (ring, change) = match (there, asked) {
            (Some(ring), Asked::New) => {
                // An earlier run may have ended between the two.
                self.publish(&ring)?;
                say(&format!("{}: there already, and kept as it is", name.name()));
                return Ok(());
            }
            (None, Asked::New) => (Ring { keys: Vec::new() }, &Change::Rotate),
            (Some(ring), Asked::Change(change)) => (ring, change),
            (Some(ring), Asked::List) => {
                tell(name, &ring, self.app.clock.now());
                return Ok(());
            }
            (None, Asked::Change(_) | Asked::List) => {
                return Err(format!("{} has no ring: keys new makes it", self.file(name).display()).into());
            }
        };
        if let Change::Retire(kid) = change
            && !ring.keys.iter().any(|key| key.times().kid == *kid)
        {
            return Err(format!("{} has no key {kid}: keys list says which there are", name.name()).into());
        }
        let now = self.app.clock.now();
        let source = Source { entropy: &*self.app.entropy, generate };
        let next = K::next(&ring, change, now, terms(self.app, name), source)
            .map_err(|cause| format!("{}: {cause}", name.name()))?;
        self.publish(&next)?;
        self.write(name, &next)?;
        tell(name, &next, now);
        Ok(())
    }

    /// The public halves of what signs; of other rings there are none.
    fn publish<K: RotatingKey>(&self, ring: &Ring<K>) -> Result<(), Failure> {
        match K::published(ring).map_err(|cause| cause.to_string())? {
            Some(public) => self.write(RingName::PublicKeys, &public),
            None => Ok(()),
        }
    }

    fn file(&self, name: RingName) -> PathBuf {
        self.path.join(name.name())
    }

    fn read<K: RotatingKey>(&self, name: RingName) -> Result<Option<Ring<K>>, Failure> {
        let file = self.file(name);
        let text = match std::fs::read(&file) {
            Ok(text) => Zeroizing::new(text),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(unusable(&file, &cause)),
        };
        // What the parser says might quote it.
        let ring = serde_json::from_slice(&text);
        ring.map(Some).map_err(|_| format!("{} is no key ring, and stays as it is", file.display()).into())
    }

    fn write(&self, name: RingName, ring: &impl Serialize) -> Result<(), Failure> {
        let file = self.file(name);
        let text = Zeroizing::new(serde_json::to_vec(ring)?);
        let fresh = file.with_extension("new");
        let written =
            OpenOptions::new().create(true).write(true).truncate(true).mode(MODE).open(&fresh).and_then(|mut to| {
                to.write_all(&text)?;
                to.sync_all()?;
                std::fs::rename(&fresh, &file)
            });
        written.map_err(|cause| unusable(&file, &cause))
    }
}

/// A line a key: its ring, its name, what it signs with, and from when until when.
fn tell<K: RotatingKey>(name: RingName, ring: &Ring<K>, now: Timestamp) {
    for key in &ring.keys {
        let times = key.times();
        let until = |at: Timestamp| if at == NO_END { "its successor".to_owned() } else { at.rfc3339() };
        let state = if times.validity.signs(now) {
            format!("in use since {}, until {}", times.validity.sign_from.rfc3339(), until(times.validity.sign_until))
        } else if now < times.validity.sign_from {
            format!("in use from {}", times.validity.sign_from.rfc3339())
        } else {
            format!("only believed, until {}", times.validity.publish_until.rfc3339())
        };
        let alg = times.alg.map_or_else(String::new, |alg| format!(" {alg:?}"));
        say(&format!("{} {}{alg}: {state}", name.name(), times.kid));
    }
}

fn unusable(path: &Path, cause: &std::io::Error) -> Failure {
    format!("{}: {cause}", path.display()).into()
}
