//! Pages as a plain browser without JavaScript uses them: a link is opened, its form is sent, cookies are kept.

use std::collections::BTreeMap;

use reqwest::Method;

use super::{Answer, TestServer};

/// A browser.
#[derive(Debug, Default)]
pub struct Browser {
    /// Its cookies, by name.
    pub cookies: BTreeMap<String, String>,
    /// What it asks pages to be written in.
    pub language: &'static str,
}

impl Browser {
    /// Opens a page.
    pub async fn open(&mut self, server: &TestServer, path: &str) -> Answer {
        self.send(server.request(Method::GET, path), server).await
    }

    /// Opens the page of a mailed link.
    pub async fn open_link(&mut self, server: &TestServer, page: &str, token: &str) -> Answer {
        self.open(server, &format!("/ui/{page}?token={token}")).await
    }

    /// Presses the button of the form that is shown, with what was typed.
    pub async fn press(&mut self, server: &TestServer, shown: &Answer, typed: &[(&str, &str)]) -> Answer {
        self.submit(server, shown, typed, Some(&server.base)).await
    }

    /// As [`Self::press`], with another origin or none.
    pub async fn submit(
        &mut self,
        server: &TestServer,
        shown: &Answer,
        typed: &[(&str, &str)],
        origin: Option<&str>,
    ) -> Answer {
        self.submit_form(server, &form(shown), typed, origin).await
    }

    /// As [`Self::submit`], of a page with several.
    pub async fn submit_form(
        &mut self,
        server: &TestServer,
        form: &Form,
        typed: &[(&str, &str)],
        origin: Option<&str>,
    ) -> Answer {
        let is_typed = |name: &str| typed.iter().any(|(it, _)| *it == name);
        let mut fields: Vec<_> = form.hidden.iter().filter(|(name, _)| !is_typed(name)).cloned().collect();
        fields.extend(typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut request = server.request(Method::POST, &form.action).form(&fields);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        self.send(request, server).await
    }

    /// Opens a link and presses its button.
    pub async fn follow(&mut self, server: &TestServer, page: &str, token: &str, typed: &[(&str, &str)]) -> Answer {
        let shown = self.open_link(server, page, token).await;
        assert_eq!(shown.status, 200, "{}", shown.text);
        self.press(server, &shown, typed).await
    }

    /// Sends a request with the cookies, and keeps those of the answer.
    pub async fn send(&mut self, mut request: reqwest::RequestBuilder, server: &TestServer) -> Answer {
        if !self.cookies.is_empty() {
            let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", cookies.join("; "));
        }
        if !self.language.is_empty() {
            request = request.header("accept-language", self.language);
        }
        let answer = server.send(request).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}

/// A form.
#[derive(Debug, Clone)]
pub struct Form {
    pub action: String,
    pub hidden: Vec<(String, String)>,
    /// The names and the values of its buttons.
    pub names: Vec<String>,
    pub values: Vec<String>,
}

/// The form of a page.
#[track_caller]
pub fn form(page: &Answer) -> Form {
    let found = forms(page).into_iter().next();
    found.unwrap_or_else(|| panic!("no form in {}", page.text))
}

/// The forms of a page.
pub fn forms(page: &Answer) -> Vec<Form> {
    let forms = page.text.split("<form method=\"post\"").skip(1);
    let read = |form: &str| {
        let form = form.split("</form>").next().unwrap();
        let inputs = form.split("<input type=\"hidden\"").skip(1);
        let buttons = form.split("<button").skip(1).map(|it| it.split('>').next().unwrap());
        let named: Vec<&str> = buttons.filter(|it| it.contains(" name=\"") && it.contains(" value=\"")).collect();
        Form {
            action: attribute(form, "action"),
            hidden: inputs.map(|input| (attribute(input, "name"), attribute(input, "value"))).collect(),
            names: named.iter().map(|it| attribute(it, "name")).collect(),
            values: named.iter().map(|it| attribute(it, "value")).collect(),
        }
    };
    forms.map(read).collect()
}

/// The first attribute of this name, as a browser reads it.
fn attribute(html: &str, name: &str) -> String {
    let (_, rest) = html.split_once(&format!("{name}=\"")).unwrap_or_else(|| panic!("no {name} in {html}"));
    unescaped(rest.split('"').next().unwrap())
}

/// What a browser reads of what a template has escaped.
pub fn unescaped(html: &str) -> String {
    let escapes = [("&#x2f;", "/"), ("&#x27;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    escapes.iter().fold(html.to_owned(), |text, (escape, character)| text.replace(escape, character))
}

/// The page's heading.
#[track_caller]
pub fn heading(page: &Answer) -> &str {
    let html = &page.text;
    let (_, rest) = html.split_once("<h1>").unwrap_or_else(|| panic!("no heading in {html}"));
    rest.split('<').next().unwrap()
}

/// What a page says whose link does nothing any more.
#[track_caller]
pub fn assert_dead(page: &Answer) {
    assert_eq!((page.status, heading(page)), (400, "This link no longer works"), "{}", page.text);
    assert!(page.header("content-type").starts_with("text/html"));
}

/// What a page says whose form did not come from it.
#[track_caller]
pub fn assert_refused(page: &Answer) {
    assert_eq!((page.status, heading(page)), (403, "Please open the link again"), "{}", page.text);
}
