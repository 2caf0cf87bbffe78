//! A stage in two regions, in any order of what people do, what is replicated, and when the region that writes is lost: no
//! token works twice, no address has two users, nothing is lost that was not in the window, and the region that comes back
//! changes nothing. `TWO_REGIONS_SCHEDULES` asks for more schedules than an ordinary run has, and with `TWO_REGIONS_FROM` for
//! those from a seed on; `TWO_REGIONS_SEED` for one.

mod failover;
mod people;
mod replication;
mod standby;

use std::collections::BTreeMap;

use people::People;
use replication::Region;

use crate::harness::TestServer;
use crate::harness::mailed::VERIFIED;

/// Schedules of an ordinary run: some four seconds of a processor each, and a quarter of that at opt-level 1.
const SCHEDULES: u64 = 5;
/// What every run has to get to, or it shows little.
const REACHED: [&str; 9] = [
    "verify",
    "login",
    "refresh",
    "reset",
    "refused twice",
    "kept: account",
    "old secret refused",
    "old writer refused",
    "went back",
];
/// What a run of [`LONG`] schedules has to get to besides.
const REACHED_BY_MANY: [&str; 8] = [
    "logout",
    "code",
    "resend",
    "lost: account",
    "lost: password",
    "kept: session",
    "old session refused",
    "registered again",
];
const LONG: u64 = 50;

/// How often each was met.
pub type Tally = BTreeMap<&'static str, usize>;

/// Numbers that a seed decides (`SplitMix64`).
pub struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(u64::try_from(length).unwrap())).unwrap()
    }
}

/// The regions' names, the writer's first.
const NAMES: [&str; 2] = ["eu-central-1", "eu-west-1"];

async fn region(index: usize) -> Region {
    let role = if index == 0 { "writer" } else { "standby" };
    let server = TestServer::with(&[
        VERIFIED,
        ("AUTH__REGION__NAME", NAMES[index]),
        ("AUTH__REGION__ROLE", role),
        ("AUTH__TOKENS__ISSUER", "https://auth.example.com"),
        ("AUTH__TOKENS__AUDIENCE", "https://auth.example.com"),
    ])
    .await;
    // A hash says nothing here, and would be a quarter of the time: less than any configuration may have (PW-01).
    let server = server.configured(|config| (config.hashing.memory_kib, config.hashing.iterations) = (64, 1)).await;
    Region::new(index, server)
}

async fn schedule(seed: u64, tally: &mut Tally) {
    let mut chance = Chance(seed);
    let keeps_sessions = chance.below(2) == 0;
    let mut people = People::new([region(0).await, region(1).await], chance);
    people.begin().await;
    people.live(20, true).await;
    // The link is cut, and what is written from now on, or was under way, does not arrive until it is mended.
    people.cut();
    let steps = people.chance.below(8);
    people.live(usize::try_from(steps).unwrap(), true).await;
    people.fail_over(keeps_sessions, tally).await;
    people.look_for_losses(tally).await;
    people.live(8, false).await;
    people.mend();
    people.live(12, false).await;
    people.everything_arrives().await;
    people.try_the_old_writer(tally).await;
    people.everything_arrives().await;
    people.try_old_secrets(tally).await;
    people.no_address_has_two_users().await;
    people.fail_back(tally).await;
    people.live(8, false).await;
    people.try_the_old_writer(tally).await;
    people.everything_arrives().await;
    people.try_old_secrets(tally).await;
    people.no_address_has_two_users().await;
    for (what, times) in std::mem::take(&mut people.tally) {
        *tally.entry(what).or_default() += times;
    }
}

#[expect(clippy::disallowed_methods, reason = "a run is told how long to be")]
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

/// Prints the seed of a schedule that fails.
struct Named(u64);

impl Drop for Named {
    #[expect(clippy::print_stderr, reason = "whoever mends it wants the same schedule again")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("TWO_REGIONS_SEED={} fails", self.0);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "a long run says what it has reached")]
async fn sec_ed_18_no_schedule_of_two_regions_breaks_a_promise() {
    let mut tally = Tally::new();
    if let Some(seed) = asked("TWO_REGIONS_SEED") {
        let _named = Named(seed);
        schedule(seed, &mut tally).await;
        println!("{tally:?}");
        return;
    }
    let schedules = asked("TWO_REGIONS_SCHEDULES").unwrap_or(SCHEDULES);
    let first = asked("TWO_REGIONS_FROM").unwrap_or(0);
    for seed in first..first + schedules {
        let _named = Named(seed);
        Box::pin(schedule(seed, &mut tally)).await;
        if (seed + 1) % LONG == 0 {
            println!("seeds {first} to {seed}: {tally:?}");
        }
    }
    println!("{tally:?}");
    let by_many = REACHED_BY_MANY.iter().filter(|_| schedules >= LONG);
    for reached in REACHED.iter().chain(by_many) {
        assert!(tally.contains_key(*reached), "{reached} was never reached: {tally:?}");
    }
}
