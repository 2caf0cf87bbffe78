use super::*;
use crate::domain::brand::{Colour, OwnColours};

fn client(lines: &str) -> ClientRegistration {
    let text = format!(
        "id = \"shop\"\nkind = \"web\"\nname = {{ en = \"Shop\" }}\nredirect_uris = [\"https://shop.example/cb\"]\n{lines}"
    );
    let mut table = toml::Table::new();
    // What is said again replaces what stands above.
    for line in text.lines() {
        table.extend(line.parse::<toml::Table>().unwrap());
    }
    table.try_into().unwrap()
}

fn refused(lines: &str) -> Option<String> {
    client(lines).check(false, &Palettes::default()).err().map(|error| error.to_string())
}

#[test]
fn what_is_left_out_is_the_safe_choice() {
    let client = client("");
    assert_eq!(client.check(false, &Palettes::default()), Ok(()));
    assert_eq!((client.consent, client.pkce), (Consent::Required, Pkce::Required));
    assert_eq!(client.grants, BTreeSet::from([Grant::AuthorizationCode]));
    assert_eq!(client.scopes, BTreeSet::from(["openid".to_owned()]));
    assert!(client.allowed_origins.is_empty() && client.resources.is_empty() && !client.claims_in_id_token);
}

#[test]
fn what_cannot_be_registered_names_its_member() {
    for (lines, why) in [
        ("name = { de = \"Laden\" }", "name: en is missing"),
        ("name = { en = \"\" }", "name: en: "),
        ("redirect_uris = []", "redirect_uris: a client has 1 to 20"),
        ("redirect_uris = [\"http://shop.example/\"]", "redirect_uris: http://shop.example/: it begins with https://"),
        (
            "redirect_uris = [\"https://a.example/\", \"https://a.example/\"]",
            "redirect_uris: https://a.example/ stands",
        ),
        ("allowed_origins = [\"https://shop.example/\"]", "allowed_origins: https://shop.example/"),
        ("allowed_origins = [\"*\"]", "allowed_origins: *"),
        ("allowed_origins = [\"https://shop.example?x\"]", "allowed_origins: "),
        ("scopes = [\"a b\"]", "scopes: \"a b\""),
        ("scopes = [\"\"]", "scopes: \"\""),
        ("grants = [\"refresh_token\"]", "grants: authorization_code"),
        ("kind = \"spa\"\npkce = \"legacy\"", "pkce: "),
    ] {
        let said = refused(lines).unwrap_or_default();
        assert!(said.starts_with(why), "{lines}: {said}");
    }
    let many: Vec<String> = (0..21).map(|number| format!("\"https://shop.example/{number}\"")).collect();
    assert_eq!(
        refused(&format!("redirect_uris = [{}]", many.join(","))).unwrap(),
        InvalidClient::RedirectUris.to_string()
    );
}

#[test]
fn sec_oc_06_only_a_client_with_a_secret_may_go_without_a_challenge() {
    assert_eq!(refused("pkce = \"legacy\""), None);
    for kind in ["spa", "native"] {
        assert_eq!(
            client(&format!("kind = \"{kind}\"\npkce = \"legacy\"")).check(true, &Palettes::default()),
            Err(InvalidClient::Pkce),
            "{kind}"
        );
    }
}

#[test]
fn an_id_needs_no_encoding() {
    for id in ["a", "demo-web", "A_b-9", &"x".repeat(64)] {
        assert_eq!(ClientId::parse(id).unwrap().as_str(), id);
    }
    for id in ["", "a b", "a:b", "a/b", "a%20", "ä", "a.b", &"x".repeat(65)] {
        assert!(ClientId::parse(id).is_err(), "{id}");
    }
}

/// A logo of a line, without what stands around it.
const LOGO: &str = "data:image/svg+xml;base64,PHN2ZyB2aWV3Qm94PSIwIDAgOCA4Ij48L3N2Zz4=";

#[test]
fn a_client_may_have_a_name_a_logo_and_colours_of_its_own() {
    assert!(client("brand = {}").brand.is_empty());
    for lines in [
        format!("brand = {{ logo = \"{LOGO}\" }}"),
        "brand = { name = \"Shop & Co\" }".to_owned(),
        "brand.light = { accent = \"#b3005e\" }".to_owned(),
        "brand.dark = { accent = \"#b3005e\", link = \"#ff9ecb\" }".to_owned(),
    ] {
        assert_eq!(refused(&lines), None, "{lines}");
    }
    let own = client("brand = { light = { accent = \"#b3005e\" }, dark = { link = \"#ff9ecb\" } }").brand;
    let (pages, over) = (Palettes::default(), own.over(Palettes::default()));
    let shown = |colour: Colour| colour.to_string();
    assert_eq!((shown(over.light.accent), shown(over.light.link)), ("#b3005e".to_owned(), "#b3005e".to_owned()));
    assert_eq!((over.dark.accent, shown(over.dark.link)), (pages.dark.accent, "#ff9ecb".to_owned()));
    assert_eq!((over.light.text, over.dark.surface), (pages.light.text, pages.dark.surface));
}

#[test]
fn what_is_not_set_of_a_brand_is_not_written() {
    let written = |lines: &str| serde_json::to_value(client(lines)).unwrap();
    assert_eq!(written("").get("brand"), None);
    let brand = written("brand.dark = { link = \"#ff9ecb\" }")["brand"].clone();
    assert_eq!(brand, serde_json::json!({ "dark": { "link": "#ff9ecb" } }));
}

#[test]
fn a_brand_that_nobody_could_read_names_its_member_and_what_was_found() {
    let between = |what| format!("expected a contrast of at least 4.5:1 between {what}, and it is ");
    for (lines, why) in [
        ("brand.name = \"\"", "brand.name: expected 1 to 100".to_owned()),
        ("brand.name = \" Shop\"", "brand.name: expected 1 to 100".to_owned()),
        ("brand.logo = \"logo.svg\"", "brand.logo: expected an SVG or a PNG in base64".to_owned()),
        (
            "brand.logo = \"data:text/html;base64,PHN2ZyB2aWV3Qm94PSIwIDAgOCA4Ij48L3N2Zz4=\"",
            "brand.logo: expected an SVG or a PNG in base64".to_owned(),
        ),
        ("brand.light = { accent = \"red\" }", "brand.light.accent: expected a colour as #rrggbb".to_owned()),
        ("brand.dark = { link = \"#fff\" }", "brand.dark.link: expected a colour as #rrggbb".to_owned()),
        (
            "brand.light = { accent = \"#777777\" }",
            format!("brand.light.accent: {}4.47:1", between("the white text of buttons and the accent")),
        ),
        (
            "brand.light = { link = \"#777777\" }",
            format!("brand.light.link: {}3.95:1", between("links and the background")),
        ),
        (
            "brand.dark = { accent = \"#b3005e\" }",
            format!(
                "brand.dark.accent: {}2.77:1",
                between("links, which have the accent without link, and the background")
            ),
        ),
    ] {
        let said = refused(lines).unwrap_or_default();
        assert!(said.starts_with(&why), "{lines}: {said}");
    }
    let large = format!("brand.logo = \"data:image/png;base64,{}\"", "AAAA".repeat(8 * 1024 / 3 + 1));
    assert_eq!(refused(&large).unwrap(), "brand.logo: expected a file of at most 8 KiB");
}

#[test]
fn a_clients_colours_are_held_against_those_of_the_service() {
    let link = "brand.light = { link = \"#1f4fc9\" }";
    let own = OwnColours { background: Colour::parse("#aab4c8").ok(), ..OwnColours::default() };
    let pages = Palettes { light: Palettes::default().light.with(&own), ..Palettes::default() };
    let said = client(link).check(false, &pages).unwrap_err().to_string();
    assert!(said.starts_with("brand.light.link: ") && said.contains("links and the background"), "{said}");
    assert_eq!(refused(link), None);
}
