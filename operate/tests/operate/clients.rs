//! OAuth clients, as they are typed.

use crate::harness::{Folder, outcome, succeeded};

const SHOP: &str = r#"
[[client]]
id = "shop"
kind = "web"
name = { en = "Shop" }
redirect_uris = ["https://shop.example/callback"]
"#;

fn clients(folder: &Folder, arguments: &[&str]) -> (bool, String) {
    outcome(folder.bare("clients").args(arguments))
}

#[test]
fn a_file_is_shown_written_listed_and_gets_secrets() {
    let folder = Folder::new();
    let file = folder.file("clients.toml", SHOP);
    let file = file.to_str().unwrap();
    let dry = succeeded(clients(&folder, &[file, "--dry-run"]));
    assert!(dry.contains("client shop: added") && dry.contains("1 to change; nothing is written."), "{dry}");
    assert!(succeeded(clients(&folder, &["--list"])).contains("There are none."));
    assert!(succeeded(clients(&folder, &[file])).contains("1 changed"));
    assert!(succeeded(clients(&folder, &[file])).contains("The table says what the file does."));

    let minted = succeeded(clients(&folder, &["--secret", "shop"]));
    assert!(minted.lines().any(|line| line.starts_with("wgcs_")), "{minted}");
    let id = minted.strip_prefix("The secret ").or_else(|| minted.split("The secret ").nth(1)).unwrap();
    let id = id.split(' ').next().unwrap();
    let listed = succeeded(clients(&folder, &["--list"]));
    assert!(
        listed.contains("client shop: web, in use, version 2") && listed.contains(&format!("secret {id}, made 20"))
    );
    assert!(succeeded(clients(&folder, &["--drop", id])).contains("out of use"));
    assert!(!succeeded(clients(&folder, &["--list"])).contains(id));

    std::fs::write(file, "").unwrap();
    assert!(succeeded(clients(&folder, &[file, "--prune"])).contains("client shop: deleted"));
}

/// A member that is misspelt would leave its default.
#[test]
fn what_nobody_knows_is_refused() {
    let folder = Folder::new();
    for (text, why) in [
        (format!("{SHOP}consnt = \"none\"\n"), "client: consnt is no member: there are"),
        (
            format!("{SHOP}[client.brand]\nligth = {{ accent = \"#b3005e\" }}\n"),
            "client: brand.ligth.accent is no member",
        ),
        (
            format!("{SHOP}[client.brand.light]\naccent = \"#b3005e\"\nsurface = \"#ffffff\"\n"),
            "client: brand.light.surface is no member: there are",
        ),
        (
            format!("{SHOP}[client.brand.light]\naccent = \"#777777\"\n"),
            "client shop: brand.light.accent: expected a contrast of at least 4.5:1",
        ),
        (SHOP.replace("[[client]]", "[[clients]]"), "clients: expected [[client]] and [[resource]]"),
        (SHOP.replace("\"web\"", "\"webb\""), "unknown variant `webb`"),
    ] {
        let file = folder.file("clients.toml", &text);
        let (worked, told) = clients(&folder, &[file.to_str().unwrap()]);
        assert!(!worked && told.contains(why), "{told}");
    }
}

#[test]
fn a_brand_is_written_and_one_with_nothing_in_it_is_none() {
    let folder = Folder::new();
    let empty = folder.file("clients.toml", &format!("{SHOP}brand = {{ light = {{}} }}\n"));
    let said = succeeded(clients(&folder, &[empty.to_str().unwrap()]));
    assert!(said.contains("client shop: added") && !said.contains("brand"), "{said}");
    let own = folder.file("clients.toml", &format!("{SHOP}[client.brand.light]\naccent = \"#b3005e\"\n"));
    let said = succeeded(clients(&folder, &[own.to_str().unwrap()]));
    assert!(said.contains(r##"  brand: null -> {"light":{"accent":"#b3005e"}}"##), "{said}");
}

/// The files that are in the repository.
#[test]
fn the_demo_clients_are_possible() {
    let folder = Folder::new();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/development-clients.toml");
    let told = succeeded(clients(&folder, &[file]));
    for id in ["demo-web", "demo-spa", "demo-cli"] {
        assert!(told.contains(&format!("client {id}: added")), "{told}");
    }
    for stage in ["staging", "production"] {
        let file = format!("{}/../infra/{stage}/clients.toml", env!("CARGO_MANIFEST_DIR"));
        assert!(succeeded(clients(&Folder::new(), &[&file])).contains("The table says what the file does."));
    }
}
