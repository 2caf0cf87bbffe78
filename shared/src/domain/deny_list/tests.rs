use proptest::prelude::*;

use super::*;
use crate::domain::event::Change;
use crate::domain::session::Session;
use crate::domain::session::tests::session;
use crate::domain::user::tests::ada;
use crate::domain::user::{User, UserStatus};

const ACCESS: u64 = 300;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn user(number: u128) -> UserId {
    UserId::new(at(1), number)
}

fn ended(number: u128, of: u128, seconds: i64) -> DenyOrder {
    DenyOrder::session(SessionId::new(at(1), number), user(of), seconds, 300)
}

fn told(change: &Change) -> Vec<DenyOrder> {
    orders(change, at(150), false, ACCESS)
}

fn of_session(old: Option<Session>, new: Option<Session>) -> Change {
    Change::Session { old: old.map(Box::new), new: new.map(Box::new) }
}

fn of_profile(old: Option<User>, new: Option<User>) -> Change {
    Change::Profile { old: old.map(Box::new), new: new.map(Box::new) }
}

#[test]
fn sec_ed_10_a_session_that_ends_is_told_once_and_until_its_last_token_is_dead() {
    let revoked = Session { revoked_at: Some(at(200)), ..session(1) };
    let ends = of_session(Some(session(1)), Some(revoked.clone()));
    let id = session(1).id.to_string();
    let expected = DenyOrder { key: id, value: "565".to_owned(), until: 565, at: 200, user: Some(session(1).user_id) };
    assert_eq!(told(&ends), [expected]);
    for quiet in [
        of_session(None, Some(session(1))),
        of_session(Some(session(1)), Some(session(2))),
        of_session(Some(revoked.clone()), Some(Session { address: None, ..revoked.clone() })),
        of_session(Some(revoked), None),
        of_session(None, None),
    ] {
        assert_eq!(told(&quiet), [], "{quiet:?}");
    }
}

#[test]
fn what_the_table_deletes_by_itself_is_not_told() {
    let gone = of_session(Some(session(1)), None);
    assert_eq!(orders(&gone, at(150), true, ACCESS), []);
    assert_eq!(told(&gone).len(), 1, "somebody deleted it");
    assert_eq!(orders(&of_profile(Some(ada()), None), at(150), true, ACCESS), []);
}

#[test]
fn a_session_without_a_living_token_is_not_told() {
    let ends = |seconds| {
        of_session(Some(session(1)), Some(Session { revoked_at: Some(at(seconds)), rotated_at: at(100), ..session(1) }))
    };
    assert_eq!(told(&ends(465)).len(), 1);
    assert_eq!(told(&ends(466)), []);
}

#[test]
fn sec_ed_10_a_users_sessions_are_told_when_they_end_together() {
    let limit = |seconds, kept_sid| User { sessions_not_before: Some(at(seconds)), kept_sid, ..ada() };
    let kept = session(1).id;
    let order = |change| told(&change).pop().map(|order| (order.key, order.value, order.until));
    let key = ada().id.to_string();
    assert_eq!(
        order(of_profile(Some(ada()), Some(limit(100, Some(kept))))),
        Some((key.clone(), format!("100 {kept}"), 465))
    );
    assert_eq!(
        order(of_profile(Some(limit(90, None)), Some(limit(100, None)))),
        Some((key.clone(), "100".into(), 465))
    );
    for status in [UserStatus::Disabled, UserStatus::Leaving, UserStatus::Erasing] {
        let closed = User { status, ..limit(100, Some(kept)) };
        assert_eq!(order(of_profile(Some(ada()), Some(closed))), Some((key.clone(), "151".into(), 516)), "{status:?}");
    }
    assert_eq!(order(of_profile(Some(ada()), None)), Some((key, "151".into(), 516)));
    let long_gone = User { status: UserStatus::Erasing, sessions_not_before: Some(Timestamp::EPOCH), ..ada() };
    assert_eq!(orders(&of_profile(Some(long_gone), None), at(9_000), false, ACCESS), []);
    for quiet in [
        of_profile(None, Some(ada())),
        of_profile(Some(limit(100, None)), Some(limit(100, None))),
        of_profile(Some(User { status: UserStatus::Disabled, ..ada() }), Some(ada())),
    ] {
        assert_eq!(told(&quiet), [], "{quiet:?}");
    }
}

#[test]
fn an_order_about_anything_else_than_the_edge_looks_up_is_none() {
    let read = |key: &str| {
        serde_json::from_value::<DenyOrder>(serde_json::json!({ "key": key, "value": "1", "until": 2, "at": 1 }))
    };
    let (id, session) = (user(1).to_string(), session(1).id.to_string());
    for key in ["all", id.as_str(), session.as_str()] {
        assert!(read(key).is_ok(), "{key}");
    }
    for key in ["", "ALL", "usr_", "ses_1", "grt", "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV", "all "] {
        assert!(read(key).is_err(), "{key}");
    }
}

#[test]
fn more_than_eight_ended_sessions_of_one_user_are_one_entry() {
    let of_one = |count: u128| (0..count).map(|number| ended(number, 1, 100)).collect::<Vec<_>>();
    assert_eq!(fold(&of_one(8), at(100)).entries.len(), 8);
    let mut orders = of_one(9);
    orders.push(ended(99, 2, 100));
    orders.push(ended(5, 1, 120));
    let folded = fold(&orders, at(100));
    let (entry, from) = folded.entries.iter().find(|(order, _)| order.key == user(1).to_string()).unwrap();
    assert_eq!((entry.value.as_str(), entry.until, from.len()), ("120", 485, 10));
    assert_eq!((folded.entries.len(), folded.by_user), (2, false));
}

#[test]
fn too_many_orders_are_folded_for_all() {
    let orders: Vec<_> = (0..5_001).map(|number| ended(number, number / 2, 100)).collect();
    let folded = fold(&orders, at(100));
    assert_eq!((folded.entries.len(), folded.by_user), (2_501, true));
    let alone = folded.entries.iter().filter(|(order, _)| order.key.starts_with("ses_")).count();
    assert_eq!(alone, 1, "one ended session is no more than one user");
    assert!(!fold(&orders[..5_000], at(100)).by_user);
    assert!(fold(&orders, at(465)).entries.is_empty(), "all are past");
}

#[test]
fn entries_are_spent_by_their_own_value() {
    let (one, session) = (user(1).to_string(), session(1).id.to_string());
    assert!(!is_spent(&session, "100", at(99)) && is_spent(&session, "100", at(100)));
    assert!(!is_spent(&one, "100 x", at(3_764)) && is_spent(&one, "100 x", at(3_765)));
    assert!(!is_spent("all", "100 kid", at(1_000_000)), "a retired key has no time");
}

/// As `rotation::new_kid` names one.
fn kid(number: u64) -> String {
    format!("2026-11-21-{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// As `edge/deny.js` reads the value of all.
fn is_retired(value: &str, kid: &str) -> bool {
    value.split(' ').skip(1).any(|word| word == kid || word.strip_prefix('~').is_some_and(|end| kid.ends_with(end)))
}

fn retired(kid: &str) -> DenyOrder {
    DenyOrder { key: "all".to_owned(), value: format!("0 {kid}"), until: 3_765, at: 100, user: None }
}

#[test]
fn sec_ed_15_more_retired_keys_than_a_value_has_room_for_are_known_by_how_they_end() {
    let value = |keys: u64| {
        let orders: Vec<_> = (1..=keys).map(|number| retired(&kid(number))).collect();
        let folded = fold(&orders, at(100));
        assert_eq!(folded.entries.len(), 1);
        folded.entries[0].0.value.clone()
    };
    assert!(value(36).contains(&format!(" {}", kid(36))) && !value(36).contains('~'), "{}", value(36));
    assert_eq!(value(37).split(' ').nth(1).map(str::len), Some(9), "{}", value(37));
    for keys in [37, 101, 102, 300, 5_000] {
        let value = value(keys);
        assert!(value.len() <= VALUE_BYTES, "{keys}: {}", value.len());
        assert!((1..=keys).all(|number| is_retired(&value, &kid(number))), "{keys}: {value}");
    }
    // While they are known by eight characters, nobody else's key is refused.
    assert!((1_000..2_000).all(|number| !is_retired(&value(101), &kid(number))));
    // What one order has at once, and what has no ends to tell it by.
    let long = retired(&(1..=50).map(kid).collect::<Vec<_>>().join(" "));
    assert!(fold(&[long], at(100)).entries[0].0.value.len() <= VALUE_BYTES);
    let wide: Vec<_> = ('\u{4e00}'..'\u{5000}').map(|sign| retired(&sign.to_string())).collect();
    let value = &fold(&wide, at(100)).entries[0].0.value;
    assert_eq!(value, "0 ~", "more ends than a value has room for: whatever has signed is refused");
}

fn values(key: &'static str) -> impl Strategy<Value = (String, String)> {
    let word = prop::sample::subsequence(vec!["a", "b", "c"], 0..3);
    (0..4_i64, word).prop_map(move |(seconds, words)| {
        let key = if key == "user" { user(1).to_string() } else { key.to_owned() };
        (
            key,
            std::iter::once(seconds.to_string())
                .chain(words.into_iter().map(str::to_owned))
                .collect::<Vec<_>>()
                .join(" "),
        )
    })
}

proptest! {
    #[test]
    fn sec_ed_15_no_retired_key_is_lost_however_many_there_are_and_in_any_order(
        numbers in prop::collection::vec(1..400_u64, 1..200),
        stop in any::<prop::sample::Index>(),
    ) {
        let join = |numbers: &[u64]| numbers.iter().fold("0".to_owned(), |sum, number| joined("all", &sum, &format!("0 {}", kid(*number))));
        let value = join(&numbers);
        prop_assert!(value.len() <= VALUE_BYTES);
        prop_assert!(numbers.iter().all(|number| is_retired(&value, &kid(*number))));
        let reversed: Vec<u64> = numbers.iter().rev().copied().collect();
        prop_assert_eq!(&value, &join(&reversed));
        let (one, other) = numbers.split_at(stop.index(numbers.len()));
        prop_assert_eq!(&value, &joined("all", &join(one), &join(other)));
        prop_assert_eq!(&value, &joined("all", &value, &join(one)));
    }

    #[test]
    fn sec_ed_10_orders_twice_late_or_reversed_change_nothing(
        kind in prop::sample::select(vec!["user", "all"]),
        seed in prop::collection::vec(0..16_usize, 1..6),
        pool in prop::collection::vec(values("user"), 16),
    ) {
        let key = if kind == "user" { user(1).to_string() } else { "all".to_owned() };
        let chosen: Vec<&str> = seed.iter().map(|place| pool[*place].1.as_str()).collect();
        let join = |values: &[&str]| values.iter().fold(String::new(), |sum, value| {
            if sum.is_empty() { NotBefore::parse(value).to_string() } else { joined(&key, &sum, value) }
        });
        let forwards = join(&chosen);
        let reversed: Vec<&str> = chosen.iter().rev().copied().collect();
        let twice: Vec<&str> = chosen.iter().chain(&chosen).copied().collect();
        prop_assert_eq!(&forwards, &join(&reversed));
        prop_assert_eq!(&forwards, &join(&twice));
        let highest = chosen.iter().map(|value| NotBefore::parse(value).seconds).max().unwrap_or_default();
        prop_assert_eq!(NotBefore::parse(&forwards).seconds, highest);
    }
}
