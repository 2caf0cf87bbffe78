//! The smoke test plays each of its users, and touches nobody else's items.

use std::time::Duration;

use serde_json::json;
use wardgate::domain::synthetic::Synthetic;

use super::observer::Observer;
use crate::harness::deployed_functions::DeployedFunctions;

impl Observer {
    /// One run for each user, while other runs play the others.
    pub async fn see_smoke(&mut self) {
        let functions = DeployedFunctions::new(self.server.elsewhere());
        let elsewhere = self.server.elsewhere();
        let now = self.server.context().now;
        for user in Synthetic::all() {
            let others: Vec<Synthetic> = Synthetic::all().into_iter().filter(|other| *other != user).collect();
            for other in &others {
                let until = now.plus(Duration::from_mins(1));
                elsewhere.store.lease_synthetic(other, "another run", until, now).await.unwrap();
            }
            self.see("smoke", async |it| {
                let parts = (smoke::FUNCTION.parts)(&it.app.config, &functions.connection()).unwrap();
                let event = serde_json::from_value(json!({ "live": true })).unwrap();
                let report = (smoke::FUNCTION.handler)(&it.app, &parts, event).await.unwrap();
                assert!(report.passed, "{:?}", report.failure);
                let event = serde_json::from_value(json!({ "lend": true })).unwrap();
                let report = (smoke::FUNCTION.handler)(&it.app, &parts, event).await.unwrap();
                let lent = report.lent.unwrap();
                let event = json!({ "give_back": { "number": lent.number, "holder": lent.holder } });
                let event = serde_json::from_value(event).unwrap();
                let report = (smoke::FUNCTION.handler)(&it.app, &parts, event).await.unwrap();
                assert!(report.passed, "{:?}", report.failure);
            })
            .await;
            for other in &others {
                elsewhere.store.release_synthetic(other, "another run").await.unwrap();
            }
        }
    }
}
