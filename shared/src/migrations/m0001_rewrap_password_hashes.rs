//! Seals every password hash under the wrapping key of now (PW-02). Due again whenever there is a later key; a key goes
//! when nothing is sealed under it any more.
//!
//! Expand: any code that has the ring opens what it leaves. Taking it back seals what it sealed under the key before,
//! with nonces of its own: what had been sealed is not kept, or the key that is to go could still open it (decision 25).

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::app::App;
use crate::crypto::key_ring::{Ring, WrapKey};
use crate::crypto::password_wrap::{WrapError, unwrap, wrap_under};
use crate::domain::credential::WrappedHash;
use crate::domain::id::UserId;
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::migrations::{Aim, Course, Definition, Judging, Migration, Verdict};
use crate::store::edits::{Edit, Item, at, text};
use crate::store::migrations::Selection;

const DEFINITION: Definition = Definition {
    number: "0001",
    name: "rewrap-password-hashes",
    timestamp: "20261121115500",
    contract: false,
    repeats: true,
    source: include_str!("m0001_rewrap_password_hashes.rs"),
};

/// See above.
pub(super) struct RewrapPasswordHashes;

impl Migration for RewrapPasswordHashes {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    /// Of accounts, and of registrations that wait for their address to be verified.
    fn selection(&self) -> Selection {
        Selection { partition: "EMAIL#", sorts: &["CREDENTIAL", "REGISTRATION#"] }
    }

    fn aim<'a>(&'a self, app: &'a App, now: Timestamp) -> Judging<'a, Option<Aim>> {
        Box::pin(async move {
            let ring = match app.secrets.password_wrap_anew(now).await {
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
            let Some((hash, user)) = hash_of(item) else { return Ok(Verdict::default()) };
            let ring = course.app.secrets.password_wrap(course.app.clock.now()).await?;
            let target = key(&ring, course.revision)?;
            let later = ring.find(hash.key_version).is_some_and(|key| key.sign_from > target.sign_from);
            if hash.key_version == target.version || later {
                return Ok(Verdict::stays(under(hash.key_version)));
            }
            rewrap(course, item, &hash, user, &ring, target)
        })
    }

    fn down<'a>(&'a self, course: &'a Course<'a>, item: &'a Item) -> Judging<'a, Verdict> {
        Box::pin(async move {
            let Some((hash, user)) = hash_of(item) else { return Ok(Verdict::default()) };
            match course.before {
                Some(before) if hash.key_version.to_string() == course.revision => {
                    let ring = course.app.secrets.password_wrap(course.app.clock.now()).await?;
                    rewrap(course, item, &hash, user, &ring, key(&ring, before)?)
                }
                // There was no key before, or it is sealed under yet another.
                _ => Ok(Verdict::stays(under(hash.key_version))),
            }
        })
    }
}

fn rewrap(
    course: &Course<'_>,
    item: &Item,
    hash: &WrappedHash,
    user: UserId,
    ring: &Ring<WrapKey>,
    target: &WrapKey,
) -> Result<Verdict, Fault> {
    let phc = match unwrap(hash, user, ring) {
        Ok(phc) => phc,
        // Nobody can sign in with it either. Its key is in use all the same, and the report says so.
        Err(WrapError::UnknownVersion(version)) => {
            return Ok(Verdict::stays(format!("{}, not in the ring", under(version))));
        }
        Err(WrapError::Damaged) => return Ok(Verdict::stays(format!("{}, damaged", under(hash.key_version)))),
        Err(cause) => return Err(cause.into()),
    };
    let sealed = wrap_under(&phc, user, target, course.app.entropy.as_ref())?;
    let edit = Edit::of(item).map(|edit| {
        edit.set("password.sealed", AttributeValue::B(Blob::new(sealed.sealed)))
            .set("password.key_version", AttributeValue::N(sealed.key_version.to_string()))
            .given(item, "password.sealed")
            .given(item, "user_id")
    });
    Ok(Verdict::changes(edit, under(target.version)))
}

/// The sealed hash of an item, and whom it is sealed for.
fn hash_of(item: &Item) -> Option<(WrappedHash, UserId)> {
    let sealed = at(item, "password.sealed")?.as_b().ok()?.clone().into_inner();
    let key_version = at(item, "password.key_version")?.as_n().ok()?.parse().ok()?;
    Some((WrappedHash { key_version, sealed }, UserId::parse(text(item, "user_id")?).ok()?))
}

fn key<'a>(ring: &'a Ring<WrapKey>, version: &str) -> Result<&'a WrapKey, WrapError> {
    let version = version.parse().unwrap_or_default();
    ring.find(version).ok_or(WrapError::UnknownVersion(version))
}

fn under(version: u32) -> String {
    format!("sealed under version {version}")
}
