//! Dry runs.

use crate::domain::migration::Progress;
use crate::fault::Fault;
use crate::migrations::Course;
use crate::migrations::sweep::Sweep;
use crate::use_cases::migrate::plan;
use crate::use_cases::migrate::{Report, Runner, SEGMENTS, Step, known};

impl Runner<'_> {
    /// Counts what would change. The place to go on from is the caller's to keep, so that nothing is written.
    pub(in crate::use_cases) async fn rehearse(&self) -> Result<Report, Fault> {
        let (app, began) = (self.app, self.app.clock.now());
        let states = app.store.migration_states().await?;
        let known = known(app, self.run.migrations, &states, began).await?;
        let to = self.order.to.as_deref();
        if let Err(refusal) = plan::check(&known, &states, to) {
            return Ok(Report::default().refused(refusal));
        }
        let mut resume = self.order.resume.clone().unwrap_or_default();
        let mut report = Report { dry_run: true, ..Report::default() };
        // Those that repeat count anew also where there is nothing to be done.
        let steps = plan::steps(&known, to, Some(began));
        for (index, direction) in steps.into_iter().skip(resume.done) {
            let Some(next) = known.get(index) else { continue };
            let Some(mut state) = self.begun(next, direction, began).await? else { continue };
            if let Some(progress) = resume.progress.take() {
                state.progress = progress;
            } else {
                state.progress = Progress::new(SEGMENTS, state.progress.total);
            }
            let mut sweep =
                Sweep::new(next.migration, direction, self.order.limits(), self.run.pause, app.clock.now(), true);
            while !state.progress.is_done() {
                state.progress = sweep.round(&Course::of(app, &state), &state.progress, began).await?;
                while !state.progress.is_done() && !sweep.wait(app.clock.now()).is_zero() {
                    sweep.rest(sweep.wait(app.clock.now())).await;
                }
                if app.clock.now() >= self.until && !state.progress.is_done() {
                    let step = Step::new(&state, sweep.seen(), app.clock.now().since(began));
                    resume.progress = Some(state.progress);
                    return Ok(Report { more: true, running: Some(step), resume: Some(resume), ..report });
                }
            }
            report.finished.push(Step::new(&state, sweep.seen(), app.clock.now().since(began)));
            resume.done += 1;
        }
        Ok(report)
    }
}
