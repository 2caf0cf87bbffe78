//! A stage's tables, where no stack makes them.

use wardgate::config::Stage;
use wardgate::store::client;
use wardgate::store::tables::{Made, ensure, protect};

use crate::Failure;
use crate::arguments::TablesArguments;
use crate::progress::say;
use crate::stage::Deployment;

/// Makes both, and says what was done about each.
pub async fn run(arguments: &TablesArguments) -> Result<(), Failure> {
    let (app, connection) = Deployment::unopened(arguments.stage).await?;
    let (config, stage) = (&app.config, app.config.stage);
    if config.embedded.folder.is_some() {
        return Err("the embedded store makes its tables by itself: make run".into());
    }
    let client = client::build(&connection, config.aws);
    for name in [&config.store.table, &config.store.audit_table] {
        let table = format!("{name}-{}", stage.name());
        say(&match ensure(&client, &table).await? {
            Made::Created => format!("{table}: made"),
            Made::Found => format!("{table}: there already, and kept as it is"),
        });
        if stage != Stage::Development
            && let Err(cause) = protect(&client, &table).await
        {
            say(&format!(
                "{table}: neither protected from being deleted nor kept by the second, which this store does not do \
                 ({cause}). Back it up by its own means, or by wardgate-operate export"
            ));
        }
    }
    Ok(())
}
