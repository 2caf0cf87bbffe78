use super::*;

pub(super) fn load(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::load(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

fn message(variables: &[(&str, &str)]) -> String {
    load(variables).unwrap_err().to_string()
}

pub(super) const PRODUCTION: [(&str, &str); 4] = [
    ("AUTH__STAGE", "production"),
    ("AUTH__TOKENS__ISSUER", "https://auth.example.com"),
    ("AUTH__TOKENS__AUDIENCE", "https://api.example.com"),
    ("PATH", "/bin"),
];

#[test]
fn every_stage_loads_once_its_required_keys_are_set() {
    let development = load(&[("AUTH__STAGE", "development")]).unwrap();
    assert_eq!(development.tokens.issuer, "http://localhost:8080");
    assert!(!development.accounts.require_verified_email);
    let production = load(&PRODUCTION).unwrap();
    assert_eq!(production.stage, Stage::Production);
    assert!(production.accounts.require_verified_email);
    let staging = load(&[("AUTH__STAGE", "staging"), PRODUCTION[1], PRODUCTION[2]]).unwrap();
    assert_eq!(staging.stage, Stage::Staging);
}

#[test]
fn a_variable_overrides_the_stage_file_and_keeps_its_type() {
    let config = load(&[
        ("AUTH__STAGE", "development"),
        ("AUTH__HTTP__PORT", "9000"),
        ("AUTH__SERVICE__NAME", "12345"),
        ("AUTH__HTTP__ALLOWED_ORIGINS", r#"["https://app.example.com"]"#),
        ("AUTH__LIMITS__LOGIN_PAIR__FREE_FAILURES", "3"),
    ])
    .unwrap();
    assert_eq!(config.http.port, 9000);
    assert_eq!(config.tokens.issuer, "http://localhost:9000");
    assert_eq!(config.tokens.audience, "http://localhost:9000");
    assert_eq!(config.service.name, "12345");
    assert_eq!(config.http.allowed_origins, ["https://app.example.com"]);
    assert_eq!(config.limits.login_pair.free_failures, 3);
}

#[test]
fn a_missing_stage_or_an_unknown_one_is_named() {
    let expected = "AUTH__STAGE must be development, staging or production";
    assert_eq!(message(&[]), expected);
    assert_eq!(message(&[("AUTH__STAGE", "prod")]), expected);
}

#[test]
fn an_unknown_key_is_named_with_its_source_and_what_is_there() {
    let message = message(&[("AUTH__STAGE", "development"), ("AUTH__HTTP__PROT", "9000")]);
    assert!(message.starts_with("unknown key `http.prot` from AUTH__HTTP__PROT: expected one of `port`"), "{message}");
}

#[test]
fn an_unknown_section_is_named_with_its_source() {
    let message = message(&[("AUTH__STAGE", "development"), ("AUTH__HTPT__PORT", "9000")]);
    assert!(message.starts_with("unknown key `htpt` from AUTH__HTPT__PORT: expected one of `stage`"), "{message}");
}

#[test]
fn a_key_below_a_value_is_named_with_its_source() {
    let message = message(&[("AUTH__STAGE", "development"), ("AUTH__HTTP__PORT__X", "1")]);
    assert!(message.starts_with("unknown key `http.port.x` from AUTH__HTTP__PORT__X"), "{message}");
}

#[test]
fn a_missing_key_is_named_with_the_variable_that_sets_it() {
    let message = message(&[("AUTH__STAGE", "production")]);
    let expected = "missing key `tokens.issuer`: no file sets it for this stage; set AUTH__TOKENS__ISSUER";
    assert_eq!(message, expected);
}

#[test]
fn a_wrong_type_is_named_with_its_source_and_the_expected_type_but_not_its_value() {
    for (variable, value, expected) in [
        ("AUTH__HTTP__PORT", "s3cret", "wrong value for key `http.port` from AUTH__HTTP__PORT: expected u16"),
        ("AUTH__HTTP__PORT", "70000", "wrong value for key `http.port` from AUTH__HTTP__PORT: expected u16"),
        (
            "AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL",
            "s3cret",
            "wrong value for key `accounts.require_verified_email` from AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL: \
             expected a boolean",
        ),
    ] {
        let message = message(&[("AUTH__STAGE", "development"), (variable, value)]);
        assert_eq!(message, expected);
    }
    let message = message(&[("AUTH__STAGE", "development"), ("AUTH__TOKENS__ALGORITHM", "s3cret")]);
    assert!(
        message.contains("tokens.algorithm") && message.contains("RS256") && !message.contains("s3cret"),
        "{message}"
    );
}

#[test]
fn a_wrong_element_of_a_list_names_the_list() {
    let message = message(&[("AUTH__STAGE", "development"), ("AUTH__HTTP__TRUSTED_PROXIES", r#"["10.0.0.0/99"]"#)]);
    assert!(message.contains("`http.trusted_proxies` from AUTH__HTTP__TRUSTED_PROXIES"), "{message}");
}

#[test]
fn a_section_given_as_a_value_is_named() {
    let message = message(&[("AUTH__STAGE", "development"), ("AUTH__SERVICE", "x")]);
    assert_eq!(message, "wrong value for key `service` from AUTH__SERVICE: expected a section of keys");
}

#[test]
fn a_value_that_breaks_a_rule_is_named_with_its_source() {
    for (variable, value, key) in [
        ("AUTH__HTTP__PORT", "0", "http.port"),
        ("AUTH__HTTP__BIND", "[]", "http.bind"),
        ("AUTH__HTTP__ALLOWED_ORIGINS", r#"["*"]"#, "http.allowed_origins"),
        ("AUTH__HTTP__ALLOWED_ORIGINS", r#"["https://*.example.com"]"#, "http.allowed_origins"),
        ("AUTH__HTTP__ALLOWED_ORIGINS", r#"["https://app.example.com/"]"#, "http.allowed_origins"),
        ("AUTH__HTTP__ALLOWED_ORIGINS", r#"["app.example.com"]"#, "http.allowed_origins"),
        ("AUTH__LOG__LEVEL", "loud", "log.level"),
        ("AUTH__LOG__LEVEL", "info,wardgate=loud", "log.level"),
        ("AUTH__TOKENS__ISSUER", "", "tokens.issuer"),
        ("AUTH__TOKENS__ISSUER", "http://localhost:8080/", "tokens.issuer"),
        ("AUTH__TOKENS__AUDIENCE", "", "tokens.audience"),
        ("AUTH__HASHING__PARALLELISM", "5", "hashing.parallelism"),
        ("AUTH__LIMITS__RESET_ADDRESS__WINDOW_SECONDS", "1801", "limits.reset_address.window_seconds"),
        ("AUTH__ACCOUNTS__RESET_SECONDS", "1799", "limits.reset_address.window_seconds"),
        ("AUTH__LIMITS__RESET_PAIR__WINDOW_SECONDS", "1799", "limits.reset_pair.window_seconds"),
        ("AUTH__LIMITS__MAIL_ALL__LIMIT", "2000", "limits.mail_all_kept_for_resets"),
        ("AUTH__LIMITS__LOGIN_ACCOUNT__LIMIT", "101", "limits.login_account.limit"),
        ("AUTH__LIMITS__LOGIN_DEVICE__MOST_FAILURES", "101", "limits.login_device.most_failures"),
        ("AUTH__LIMITS__PASSWORD_USER__MOST_FAILURES", "101", "limits.password_user.most_failures"),
        ("AUTH__LIMITS__SECOND_FACTOR__MOST_FAILURES", "101", "limits.second_factor.most_failures"),
        ("AUTH__ACCOUNTS__VERIFICATION_SECONDS", "86401", "accounts.verification_seconds"),
        ("AUTH__ACCOUNTS__EMAIL_UNDO_KNOWN_DEVICE_SECONDS", "604801", "accounts.email_undo_known_device_seconds"),
    ] {
        let message = message(&[("AUTH__STAGE", "development"), (variable, value)]);
        // A rule between two keys is told of the one that would have to change, with where both come from.
        assert!(message.starts_with(&format!("wrong value for key `{key}` from ")), "{variable}={value}: {message}");
        assert!(message.contains(&format!("from {variable}")), "{variable}={value}: {message}");
    }
}

#[test]
fn what_people_are_led_to_is_https_outside_development_and_what_it_looks_like() {
    let stage = |stage| [("AUTH__STAGE", stage), PRODUCTION[1], PRODUCTION[2]];
    for (variable, value, in_development, in_production) in [
        ("AUTH__SERVICE__URL", "https://app.example.com", true, true),
        ("AUTH__SERVICE__URL", "https://app.example.com:8443/start?from=mail", true, true),
        ("AUTH__SERVICE__URL", "http://localhost:3000", true, false),
        ("AUTH__SERVICE__URL", "javascript:alert(1)", false, false),
        ("AUTH__SERVICE__URL", "mailto:help@example.com", false, false),
        ("AUTH__SERVICE__URL", "app.example.com", false, false),
        ("AUTH__SERVICE__URL", "//app.example.com", false, false),
        ("AUTH__SERVICE__URL", "https://", false, false),
        ("AUTH__SERVICE__URL", "https://app.example.com@evil.example/", false, false),
        ("AUTH__SERVICE__URL", "https://app.example.com/\"><b>", false, false),
        ("AUTH__SERVICE__URL", "https://app.example.com\\evil.example", false, false),
        ("AUTH__SERVICE__SUPPORT", "help@example.com", true, true),
        ("AUTH__SERVICE__SUPPORT", "https://app.example.com/help", true, true),
        ("AUTH__SERVICE__SUPPORT", "http://app.example.com/help", true, false),
        ("AUTH__SERVICE__SUPPORT", "javascript://help@example.com/%0aalert(1)", false, false),
        ("AUTH__SERVICE__SUPPORT", "help", false, false),
        ("AUTH__SERVICE__SUPPORT", "", false, false),
    ] {
        for (stage, accepted) in [(stage("development"), in_development), (stage("production"), in_production)] {
            let loaded = load(&[stage[0], stage[1], stage[2], (variable, value)]);
            assert_eq!(loaded.is_ok(), accepted, "{variable}={value} in {stage:?}: {loaded:?}");
        }
    }
}

#[test]
fn sec_pw_01_sec_pw_07_hashing_is_neither_weaker_nor_costlier_than_allowed() {
    for (variable, value) in [
        ("AUTH__HASHING__MEMORY_KIB", "19455"),
        ("AUTH__HASHING__MEMORY_KIB", "65537"),
        ("AUTH__HASHING__ITERATIONS", "1"),
        ("AUTH__HASHING__ITERATIONS", "11"),
    ] {
        let message = message(&[("AUTH__STAGE", "development"), (variable, value)]);
        assert!(message.contains(variable) && message.contains("PW-01"), "{message}");
    }
}

#[test]
fn sec_se_01_sec_se_02_limits_on_tokens_and_grace_hold() {
    assert!(message(&[("AUTH__STAGE", "development"), ("AUTH__SESSIONS__GRACE_SECONDS", "31")]).contains("SE-02"));
    assert!(message(&[("AUTH__STAGE", "development"), ("AUTH__TOKENS__ACCESS_SECONDS", "59")]).contains("SE-01"));
    assert!(message(&[("AUTH__STAGE", "development"), ("AUTH__TOKENS__ACCESS_SECONDS", "3601")]).contains("SE-01"));
}

#[test]
fn sec_en_04_unverified_accounts_need_a_named_override_outside_development() {
    let mut variables = PRODUCTION.to_vec();
    variables.push(("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", "false"));
    assert!(message(&variables).contains("EN-04"));
    variables.push(("AUTH__ACCOUNTS__ACCEPT_UNVERIFIED_EMAIL_ENUMERATION", "true"));
    assert!(load(&variables).is_ok());
}

#[test]
fn sec_pl_06_a_key_file_is_refused_outside_development() {
    let mut variables = PRODUCTION.to_vec();
    variables.push(("AUTH__SECRETS__FILE", "keys.json"));
    assert!(message(&variables).contains("PL-06"));
}

#[test]
fn sec_tk_05_keys_have_one_source() {
    let sources = [("AUTH__SECRETS__PREFIX", "wardgate/production/"), ("AUTH__SECRETS__FOLDER", "/run/secrets")];
    for source in sources {
        assert!(load(&[PRODUCTION.as_slice(), &[source]].concat()).is_ok(), "{source:?}");
    }
    assert!(message(&[PRODUCTION.as_slice(), &sources].concat()).contains("keys have one source"));
}

#[test]
fn every_mistake_is_told_at_once_and_each_once() {
    let mistakes = |variables: &[(&str, &str)]| -> Vec<String> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::mistakes(variables).iter().map(ToString::to_string).collect()
    };
    assert!(mistakes(&PRODUCTION).is_empty());
    let found = mistakes(&[
        ("AUTH__STAGE", "prod"),
        ("AUTH__HTTP__PROT", "1"),
        ("AUTH__HTTP__PORT", "0"),
        ("AUTH__LOG__LEVEL", "loud"),
        ("AUTH__TOKENS__ISSUER", "auth"),
    ]);
    for expected in ["AUTH__STAGE", "AUTH__HTTP__PROT", "AUTH__HTTP__PORT", "AUTH__LOG__LEVEL", "AUTH__TOKENS__ISSUER"]
    {
        assert_eq!(found.iter().filter(|mistake| mistake.contains(expected)).count(), 1, "{expected}: {found:#?}");
    }
    assert!(found.iter().any(|mistake| mistake.contains("set AUTH__TOKENS__AUDIENCE")), "{found:#?}");
    assert_eq!(found.len(), 6, "{found:#?}");
}

fn settings(variables: &[(&str, &str)]) -> Vec<Setting> {
    load(variables).unwrap().settings()
}

#[test]
fn each_setting_has_its_value_and_the_layer_that_set_it() {
    let settings = settings(&[
        ("AUTH__STAGE", "development"),
        ("AUTH__HTTP__PORT", "9000"),
        ("AUTH__SERVICE__NAME", "Ada's \"shop\""),
    ]);
    for (key, value, source) in [
        ("stage", r#""development""#, "AUTH__STAGE"),
        ("http.bind", r#"["127.0.0.1", "::1"]"#, "config/default.toml"),
        ("http.port", "9000", "AUTH__HTTP__PORT"),
        ("log.format", r#""human""#, "config/development.toml"),
        ("service.name", r#""Ada's \"shop\"""#, "AUTH__SERVICE__NAME"),
        ("tokens.issuer", r#""http://localhost:9000""#, "config/development.toml"),
    ] {
        let expected = Setting { key: key.into(), value: value.into(), source: source.into() };
        assert!(settings.contains(&expected), "{expected:?} is not in {settings:#?}");
    }
    assert!(!settings.iter().any(|setting| setting.key == "mail.queue_url"), "nothing sets it");
}

#[test]
fn settings_given_again_as_variables_are_the_same_settings() {
    let printed = settings(&PRODUCTION);
    let variables = printed.iter().map(|it| {
        // A text is given as it is.
        let text = serde_json::from_str::<String>(&it.value).unwrap_or_else(|_| it.value.clone());
        (format!("AUTH__{}", it.key.replace('.', "__").to_ascii_uppercase()), text)
    });
    let again = Config::load(variables).unwrap().settings();
    assert_eq!(
        printed.iter().map(|it| (&it.key, &it.value)).collect::<Vec<_>>(),
        again.iter().map(|it| (&it.key, &it.value)).collect::<Vec<_>>()
    );
}

#[test]
fn a_key_that_is_named_like_a_secret_is_hidden() {
    let mut layers = Layers::default();
    layers.add_file("file", r#"{"smtp": {"password": "hums", "user": "ada"}}"#).unwrap();
    let values: Vec<_> = layers.settings().into_iter().map(|setting| setting.value).collect();
    assert_eq!(values, ["(hidden)", r#""ada""#]);
}

/// What a stage says to a variable; for `None` it has to start.
fn refused(stage: &str, variables: &[(&str, &str)]) -> Option<String> {
    let mut all = match stage {
        "production" => PRODUCTION.to_vec(),
        stage => vec![("AUTH__STAGE", stage)],
    };
    all.retain(|(name, _)| !variables.iter().any(|(other, _)| name == other));
    all.extend(variables);
    load(&all).err().map(|error| error.to_string())
}

#[test]
fn sec_se_11_an_issuer_is_the_origin_that_browsers_send() {
    for issuer in [
        "https://auth.example.com/",
        "https://auth.example.com/auth",
        "https://auth.example.com?x",
        "https://auth.example.com#x",
        "https://ada:pw@auth.example.com",
        "https://Auth.Example.com",
        "HTTPS://auth.example.com",
        "https://auth.example.com:443",
        "https://auth.example.com:",
        "https://auth.example.com.",
        "https://büro.example.com",
        "https://ａuth.example.com",
        "https://*.example.com",
        "https://auth_1.example.com",
        "https://auth.example.com:99999",
        "https://auth",
        "https://localhost",
        "https://192.0.2.7",
        "https://[2001:db8::7]",
        "https://0x7f.1",
        " https://auth.example.com",
        "https://auth.example.com\n",
        "https:auth.example.com",
        "//auth.example.com",
        "auth.example.com",
        "ftp://auth.example.com",
        "null",
        "http://auth.example.com",
        "{port}",
    ] {
        for (variable, value, key) in [
            ("AUTH__TOKENS__ISSUER", issuer.to_owned(), "tokens.issuer"),
            ("AUTH__HTTP__ALLOWED_ORIGINS", format!("[\"{}\"]", issuer.replace('\n', "\\n")), "http.allowed_origins"),
        ] {
            let message = refused("production", &[(variable, &value)]).unwrap_or_else(|| panic!("{key} {issuer:?}"));
            let said = format!("wrong value for key `{key}` from {variable}: expected ");
            assert!(message.starts_with(&said), "{issuer:?}: {message}");
            assert!(message.contains("https://auth.example.com"), "{message}");
        }
    }
    for issuer in ["https://auth.example.com", "https://auth.example.com:8443", "https://xn--bro-hoa.example.com"] {
        let origins = format!("[\"{issuer}\"]");
        let variables = [("AUTH__TOKENS__ISSUER", issuer), ("AUTH__HTTP__ALLOWED_ORIGINS", &origins)];
        assert_eq!(refused("production", &variables), None);
    }
    for issuer in ["http://localhost:8080", "http://127.0.0.1", "http://[::1]:8080", "http://laptop"] {
        assert_eq!(refused("development", &[("AUTH__TOKENS__ISSUER", issuer)]), None, "{issuer}");
    }
    for issuer in ["http://localhost:80", "http://LOCALHOST", "http://localhost/?x", "http://127.1"] {
        assert!(refused("development", &[("AUTH__TOKENS__ISSUER", issuer)]).is_some(), "{issuer}");
    }
}

#[test]
fn sec_se_09_nobody_trusts_the_whole_internet_to_say_who_a_client_is() {
    let proxies =
        |network: &str| refused("production", &[("AUTH__HTTP__TRUSTED_PROXIES", &format!("[\"{network}\"]"))]);
    for network in ["0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/7", "2000::/3", "::ffff:0.0.0.0/96", "::/64"] {
        let message = proxies(network).unwrap_or_else(|| panic!("{network} starts"));
        assert!(message.contains("`http.trusted_proxies` from AUTH__HTTP__TRUSTED_PROXIES"), "{message}");
    }
    for network in ["10.0.0.0/8", "fd00::/8", "192.0.2.7/32", "2001:db8::/32"] {
        assert_eq!(proxies(network), None, "{network}");
    }
}

#[test]
fn sec_sa_11_mails_and_passwords_go_in_clear_text_to_this_machine_alone() {
    let tls = |tls: &str, host: &str| {
        refused("production", &[("AUTH__MAIL__SMTP__TLS", tls), ("AUTH__MAIL__SMTP__HOST", host)])
    };
    for host in ["mail.example.com", "192.0.2.7", "localhost.example.com", "10.0.0.1", "::"] {
        let message = tls("none", host).unwrap_or_else(|| panic!("{host} starts"));
        assert!(message.contains("`mail.smtp.tls` from AUTH__MAIL__SMTP__TLS"), "{message}");
        assert!(message.contains("SA-11") && tls("starttls", host).is_none() && tls("implicit", host).is_none());
    }
    for host in ["localhost", "127.0.0.1", "127.8.0.1", "::1"] {
        assert_eq!(tls("none", host), None, "{host}");
    }
}

/// A key whose value is a plausible mistake, in production, and what else the message has to name.
#[test]
fn each_mistake_that_would_weaken_or_break_the_service_stops_the_start() {
    for (variable, value, key, names) in [
        ("AUTH__ACCOUNTS__DELETION_GRACE_SECONDS", "1", "accounts.deletion_grace_seconds", "86400"),
        ("AUTH__ACCOUNTS__DELETION_GRACE_SECONDS", "14", "accounts.deletion_grace_seconds", "86400"),
        ("AUTH__ACCOUNTS__DELETION_GRACE_SECONDS", "31536000", "accounts.deletion_grace_seconds", "2592000"),
        ("AUTH__ACCOUNTS__EMAIL_UNDO_SECONDS", "0", "accounts.email_undo_seconds", "OT-12"),
        ("AUTH__ACCOUNTS__EMAIL_UNDO_SECONDS", "7", "accounts.email_undo_seconds", "OT-12"),
        ("AUTH__ACCOUNTS__EMAIL_UNDO_SECONDS", "86400", "accounts.email_undo_seconds", "OT-12"),
        ("AUTH__ACCOUNTS__VERIFICATION_SECONDS", "24", "accounts.verification_seconds", "OT-04"),
        ("AUTH__ACCOUNTS__RESET_SECONDS", "30", "accounts.reset_seconds", "OT-04"),
        ("AUTH__ACCOUNTS__EMAIL_CODE_SECONDS", "10", "accounts.email_code_seconds", "OT-04"),
        ("AUTH__ACCOUNTS__EMAIL_CHANGE_SECONDS", "0", "accounts.email_change_seconds", "OT-04"),
        ("AUTH__ACCOUNTS__FRESH_SECONDS", "0", "accounts.fresh_seconds", "SE-10"),
        ("AUTH__SESSIONS__ABSOLUTE_SECONDS", "94608000000", "sessions.absolute_seconds", "34560000"),
        ("AUTH__SESSIONS__ABSOLUTE_SECONDS", "86400", "sessions.idle_seconds", "sessions.absolute_seconds"),
        ("AUTH__SESSIONS__IDLE_SECONDS", "30", "sessions.idle_seconds", "tokens.access_seconds"),
        ("AUTH__SESSIONS__GRACE_SECONDS", "31", "sessions.grace_seconds", "SE-02"),
        ("AUTH__HTTP__REQUEST_DEADLINE_MS", "8", "aws.operation_timeout_ms", "http.request_deadline_ms"),
        ("AUTH__HTTP__REQUEST_DEADLINE_MS", "3000", "aws.operation_timeout_ms", "http.request_deadline_ms"),
        ("AUTH__AWS__OPERATION_TIMEOUT_MS", "9000", "aws.operation_timeout_ms", "http.request_deadline_ms"),
        ("AUTH__AWS__ATTEMPT_TIMEOUT_MS", "4000", "aws.attempt_timeout_ms", "aws.operation_timeout_ms"),
        ("AUTH__AWS__ATTEMPT_TIMEOUT_MS", "1", "aws.attempt_timeout_ms", "milliseconds"),
        ("AUTH__AWS__MAX_ATTEMPTS", "0", "aws.max_attempts", "1 to"),
        ("AUTH__BREACH_CHECK__TIMEOUT_MS", "8000", "breach_check.timeout_ms", "http.request_deadline_ms"),
        ("AUTH__BREACH_CHECK__TIMEOUT_MS", "0", "breach_check.timeout_ms", "milliseconds"),
        ("AUTH__BREACH_CHECK__RANGE_URL", "https://pwned.example.com/range", "breach_check.range_url", "/range/"),
        ("AUTH__BREACH_CHECK__RANGE_URL", "http://pwned.example.com/range/", "breach_check.range_url", "https"),
        ("AUTH__BREACH_CHECK__RANGE_URL", "https://a:b@pwned.example.com/range/", "breach_check.range_url", "https"),
        ("AUTH__BREACH_CHECK__RANGE_URL", "https://pwned.example.com/range/?x=/", "breach_check.range_url", "https"),
        ("AUTH__BREACH_CHECK__RANGE_URL", "pwned.example.com/range/", "breach_check.range_url", "https"),
        ("AUTH__SECRETS__CACHE_SECONDS", "0", "secrets.cache_seconds", "1800"),
        ("AUTH__SECRETS__CACHE_SECONDS", "1801", "secrets.cache_seconds", "TK-04"),
        ("AUTH__HTTP__MAX_CONNECTIONS", "15", "http.max_connections", "16 to"),
        ("AUTH__HTTP__MAX_IN_FLIGHT", "0", "http.max_in_flight", "at least 1"),
        ("AUTH__HTTP__MAX_IN_FLIGHT", "100000", "http.max_in_flight", "http.max_connections"),
        ("AUTH__HTTP__HEAD_MS", "5", "http.head_ms", "milliseconds"),
        ("AUTH__HTTP__IDLE_MS", "75", "http.idle_ms", "milliseconds"),
        ("AUTH__HTTP__RESPONSE_MS", "30", "http.response_ms", "milliseconds"),
        ("AUTH__HTTP__NOTICE_MS", "60001", "http.notice_ms", "milliseconds"),
        ("AUTH__HTTP__DRAIN_MS", "20", "http.drain_ms", "milliseconds"),
        ("AUTH__OPS__PORT", "0", "ops.port", "1 to"),
        ("AUTH__OPS__PORT", "8080", "ops.port", "http.port"),
        ("AUTH__OPS__BIND", "[]", "ops.bind", "at least one"),
        ("AUTH__SECRETS__PREFIX", "wardgate/production", "secrets.prefix", "slash"),
        ("AUTH__STORE__AUDIT_RETENTION_DAYS", "0", "store.audit_retention_days", "PL-03"),
        ("AUTH__STORE__AUDIT_RETENTION_DAYS", "4000000", "store.audit_retention_days", "PL-03"),
        ("AUTH__STORE__TABLE", "", "store.table", "DynamoDB"),
        ("AUTH__STORE__TABLE", "my table", "store.table", "DynamoDB"),
        ("AUTH__STORE__AUDIT_TABLE", "wardgate", "store.audit_table", "store.table"),
        ("AUTH__HASHING__QUEUE", "1000000", "hashing.queue", "PW-08"),
        ("AUTH__HASHING__MAX_WAIT_MS", "8000", "hashing.max_wait_ms", "PW-08"),
        ("AUTH__TOKENS__AUDIENCE", "https://api.example.com ", "tokens.audience", "white space"),
        ("AUTH__TOKENS__AUDIENCE", "wardgate", "tokens.audience", "tokens.client_id"),
        ("AUTH__TOKENS__CLIENT_ID", "", "tokens.client_id", "RFC 6749"),
        ("AUTH__TOKENS__SCOPE", "account  admin", "tokens.scope", "RFC 6749"),
        ("AUTH__AUTHORIZER__AUDIENCE", "", "authorizer.audience", "white space"),
        ("AUTH__AUTHORIZER__REQUIRED_SCOPES", "[\"account admin\"]", "authorizer.required_scopes", "RFC 6749"),
        ("AUTH__SERVICE__NAME", "", "service.name", "one line"),
        ("AUTH__SERVICE__NAME", "\u{200b}", "service.name", "one line"),
        ("AUTH__SERVICE__NAME", "Blue\nHarbour", "service.name", "one line"),
        ("AUTH__SERVICE__NAME", "Blue \u{202e}Harbour", "service.name", "one line"),
        ("AUTH__SERVICE__NAME", "=?utf-8?Q?Bank?=", "service.name", "one line"),
        ("AUTH__MAIL__SENDER", "nobody", "mail.sender", "Name <address>"),
        ("AUTH__MAIL__SENDER", "a@localhost", "mail.sender", "Name <address>"),
        ("AUTH__MAIL__SENDER", "Ädä <ädä@example.com>", "mail.sender", "Name <address>"),
        ("AUTH__MAIL__SENDER", "\u{200b} <a@example.com>", "mail.sender", "Name <address>"),
        ("AUTH__MAIL__SENDER", "A\r\nBcc: b@example.com <a@example.com>", "mail.sender", "Name <address>"),
        ("AUTH__MAIL__SENDER", "a@example.com, b@example.com", "mail.sender", "Name <address>"),
        ("AUTH__MAIL__SENDER", "=?utf-8?Q?Bank?= <a@example.com>", "mail.sender", "Name <address>"),
        ("AUTH__MAIL__QUEUE_URL", "mail.fifo", "mail.queue_url", "URL"),
        ("AUTH__MAIL__EVENT_BUS", "", "mail.event_bus", "EventBridge"),
        ("AUTH__BACKCHANNEL_LOGOUT__QUEUE_URL", "logout", "backchannel_logout.queue_url", "URL"),
        ("AUTH__BACKCHANNEL_LOGOUT__TIMEOUT_MS", "5", "backchannel_logout.timeout_ms", "milliseconds"),
        ("AUTH__EDGE__ORDERS_URL", "edge", "edge.orders_url", "URL"),
        ("AUTH__EDGE__DROPS_URL", "edge", "edge.drops_url", "URL"),
        ("AUTH__EDGE__STORE_ARN", "store", "edge.store_arn", "ARN"),
        ("AUTH__MAIL__SMTP__HOST", "smtp://mail.example.com", "mail.smtp.host", "scheme"),
        ("AUTH__MAIL__SMTP__HOST", "mail.example.com:587", "mail.smtp.host", "port"),
        ("AUTH__MAIL__SMTP__PORT", "0", "mail.smtp.port", "1 to"),
        ("AUTH__MAIL__SMTP__CONNECTIONS", "0", "mail.smtp.connections", "1 to"),
        ("AUTH__MAIL__SMTP__TIMEOUT_MS", "10", "mail.smtp.timeout_ms", "milliseconds"),
        ("AUTH__MAIL__TRANSPORT", "smtp", "mail.smtp.host", "mail.transport"),
        ("AUTH__MAIL__SMTP__USER", "wardgate", "mail.smtp.password_file", "mail.smtp.user"),
        ("AUTH__MAIL__SMTP__PASSWORD_FILE", "/run/secrets/smtp", "mail.smtp.password_file", "mail.smtp.user"),
        ("AUTH__EVENTS__WEBHOOK__URL", "http://api.example.com/hook", "events.webhook.url", "https"),
        ("AUTH__EVENTS__WEBHOOK__URL", "https://a:b@api.example.com/hook", "events.webhook.url", "https"),
        ("AUTH__EVENTS__WEBHOOK__URL", "https://api.example.com/hook", "events.webhook.secret_file", "url is set"),
        ("AUTH__EVENTS__WEBHOOK__SECRET_FILE", "/run/secrets/webhook", "events.webhook.secret_file", "url is set"),
        ("AUTH__EVENTS__WEBHOOK__TIMEOUT_MS", "5", "events.webhook.timeout_ms", "milliseconds"),
        ("AUTH__LIMITS__LOGIN_SOURCE__LIMIT", "0", "limits.login_source.limit", "1 to"),
        ("AUTH__LIMITS__LOGIN_SOURCE__LIMIT", "4294967295", "limits.login_source.limit", "1 to"),
        ("AUTH__LIMITS__MAIL_ALL__LIMIT", "0", "limits.mail_all.limit", "1 to"),
        ("AUTH__LIMITS__MAIL_ALL__WINDOW_SECONDS", "0", "limits.mail_all.window_seconds", "31 days"),
        ("AUTH__LIMITS__MAIL_ALL__WINDOW_SECONDS", "4294967295", "limits.mail_all.window_seconds", "31 days"),
    ] {
        stops_the_start(variable, value, key, names);
    }
}

fn stops_the_start(variable: &str, value: &str, key: &str, names: &str) {
    let message = refused("production", &[(variable, value)]).unwrap_or_else(|| panic!("{variable}={value} starts"));
    assert!(message.contains(&format!("key `{key}` from ")), "{variable}={value}: {message}");
    assert!(message.contains(variable) && message.contains(names), "{variable}={value}: {message}");
}

#[test]
fn sec_mf_09_passkeys_that_no_browser_would_show_on_our_pages_stop_the_start() {
    for (variable, value, key, names) in [
        ("AUTH__PASSKEYS__RP_ID", "https://example.com", "passkeys.rp_id", "full name"),
        ("AUTH__PASSKEYS__RP_ID", "Example.com", "passkeys.rp_id", "full name"),
        ("AUTH__PASSKEYS__RP_ID", "example.com:443", "passkeys.rp_id", "full name"),
        ("AUTH__PASSKEYS__RP_ID", "example.com/", "passkeys.rp_id", "full name"),
        ("AUTH__PASSKEYS__RP_ID", "elsewhere.example", "passkeys.origins", "passkeys.rp_id"),
        ("AUTH__PASSKEYS__ORIGINS", "[\"https://elsewhere.example\"]", "passkeys.origins", "passkeys.rp_id"),
        ("AUTH__PASSKEYS__ORIGINS", "[\"ios:app\"]", "passkeys.origins", "android:apk-key-hash"),
        ("AUTH__PASSKEYS__RELATED_ORIGINS", "[\"http://example.de\"]", "passkeys.related_origins", "https"),
        ("AUTH__PASSKEYS__RELATED_ORIGINS", "[\"https://example.de/\"]", "passkeys.related_origins", "https"),
        ("AUTH__PASSKEYS__RELATED_ORIGINS", "[\"https://*.example.de\"]", "passkeys.related_origins", "https"),
        ("AUTH__PASSKEYS__TOP_ORIGINS", "[\"https://shop.example/\"]", "passkeys.top_origins", "origins"),
    ] {
        stops_the_start(variable, value, key, names);
    }
    let own = |rp_id: &str, origins: &str| {
        refused("production", &[("AUTH__PASSKEYS__RP_ID", rp_id), ("AUTH__PASSKEYS__ORIGINS", origins)])
    };
    assert_eq!(own("example.com", r#"["https://app.example.com","android:apk-key-hash:abc"]"#), None);
    assert!(own("example.com", r#"["https://example.com.evil.example"]"#).is_some());
    assert!(own("example.com", r#"["https://evilexample.com"]"#).is_some());
    assert!(own("example.com", r#"["http://app.example.com"]"#).is_some());
}

#[test]
fn the_same_mistakes_stop_a_laptop_but_for_what_its_tests_shorten() {
    for (variable, value) in [
        ("AUTH__ACCOUNTS__DELETION_GRACE_SECONDS", "1"),
        ("AUTH__ACCOUNTS__EMAIL_UNDO_SECONDS", "0"),
        ("AUTH__SESSIONS__ABSOLUTE_SECONDS", "94608000000"),
        ("AUTH__SESSIONS__IDLE_SECONDS", "7776001"),
        ("AUTH__HTTP__TRUSTED_PROXIES", "[\"0.0.0.0/0\"]"),
        ("AUTH__LIMITS__LOGIN_SOURCE__LIMIT", "0"),
        ("AUTH__STORE__AUDIT_RETENTION_DAYS", "0"),
    ] {
        assert!(refused("development", &[(variable, value)]).is_some(), "{variable}={value} starts");
    }
    for (variable, value) in [
        ("AUTH__ACCOUNTS__DELETION_GRACE_SECONDS", "3600"),
        ("AUTH__STORE__AUDIT_RETENTION_DAYS", "1"),
        ("AUTH__SESSIONS__IDLE_SECONDS", "100"),
        ("AUTH__HTTP__REQUEST_DEADLINE_MS", "300"),
    ] {
        assert_eq!(refused("development", &[(variable, value)]), None, "{variable}={value}");
    }
}

#[test]
fn a_stages_settings_lie_between_its_file_and_variables() {
    let config = load(&[
        ("AUTH__STAGE", "development"),
        ("AUTH__SETTINGS", r#"{"limits.login_source.limit": 7, "http.port": 9001, "switches.sign_up": false}"#),
        ("AUTH__HTTP__PORT", "9000"),
    ])
    .unwrap();
    assert_eq!((config.limits.login_source.limit, config.http.port, config.switches.sign_up), (7, 9000, false));
    let source = |key| config.settings().into_iter().find(|it| it.key == key).unwrap().source;
    assert_eq!(source("limits.login_source.limit"), "AUTH__SETTINGS");
    assert_eq!(source("http.port"), "AUTH__HTTP__PORT");
    assert!(load(&[("AUTH__STAGE", "development"), ("AUTH__SETTINGS", "")]).is_ok(), "a stack that has none");
}

#[test]
fn a_mistake_in_a_stages_settings_is_named() {
    for (settings, expected) in [
        (
            r#"{"limits.login_source.limit": "7"}"#,
            "wrong value for key `limits.login_source.limit` from AUTH__SETTINGS: expected u32",
        ),
        (
            r#"{"limits.login_source.limit": 0}"#,
            "wrong value for key `limits.login_source.limit` from AUTH__SETTINGS: expected 1 to 1000000",
        ),
        (
            r#"{"limits.login_sauce.limit": 7}"#,
            "unknown key `limits.login_sauce` from AUTH__SETTINGS: expected one of `login_pair`",
        ),
        (r#"{"service.name": 7}"#, "wrong value for key `service.name` from AUTH__SETTINGS: expected a string"),
        (
            r#"{"limits": {"login_source": {}}}"#,
            "wrong value for key `settings` from AUTH__SETTINGS: expected a JSON object of dotted",
        ),
        ("[]", "wrong value for key `settings` from AUTH__SETTINGS: expected a JSON object of dotted"),
        ("limits.login_source.limit = 7", "wrong value for key `settings` from AUTH__SETTINGS: expected a JSON object"),
    ] {
        let message = message(&[PRODUCTION[0], PRODUCTION[1], PRODUCTION[2], ("AUTH__SETTINGS", settings)]);
        assert!(message.starts_with(expected), "{settings}: {message}");
    }
}

#[test]
fn of_two_wrong_values_the_first_is_named_and_of_a_missing_one_its_section() {
    let two = [("AUTH__STAGE", "production"), ("AUTH__HTTP__PORT", "x"), ("AUTH__AWS__MAX_ATTEMPTS", "x")];
    assert!(message(&two).starts_with("wrong value for key `aws.max_attempts` from AUTH__AWS__MAX_ATTEMPTS"));
    let missing = message(&[PRODUCTION[0], PRODUCTION[1]]);
    assert!(missing.starts_with("missing key `tokens.audience`"), "{missing}");
}
