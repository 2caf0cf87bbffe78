//! What operators have switched off (`make set`).

use aws_sdk_dynamodb::types::AttributeValue;
use tokio::sync::watch;
use wardgate::aws::Connection;
use wardgate::config::Config;
use wardgate::store::client::build;
use wardgate_server::dev::engine;

use crate::harness::Folder;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_begins_only_where_the_table_says_that_it_may() {
    let folder = Folder::new();
    let (_stop, stopping) = watch::channel(false);
    let engine = engine::start(None, stopping).await.unwrap();
    let connection = Connection::local(engine.endpoint_url.clone());
    let config = Config::load([("AUTH__STAGE".to_owned(), "development".to_owned())]).unwrap();
    engine::create_tables(&connection, &config).await.unwrap();
    let table = build(&connection, config.aws);
    let set = async |version: AttributeValue, settings: &str| {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let put = table.put_item().table_name("wardgate-development").item("pk", text("SETTINGS"));
        let put = put.item("sk", text("SETTINGS")).item("version", version).item("settings", text(settings));
        put.send().await.unwrap();
    };
    let file = folder.copy("wardgate.csv");
    let import = || folder.told_at(&engine.endpoint_url, "import", "development", &file);
    let number = |number: u64| AttributeValue::N(number.to_string());
    for (version, settings, why) in [
        (number(1), r#"{"switches.import":false}"#, "nothing is imported: switches.import of stage development"),
        (number(2), r#"{"switches.read_only":true}"#, "nothing is imported: switches.read_only of stage development"),
        (number(3), "[]", "version 3 is no JSON object"),
        (AttributeValue::S("four".to_owned()), "{}", "an item cannot be read"),
    ] {
        set(version, settings).await;
        let text = import();
        assert!(text.contains(why) && !text.contains("accounts created"), "{text}");
    }
    set(number(5), r#"{"switches.import":true}"#).await;
    let text = import();
    assert!(text.contains("2 accounts created in development"), "{text}");
}
