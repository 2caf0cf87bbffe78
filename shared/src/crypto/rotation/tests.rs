//! Rings over years, as properties.

use proptest::prelude::*;

use super::*;
use crate::crypto::key_ring::tests::{at, mac_key};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// How long after a change somebody may still use the ring from before: less than what keys are announced by.
const CACHED: i64 = DAY;

fn terms(life_days: i64) -> Terms {
    let millis = |millis: i64| Duration::from_millis(u64::try_from(millis).unwrap());
    Terms { notice: millis(CACHED + HOUR / 6), token_life: millis(life_days * DAY) }
}

/// Counts instead of being random, so that names differ.
struct Counting(std::sync::atomic::AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        let number = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_be_bytes();
        bytes.iter_mut().zip(number.into_iter().cycle()).for_each(|(byte, next)| *byte = next);
        Ok(())
    }
}

fn source(entropy: &Counting) -> Source<'_> {
    Source { entropy, generate: |_| Ok(SecretBytes::new(vec![0])) }
}

fn counting() -> Counting {
    Counting(1.into())
}

fn next<K: RotatingKey>(ring: &Ring<K>, change: &Change, now: i64, terms: Terms, entropy: &Counting) -> Ring<K> {
    K::next(ring, change, at(now), terms, source(entropy)).unwrap()
}

fn empty<K>() -> Ring<K> {
    Ring { keys: Vec::new() }
}

fn kids(ring: &Ring<MacKey>) -> Vec<&str> {
    ring.keys.iter().map(|key| key.kid.as_str()).collect()
}

/// What happens to a ring, hours after what happened before.
fn story() -> impl Strategy<Value = Vec<i64>> {
    // At once, within the notice, weekly, monthly, months late.
    let pause = prop_oneof![Just(0), 1_i64..60, 160_i64..176, 600_i64..800, 2_000_i64..5_000];
    proptest::collection::vec(pause, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whoever seals a token may have read the ring up to a day before, and so may whoever opens it.
    #[test]
    fn sec_tk_04_no_live_token_is_ever_rejected(life_days in 1_i64..100, story in story(), steps in 1_i64..40) {
        let (terms, entropy) = (terms(life_days), counting());
        let mut editions = vec![(0, next(&empty::<MacKey>(), &Change::Rotate, 0, terms, &entropy))];
        let mut now = 0;
        for hours in story {
            now += hours * HOUR;
            let ring = next(&editions.last().unwrap().1, &Change::Rotate, now, terms, &entropy);
            editions.push((now, ring));
        }
        // The rings that somebody may use at a time.
        let used = |time: i64| {
            let replaced = editions.iter().skip(1).map(|(from, _)| *from).chain([i64::MAX]);
            let spans = editions.iter().zip(replaced);
            spans.filter(move |((from, _), until)| *from <= time && time < until.saturating_add(CACHED))
                .map(|((_, ring), _)| ring)
        };
        let step = (now + 2 * DAY) / steps + 1;
        for sealed_at in (0..=now + 2 * DAY).step_by(usize::try_from(step).unwrap()) {
            for ring in used(sealed_at) {
                let key = ring.current(at(sealed_at)).unwrap();
                for opened_at in [sealed_at, sealed_at + DAY, sealed_at + life_days * DAY / 2, sealed_at + life_days * DAY] {
                    for other in used(opened_at) {
                        prop_assert!(other.find(&key.kid, at(opened_at)).is_some(), "{} at {opened_at}", key.kid);
                    }
                }
            }
        }
    }

    #[test]
    fn sec_tk_04_there_is_always_a_signer_and_it_was_announced_a_day_before(story in story()) {
        let (terms, entropy) = (terms(30), counting());
        let mut ring = next(&empty::<SigningKey>(), &Change::Rotate, 0, terms, &entropy);
        let (mut now, mut announced) = (0, std::collections::BTreeMap::new());
        for hours in story.into_iter().chain([20_000]) {
            for key in &ring.keys {
                announced.entry(key.kid.clone()).or_insert(now);
            }
            for time in [now, now + hours * HOUR / 2, now + hours * HOUR] {
                for alg in [SigningAlgorithm::RS256, SigningAlgorithm::ES256] {
                    let signer = ring.current(alg, at(time)).unwrap();
                    prop_assert!(announced[&signer.kid] == 0 || announced[&signer.kid] + DAY <= time);
                }
            }
            now += hours * HOUR;
            ring = next(&ring, &Change::Rotate, now, terms, &entropy);
        }
    }

    /// Also if it is rotated all the time. The longest life that fits: a year's sessions.
    #[test]
    fn sec_tk_04_rings_stay_within_a_secret(life_days in 1_i64..365, hours in 1_i64..200) {
        let (terms, entropy) = (terms(life_days), counting());
        let mut ring = empty::<MacKey>();
        let mut now = 0;
        while now < 3 * life_days * DAY {
            now += hours * HOUR;
            ring = next(&ring, &Change::Rotate, now, terms, &entropy);
            let most = life_days / 2 + 4;
            prop_assert!(i64::try_from(ring.keys.len()).unwrap() <= most, "{} keys", ring.keys.len());
        }
        prop_assert!(serde_json::to_string(&ring).unwrap().len() < 65_536);
    }

    #[test]
    fn sec_tk_04_a_key_goes_only_when_its_time_is_over(story in story()) {
        let (terms, entropy) = (terms(30), counting());
        let mut ring = next(&empty::<MacKey>(), &Change::Rotate, 0, terms, &entropy);
        let mut now = 0;
        for hours in story {
            now += hours * HOUR;
            let after = next(&ring, &Change::Rotate, now, terms, &entropy);
            for key in &ring.keys {
                let over = key.validity.publish_until <= at(now);
                prop_assert_eq!(kids(&after).contains(&key.kid.as_str()), !over, "{} at {}", key.kid, now);
            }
            ring = after;
        }
    }

    /// Whatever is taken out, somebody signs; and what was taken out does not come back.
    #[test]
    fn sec_tk_04_a_retired_key_is_gone_at_once(story in story(), chosen in proptest::collection::vec(0_usize..5, 40)) {
        let (terms, entropy) = (terms(30), counting());
        let mut ring = next(&empty::<MacKey>(), &Change::Rotate, 0, terms, &entropy);
        let (mut now, mut retired) = (0, Vec::new());
        for (hours, chosen) in story.into_iter().zip(chosen) {
            now += hours * HOUR;
            let change = match ring.keys.get(chosen) {
                Some(key) => Change::Retire(key.kid.clone()),
                None => Change::Rotate,
            };
            if let Change::Retire(kid) = &change {
                retired.push(kid.clone());
            }
            ring = next(&ring, &change, now, terms, &entropy);
            prop_assert!(ring.current(at(now)).is_ok() && ring.current(at(now + 5_000 * DAY)).is_ok());
            prop_assert!(ring.keys.iter().all(|key| !retired.contains(&key.kid)));
        }
    }
}

#[test]
fn sec_tk_04_the_first_key_of_an_empty_ring_signs_at_once_and_the_second_a_day_later() {
    let (terms, entropy) = (terms(30), counting());
    let first = next(&empty::<MacKey>(), &Change::Rotate, 7 * HOUR, terms, &entropy);
    assert_eq!(first.current(at(7 * HOUR)).unwrap().kid, first.keys[0].kid);
    let second = next(&first, &Change::Rotate, 8 * HOUR, terms, &entropy);
    assert_eq!(second.current(at(8 * HOUR + DAY)).unwrap().kid, first.keys[0].kid);
    assert_eq!(second.current(at(8 * HOUR + 3 * DAY)).unwrap().kid, second.keys[1].kid);
    // One that waits is next; there is no other one after it yet.
    assert_eq!(kids(&next(&second, &Change::Rotate, 9 * HOUR, terms, &entropy)), kids(&second));
}

/// Such a ring was made by hand: everything that is made here has a signer without end.
#[test]
fn sec_tk_04_a_ring_that_has_run_out_signs_again_at_once() {
    let ring = Ring { keys: vec![mac_key("old", 0, DAY, 90 * DAY)] };
    let after = next(&ring, &Change::Rotate, 2 * DAY, terms(30), &counting());
    assert_ne!(after.current(at(2 * DAY)).unwrap().kid, "old");
    assert!(after.find("old", at(89 * DAY)).is_some());
    // One that is about to run out goes on until its successor may.
    let ring = Ring { keys: vec![mac_key("old", 0, DAY, 90 * DAY)] };
    let after = next(&ring, &Change::Rotate, DAY - HOUR, terms(30), &counting());
    assert_eq!(after.current(at(2 * DAY)).unwrap().kid, "old");
}

#[test]
fn sec_tk_04_a_life_that_is_configured_anew_ends_no_key_early() {
    let entropy = counting();
    let first = next(&empty::<MacKey>(), &Change::Rotate, 0, terms(90), &entropy);
    let second = next(&first, &Change::Rotate, DAY, terms(90), &entropy);
    let until = second.keys[0].validity.publish_until;
    // Shorter: what was made before keeps its time. Longer: it gets more.
    let third = next(&second, &Change::Rotate, 10 * DAY, terms(30), &entropy);
    assert_eq!(third.keys[0].validity.publish_until, until);
    let third = next(&second, &Change::Rotate, 10 * DAY, terms(120), &entropy);
    assert_eq!(third.keys[0].validity.publish_until, until.plus(Duration::from_hours(30 * 24)));
}

#[test]
fn sec_pw_02_a_wrapping_key_is_added_and_never_dropped() {
    let (terms, entropy) = (terms(0), counting());
    let mut ring = empty::<WrapKey>();
    for round in 0..20 {
        ring = next(&ring, &Change::Rotate, round * 400 * DAY, terms, &entropy);
    }
    assert_eq!(ring.keys.iter().map(|key| key.version).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
    assert_eq!(ring.current(at(0)).unwrap().version, 1);
    for change in [Change::RetireAll, Change::Retire("1".to_owned())] {
        let refused = WrapKey::next(&ring, &change, at(0), terms, source(&entropy));
        assert!(matches!(refused, Err(RingError::NeverRetired)), "{change:?}");
    }
    // Somebody may not have read the ring again yet: a hash under an unknown version opens nothing.
    let two =
        next(&next(&empty::<WrapKey>(), &Change::Rotate, 0, terms, &entropy), &Change::Rotate, 5, terms, &entropy);
    assert_eq!(two.current(at(DAY)).unwrap().version, 1);
    assert_eq!(two.current(at(3 * DAY)).unwrap().version, 2);
    assert_eq!(next(&two, &Change::Rotate, DAY, terms, &entropy).keys.len(), 2);
}

#[test]
fn sec_ot_09_names_of_keys_fit_into_tokens() {
    let ring = next(&empty::<MacKey>(), &Change::Rotate, 1_772_368_200_000, terms(1), &counting());
    let kid = ring.keys[0].kid.as_str();
    assert!(kid.starts_with("2026-03-01-") && kid.len() <= 32, "{kid}");
    assert!(kid.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'), "{kid}");
}
