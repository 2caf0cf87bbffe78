use http::{StatusCode, header};

use super::*;
use crate::config::BrandColours;
use crate::domain::language::Language;
use crate::domain::oauth::client_brand::ClientColours;
use crate::gallery;
use crate::http::page::{Action, Form, FormPage, Notice, Page, draw};

const LOGO: &str = "data:image/svg+xml;base64,PHN2ZyB2aWV3Qm94PSIwIDAgOCA4Ij48L3N2Zz4=";
const OTHER: &str = "data:image/png;base64,iVBORw0K";

fn brand() -> Brand {
    let light = BrandColours { accent: Some("#B3005E".to_owned()), ..BrandColours::default() };
    Brand { logo: Some(LOGO.to_owned()), light, ..Brand::default() }
}

fn client() -> ClientBrand {
    let dark = ClientColours { link: Some("#ff9ecb".to_owned()), ..ClientColours::default() };
    ClientBrand { dark, ..ClientBrand::default() }
}

/// The page, and its policy.
fn shown(page: Page<'_>, look: &Look) -> (String, String) {
    let reply = draw(page, Language::English, &gallery::service("Blue Harbour"), look).unwrap();
    let policy = reply.headers.iter().find(|(name, _)| name == header::CONTENT_SECURITY_POLICY).unwrap();
    let policy = policy.1.to_str().unwrap().to_owned();
    (String::from_utf8(reply.body).unwrap(), policy)
}

fn pages() -> [Page<'static>; 3] {
    let form = Page::Form(FormPage { form: Form::Login, csrf: "c1", ..FormPage::default() });
    let status = StatusCode::BAD_REQUEST;
    let message = Page::Message { notice: Notice::NotUnderstood, status };
    [form, message, Page::Done { action: Action::KeepAccount, account: None, onward: None }]
}

/// What stands in the style elements of a page.
fn styles(html: &str) -> Vec<&str> {
    html.split("<style>").skip(1).map(|rest| rest.split_once("</style>").unwrap().0).collect()
}

#[test]
fn sec_se_07_own_colours_are_a_second_style_of_variables_alone_that_the_policy_has_by_its_hash() {
    let look = Look::new(brand(), Some(&client()));
    for page in pages() {
        let (html, policy) = shown(page, &look);
        let [first, second] = styles(&html).try_into().unwrap();
        assert_eq!(first, STYLE);
        let expected = ":root { --back: #eef1f6; --card: #ffffff; --text: #171a21; --accent: #b3005e; --link: #b3005e; }\n\
                        @media (prefers-color-scheme: dark) { :root { --back: #0f1115; --card: #191c22; --text: #e8eaee; \
                        --accent: #2f62e0; --link: #ff9ecb; } }\n";
        assert_eq!(second, expected);
        let sources = format!("style-src '{}' '{}'; img-src data:;", hash(STYLE), hash(second));
        assert!(policy.contains(&sources), "{policy}");
        assert!(html.matches("<style").count() == 2 && !html.contains(" style="), "{html}");
    }
}

#[test]
fn each_variable_of_the_second_style_is_one_of_the_first() {
    let style = Look::new(brand(), None).style();
    for variable in style.split("--").skip(1).map(|rest| rest.split(':').next().unwrap()) {
        assert!(
            STYLE.contains(&format!("--{variable}: ")) && STYLE.contains(&format!("var(--{variable})")),
            "{variable}"
        );
    }
}

#[test]
fn a_page_without_a_brand_has_the_one_style() {
    let own = Brand {
        light: BrandColours { accent: Some("#1f4fc9".to_owned()), ..BrandColours::default() },
        ..Brand::default()
    };
    for look in [Look::default(), Look::new(Brand::default(), None), Look::new(own, None)] {
        let (html, policy) = shown(Page::SignedIn, &look);
        assert_eq!(styles(&html), [STYLE]);
        assert!(policy.contains(&format!("style-src '{}'; img-src", hash(STYLE))), "{policy}");
        for part in ["content=\"#eef1f6\" media=\"(prefers-color-scheme: light)\"", "content=\"#0f1115\" media"] {
            assert!(html.contains(part), "{html}");
        }
    }
}

#[test]
fn a_logo_is_a_picture_beside_the_name_and_takes_the_place_of_the_sign() {
    let sign = |html: &str| html.contains("<header class=\"brand\">\n<svg ");
    let (html, _) = shown(Page::SignedIn, &Look::default());
    assert!(sign(&html) && !html.contains("<img"), "{html}");
    let picture =
        |logo: &str| format!("<header class=\"brand\">\n<img src=\"{logo}\" alt=\"\" height=\"28\">\n<a href=");
    let (html, policy) = shown(Page::SignedIn, &Look::new(brand(), None));
    assert!(html.contains(&picture(LOGO)) && !sign(&html), "{html}");
    assert!(policy.contains("; img-src data:;"), "{policy}");
    let own = ClientBrand { logo: Some(OTHER.to_owned()), ..client() };
    let (html, _) = shown(Page::SignedIn, &Look::new(brand(), Some(&own)));
    assert!(html.contains(&picture(OTHER)) && !html.contains(LOGO), "{html}");
    // What has not passed the rules ends no attribute.
    let forged = Brand { logo: Some("x\" onerror=\"alert(1)".to_owned()), ..Brand::default() };
    let (html, _) = shown(Page::SignedIn, &Look::new(forged, None));
    assert!(html.contains("<img src=\"x&quot; onerror=&quot;alert(1)\" alt"), "{html}");
}

#[test]
fn a_clients_name_stands_at_the_head_and_leads_to_no_page_of_the_services() {
    let own = ClientBrand { name: Some("Shop <b>".to_owned()), ..ClientBrand::default() };
    let (html, _) = shown(Page::SignedIn, &Look::new(Brand::default(), Some(&own)));
    let head = html.split_once("<header class=\"brand\">").unwrap().1.split_once("</header>").unwrap().0;
    assert!(head.contains("<span>Shop &lt;b&gt;</span>") && !head.contains("<a "), "{head}");
    assert!(html.contains(" – Shop &lt;b&gt;</title>"), "{html}");
    assert!(html.contains("Continue to Blue Harbour"), "the way back is still the service's: {html}");
}

#[test]
fn what_browsers_paint_around_a_page_is_its_background() {
    let light = BrandColours { background: Some("#fff8e7".to_owned()), ..BrandColours::default() };
    let dark = BrandColours { background: Some("#000000".to_owned()), ..BrandColours::default() };
    let (html, _) = shown(Page::SignedIn, &Look::new(Brand { light, dark, logo: None }, None));
    for part in [
        "content=\"#fff8e7\" media=\"(prefers-color-scheme: light)\"",
        "content=\"#000000\" media=\"(prefers-color-scheme: dark)\"",
    ] {
        assert!(html.contains(part), "{html}");
    }
}

#[test]
fn a_colour_that_is_none_is_passed_over() {
    let light = BrandColours {
        accent: Some("red; } body { display: none".to_owned()),
        text: Some("#000000".to_owned()),
        ..Default::default()
    };
    let look = Look::new(Brand { light, ..Brand::default() }, None);
    assert_eq!(look.style(), "", "nor is what stands beside it taken");
}
