//! Seals the secret of every authenticator app under the key of now (MF-05). Due again whenever there is a later key; a key goes
//! when nothing is sealed under it any more.
//!
//! Contract: code that does not know it asks nobody for a second factor, so that a password alone would open accounts that have
//! one. From it on no such release is a way back, but by taking it back while nobody has an app: its tallies say how many
//! there are. Taking it back seals what it sealed under the key before, as 0001 does.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::app::App;
use crate::crypto::key_ring::{Ring, WrapKey};
use crate::crypto::totp_wrap::{Owner, unwrap, wrap_under};
use crate::crypto::wrap::WrapError;
use crate::domain::credential::WrappedHash;
use crate::domain::id::{FactorId, UserId};
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::migrations::{Aim, Course, Definition, Judging, Migration, Verdict};
use crate::store::edits::{Edit, Item, at, text};
use crate::store::migrations::Selection;

const DEFINITION: Definition = Definition {
    number: "0003",
    name: "rewrap-totp-secrets",
    timestamp: "20261130120500",
    contract: true,
    repeats: true,
    source: include_str!("m0003_rewrap_totp_secrets.rs"),
};

/// See above.
pub(super) struct RewrapTotpSecrets;

impl Migration for RewrapTotpSecrets {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn selection(&self) -> Selection {
        Selection { partition: "USER#", sorts: &["FACTOR#totp"] }
    }

    fn aim<'a>(&'a self, app: &'a App, now: Timestamp) -> Judging<'a, Option<Aim>> {
        Box::pin(async move {
            let ring = match app.secrets.factor_wrap_anew(now).await {
                // Before the first rotation nothing can have been sealed.
                Err(cause) if cause.is_empty() => return Ok(None),
                ring => ring?,
            };
            let current = ring.current(now)?;
            let earlier = ring.keys.iter().filter(|key| key.sign_from < current.sign_from);
            let before = earlier.max_by_key(|key| key.sign_from).map(|key| key.version.to_string());
            Ok(Some(Aim { revision: current.version.to_string(), before }))
        })
    }

    fn up<'a>(&'a self, course: &'a Course<'a>, item: &'a Item) -> Judging<'a, Verdict> {
        Box::pin(async move {
            let Some((secret, owner)) = secret_of(item) else { return Ok(Verdict::default()) };
            let ring = course.app.secrets.factor_wrap(course.app.clock.now()).await?;
            let target = key(&ring, course.revision)?;
            let later = ring.find(secret.key_version).is_some_and(|key| key.sign_from > target.sign_from);
            if secret.key_version == target.version || later {
                return Ok(Verdict::stays(under(secret.key_version)));
            }
            rewrap(course, item, &secret, owner, &ring, target)
        })
    }

    fn down<'a>(&'a self, course: &'a Course<'a>, item: &'a Item) -> Judging<'a, Verdict> {
        Box::pin(async move {
            let Some((secret, owner)) = secret_of(item) else { return Ok(Verdict::default()) };
            match course.before {
                Some(before) if secret.key_version.to_string() == course.revision => {
                    let ring = course.app.secrets.factor_wrap(course.app.clock.now()).await?;
                    rewrap(course, item, &secret, owner, &ring, key(&ring, before)?)
                }
                // There was no key before, or it is sealed under yet another.
                _ => Ok(Verdict::stays(under(secret.key_version))),
            }
        })
    }
}

fn rewrap(
    course: &Course<'_>,
    item: &Item,
    sealed: &WrappedHash,
    owner: Owner,
    ring: &Ring<WrapKey>,
    target: &WrapKey,
) -> Result<Verdict, Fault> {
    let secret = match unwrap(sealed, owner, ring) {
        Ok(secret) => secret,
        // Its code opens nothing either. Its key is in use all the same, and the report says so.
        Err(WrapError::UnknownVersion(version)) => {
            return Ok(Verdict::stays(format!("{}, not in the ring", under(version))));
        }
        Err(WrapError::Damaged) => return Ok(Verdict::stays(format!("{}, damaged", under(sealed.key_version)))),
        Err(cause) => return Err(cause.into()),
    };
    let sealed = wrap_under(&secret, owner, target, course.app.entropy.as_ref())?;
    let edit = Edit::of(item).map(|edit| {
        edit.set("secret.sealed", AttributeValue::B(Blob::new(sealed.sealed)))
            .set("secret.key_version", AttributeValue::N(sealed.key_version.to_string()))
            .given(item, "secret.sealed")
            .given(item, "id")
    });
    Ok(Verdict::changes(edit, under(target.version)))
}

/// The sealed secret of an item, and whom it is sealed for.
fn secret_of(item: &Item) -> Option<(WrappedHash, Owner)> {
    let sealed = at(item, "secret.sealed")?.as_b().ok()?.clone().into_inner();
    let key_version = at(item, "secret.key_version")?.as_n().ok()?.parse().ok()?;
    let user = UserId::parse(text(item, "pk")?.strip_prefix("USER#")?).ok()?;
    Some((WrappedHash { key_version, sealed }, (user, FactorId::parse(text(item, "id")?).ok()?)))
}

fn key<'a>(ring: &'a Ring<WrapKey>, version: &str) -> Result<&'a WrapKey, WrapError> {
    let version = version.parse().unwrap_or_default();
    ring.find(version).ok_or(WrapError::UnknownVersion(version))
}

fn under(version: u32) -> String {
    format!("sealed under version {version}")
}
