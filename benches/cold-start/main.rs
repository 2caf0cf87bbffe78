//! How long a function takes from the start of its process to its first question for work, beside a `lambda_http` hello
//! world, in one run; with its size and its memory. It measures what stands in `target/release`: build that first.
//!
//! `cargo bench -p wardgate-cold-start --profile dev [-- login health …]`
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]
#![expect(unreachable_pub, reason = "nobody imports a measurement")]

mod aws;

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use wardgate_runtime_tests::binaries::{functions, target_folder};
use wardgate_runtime_tests::environment::{self, Variables};
use wardgate_runtime_tests::function::{Function, resident_kib};

use aws::Aws;

/// How often each binary is started, warm and disk-cold each; the medians are printed.
const STARTS: usize = 31;

struct Subject {
    name: String,
    binary: PathBuf,
    variables: Variables,
    /// How many requests to AWS it makes before it is ready.
    prefetches: usize,
    warm_ms: Vec<f64>,
    cold_ms: Vec<f64>,
    resident_kib: Vec<u64>,
}

fn main() {
    let aws = Aws::start();
    let chosen: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let chosen = if chosen.is_empty() { functions() } else { chosen };
    let names = std::iter::once("hello".to_owned()).chain(chosen);
    let mut subjects: Vec<Subject> = names.map(|name| subject(name, &aws)).collect();
    for round in 0..STARTS {
        // Interleaved, each round beginning elsewhere: what else the machine does meets all of them.
        let first = round % subjects.len();
        subjects.rotate_left(first);
        for subject in &mut subjects {
            let (ms, kib) = start(&subject.binary, &subject.variables);
            subject.warm_ms.push(ms);
            subject.resident_kib.push(kib);
            forget(&subject.binary);
            subject.cold_ms.push(start(&subject.binary, &subject.variables).0);
        }
        subjects.rotate_right(first);
    }
    print(subjects);
}

/// A binary that has been seen to start; otherwise this says why not.
fn subject(name: String, aws: &Aws) -> Subject {
    let binary = target_folder().join("release").join(&name);
    assert!(binary.exists(), "cargo build --release --package {name}: it is not there yet");
    let variables = aws.variables(environment::lambda(&name));
    aws.taken();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    drop(runtime.block_on(Function::start(&binary, &variables)));
    Subject {
        name,
        binary,
        variables,
        prefetches: aws.taken(),
        warm_ms: Vec::new(),
        cold_ms: Vec::new(),
        resident_kib: Vec::new(),
    }
}

/// One start: milliseconds until the first `GET …/next` has arrived, and the memory held then. The Runtime API is a bare
/// socket here, because a server would be part of what is measured.
fn start(binary: &Path, variables: &Variables) -> (f64, u64) {
    let api = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut command = Command::new(binary);
    command
        .env_clear()
        .envs(variables)
        .env("AWS_LAMBDA_RUNTIME_API", api.local_addr().unwrap().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let started = Instant::now();
    let mut child = command.spawn().unwrap();
    let (mut connection, _) = api.accept().unwrap();
    let mut request = [0; 4096];
    let length = connection.read(&mut request).unwrap();
    let ms = started.elapsed().as_secs_f64() * 1000.0;
    assert!(request.starts_with(b"GET /2018-06-01/runtime/invocation/next ") && length > 0);
    let kib = resident_kib(child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    (ms, kib)
}

/// Makes the system read the binary from disk the next time. Libraries that all share stay in memory.
fn forget(binary: &Path) {
    let arguments = ["iflag=nocache", "count=0", "status=none"];
    let done = Command::new("dd").arg(format!("if={}", binary.display())).args(arguments).status().unwrap();
    assert!(done.success());
}

fn print(subjects: Vec<Subject>) {
    println!("| function | requests to AWS | init ms | × hello | disk-cold ms | × hello | binary MiB | RSS MiB |");
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    let mut hello = None;
    for subject in subjects {
        let (warm, cold) = (median(subject.warm_ms), median(subject.cold_ms));
        let (hello_warm, hello_cold) = *hello.get_or_insert((warm, cold));
        let bytes = u32::try_from(subject.binary.metadata().unwrap().len()).unwrap();
        let kib = median(subject.resident_kib.into_iter().map(|kib| f64::from(u32::try_from(kib).unwrap())).collect());
        println!(
            "| {} | {} | {warm:.2} | {:.2} | {cold:.2} | {:.2} | {:.2} | {:.1} |",
            subject.name,
            subject.prefetches,
            warm / hello_warm,
            cold / hello_cold,
            f64::from(bytes) / 1024.0 / 1024.0,
            kib / 1024.0,
        );
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    values.swap_remove(middle)
}
