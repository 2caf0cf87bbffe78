//! A function's process.

use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::environment::Variables;
use crate::runtime_api::{Event, RuntimeApi, TIMEOUT};

/// Far longer than anything takes: only what never comes is waited for so long.
const PATIENCE: Duration = Duration::from_mins(1);

/// A function as Lambda runs it: one process, one invocation at a time. It is killed when dropped.
pub struct Function {
    /// What each invocation from now on is told to have.
    pub timeout: Duration,
    child: Arc<Mutex<Child>>,
    api: RuntimeApi,
    events: mpsc::UnboundedReceiver<Event>,
    stderr: watch::Receiver<String>,
    stdout: watch::Receiver<String>,
    invocations: u32,
}

impl Function {
    /// Starts a process with these variables and no others.
    pub async fn spawn(binary: &Path, variables: &Variables) -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        let api = RuntimeApi::start(sender.clone()).await;
        let child = Command::new(binary)
            .env_clear()
            .envs(variables)
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{}: {error}", binary.display()));
        let (stdout, stderr) = (lines(child.stdout.take().unwrap(), || {}), child.stderr.take().unwrap());
        let child = Arc::new(Mutex::new(child));
        let waited = Arc::clone(&child);
        // Standard error ends with the process, so that the lock is not held for long.
        let stderr = lines(stderr, move || {
            let status = waited.lock().unwrap().wait().unwrap();
            // A test that has ended asks no more.
            let _ = sender.send(Event::Exited(status));
        });
        Self { timeout: TIMEOUT, child, api, events, stderr, stdout, invocations: 0 }
    }

    /// As [`Self::spawn`], and waits until it is initialised.
    pub async fn start(binary: &Path, variables: &Variables) -> Self {
        let mut function = Self::spawn(binary, variables).await;
        match function.event().await {
            Event::Idle => function,
            other => panic!("{} did not start: {other:?}\n{}", binary.display(), function.stderr()),
        }
    }

    /// What the process does next.
    pub async fn event(&mut self) -> Event {
        match timeout(PATIENCE, self.events.recv()).await {
            Ok(Some(event)) => event,
            _ => panic!("the function did nothing for {PATIENCE:?}\n{}", self.stderr()),
        }
    }

    /// Hands it an event without waiting for anything; gives the invocation's id.
    pub fn send(&mut self, event: &str) -> String {
        self.invocations += 1;
        let id = format!("8476a536-e9f4-11e8-9739-{:012}", self.invocations);
        self.api.invoke(id.clone(), event.to_owned(), self.timeout);
        id
    }

    /// The outcome of the invocation `id`: the answer, or what the function reported as its error. The process is idle
    /// again afterwards.
    pub async fn outcome(&mut self, id: &str) -> Result<Value, Value> {
        let (answered, outcome) = match self.event().await {
            Event::Answered { id, body } => (id, Ok(body)),
            Event::Failed { id, body } => (id, Err(body)),
            other => panic!("no answer but {other:?}\n{}", self.stderr()),
        };
        assert_eq!(answered, id, "an answer to another invocation");
        match self.event().await {
            Event::Idle => outcome,
            other => panic!("after its answer: {other:?}\n{}", self.stderr()),
        }
    }

    /// One invocation from event to outcome.
    pub async fn invoke(&mut self, event: &str) -> Result<Value, Value> {
        let id = self.send(event);
        self.outcome(&id).await
    }

    /// Waits for its end.
    pub async fn exit(&mut self) -> ExitStatus {
        match self.event().await {
            Event::Exited(status) => status,
            other => panic!("not its end but {other:?}\n{}", self.stderr()),
        }
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let killed = Command::new("kill").args(["-s", name, &self.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.lock().unwrap().id()
    }

    /// What it has written to standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.borrow().clone()
    }

    /// The first line of its log that `wanted` picks, now or later.
    pub async fn log_line(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let lines = json_lines(self.stderr.clone(), |lines| lines.iter().any(&wanted)).await;
        lines.into_iter().find(wanted).unwrap()
    }

    /// Its embedded metrics, a value a line, as soon as they are `enough`.
    pub async fn metrics(&self, enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        json_lines(self.stdout.clone(), enough).await
    }

    /// The memory it holds, in KiB.
    pub fn resident_kib(&self) -> u64 {
        resident_kib(self.id())
    }
}

/// The memory that a process holds, in KiB.
pub fn resident_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

impl Drop for Function {
    fn drop(&mut self) {
        // Already gone is fine.
        let _ = self.child.lock().unwrap().kill();
    }
}

/// The lines of JSON in an output as soon as they are `enough`.
async fn json_lines(mut output: watch::Receiver<String>, enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let lines =
        |text: &String| -> Vec<Value> { text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect() };
    let written = timeout(PATIENCE, output.wait_for(|text| enough(&lines(text)))).await;
    match written {
        Ok(Ok(text)) => lines(&text),
        _ => panic!("what was waited for was not written"),
    }
}

/// Collects what comes out of a pipe, and calls `at_end` when it closes. A thread, because tokio's own processes are a
/// feature that nothing else here needs.
fn lines(pipe: impl Read + Send + 'static, at_end: impl FnOnce() + Send + 'static) -> watch::Receiver<String> {
    let (text, collected) = watch::channel(String::new());
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            text.send_modify(|text| {
                text.push_str(&line);
                text.push('\n');
            });
        }
        at_end();
    });
    collected
}
