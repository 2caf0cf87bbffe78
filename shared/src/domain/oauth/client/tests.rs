use super::*;

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
    client(lines).check(false).err().map(|error| error.to_string())
}

#[test]
fn what_is_left_out_is_the_safe_choice() {
    let client = client("");
    assert_eq!(client.check(false), Ok(()));
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
            client(&format!("kind = \"{kind}\"\npkce = \"legacy\"")).check(true),
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
