//! An endpoint: what a function crate offers to every host.

use std::collections::BTreeMap;
use std::pin::Pin;

use http::Method;

use crate::app::App;
use crate::config::Service;
use crate::domain::language::Language;
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::secrets::RingName;

/// A handler's answer in the making.
pub type HandlerFuture<'a> = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send + 'a>>;

/// What an endpoint needs from outside.
#[derive(Clone, Copy)]
pub struct Needs {
    /// The key rings it reads.
    pub rings: &'static [RingName],
    /// Whether it uses the table.
    pub table: bool,
}

/// Makes the page that a person sees of a refusal without a page of its own, for the request's path and language.
pub type RefusalPage = fn(&Problem, &str, Language, &Service) -> Result<Reply, Problem>;

/// Who reads an endpoint's answers.
#[derive(Clone, Copy)]
pub enum Reader {
    /// A program. It gets every refusal as problem+json.
    Program,
    /// A person, who gets refusals as pages where a browser shows them. What makes pages is named here, so that no other
    /// function links it: it weighs half a MiB.
    Person(RefusalPage),
}

/// One method and path, and what answers it.
#[derive(Clone)]
pub struct Endpoint {
    /// The function's name: its folder, binary, events and template resource.
    pub name: &'static str,
    /// The method.
    pub method: Method,
    /// The path as API Gateway has it, with parameters as `{id}`.
    pub path: &'static str,
    /// Who reads the answers.
    pub reader: Reader,
    /// What it needs from outside, so that a cold start can fetch it ahead and its role can be held to it.
    pub needs: Needs,
    /// What answers.
    pub handler: for<'a> fn(&'a App, &'a Request) -> HandlerFuture<'a>,
}

impl Endpoint {
    /// The values of the `{…}` parts of the endpoint's path in `path`; `None` where it is another path. For hosts whose
    /// router prefers a literal path of another endpoint, which does not answer this one's method.
    pub fn path_parameters(&self, path: &str) -> Option<BTreeMap<String, String>> {
        let (mut pattern, mut parts) = (self.path.split('/'), path.split('/'));
        let mut parameters = BTreeMap::new();
        loop {
            match (pattern.next(), parts.next()) {
                (None, None) => return Some(parameters),
                (Some(expected), Some(part)) => {
                    let name = expected.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
                    match name {
                        Some(name) => drop(parameters.insert(name.to_owned(), part.to_owned())),
                        None if expected == part => {}
                        None => return None,
                    }
                }
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paths_parameters_are_those_of_its_pattern() {
        let endpoint = Endpoint {
            name: "page-show",
            method: Method::GET,
            path: "/ui/{page}",
            reader: Reader::Program,
            needs: Needs { rings: &[], table: false },
            handler: |_, _| Box::pin(async { Ok(Reply::no_content()) }),
        };
        let page = |name: &str| Some(BTreeMap::from([("page".to_owned(), name.to_owned())]));
        assert_eq!(endpoint.path_parameters("/ui/sign-in"), page("sign-in"));
        for other in ["/ui", "/ui/sign-in/", "/v1/sign-in", "ui/sign-in", ""] {
            assert_eq!(endpoint.path_parameters(other), None, "{other}");
        }
    }
}
