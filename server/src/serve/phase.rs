//! What a connection does at the moment, and how long it may.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::serve::head::Refusal;
use crate::serve::limits::Limits;

/// What a connection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing has come yet.
    New,
    /// Nothing is asked, after an answer.
    Idle,
    /// A head has begun.
    Head,
    /// A request is answered; its body and its handler have deadlines of their own.
    Request,
    /// An answer is written; whether its body has been handed over.
    Answer(bool),
}

/// What the connection's bytes, its requests and its clock tell each other.
#[derive(Debug)]
pub(super) struct Progress(Mutex<State>);

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Instant,
    refusal: Option<Refusal>,
    is_last: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State { phase: Phase::New, since: Instant::now(), refusal: None, is_last: false }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, phase: Phase) {
        let mut state = self.state();
        (state.phase, state.since) = (phase, Instant::now());
    }

    /// Whether the next request may be read: one at a time.
    pub(super) fn takes_head(&self) -> bool {
        matches!(self.state().phase, Phase::New | Phase::Idle | Phase::Head)
    }

    /// The first byte of a head has come. Later ones change nothing: its time has begun.
    pub(super) fn head_begins(&self) {
        if self.state().phase != Phase::Head {
            self.enter(Phase::Head);
        }
    }

    /// A head is complete; `is_last` if nothing can follow its body.
    pub(super) fn request_begins(&self, is_last: bool) {
        self.enter(Phase::Request);
        self.state().is_last |= is_last;
    }

    /// A head is refused.
    pub(super) fn refuse(&self, refusal: Refusal) {
        self.request_begins(true);
        self.state().refusal = Some(refusal);
    }

    /// Why the request is refused, if it is.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.state().refusal
    }

    /// Whether the connection ends with this request.
    pub(super) fn is_last(&self) -> bool {
        self.state().is_last
    }

    /// There is an answer.
    pub(super) fn answer_begins(&self) {
        self.enter(Phase::Answer(false));
    }

    /// The answer's body has been handed over to be written.
    pub(super) fn answer_ends(&self) {
        let mut state = self.state();
        if state.phase == Phase::Answer(false) {
            state.phase = Phase::Answer(true);
        }
    }

    /// Everything handed over so far has been written. True if that was an answer's end.
    pub(super) fn written(&self) -> bool {
        let is_end = self.state().phase == Phase::Answer(true);
        if is_end {
            self.enter(Phase::Idle);
        }
        is_end
    }

    /// Whether nothing has been asked that is not answered.
    pub(super) fn is_waiting(&self) -> bool {
        self.takes_head()
    }

    /// Whether everything asked has been answered.
    pub(super) fn is_idle(&self) -> bool {
        self.state().phase == Phase::Idle
    }

    /// When the connection is over unless it goes on. `drained` is when a stop began to wait for heads.
    pub(super) fn deadline(&self, limits: &Limits, drained: Option<Instant>) -> Instant {
        let state = self.state();
        let own = match state.phase {
            Phase::New | Phase::Idle => state.since + limits.idle,
            Phase::Head => state.since + limits.head,
            // Long past the deadlines that end it.
            Phase::Request => return state.since + NEVER,
            Phase::Answer(_) => return state.since + limits.response,
        };
        drained.map_or(own, |drained| own.min(drained + limits.head))
    }
}

const NEVER: Duration = Duration::from_hours(1);
