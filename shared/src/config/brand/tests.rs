use super::*;
use crate::config::tests::{PRODUCTION, load};

const LOGO: &str = "data:image/svg+xml;base64,PHN2ZyB2aWV3Qm94PSIwIDAgOCA4Ij48L3N2Zz4=";

fn with(variables: &[(&str, &str)]) -> Config {
    load(&[PRODUCTION.as_slice(), variables].concat()).unwrap()
}

fn refused(variables: &[(&str, &str)]) -> Option<String> {
    with(variables).check_brand().err().map(|error| error.to_string())
}

#[test]
fn every_stages_brand_can_be_read() {
    for stage in ["development", "staging", "production"] {
        let config = load(&[("AUTH__STAGE", stage), PRODUCTION[1], PRODUCTION[2]]).unwrap();
        assert_eq!(config.check_brand(), Ok(()), "{stage}");
    }
}

#[test]
fn a_brand_comes_by_variables_and_settings_as_all_keys_do() {
    let settings = r##"{"brand.light.accent": "#b3005e", "brand.light.text": "#000000"}"##;
    let config = with(&[
        ("AUTH__SETTINGS", settings),
        ("AUTH__BRAND__LIGHT__TEXT", "#111111"),
        ("AUTH__BRAND__DARK__LINK", "#ff9ecb"),
        ("AUTH__BRAND__LOGO", LOGO),
    ]);
    assert_eq!(config.check_brand(), Ok(()));
    let brand = config.brand().unwrap();
    assert_eq!(brand.logo.as_deref(), Some(LOGO));
    let (pages, found) = (Palettes::default(), brand.palettes());
    let shown = [found.light.accent, found.light.link, found.light.text, found.dark.link].map(|it| it.to_string());
    assert_eq!(shown, ["#b3005e", "#b3005e", "#111111", "#ff9ecb"]);
    assert_eq!((found.light.surface, found.dark.accent), (pages.light.surface, pages.dark.accent));
    let settings = config.settings();
    let source = |key| settings.iter().find(|it| it.key == key).map(|it| (it.value.clone(), it.source.clone()));
    assert_eq!(source("brand.light.accent"), Some(("\"#b3005e\"".to_owned(), "AUTH__SETTINGS".to_owned())));
    assert_eq!(source("brand.light.text"), Some(("\"#111111\"".to_owned(), "AUTH__BRAND__LIGHT__TEXT".to_owned())));
    assert_eq!(settings.iter().filter(|it| it.key.starts_with("brand.")).count(), 4);
    assert!(settings.is_sorted_by(|one, other| one.key < other.key));
}

#[test]
fn without_a_brand_pages_have_their_own_colours() {
    let brand = with(&[]).brand().unwrap();
    assert_eq!((brand.palettes(), brand.logo), (Palettes::default(), None));
}

#[test]
fn a_brand_that_nobody_could_read_stops_the_start_with_key_source_and_what_was_found() {
    let between = |what| format!("expected a contrast of at least 4.5:1 between {what}, and it is ");
    for (variable, value, key, expected) in [
        ("AUTH__BRAND__LIGHT__TEXT", "#777777", "brand.light.text", between("the text and the background") + "3.95:1"),
        ("AUTH__BRAND__DARK__SURFACE", "#777777", "brand.dark.surface", between("the text and the surface") + "3.71:1"),
        ("AUTH__BRAND__LIGHT__LINK", "#808080", "brand.light.link", between("links and the background") + "3.48:1"),
        (
            "AUTH__BRAND__LIGHT__ACCENT",
            "#777777",
            "brand.light.accent",
            between("the white text of buttons and the accent") + "4.47:1",
        ),
        ("AUTH__BRAND__LIGHT__ACCENT", "s3cret-blue", "brand.light.accent", "expected a colour as #rrggbb".to_owned()),
        ("AUTH__BRAND__LOGO", "/etc/logo.svg", "brand.logo", "expected an SVG or a PNG in base64".to_owned()),
        ("AUTH__BRAND__LOGO", "7", "brand.logo", "expected a string".to_owned()),
        ("AUTH__BRAND__DARK__TEXT", "[\"#ffffff\"]", "brand.dark.text", "expected a string".to_owned()),
    ] {
        let message = refused(&[(variable, value)]).unwrap_or_else(|| panic!("{variable}={value} starts"));
        let start = format!("wrong value for key `{key}` from {variable}: {expected}");
        assert!(message.starts_with(&start), "{variable}={value}: {message}");
        assert!(!message.contains("s3cret"), "{message}");
    }
    assert_eq!(refused(&[("AUTH__BRAND__LIGHT__ACCENT", "#767676"), ("AUTH__BRAND__LIGHT__LINK", "#000000")]), None);
}

#[test]
fn of_two_colours_that_do_not_go_together_both_are_named() {
    let message = refused(&[
        ("AUTH__SETTINGS", r##"{"brand.light.background": "#ffffff"}"##),
        ("AUTH__BRAND__LIGHT__TEXT", "#777777"),
    ]);
    let expected = "wrong value for key `brand.light.text` from AUTH__BRAND__LIGHT__TEXT: expected a contrast of at least \
                    4.5:1 between the text and the background, and it is 4.47:1; `brand.light.background` is from \
                    AUTH__SETTINGS";
    assert_eq!(message.as_deref(), Some(expected));
}

#[test]
fn a_key_of_the_brand_that_is_none_is_named_with_its_source() {
    for (variable, start) in [
        (
            "AUTH__BRAND__LITE__TEXT",
            "unknown key `brand.lite.text` from AUTH__BRAND__LITE__TEXT: expected one of `logo`",
        ),
        (
            "AUTH__BRAND__LIGHT__TXT",
            "unknown key `brand.light.txt` from AUTH__BRAND__LIGHT__TXT: expected one of `accent`",
        ),
        ("AUTH__BRAND__LIGHT", "wrong value for key `brand.light` from AUTH__BRAND__LIGHT: expected a section of keys"),
    ] {
        let message = refused(&[(variable, "#000000")]).unwrap_or_else(|| panic!("{variable} starts"));
        assert!(message.starts_with(start), "{variable}: {message}");
    }
    for variable in ["AUTH__BRAND", "AUTH__BRANDS__LOGO"] {
        let message = load(&[PRODUCTION.as_slice(), &[(variable, "x")]].concat()).unwrap_err().to_string();
        assert!(message.starts_with("unknown key `brand") && message.contains(variable), "{message}");
    }
}

/// Its layers lie apart: a mistake elsewhere is still found among them.
#[test]
fn beside_a_brand_another_key_is_blamed_for_what_it_is() {
    let message = load(&[("AUTH__STAGE", "development"), ("AUTH__BRAND__LOGO", LOGO), ("AUTH__HTTP__PORT", "x")]);
    let expected = "wrong value for key `http.port` from AUTH__HTTP__PORT: expected u16";
    assert_eq!(message.unwrap_err().to_string(), expected);
}

#[test]
fn what_shows_pages_does_not_start_with_them_and_is_told_of_each() {
    let given = [("AUTH__STAGE", "development"), ("AUTH__BRAND__LIGHT__TEXT", "#777777"), ("AUTH__BRAND__LOGO", "x")];
    let variables = || given.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert!(Config::load(variables()).is_ok(), "a function that shows none");
    assert!(Config::load_with_brand(variables()).is_err());
    let told: Vec<String> = Config::mistakes(variables()).iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("`brand.logo`") && told[1].contains("`brand.light.text`"), "{told:?}");
}

#[test]
fn a_logo_is_not_printed_in_full() {
    let long = format!("data:image/svg+xml;base64,{}", "PHN2".repeat(2000));
    let settings = with(&[("AUTH__BRAND__LOGO", &long)]).settings();
    let logo = settings.iter().find(|it| it.key == "brand.logo").unwrap();
    assert_eq!(logo.value, "\"data:image/svg+xml;base64,PHN2PHN2PHN2PH… (8026 bytes)\"");
}

#[test]
fn a_stages_file_lies_over_the_default_one_and_is_named_for_its_mistakes() {
    let layers = |stage: &str| {
        let mut layers = Layers::default();
        let default = r##"{"brand": {"logo": "x", "light": {"accent": "#b3005e", "text": "#777777"}, "dark": {}}}"##;
        layers.add_file("config/default.toml", default).unwrap();
        layers.add_file("config/production.toml", stage).unwrap();
        layers
    };
    let said = |stage: &str| check(&layers(stage)).unwrap_err().to_string();
    assert!(
        said("{}").starts_with("wrong value for key `brand.logo` from config/default.toml: expected an SVG or a PNG")
    );
    let logo = format!(r#"{{"brand": {{"logo": "{LOGO}"}}}}"#);
    assert!(said(&logo).starts_with("wrong value for key `brand.light.text` from config/default.toml: "));
    let dark = format!(
        r##"{{"brand": {{"logo": "{LOGO}", "light": {{"text": "#000000"}}, "dark": {{"link": "#b3005e"}}}}}}"##
    );
    assert!(said(&dark).starts_with("wrong value for key `brand.dark.link` from config/production.toml: "));
    let misspelt = said(r##"{"brand": {"dark": {"lnik": "#b3005e"}}}"##);
    assert!(
        misspelt.starts_with("unknown key `brand.dark.lnik` from config/production.toml: expected one of"),
        "{misspelt}"
    );
    let whole = layers(&dark.replace(r##""link": "#b3005e""##, r##""link": "#ffffff""##));
    assert_eq!(check(&whole), Ok(()));
    let brand = read(&whole).unwrap();
    assert_eq!((brand.light.accent.as_deref(), brand.light.text.as_deref()), (Some("#b3005e"), Some("#000000")));
}

/// A logo in what every function reads would weigh on each of them.
#[test]
fn a_brand_is_in_files_of_its_own() {
    let read_by_all = include_str!(concat!(env!("OUT_DIR"), "/default.json"));
    assert!(DEFAULT.starts_with("{\"brand\":{") && !read_by_all.contains("brand"), "{read_by_all}");
    for stage in [Stage::Development, Stage::Staging, Stage::Production] {
        let (file, text) = stage.brand_file();
        assert_eq!(file, stage.file().0);
        assert!(!stage.file().1.contains("brand") && text.starts_with('{'), "{file}");
    }
}
