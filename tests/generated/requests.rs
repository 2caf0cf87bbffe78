//! What each golden event asks of the table, counted below the SDK.

use std::collections::BTreeMap;

use wardgate::http::endpoint::Endpoint;

use super::File;

const PATH: &str = "docs/store-requests.md";
const HEAD: &str = "\
# Store requests

<!-- Written by `make generate`. -->

What each event of [`events/`](../events/README.md) asks of the table, counted below the SDK in a function that has
started. `+` stands for side by side, `→` for one after the other. Retries come on top. What this depends on beside the
event is in [architecture.md](architecture.md#store-requests).

| route | event | status | requests |
|---|---|---|---|
";

/// What one event asked for.
pub struct Asked {
    /// The endpoint's route.
    pub route: String,
    /// The event: `<function>/<case>`.
    pub event: String,
    /// What it was answered.
    pub status: String,
    /// Names of operations; those of a round were under way together.
    pub rounds: Vec<Vec<String>>,
}

impl Asked {
    pub fn new(endpoint: &Endpoint, event: &str, status: String, rounds: Vec<Vec<String>>) -> Self {
        let route = format!("{} {}", endpoint.method(), endpoint.path());
        Self { route, event: event.to_owned(), status, rounds }
    }

    fn row(&self) -> String {
        let Self { route, event, status, rounds } = self;
        let (_, case) = event.split_once('/').unwrap();
        let rounds: Vec<String> = rounds.iter().map(|round| side_by_side(round)).collect();
        let requests = if rounds.is_empty() { "none".to_owned() } else { rounds.join(" → ") };
        format!("| `{route}` | [{case}](../events/{event}.json) | {status} | {requests} |\n")
    }
}

/// The table of all of them.
pub fn table(asked: &[Asked]) -> File {
    let rows: String = asked.iter().map(Asked::row).collect();
    File { path: PATH.to_owned(), content: format!("{HEAD}{rows}") }
}

/// `GetItem + 2 UpdateItem`.
fn side_by_side(round: &[String]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for operation in round {
        *counts.entry(operation).or_default() += 1;
    }
    let many = |(operation, count): (&str, usize)| match count {
        1 => operation.to_owned(),
        count => format!("{count} {operation}"),
    };
    counts.into_iter().map(many).collect::<Vec<_>>().join(" + ")
}
