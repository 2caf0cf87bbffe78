//! Any sequence of what people, strangers and administrators do to a few accounts, with crashes between any two store
//! requests and around any mail, leaves no orphan, no second user for an address, no live session after a reset, a
//! disabling or a deletion, and no mail lost.

mod invariants;
mod mailbox;
mod operations;
mod people;

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};

use crate::harness::mail_edge::MailDisturbance;
use crate::harness::store_edge::Crash;

use people::World;

/// Sequences of an ordinary run. `PROPTEST_CASES` asks for more, and gets others each time.
const CASES: u32 = 24;
/// As many addresses as it takes for a change, another one after it, and a stranger.
const ADDRESSES: usize = 3;

/// What every run has to get to, or it shows little.
const REACHED: [&str; 11] = [
    "register",
    "verify",
    "login",
    "sign_in_by_mail",
    "refresh",
    "change_password",
    "reset",
    "confirm_address",
    "undo_address",
    "delete",
    "keep",
];

/// How often each operation was done, and how often its process died.
type Tally = BTreeMap<&'static str, (usize, usize)>;
/// Where a process dies.
type Death = Option<(usize, Crash)>;

/// What somebody does. Addresses are numbers below [`ADDRESSES`]; `back` counts from the newest. `first` does what it needs
/// before, so that what it is about succeeds more often than by chance.
#[derive(Debug, Clone, Copy)]
enum Operation {
    Register { address: usize },
    Verify { address: usize, first: bool, by_code: bool, back: usize, flow: Option<usize> },
    Resend { address: usize },
    Login { address: usize, right: bool, device: bool },
    AskCode { address: usize },
    SignInByMail { address: usize, first: bool, proof: Proof },
    Refresh { session: usize, back: usize },
    Logout { session: usize, by_refresh: bool },
    EndSession { session: usize, other: usize },
    EndOthers { session: usize },
    ChangePassword { address: usize, right: bool },
    Forgot { address: usize },
    Reset { address: usize, first: bool, back: usize },
    ChangeAddress { address: usize, to: usize },
    ConfirmAddress { address: usize, to: usize, first: bool, back: usize },
    UndoAddress { back: usize },
    SetName { session: usize },
    Delete { address: usize },
    Keep { address: usize, first: bool, back: usize },
    Erase,
    Disable { address: usize },
    Deliver { mail: Option<MailDisturbance> },
    Wait { seconds: i64 },
}

/// How a sign-in by mail is tried.
#[derive(Debug, Clone, Copy)]
enum Proof {
    Code,
    Link,
    WrongCode,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    operation: Operation,
    death: Death,
}

fn operations() -> impl Strategy<Value = Operation> {
    let address = || prop_oneof![4 => Just(0), 2 => Just(1), 1 => Just(2)];
    let back = || prop_oneof![5 => Just(0_usize), 1 => 1_usize..4];
    let session = || 0_usize..4;
    let first = || prop::bool::weighted(0.7);
    let proof = prop_oneof![3 => Just(Proof::Code), 2 => Just(Proof::Link), 1 => Just(Proof::WrongCode)];
    let mail = prop_oneof![
        2 => Just(None),
        1 => Just(Some(MailDisturbance::Refused)),
        1 => Just(Some(MailDisturbance::LostAnswer)),
    ];
    let seconds = prop_oneof![
        4 => 2_i64..30,
        2 => 300_i64..2000,
        1 => 3_i64 * 3600..30 * 3600,
        1 => 6_i64 * 86_400..8 * 86_400,
        1 => 14_i64 * 86_400..16 * 86_400,
    ];
    let at_the_door = prop_oneof![
        4 => address().prop_map(|address| Operation::Register { address }),
        5 => (address(), first(), any::<bool>(), back(), prop::option::weighted(0.8, back())).prop_map(
            |(address, first, by_code, back, flow)| Operation::Verify { address, first, by_code, back, flow }
        ),
        1 => address().prop_map(|address| Operation::Resend { address }),
        5 => (address(), prop::bool::weighted(0.8), any::<bool>())
            .prop_map(|(address, right, device)| Operation::Login { address, right, device }),
        2 => address().prop_map(|address| Operation::AskCode { address }),
        3 => (address(), first(), proof)
            .prop_map(|(address, first, proof)| Operation::SignInByMail { address, first, proof }),
        3 => address().prop_map(|address| Operation::Forgot { address }),
        4 => (address(), first(), back())
            .prop_map(|(address, first, back)| Operation::Reset { address, first, back }),
    ];
    let inside = prop_oneof![
        4 => (session(), back()).prop_map(|(session, back)| Operation::Refresh { session, back }),
        2 => (session(), any::<bool>()).prop_map(|(session, by_refresh)| Operation::Logout { session, by_refresh }),
        4 => (session(), session()).prop_map(|(session, other)| Operation::EndSession { session, other }),
        3 => session().prop_map(|session| Operation::EndOthers { session }),
        2 => session().prop_map(|session| Operation::SetName { session }),
        4 => (address(), prop::bool::weighted(0.8))
            .prop_map(|(address, right)| Operation::ChangePassword { address, right }),
        1 => (address(), address()).prop_map(|(address, to)| Operation::ChangeAddress { address, to }),
        5 => (address(), address(), first(), back())
            .prop_map(|(address, to, first, back)| Operation::ConfirmAddress { address, to, first, back }),
        4 => back().prop_map(|back| Operation::UndoAddress { back }),
        3 => address().prop_map(|address| Operation::Delete { address }),
        2 => (address(), first(), back())
            .prop_map(|(address, first, back)| Operation::Keep { address, first, back }),
    ];
    prop_oneof![
        20 => at_the_door,
        26 => inside,
        6 => mail.prop_map(|mail| Operation::Deliver { mail }),
        2 => Just(Operation::Erase),
        1 => address().prop_map(|address| Operation::Disable { address }),
        5 => seconds.prop_map(|seconds| Operation::Wait { seconds }),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let crash = prop_oneof![Just(Crash::Refused), Just(Crash::Unheard), Just(Crash::Blip)];
    let death = prop::option::weighted(0.3, (0_usize..9, crash));
    let step = (operations(), death).prop_map(|(operation, death)| Step { operation, death });
    prop::collection::vec(step, 10..=40)
}

async fn holds(verified: bool, steps: Vec<Step>) -> Tally {
    let mut world = World::new(verified).await;
    for step in steps {
        world.server.clock.advance(1);
        world.act(step).await;
    }
    world.settle().await;
    world.tally
}

#[expect(clippy::print_stdout, reason = "for whoever asks for more cases, with --nocapture")]
fn property(verified: bool) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let asked = ProptestConfig::default();
    let ordinary = asked.cases == 256;
    let config = ProptestConfig {
        cases: if ordinary { CASES } else { asked.cases },
        rng_seed: if ordinary { RngSeed::Fixed(20) } else { asked.rng_seed },
        max_shrink_iters: 200,
        failure_persistence: None,
        ..asked
    };
    let whole = RefCell::new(Tally::new());
    let holds = |steps| {
        for (operation, (done, died)) in runtime.block_on(holds(verified, steps)) {
            let mut whole = whole.borrow_mut();
            let sum = whole.entry(operation).or_default();
            *sum = (sum.0 + done, sum.1 + died);
        }
        Ok(())
    };
    TestRunner::new(config).run(&steps(), holds).unwrap();
    let whole = whole.into_inner();
    println!("operations, how often done and how often cut short: {whole:?}");
    let missed = REACHED.iter().find(|name| whole.get(*name).is_none_or(|(done, _)| *done == 0));
    assert!(!ordinary || missed.is_none(), "nothing is shown of {missed:?}");
}

#[test]
fn sec_se_04_sec_en_05_sec_ot_06_sec_ot_10_sec_ot_12_accounts_survive_any_life_with_crashes() {
    property(true);
}

/// The same where an account begins before its address is verified.
#[test]
fn sec_se_04_sec_en_05_sec_ot_06_sec_ot_10_sec_ot_12_accounts_survive_any_life_in_development() {
    property(false);
}
