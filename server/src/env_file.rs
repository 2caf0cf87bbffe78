//! `.env`, for stage development alone: variables that somebody wants in each `make run` without typing them. Real
//! variables win. Functions never read it.

use std::collections::BTreeMap;
use std::path::Path;

use thiserror::Error;
use wardgate::config::{ConfigError, Setting};

/// What the file is called, in the folder where the server runs: the repository.
pub const NAME: &str = ".env";
const PREFIX: &str = "AUTH__";
/// Which variables `make run` and `make watch` say themselves, so that a line about one would be in vain.
const SAID_BY_MAKE: [&str; 2] = ["AUTH__STAGE", "AUTH__EMBEDDED__FOLDER"];

/// Why the file is not taken.
#[derive(Debug, Error)]
pub enum EnvFileError {
    /// It cannot be read, or a line of it is none.
    #[error("cannot read {NAME}: {0}")]
    Unreadable(#[from] dotenvy::Error),
    /// It would have no effect.
    #[error("{NAME} sets {0}, which `make run` and `make watch` say themselves: set it in the shell instead")]
    InVain(&'static str),
}

/// The variables of a process, and which of them come from the file.
#[derive(Debug)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    from_file: BTreeMap<String, String>,
}

impl Environment {
    /// The real variables, and in stage development those of `folder`'s file that are not set really.
    pub fn read(real: impl IntoIterator<Item = (String, String)>, folder: Option<&Path>) -> Result<Self, EnvFileError> {
        let mut variables: BTreeMap<String, String> = real.into_iter().collect();
        let is_development = variables.get("AUTH__STAGE").is_some_and(|stage| stage == "development");
        let mut from_file = BTreeMap::new();
        let file = folder.filter(|_| is_development).map(|folder| folder.join(NAME)).filter(|file| file.exists());
        if let Some(file) = file {
            for line in dotenvy::from_path_iter(file)? {
                let (name, value) = line?;
                if let Some(said) = SAID_BY_MAKE.into_iter().find(|said| *said == name) {
                    return Err(EnvFileError::InVain(said));
                }
                if name.starts_with(PREFIX) && !variables.contains_key(&name) {
                    from_file.insert(name, value);
                }
            }
        }
        variables.extend(from_file.clone());
        Ok(Self { variables, from_file })
    }

    /// All of them, as the configuration takes them.
    pub fn variables(&self) -> impl Iterator<Item = (String, String)> {
        self.variables.clone().into_iter()
    }

    /// Those of the file, for processes that start beside this one.
    pub fn from_file(&self) -> &BTreeMap<String, String> {
        &self.from_file
    }

    /// Says of each setting that comes from the file that it does.
    pub fn name_sources(&self, settings: &mut [Setting]) {
        for setting in settings {
            self.name_source(&mut setting.source);
        }
    }

    /// Likewise of a mistake.
    pub fn explain(&self, mut error: ConfigError) -> ConfigError {
        if let ConfigError::UnknownKey { source_name, .. } | ConfigError::WrongValue { source_name, .. } = &mut error {
            self.name_source(source_name);
        }
        error
    }

    fn name_source(&self, source: &mut String) {
        if self.from_file.contains_key(source) {
            source.push_str(" from ");
            source.push_str(NAME);
        }
    }
}

#[cfg(test)]
mod tests {
    use wardgate::config::Config;

    use super::*;

    fn read(text: &str, real: &[(&str, &str)]) -> Result<Environment, EnvFileError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(NAME), text).unwrap();
        let real = real.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Environment::read(real, Some(folder.path()))
    }

    const DEVELOPMENT: (&str, &str) = ("AUTH__STAGE", "development");

    #[test]
    fn the_file_sets_what_no_variable_does_and_says_so() {
        let text = "# mine\nAUTH__HTTP__PORT=8099\nexport AUTH__LOG__LEVEL=\"warn\"\nAUTH__OPS__PORT=9000\nOTHER=x\n";
        let environment = read(text, &[DEVELOPMENT, ("AUTH__OPS__PORT", "9001")]).unwrap();
        let config = Config::load(environment.variables()).unwrap();
        assert_eq!((config.http.port, config.ops.port), (8099, 9001), "real variables win");
        let mut settings = Config::load(environment.variables()).unwrap().settings();
        environment.name_sources(&mut settings);
        let source = |key: &str| settings.iter().find(|it| it.key == key).unwrap().source.clone();
        assert_eq!(source("http.port"), "AUTH__HTTP__PORT from .env");
        assert_eq!(source("ops.port"), "AUTH__OPS__PORT");
        assert!(!environment.from_file().contains_key("OTHER"), "what is not ours is left alone");
    }

    #[test]
    fn a_mistake_in_the_file_names_the_file() {
        let environment = read("AUTH__HTTP__PORT=http\n", &[DEVELOPMENT]).unwrap();
        let error = environment.explain(Config::load(environment.variables()).unwrap_err());
        let text = error.to_string();
        assert!(text.contains("AUTH__HTTP__PORT from .env"), "{text}");
        let environment = read("AUTH__HTTP__PROT=1\n", &[DEVELOPMENT]).unwrap();
        let error = environment.explain(Config::load(environment.variables()).unwrap_err()).to_string();
        assert!(error.contains("unknown key `http.prot` from AUTH__HTTP__PROT from .env"), "{error}");
        let text = read("what is this\n", &[DEVELOPMENT]).unwrap_err().to_string();
        assert!(text.starts_with("cannot read .env: "), "{text}");
    }

    #[test]
    fn it_is_for_development_alone() {
        for stage in ["staging", "production"] {
            let environment = read("AUTH__HTTP__PORT=8099\n", &[("AUTH__STAGE", stage)]).unwrap();
            assert!(environment.from_file().is_empty(), "{stage}");
        }
        assert!(read("AUTH__HTTP__PORT=8099\n", &[]).unwrap().from_file().is_empty(), "no stage is said");
    }

    #[test]
    fn what_make_says_itself_is_refused_there() {
        let error = read("AUTH__STAGE=production\n", &[DEVELOPMENT]).unwrap_err().to_string();
        assert!(error.contains(".env sets AUTH__STAGE"), "{error}");
    }

    #[test]
    fn without_a_file_nothing_changes() {
        let folder = tempfile::tempdir().unwrap();
        let real = [("AUTH__STAGE".to_owned(), "development".to_owned())];
        let environment = Environment::read(real.clone(), Some(folder.path())).unwrap();
        assert_eq!(environment.variables().collect::<Vec<_>>(), real);
    }
}
