//! An attempt where it was counted, and how it is taken back (EN-01, SA-07): by whoever got what the attempt was for, and by
//! whatever keeps it from being evaluated on our side. A deadline, too, which lets nobody say so.

use futures::future::join_all;
use tokio::runtime::Handle;

use crate::app::App;
use crate::domain::device::Device;
use crate::entropy::NoEntropy;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::limits::{Place, Reservation};

/// The counters, beside its source's, on which an attempt was counted. The source's counts what it makes us compute, right
/// or wrong, and is not given back.
///
/// Dropping it gives the attempt back: whoever has evaluated a wrong one says that it stands.
pub(super) struct Counted {
    store: Store,
    attempt: String,
    places: Vec<(Place, IsCounted)>,
    device: Option<Device>,
}

/// Whether the table has said that it counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IsCounted {
    Yes,
    /// It may have, and its answer was lost.
    Perhaps,
}

impl Counted {
    /// An attempt that is counted nowhere yet.
    pub(super) fn nowhere(app: &App) -> Result<Self, NoEntropy> {
        let attempt = format!("{:032x}", app.entropy.number()?);
        Ok(Self { store: app.store.clone(), attempt, places: Vec::new(), device: None })
    }

    /// The attempt's name, which no other has.
    pub(super) fn attempt(&self) -> &str {
        &self.attempt
    }

    /// Counts it in one more place, by a request to the table.
    pub(super) async fn count(
        &mut self,
        place: Place,
        request: impl Future<Output = Result<Reservation, StoreError>>,
    ) -> Result<Reservation, StoreError> {
        self.places.push((place, IsCounted::Perhaps));
        let reservation = request.await?;
        self.answered(reservation == Reservation::Reserved);
        Ok(reservation)
    }

    /// Begins to count it on a device; [`Self::on_device`] says what came of it.
    pub(super) fn begin_on_device(&mut self, place: Place) {
        self.places.push((place, IsCounted::Perhaps));
    }

    /// It was counted on this device, or on none.
    pub(super) fn on_device(&mut self, device: Option<Device>) {
        self.answered(device.is_some());
        self.device = device;
    }

    /// What the table has said of the last place.
    fn answered(&mut self, is_counted: bool) {
        if let Some((place, _)) = self.places.pop()
            && is_counted
        {
            self.places.push((place, IsCounted::Yes));
        }
    }

    /// The known device that the attempt came from.
    pub(super) fn device(&self) -> Option<&Device> {
        self.device.as_ref()
    }

    /// It was evaluated, and is not given back.
    pub(super) fn stands(&mut self) {
        self.places.clear();
    }

    /// Takes the one attempt back, and no other: a counter looks as if it had never been made. What it is given back for
    /// has happened, or has failed for another reason: that stands whether or not this works.
    pub(super) async fn give_back(mut self) {
        let places = std::mem::take(&mut self.places);
        give_back(&self.store, &self.attempt, places).await;
    }
}

impl Drop for Counted {
    /// Nobody waits for it: what it is dropped for is answered, or is past its time.
    fn drop(&mut self) {
        if self.places.is_empty() {
            return;
        }
        let (store, attempt, places) =
            (self.store.clone(), std::mem::take(&mut self.attempt), std::mem::take(&mut self.places));
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move { give_back(&store, &attempt, places).await });
        }
    }
}

async fn give_back(store: &Store, attempt: &str, places: Vec<(Place, IsCounted)>) {
    let given = places.iter().map(|(place, counted)| async move {
        match counted {
            IsCounted::Yes => store.give_back(place).await,
            // The counter's last word says whether it was ours: of another's nothing is taken.
            IsCounted::Perhaps => store.give_back_last(place, attempt).await,
        }
    });
    for cause in join_all(given).await.into_iter().filter_map(Result::err) {
        tracing::warn!(%cause, "could not give an attempt back");
    }
}
