use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header;
use ring::digest::{SHA256, digest};

use super::*;
use crate::config::Service;
use crate::domain::language::Language;
use crate::gallery;
use crate::http::reply::Reply;

fn service() -> Service {
    gallery::service("Blue <b>Harbour")
}

fn shown(page: Page<'_>, language: Language) -> (Reply, String) {
    let reply = draw(page, language, &service(), &Look::default()).unwrap();
    let html = String::from_utf8(reply.body.clone()).unwrap();
    (reply, html)
}

fn header(reply: &Reply, name: &http::HeaderName) -> String {
    let found = reply.headers.iter().find(|(found, _)| found == name).unwrap();
    found.1.to_str().unwrap().to_owned()
}

/// Each page in each language, with its name.
fn all() -> Vec<(String, Language, Page<'static>)> {
    let named = |language| gallery::pages().into_iter().map(move |(name, page)| (name, language, page));
    Language::ALL.into_iter().flat_map(named).collect()
}

#[test]
fn sec_se_07_sec_ot_05_every_page_renders_in_every_language() {
    for (name, language, page) in all() {
        let (reply, html) = shown(page, language);
        assert_eq!(header(&reply, &header::CONTENT_LANGUAGE), language.tag());
        assert!(html.contains(&format!("<html lang=\"{}\">", language.tag())), "{name}: {html}");
        assert_eq!((html.matches("<h1>").count(), html.matches("<main>").count()), (1, 1), "{name}: {html}");
        for trace in ["<b>", "{{", "{%", "src=", "<p></p>", "<h1></h1>", "\"\">"] {
            assert!(!html.replace("value=\"\"", "").contains(trace), "{name} {trace}: {html}");
        }
        let heading = html.split_once("<h1>").unwrap().1.split_once("</h1>").unwrap().0;
        let title = html.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0;
        assert!(title.contains(heading) && title.contains("Blue &lt;b&gt;Harbour"), "{name}: {title}");
    }
}

#[test]
fn sec_se_07_the_policy_lets_through_the_style_and_the_script_that_a_page_has_and_nothing_else() {
    for (name, language, page) in all() {
        let (reply, html) = shown(page, language);
        let policy = header(&reply, &header::CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"), "{policy}");
        for (element, directive) in [("style", "style-src"), ("script", "script-src")] {
            let opened = html.matches(&format!("<{element}")).count();
            let Some((_, rest)) = html.split_once(&format!("<{element}>")) else {
                assert_eq!((opened, policy.contains(directive)), (0, false), "{name}: {policy}");
                continue;
            };
            let text = rest.split_once(&format!("</{element}>")).unwrap().0;
            let hash = STANDARD.encode(digest(&SHA256, text.as_bytes()));
            assert_eq!(opened, 1);
            assert!(policy.contains(&format!("{directive} 'sha256-{hash}'")), "{name}: {policy}");
        }
        let has_script =
            html.contains("type=\"password\"") || matches!(page, Page::Post { .. }) || html.contains("id=\"passkey\"");
        assert_eq!(html.contains("<script>"), has_script, "{name}");
        // OC-30: of where an application's own form leads its application alone knows.
        assert_eq!(policy.contains("form-action 'self'"), !matches!(page, Page::Post { .. }), "{name}: {policy}");
        // What a policy by hash refuses anyway.
        assert!(![" style=", " onclick=", " onload=", "javascript:"].iter().any(|it| html.contains(it)), "{name}");
    }
}

#[test]
fn forms_post_to_their_page_and_a_password_stands_beside_its_account() {
    for (name, language, page) in all() {
        let (_, html) = shown(page, language);
        let form = matches!(
            page,
            Page::Confirm { .. }
                | Page::ChoosePassword { .. }
                | Page::TypeCode { .. }
                | Page::Form(_)
                | Page::Consent { .. }
                | Page::Factors(FactorsPage { part: FactorsPart::SetUp { .. } | FactorsPart::Present { .. }, .. })
        );
        let action = format!("<form method=\"post\" action=\"{}\">", page.path());
        assert_eq!(html.contains(&action), form, "{name}: {html}");
        for part in ["<label for=\"new_password\"", "id=\"new_password\"", "autocomplete=\"new-password\""] {
            assert_eq!(html.contains(part), page.asks_for_password(), "{name} {part}: {html}");
        }
        let current = html.contains("autocomplete=\"current-password\"");
        let checks = [Form::Login, Form::AccountEmail, Form::AccountPassword];
        let login = matches!(page, Page::Form(form) if checks.contains(&form.form) && form.asks_present());
        assert_eq!(current, login, "{name}: {html}");
        let username = html.find("autocomplete=\"username\"");
        assert!(!page.asks_for_password() || username < html.find("autocomplete=\"new-password\""), "{name}: {html}");
        assert!(!html.contains("name=\"username\""), "{name}: the form is read strictly");
        let code = matches!(
            page,
            Page::TypeCode { .. }
                | Page::Form(FormPage { form: Form::TypeLoginCode | Form::SecondFactor, .. })
                | Page::Factors(FactorsPage { part: FactorsPart::SetUp { .. }, .. })
        );
        assert_eq!(html.contains("autocomplete=\"one-time-code\""), code, "{name}: {html}");
    }
}

#[test]
fn what_is_refused_is_marked_has_the_focus_and_says_what_to_do_next() {
    for (name, language, page) in all() {
        let (reply, html) = shown(page, language);
        let is_form = matches!(page, Page::Form(_) | Page::Consent { .. });
        if matches!(page, Page::Leaving(_) | Page::Post { .. } | Page::Account(_) | Page::Factors(_)) {
            continue;
        }
        let wrong = name.contains("wrong") && !is_form;
        let has_rules = |it: FormRefusal<'_>| ["code", "new_password"].contains(&it.field());
        let marked = wrong || matches!(page, Page::Form(form) if form.refusal.is_some_and(has_rules));
        assert_eq!(
            html.contains("aria-describedby=\"rules reason\" aria-invalid=\"true\" autofocus"),
            marked,
            "{name}"
        );
        assert!(!wrong || reply.status == 400 && html.contains("id=\"reason\" role=\"alert\""), "{name}: {html}");
        let title = if language == Language::German { "<title>Fehler: " } else { "<title>Error: " };
        let is_refused = matches!(page, Page::Form(FormPage { refusal: Some(_), .. }))
            || matches!(page, Page::Consent { page: FormPage { refusal: Some(_), .. }, .. });
        assert_eq!(html.contains(title), wrong || is_refused, "{name}: {html}");
        let form = html.contains("<form");
        // A result takes the focus as a whole, and leads on.
        assert_eq!(html.contains("tabindex=\"-1\" autofocus>"), !form, "{name}: {html}");
        let way_back = |words| html.contains(&format!("href=\"https://app.example.com/\">{words}"));
        let onward = matches!(
            page,
            Page::Mailed { .. }
                | Page::FactorsLost { .. }
                | Page::Done { onward: Some(_), .. }
                | Page::Changed { onward: Some(_), .. }
        );
        assert_eq!(way_back("Continue to") || way_back("Weiter zu"), !form && !onward, "{name}: {html}");
        assert_eq!(html.contains("<a class=\"button\" href=\"&#x2f;"), onward, "{name}: {html}");
        assert!(html.contains("href=\"mailto:help@example.com\">help@example.com</a>"), "{name}: {html}");
    }
    let bare = Service { url: None, support: None, ..service() };
    for (name, language, page) in
        all().into_iter().filter(|(_, _, page)| matches!(page, Page::Done { onward: None, .. }))
    {
        let html = String::from_utf8(draw(page, language, &bare, &Look::default()).unwrap().body).unwrap();
        assert!(!html.contains("<a ") && (html.contains("close this") || html.contains("schließen")), "{name}: {html}");
    }
}

#[test]
fn success_refusal_and_later_look_different() {
    let mark = |page| {
        let (_, html) = shown(page, Language::English);
        html.split_once("<svg class=\"mark").unwrap().1.split_once("</svg>").unwrap().0.to_owned()
    };
    let action = Action::SignIn;
    let later = Page::TryLater { action, status: StatusCode::SERVICE_UNAVAILABLE, retry_after: None };
    let done = Page::Done { action, account: None, onward: None };
    let mut marks = [done, Page::LinkInvalid(action), Page::Refused(action), later].map(mark);
    marks.sort();
    assert!(marks.windows(2).all(|pair| pair[0] != pair[1]), "{marks:?}");
}

#[test]
fn each_reason_against_a_password_has_words_of_its_own() {
    for language in Language::ALL {
        let mut reasons = Vec::new();
        for (name, page) in gallery::pages().into_iter().filter(|(name, _)| name.starts_with("reset-password-wrong")) {
            let (_, html) = shown(page, language);
            let reason = html.split_once("role=\"alert\">").unwrap().1.split_once("</p>").unwrap().0.to_owned();
            assert!(!reason.ends_with("<span></span>") && !reasons.contains(&reason), "{name}: {reason}");
            reasons.push(reason);
        }
        assert_eq!(reasons.len(), 5);
    }
}

#[test]
fn each_outcome_has_a_heading_of_its_own() {
    let heading = |page| shown(page, Language::German).1.split_once("<h1>").unwrap().1.to_owned();
    let action = Action::KeepAccount;
    let later = |status, wait| Page::TryLater { action, status, retry_after: Some(Duration::from_millis(wait)) };
    let busy = later(StatusCode::SERVICE_UNAVAILABLE, 4_001);
    for (page, expected) in [
        (Page::Confirm { action, token: "t", csrf: None, rejection: None }, "Konto behalten</h1>"),
        (Page::Done { action, account: None, onward: None }, "Ihr Konto bleibt bestehen</h1>"),
        (Page::LinkInvalid(action), "Dieser Link gilt nicht mehr</h1>"),
        (busy, "Bitte versuchen Sie es später noch einmal</h1>"),
    ] {
        assert!(heading(page).starts_with(expected), "{expected}");
    }
    assert_eq!(header(&shown(busy, Language::German).0, &header::RETRY_AFTER), "5");
    let limited = later(StatusCode::TOO_MANY_REQUESTS, 61_000);
    assert!(shown(limited, Language::German).1.contains("zu viele Versuche"));
    assert!(shown(limited, Language::German).1.contains("Warten Sie 2 Minuten"));
}

#[test]
fn sec_ot_10_who_verified_without_having_chosen_the_password_is_asked_for_one() {
    for (language, lead) in [(Language::English, "Your address is confirmed."), (Language::German, "Ihre Adresse ist")]
    {
        let (reply, html) = shown(Page::ChoosePassword { token: "pr_t", account: "ada@example.com" }, language);
        assert_eq!(reply.status, 200);
        assert!(html.contains("action=\"/ui/reset-password\"") && html.contains("value=\"pr_t\""), "{html}");
        assert!(html.contains(lead) && html.contains("readonly value=\"ada@example.com\""), "{html}");
    }
}

#[test]
fn debug_output_hides_the_token() {
    let page = Page::Confirm { action: Action::SignIn, token: "t0ken", csrf: None, rejection: None };
    assert_eq!(format!("{page:?}"), "Page(<redacted>)");
}

#[test]
fn sec_oc_18_a_refused_form_keeps_what_was_typed_and_says_why() {
    let mut reasons = BTreeMap::new();
    for (name, language, page) in all() {
        let Page::Form(form) = page else { continue };
        let knows_nobody = form.form == Form::SignOut;
        let (reply, html) = shown(page, language);
        let html = html.split_once("</style>").unwrap().1;
        let typed = form.name.filter(|_| form.form == Form::Register);
        for kept in [form.request, form.account.filter(|_| !knows_nobody), typed, Some(form.csrf)].into_iter().flatten()
        {
            assert!(html.contains(&format!("value=\"{kept}\"")), "{name} {kept}: {html}");
        }
        let remembers = matches!(form.form, Form::Login | Form::TypeLoginCode);
        let device = form.form == Form::SecondFactor
            && form.first_step.is_some_and(|it| it.remember_device.is_some_and(|it| it.ticked));
        assert_eq!(html.contains(" checked>"), form.remember && remembers || device, "{name}");
        let own = Form::ACCOUNT.contains(&form.form);
        let names_it = form.application.is_some() && form.form != Form::Forgot && !own;
        assert_eq!(html.contains("Blue Harbour &lt;Shop&gt;"), names_it, "{name}: {html}");
        if knows_nobody {
            continue;
        }
        // Whoever has an address there types what is next.
        assert_eq!(html.matches(" autofocus").count(), usize::from(form.form != Form::AccountDelete), "{name}");
        // Every way from here to another form is on the way to the application, too.
        let ways = html.split_once("<ul class=\"ways\">").unwrap().1.split_once("</ul>").unwrap().0;
        let carried = ways.matches("?request=L29hdXRoMi9hdXRob3JpemU_&amp;flow=lf_k1.abc.def\"").count();
        let expected = if form.request.is_some() && !own { ways.matches("<a ").count() } else { 0 };
        assert_eq!(carried, expected, "{name}: {ways}");
        assert!(ways.contains("<a "), "{name}: {ways}");
        let Some(refusal) = form.refusal else {
            assert_eq!((reply.status, html.contains("role=\"alert\"")), (StatusCode::OK, false), "{name}");
            continue;
        };
        assert_eq!(reply.status, refusal.status());
        assert!(html.contains("reason\""), "{name}: {html}");
        let marked = match refusal.field() {
            "" => 0,
            "login" => 2,
            _ => 1,
        };
        assert_eq!(html.matches("aria-invalid=\"true\"").count(), marked, "{name}: {html}");
        let reason = html.split_once("role=\"alert\">").unwrap().1.split_once("</p>").unwrap().0.to_owned();
        assert!(!reason.ends_with("<span></span>"), "{name}: {reason}");
        let of = reasons.entry((refusal.code(), language.tag())).or_insert_with(|| reason.clone());
        assert_eq!(*of, reason, "{name}");
        let wait = reply.headers.iter().any(|(name, _)| name == header::RETRY_AFTER);
        assert_eq!(wait, refusal.retry_after().is_some(), "{name}");
    }
    let different: BTreeSet<&String> = reasons.values().collect();
    assert_eq!(different.len(), reasons.len(), "{reasons:#?}");
    assert_eq!(reasons.len(), 34);
}

#[test]
fn what_is_switched_off_is_offered_nowhere() {
    for form in Form::OPENED {
        for (by_code, sign_up) in [(false, false), (true, false), (false, true)] {
            let page = FormPage { form, csrf: "c1", by_code, sign_up, ..FormPage::default() };
            let (_, html) = shown(Page::Form(page), Language::English);
            let offers = |path: &str| html.contains(&format!("<a href=\"{path}\""));
            assert_eq!(offers("/ui/login-code"), by_code && form == Form::Login, "{html}");
            assert_eq!(offers("/ui/register"), sign_up && form == Form::Login, "{html}");
        }
    }
}

#[test]
fn sec_oc_30_the_way_of_a_form_ends_at_a_page_that_leads_on_with_and_without_a_press() {
    for language in Language::ALL {
        let onward = Onward { location: "https://shop.example/?a=b&c=\"d", application: Some("Shop") };
        let (_, html) = shown(Page::Leaving(onward), language);
        let target = "https:&#x2f;&#x2f;shop.example&#x2f;?a=b&amp;c=&quot;d";
        assert!(html.contains(&format!("<meta http-equiv=\"refresh\" content=\"0; url={target}\">")), "{html}");
        assert!(html.contains(&format!("<a class=\"button\" href=\"{target}\">")), "{html}");
    }
    let onward = Onward { location: "https://shop.example/callback", application: None };
    let (_, html) = shown(Page::Post { onward, fields: &[("state", "\"><script>")] }, Language::English);
    assert!(!html.contains("http-equiv=\"refresh\""), "{html}");
    assert!(html.contains("name=\"state\" value=\"&quot;&gt;&lt;script&gt;\""), "{html}");
}

#[test]
fn a_person_reads_what_is_asked_and_may_say_no() {
    for (name, language, page) in all() {
        let Page::Consent { page: form, host, asks } = page else { continue };
        let (_, html) = shown(page, language);
        assert!(html.contains(host) && html.contains(form.account.unwrap()), "{name}: {html}");
        assert_eq!(html.contains("value=\"deny\""), !asks.is_empty(), "{name}: {html}");
        assert_eq!(html.matches("<li>").count(), asks.len() + 1, "{name}: {html}");
        assert!(!html.contains("<orders>"), "{name}: {html}");
    }
}
