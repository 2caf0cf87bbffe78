use super::*;
use crate::config::tests::{PRODUCTION, load};

fn live(set: &serde_json::Value) -> Result<Config, ConfigError> {
    load(&PRODUCTION).unwrap().with(set.as_object().unwrap())
}

#[test]
fn what_operators_set_beats_all_else_and_says_so() {
    let mut base = load(&[PRODUCTION[0], PRODUCTION[1], PRODUCTION[2], ("AUTH__LOG__LEVEL", "warn")]).unwrap();
    base.secrets.prefix = Some("put there by a host".to_owned());
    let set = serde_json::json!({"log.level": "debug", "switches.read_only": true, "tokens.access_seconds": 60});
    let config = base.with(set.as_object().unwrap()).unwrap();
    assert_eq!(
        (config.log.level.as_str(), config.switches.read_only, config.tokens.access_seconds),
        ("debug", true, 60)
    );
    assert_eq!(config.secrets.prefix.as_deref(), Some("put there by a host"));
    let settings = config.settings();
    let set = settings.iter().filter(|it| it.source == SOURCE).map(|it| it.key.as_str()).collect::<Vec<_>>();
    assert_eq!(set, ["log.level", "switches.read_only", "tokens.access_seconds"]);
    // What is taken back is as it was deployed.
    assert_eq!(base.with(&serde_json::Map::new()).unwrap().log.level, "warn");
}

#[test]
fn what_operators_set_is_held_to_types_rules_and_to_what_can_change() {
    for (set, expected) in [
        (
            serde_json::json!({"switches.sign_up": "no"}),
            "wrong value for key `switches.sign_up` from make set: expected a boolean",
        ),
        (
            serde_json::json!({"switches.sign_upp": true}),
            "unknown key `switches.sign_upp` from make set: expected one of `sign_up`",
        ),
        (
            serde_json::json!({"tokens.access_seconds": 10}),
            "wrong value for key `tokens.access_seconds` from make set: expected 60",
        ),
        (
            serde_json::json!({"limits.reset_address.window_seconds": 3600}),
            "wrong value for key `limits.reset_address.window_seconds`",
        ),
        (
            serde_json::json!({"limits.login_source": {}}),
            "wrong value for key `limits.login_source` from make set: expected a value",
        ),
        (
            serde_json::json!({"tokens.issuer": "https://evil.example"}),
            "`tokens.issuer` cannot be set while the service runs",
        ),
        (serde_json::json!({"limits": 1}), "`limits` cannot be set while the service runs"),
        (serde_json::json!({"stage": "development"}), "`stage` cannot be set while the service runs"),
    ] {
        let message = live(&set).unwrap_err().to_string();
        assert!(message.starts_with(expected), "{set}: {message}");
    }
}
