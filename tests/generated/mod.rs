//! Everything that is written by the code and not by hand, and that it is current.

mod described;
mod grants;
mod preflight;
mod requests;
pub mod responses;
mod stacks;
mod watch;

use std::{fs, thread};

use wardgate_server::endpoints::openapi;

use crate::harness::repository;
use crate::observability;

/// What a file of the repository has to say.
pub struct File {
    /// From the repository's root.
    pub path: String,
    /// All of it.
    pub content: String,
}

impl File {
    pub fn json(path: &str, value: &impl serde::Serialize) -> Self {
        Self { path: path.to_owned(), content: format!("{}\n", serde_json::to_string_pretty(value).unwrap()) }
    }

    fn is_stale(&self) -> bool {
        fs::read_to_string(repository(&self.path)).ok().as_ref() != Some(&self.content)
    }
}

/// `UPDATE_SNAPSHOTS=1` writes what is stale: `make generate`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "asks whoever runs the test, not the configuration")]
#[expect(clippy::print_stdout, reason = "whoever runs it reads what was written")]
async fn nothing_that_is_generated_is_stale() {
    // On a thread of its own, where what goes out together is under way together each time.
    let single = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let alone = thread::spawn(move || {
        (single.block_on(Box::pin(responses::all())), single.block_on(Box::pin(observability::simulation::page())))
    });
    // On the heap: it is too large for a test's stack.
    let grants = Box::pin(grants::recorded()).await;
    let ((responses, asked), (simulated, simulation)) = alone.join().unwrap();
    let mut files = vec![
        File::json("docs/api/openapi.json", &openapi()),
        File::json("infra/grants.json", &grants),
        File::json("infra/migrations.json", &wardgate::migrations::listed()),
        watch::routes(),
        preflight::classes(),
        requests::table(&asked),
    ];
    let (path, content) = observability::billed();
    files.push(File { path: path.to_owned(), content });
    files.push(File { path: simulated.to_owned(), content: simulation });
    files.extend(stacks::all(&grants));
    files.extend(responses);
    let stale: Vec<&File> = files.iter().filter(|file| file.is_stale()).collect();
    let names: Vec<&str> = stale.iter().map(|file| file.path.as_str()).collect();
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        for file in &stale {
            fs::create_dir_all(repository(&file.path).parent().unwrap()).unwrap();
            fs::write(repository(&file.path), &file.content).unwrap();
        }
        println!("written: {}", names.join(", "));
    } else {
        assert!(names.is_empty(), "stale: {}: `make generate` writes what the code says", names.join(", "));
    }
}
