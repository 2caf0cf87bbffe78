use super::*;

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn client(lines: &str) -> ClientRegistration {
    let text = format!(
        "id = \"shop\"\nname = {{ en = \"Shop\" }}\nredirect_uris = [\"https://shop.example/cb\"]\n\
         scopes = [\"openid\", \"email\"]\n{lines}"
    );
    toml::from_str(&text).unwrap()
}

fn web() -> ClientRegistration {
    client("kind = \"web\"\nconsent = \"none\"\nresources = [\"https://api.example.com\"]")
}

fn read_of(client: &ClientRegistration, query: &str) -> Result<Authorization, &'static str> {
    Authorization::read(&Parameters::parse(query.as_bytes()), client).map_err(|error| error.code)
}

/// A whole request, with more behind it.
fn read(more: &str) -> Result<Authorization, &'static str> {
    let all = format!("response_type=code&scope=openid&code_challenge={CHALLENGE}&code_challenge_method=S256{more}");
    read_of(&web(), &all)
}

#[test]
fn a_whole_request_is_read() {
    let query = "&nonce=n&max_age=60&resource=https://api.example.com/&prompt=login&state=s&display=page&anything=else";
    let request = read(query).unwrap();
    assert_eq!(request.challenge.as_deref(), Some(CHALLENGE));
    assert_eq!((request.nonce.as_deref(), request.max_age), (Some("n"), Some(60)));
    assert_eq!(request.prompt, Prompt::SignIn);
    let resources: Vec<_> = request.resources.iter().map(ResourceUri::as_str).collect();
    assert_eq!(resources, ["https://api.example.com"], "as it is registered");
    assert_eq!(read("").unwrap().prompt, Prompt::WhatIsNeeded);
    assert_eq!(read("&prompt=none").unwrap().prompt, Prompt::None);
}

#[test]
fn sec_oc_01_a_known_parameter_that_comes_twice_is_refused_and_an_unknown_one_is_not() {
    for twice in ["&scope=email", "&nonce=a&nonce=a", "&state=a&state=b", "&request_uri=a&request_uri=a"] {
        assert_eq!(read(twice), Err("invalid_request"), "{twice}");
    }
    assert!(read("&utm=a&utm=b").is_ok());
}

#[test]
fn what_is_not_supported_has_its_own_error() {
    for (more, code) in [
        ("&request=eyJ", "request_not_supported"),
        ("&request_uri=https://a.example", "request_uri_not_supported"),
        ("&response_mode=fragment", "invalid_request"),
        ("&prompt=create+login", "invalid_request"),
        ("&prompt=none+login", "invalid_request"),
        ("&prompt=often", "invalid_request"),
        ("&max_age=%2B5", "invalid_request"),
        ("&max_age=-1", "invalid_request"),
        ("&resource=https://other.example", "invalid_target"),
        ("&resource=nonsense", "invalid_target"),
    ] {
        assert_eq!(read(more), Err(code), "{more}");
    }
    assert_eq!(read(&format!("&nonce={}", "n".repeat(MAX_NONCE + 1))), Err("invalid_request"));
    let pkce = format!("&scope=openid&code_challenge={CHALLENGE}&code_challenge_method=S256");
    assert_eq!(read_of(&web(), &format!("response_type=token{pkce}")), Err("unsupported_response_type"));
    assert_eq!(read_of(&web(), &pkce), Err("invalid_request"));
}

#[test]
fn scopes_that_the_client_has_not_are_left_out_and_none_is_too_few() {
    let pkce = format!("&code_challenge={CHALLENGE}&code_challenge_method=S256");
    let scopes = |scope: &str| read_of(&web(), &format!("response_type=code&scope={scope}{pkce}")).map(|it| it.scopes);
    let of = |names: &[&str]| Ok(names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
    assert_eq!(scopes("openid+email+phone+orders:read"), of(&["email", "openid"]));
    for none in ["", "phone", "OPENID", "openid%09email"] {
        assert_eq!(scopes(none), Err("invalid_scope"), "{none}");
    }
}

#[test]
fn sec_oc_06_a_challenge_is_needed_and_is_a_sha_256() {
    let of = |client: &ClientRegistration, pkce: &str| {
        read_of(client, &format!("response_type=code&scope=openid{pkce}")).map(|request| request.challenge)
    };
    let legacy = client("kind = \"web\"\nconsent = \"none\"\npkce = \"legacy\"");
    let whole = format!("&code_challenge={CHALLENGE}&code_challenge_method=S256");
    assert_eq!(of(&legacy, ""), Ok(None));
    assert_eq!(of(&legacy, &whole), Ok(Some(CHALLENGE.to_owned())), "one that is sent holds");
    assert_eq!(of(&web(), ""), Err("invalid_request"));
    for wrong in [
        format!("&code_challenge={CHALLENGE}"),
        format!("&code_challenge={CHALLENGE}&code_challenge_method=plain"),
        format!("&code_challenge={CHALLENGE}=&code_challenge_method=S256"),
        "&code_challenge=short&code_challenge_method=S256".to_owned(),
        "&code_challenge_method=S256".to_owned(),
    ] {
        assert_eq!(of(&web(), &wrong), Err("invalid_request"), "{wrong}");
        assert_eq!(of(&legacy, &wrong), Err("invalid_request"), "{wrong}");
    }
}

#[test]
fn sec_oc_22_a_native_clients_person_always_presses_something() {
    let native = client("kind = \"native\"\nconsent = \"none\"");
    let all = format!("response_type=code&scope=openid&code_challenge={CHALLENGE}&code_challenge_method=S256");
    assert!(read_of(&native, &all).unwrap().confirms);
    assert_eq!(read_of(&native, &format!("{all}&prompt=none")), Err("interaction_required"));
}

#[test]
fn what_a_person_is_asked_for_again_is_what_prompt_says() {
    let others = client("kind = \"web\"");
    let all = format!("response_type=code&scope=openid&code_challenge={CHALLENGE}&code_challenge_method=S256");
    for (prompt, expected) in [
        ("", (Prompt::WhatIsNeeded, false, false)),
        ("none", (Prompt::None, false, false)),
        ("create", (Prompt::Create, false, false)),
        ("login", (Prompt::SignIn, false, false)),
        ("consent", (Prompt::WhatIsNeeded, true, false)),
        ("select_account", (Prompt::WhatIsNeeded, false, true)),
        ("login+consent+select_account", (Prompt::SignIn, true, true)),
    ] {
        let read = read_of(&others, &format!("{all}&prompt={prompt}")).unwrap();
        assert_eq!((read.prompt, read.asks_again, read.confirms), expected, "{prompt}");
    }
}
