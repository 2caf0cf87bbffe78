//! Configuration from `AUTH__` variables: any mistake is a message, and the message never repeats a value, which may be
//! a secret that landed in the wrong key.

use wardgate::config::Config;

/// Shorter values may well be a part of the message's own words.
const LONG: usize = 12;

/// What messages name as examples: a value that happens to be a part of one is not repeated.
const EXAMPLES: [&str; 4] =
    ["https://auth.example.com", "wardgate/production/", "data:image/svg+xml;base64,", "data:image/png;base64,"];

/// The input is variables, `NAME=value` each, with a NUL after each as in `/proc/self/environ`.
pub(crate) fn run(data: &[u8]) {
    let variables = || crate::text(data).split('\0').filter_map(|variable| variable.split_once('='));
    let owned = variables().map(|(name, value)| (name.to_owned(), value.to_owned()));
    match Config::load_with_brand(owned) {
        Ok(config) => assert!(config.http.port != 0 && config.hashing.memory_kib >= 19_456, "a rule was not checked"),
        Err(error) => {
            let message = format!("{error} {error:?}");
            let is_name = |part: &str| variables().any(|(name, _)| message.contains(name) && name.contains(part));
            let is_example = |part: &str| EXAMPLES.iter().any(|example| example.contains(part));
            for part in variables().flat_map(|(_, value)| parts(value)).filter(|part| part.len() >= LONG) {
                assert!(!message.contains(part) || is_name(part) || is_example(part), "{part:?} is in {message}");
            }
        }
    }
}

/// A value, and what stands between the marks of a TOML list in it.
fn parts(value: &str) -> impl Iterator<Item = &str> {
    std::iter::once(value).chain(value.split(['"', '\'', '[', ']', ',']).map(str::trim))
}
