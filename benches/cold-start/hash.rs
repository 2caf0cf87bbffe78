//! What a wrong password costs in a release binary of `login`, beside one bare hash: fat LTO optimises at the level of
//! the function, and one that is to be small hashes at half speed. It measures what stands in `target/release`, or the
//! binary that is named, and fails if the hash has become slow: build `login` and `bare-hash` first.
//!
//! `cargo bench --workspace --profile dev --bench hash [-- target/lambda/login/bootstrap]`
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]
#![expect(unreachable_pub, reason = "nobody imports a measurement")]

mod aws;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use wardgate::config::Config;
use wardgate_runtime_tests::binaries::{repository, target_folder};
use wardgate_runtime_tests::environment;
use wardgate_runtime_tests::function::Function;

use aws::Aws;

/// How many pairs are measured.
const PAIRS: usize = 40;
/// How many come before that do not count.
const WARM: usize = 3;
/// What twice the iterations may add to a sign-in, beside what they add to the bare hash. At half speed it is 2; the rest is
/// room for a machine that does other things, too.
const MOST: f64 = 1.25;
/// Twice the iterations, so that what else a sign-in does can be taken off.
const FACTOR: u32 = 2;

/// Milliseconds, in turn.
#[derive(Default)]
struct Measured {
    sign_in: Vec<f64>,
    longer_sign_in: Vec<f64>,
    bare: Vec<f64>,
    longer_bare: Vec<f64>,
}

fn main() {
    let named = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let release = target_folder().join("release");
    let login = named.map_or_else(|| release.join("login"), |path| repository().join(path));
    let policy = Config::load([("AUTH__STAGE".to_owned(), "development".to_owned())]).unwrap().hashing;
    let longer = policy.iterations * FACTOR;
    let mut bare =
        BareHash::start(&release.join("bare-hash"), [policy.memory_kib, policy.iterations, policy.parallelism]);
    let mut longer_bare = BareHash::start(&release.join("bare-hash"), [policy.memory_kib, longer, policy.parallelism]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let measured = runtime.block_on(async {
        let aws = Aws::start();
        let mut function = start(&aws, &login, policy.iterations).await;
        let mut longer_function = start(&aws, &login, longer).await;
        let mut measured = Measured::default();
        for pair in 0..WARM + PAIRS {
            let one =
                (sign_in(&mut function).await, bare.hash(), sign_in(&mut longer_function).await, longer_bare.hash());
            if pair >= WARM {
                measured.sign_in.push(one.0);
                measured.bare.push(one.1);
                measured.longer_sign_in.push(one.2);
                measured.longer_bare.push(one.3);
            }
        }
        assert!(aws.taken() > 2 * PAIRS, "sign-ins ask the store");
        measured
    });
    let [sign_in, longer_sign_in] = [measured.sign_in, measured.longer_sign_in].map(least);
    let [bare, longer_bare] = [measured.bare, measured.longer_bare].map(least);
    let hash = (longer_sign_in - sign_in) / (longer_bare - bare);
    println!("| iterations | wrong password ms | bare hash ms | ratio |");
    println!("|--:|--:|--:|--:|");
    println!("| {} | {sign_in:.2} | {bare:.2} | {:.2} |", policy.iterations, sign_in / bare);
    println!("| {longer} | {longer_sign_in:.2} | {longer_bare:.2} | {:.2} |", longer_sign_in / longer_bare);
    println!(
        "What the longer hash adds to the function, beside what it adds to the bare one: {hash:.3}, at most {MOST}"
    );
    assert!(hash <= MOST, "the hash of {} is slower than it has to be", login.display());
}

async fn start(aws: &Aws, login: &Path, iterations: u32) -> Function {
    let mut variables = aws.variables(environment::lambda("login"));
    variables.insert("AUTH__HASHING__ITERATIONS".to_owned(), iterations.to_string());
    Function::start(login, &variables).await
}

/// Milliseconds of a sign-in with an address that nobody has: one hash (EN-04).
async fn sign_in(function: &mut Function) -> f64 {
    let event = std::fs::read_to_string(repository().join("events/login/wrong-password.json")).unwrap();
    let started = Instant::now();
    let answer = function.invoke(&event).await.unwrap();
    let ms = started.elapsed().as_secs_f64() * 1000.0;
    assert!(answer.get("statusCode").is_some_and(|status| *status == 401), "{answer}");
    ms
}

/// A process of `bare-hash`.
struct BareHash {
    child: std::process::Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl BareHash {
    fn start(binary: &Path, costs: [u32; 3]) -> Self {
        let costs = costs.map(|cost| cost.to_string());
        let child = Command::new(binary).args(costs).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, answers }
    }

    /// Milliseconds of one hash.
    fn hash(&mut self) -> f64 {
        self.child.stdin.as_mut().unwrap().write_all(b"not the password at all\n").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim().parse::<f64>().unwrap() / 1000.0
    }
}

impl Drop for BareHash {
    fn drop(&mut self) {
        // Already gone is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The one that the rest of the machine disturbed least.
fn least(values: Vec<f64>) -> f64 {
    values.into_iter().fold(f64::INFINITY, f64::min)
}
