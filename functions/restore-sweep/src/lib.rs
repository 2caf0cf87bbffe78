//! Goes through a restored table, a page at a time, before anybody uses it (PL-07). `make restore` asks until it is done.

use wardgate::app::Needs;
use wardgate::lambda::EventFunction;
use wardgate::use_cases::restore_sweep::{Sweep, SweptPage, sweep_restored};

/// What `make restore` asks.
pub const FUNCTION: EventFunction<Sweep, (), SweptPage> = EventFunction {
    name: "restore-sweep",
    needs: |_| Ok(Needs { rings: &[], table: false }),
    parts: |_, _| Ok(()),
    handler: |app, (), page| Box::pin(sweep_restored(app, page)),
};
