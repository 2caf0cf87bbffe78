//! Templates: files in `shared/templates`, embedded in the binary.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, UndefinedBehavior};
use thiserror::Error;

/// A template that does not render: its name only, since the library's message may quote values.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the template {0} does not render")]
pub struct TemplateError(String);

/// Text that HTML need not escape is left readable: the library would escape the slashes of links, too.
pub fn plain(text: &str) -> Value {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>&\"'`".contains(&byte));
    if plain { Value::from_safe_string(text.to_owned()) } else { Value::from(text) }
}

/// Embedded templates by name. What ends in `.html` is escaped as HTML; a name without a value is an error.
pub struct Templates(Environment<'static>);

impl Templates {
    /// Takes files as (name, content). One that cannot be read fails when it is rendered.
    pub fn new(files: &[(&'static str, &'static str)]) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
            environment.set_syntax(syntax);
        }
        for (name, content) in files {
            let _ = environment.add_template(name, content);
        }
        Self(environment)
    }

    /// Renders a file.
    pub fn render(&self, name: &str, values: Value) -> Result<String, TemplateError> {
        let template = self.0.get_template(name);
        template.and_then(|template| template.render(values)).map_err(|_| TemplateError(name.to_owned()))
    }
}
