//! An endpoint: what a function offers to every host.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;

use http::Method;

use crate::app::{App, Needs};
use crate::config::Config;
use crate::domain::language::Language;
use crate::http::cors::Cors;
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::request::Request;

/// A handler's answer in the making.
pub type HandlerFuture<'a> = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send + 'a>>;

/// Makes the page that a person sees of a refusal without a page of its own, for the request's path and language.
pub type RefusalPage = fn(&Problem, &str, Language, &Config) -> Result<Reply, Problem>;

/// Who reads an endpoint's answers.
#[derive(Clone, Copy)]
pub enum Reader {
    /// A program. It gets every refusal as problem+json.
    Program,
    /// A person, who gets refusals as pages where a browser shows them. What makes pages is named here, so that no other
    /// function links it: it weighs half a MiB.
    Person(RefusalPage),
}

/// A method and a path that lead to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method; `None` is every method for which no other route has the path.
    pub method: Option<Method>,
    /// The path as API Gateway has it, with parameters as `{id}`, and `{proxy+}` for all that follows.
    pub path: &'static str,
    /// What the API description calls the operation behind a further route. The first is called as its endpoint, and what
    /// has no name here is not described.
    pub operation: Option<&'static str>,
}

impl Route {
    /// `GET`.
    pub const fn get(path: &'static str) -> Self {
        Self::of(Some(Method::GET), path)
    }

    /// `POST`.
    pub const fn post(path: &'static str) -> Self {
        Self::of(Some(Method::POST), path)
    }

    /// `PATCH`.
    pub const fn patch(path: &'static str) -> Self {
        Self::of(Some(Method::PATCH), path)
    }

    /// `DELETE`.
    pub const fn delete(path: &'static str) -> Self {
        Self::of(Some(Method::DELETE), path)
    }

    /// `OPTIONS`.
    pub const fn options(path: &'static str) -> Self {
        Self::of(Some(Method::OPTIONS), path)
    }

    /// Every method.
    pub const fn any(path: &'static str) -> Self {
        Self::of(None, path)
    }

    /// A further route of an endpoint, which the API description has under a name of its own.
    pub const fn further(operation: &'static str, method: Method, path: &'static str) -> Self {
        Self { method: Some(method), path, operation: Some(operation) }
    }

    const fn of(method: Option<Method>, path: &'static str) -> Self {
        Self { method, path, operation: None }
    }

    /// Whether its path ends in a part that takes all that follows.
    pub fn is_greedy(&self) -> bool {
        self.path.ends_with("+}")
    }
}

/// The values of the `{…}` parts of the path `pattern` in `path`; `None` where it is another path.
pub fn path_parameters(pattern: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let (mut pattern, mut rest) = (pattern.split('/'), Some(path));
    let mut parameters = BTreeMap::new();
    loop {
        match (pattern.next(), rest) {
            (None, None) => return Some(parameters),
            (Some(expected), Some(sent)) => {
                let (part, after) = sent.split_once('/').map_or((sent, None), |(part, after)| (part, Some(after)));
                rest = after;
                let name = expected.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
                match (name, name.and_then(|name| name.strip_suffix('+'))) {
                    (_, Some(name)) => {
                        parameters.insert(name.to_owned(), sent.to_owned());
                        return (!sent.is_empty()).then_some(parameters);
                    }
                    (Some(name), None) => drop(parameters.insert(name.to_owned(), part.to_owned())),
                    (None, None) if expected == part => {}
                    (None, None) => return None,
                }
            }
            _ => return None,
        }
    }
}

impl fmt::Display for Route {
    /// As API Gateway writes it: `POST /v1/login`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method.as_ref().map_or("ANY", Method::as_str), self.path)
    }
}

/// What an endpoint takes of the machine, which is what its function gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Memory and rate of most.
    Standard,
    /// It hashes a password: a whole processor, a rate of its own, and as many at a time as its reserve has.
    Hashing(Reserve),
}

/// How many of a hashing function may run at a time: parameters of the stacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserve {
    /// `LoginConcurrency`.
    Login,
    /// `RegisterConcurrency`.
    Register,
    /// `PasswordConcurrency`.
    Password,
}

/// What answers one route, or more.
#[derive(Clone)]
pub struct Endpoint {
    /// The function's name: its file, binary, events and template resource.
    pub name: &'static str,
    /// What leads to it. The first is the one that the API description has.
    pub routes: &'static [Route],
    /// What it takes of the machine.
    pub class: Class,
    /// Who reads the answers.
    pub reader: Reader,
    /// Which pages of other origins may.
    pub cors: Cors,
    /// What it needs from outside, so that a cold start can fetch it ahead and its role can be held to it.
    pub needs: Needs,
    /// What answers.
    pub handler: for<'a> fn(&'a App, &'a Request) -> HandlerFuture<'a>,
}

impl Endpoint {
    /// The path of its first route.
    pub fn path(&self) -> &'static str {
        self.routes.first().map_or("", |route| route.path)
    }

    /// The method of its first route.
    pub fn method(&self) -> &'static Method {
        static GET: Method = Method::GET;
        self.routes.first().and_then(|route| route.method.as_ref()).unwrap_or(&GET)
    }

    /// Whether it may change what is stored: every method but GET and OPTIONS.
    pub fn changes(&self) -> bool {
        self.routes.iter().any(|route| !matches!(route.method, Some(Method::GET | Method::OPTIONS)))
    }

    /// The routes that the API description has, each with the name of its operation.
    pub fn operations(&self) -> impl Iterator<Item = (&'static str, &'static Route)> {
        let first = self.routes.first().map(|route| (self.name, route));
        let further = self.routes.iter().skip(1).filter_map(|route| Some((route.operation?, route)));
        first.into_iter().chain(further)
    }

    /// The values of the `{…}` parts of the first route that has `path`; `None` where none does. For hosts whose router
    /// prefers a literal path of another endpoint, which does not answer this one's method.
    pub fn path_parameters(&self, path: &str) -> Option<BTreeMap<String, String>> {
        self.routes.iter().find_map(|route| path_parameters(route.path, path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paths_parameters_are_those_of_its_pattern() {
        const ROUTES: &[Route] = &[Route::get("/ui/{page}")];
        let endpoint = Endpoint {
            name: "page-show",
            routes: ROUTES,
            class: Class::Standard,
            reader: Reader::Program,
            cors: Cors::None,
            needs: Needs { rings: &[], table: false },
            handler: |_, _| Box::pin(async { Ok(Reply::no_content()) }),
        };
        let page = |name: &str| Some(BTreeMap::from([("page".to_owned(), name.to_owned())]));
        assert_eq!(endpoint.path_parameters("/ui/sign-in"), page("sign-in"));
        for other in ["/ui", "/ui/sign-in/", "/v1/sign-in", "ui/sign-in", ""] {
            assert_eq!(endpoint.path_parameters(other), None, "{other}");
        }
        let rest = |path| path_parameters("/v1/{proxy+}", path).map(|it| it["proxy"].clone());
        assert_eq!(rest("/v1/sessions"), Some("sessions".to_owned()));
        assert_eq!(rest("/v1/sessions/{id}"), Some("sessions/{id}".to_owned()));
        for other in ["/v1", "/v1/", "/v2/sessions", ""] {
            assert_eq!(rest(other), None, "{other}");
        }
    }
}
