//! What changes about an item, for people.

use std::fmt::Write as _;

use ring::digest::{SHA256, digest};
use serde::Serialize;
use serde_json::Value;

use crate::domain::hex;

/// What is longer is content, such as a logo: people see which, and not what.
const LONG: usize = 600;

/// The difference between what there is and what is to be; `None` where there is none.
pub(super) fn difference<T: Serialize>(name: &str, old: Option<&T>, new: &T) -> Option<String> {
    let members = |item: &T| match serde_json::to_value(item) {
        Ok(Value::Object(members)) => members,
        _ => serde_json::Map::new(),
    };
    let (before, after) = (old.map(members), members(new));
    let mut text = format!("{name}: {}", if before.is_some() { "changed" } else { "added" });
    let mut is_changed = before.is_none();
    // What is set no longer, such as a brand, is not written any more.
    let gone = before.iter().flatten().filter(|(member, _)| !after.contains_key(*member));
    let gone = gone.map(|(member, _)| (member, &Value::Null));
    let is_shown = |member: &String| !["version", "secrets"].contains(&member.as_str());
    for (member, value) in after.iter().chain(gone).filter(|(member, _)| is_shown(member)) {
        // Writing to a String cannot fail.
        match before.as_ref().map(|before| before.get(member)) {
            Some(Some(was)) if was == value => {}
            Some(was) => {
                is_changed = true;
                let was = was.map(shown).unwrap_or_default();
                let _ = write!(text, "\n  {member}: {was} -> {}", shown(value));
            }
            None => drop(write!(text, "\n  {member}: {}", shown(value))),
        }
    }
    is_changed.then_some(text)
}

/// As people read it, and the audit trail keeps it.
fn shown(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() > LONG => {
            let start: String = text.chars().take(40).collect();
            let digest = hex(digest(&SHA256, text.as_bytes()).as_ref());
            Value::String(format!("{start}… ({} bytes, SHA-256 {digest})", text.len()))
        }
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), shown(value))).collect(),
        value => value.clone(),
    }
}
