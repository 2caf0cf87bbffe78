//! What is told on stderr.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use wardgate::domain::timestamp::Timestamp;

/// Tells whoever typed the command.
#[expect(clippy::print_stderr, reason = "this is a command's own voice")]
pub fn say(text: &str) {
    eprintln!("{text}");
}

/// A bar on a terminal; elsewhere a line every so often.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    began: Timestamp,
    first: u64,
    /// Where the first rows of this run were read: what an earlier run did says nothing about how fast this one is.
    from: Option<u64>,
    told: Timestamp,
}

/// How often a log gets a line.
const EVERY: Duration = Duration::from_secs(10);

impl Progress {
    /// Progress through `total` bytes, or without end. `first` rows were done before.
    pub fn new(total: Option<u64>, first: u64, now: Timestamp) -> Self {
        let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
        let template = if total.is_some() {
            "{bar:30} {percent:>3} %  {msg}  {eta_precise} left"
        } else {
            "{spinner} {msg}  {elapsed_precise}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
        Self { bar, began: now, first, from: (first == 0).then_some(0), told: now }
    }

    /// `rows` are done, `position` bytes read.
    pub fn update(&mut self, position: u64, rows: u64, now: Timestamp) {
        let from = *self.from.get_or_insert_with(|| {
            self.bar.set_position(position);
            self.bar.reset_eta();
            position
        });
        let text = format!("{rows} rows, {} a second", self.rate(rows, now));
        if self.bar.is_hidden() && now.since(self.told) >= EVERY {
            self.told = now;
            say(&match self.bar.length() {
                Some(total) if position > from => {
                    let left = now.since(self.began).as_secs() * total.saturating_sub(position) / (position - from);
                    format!("{} %, {text}, {left} s left", position * 100 / total.max(1))
                }
                _ => text.clone(),
            });
        }
        self.bar.set_position(position);
        self.bar.set_message(text);
    }

    /// Rows a second since the beginning of this run.
    pub fn rate(&self, rows: u64, now: Timestamp) -> u64 {
        let millis = u64::try_from(now.since(self.began).as_millis()).unwrap_or(u64::MAX).max(1);
        rows.saturating_sub(self.first) * 1000 / millis
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
