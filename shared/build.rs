//! Makes JSON of `config/*.toml`, so that no function has a parser of TOML in it: that would be 190 kB each. The brand is put
//! into files of its own, so that no function but those of pages has a logo in it.

#![expect(clippy::disallowed_methods, reason = "cargo tells a build script by variables")]

use std::error::Error;
use std::fs;
use std::path::PathBuf;

const FILES: [&str; 4] = ["default", "development", "staging", "production"];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    for name in FILES {
        let path = format!("../config/{name}.toml");
        println!("cargo::rerun-if-changed={path}");
        let text = fs::read_to_string(&path).map_err(|cause| format!("config/{name}.toml: {cause}"))?;
        let mut table: toml::Table = text.parse().map_err(|cause| format!("config/{name}.toml: {cause}"))?;
        let brand: toml::Table = table.remove_entry("brand").into_iter().collect();
        fs::write(out.join(format!("{name}-brand.json")), serde_json::to_string(&brand)?)?;
        fs::write(out.join(format!("{name}.json")), serde_json::to_string(&table)?)?;
    }
    Ok(())
}
