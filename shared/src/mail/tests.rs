use mail_parser::MessageParser;

use super::*;
use crate::config::Service;
use crate::domain::email::Email;
use crate::domain::sender::Sender;
use crate::gallery::{self, letterhead, service};

const LINK: &str = "https://auth.example.com/ui/page?token=mt_k1.abc-_9.def";
const CODE: &str = "482913";
const HOSTILE: &str = "<script>alert(1)</script>\r\nBcc: all@example.com";

fn letters() -> Vec<Letter> {
    gallery::letters().into_iter().map(|(_, letter)| letter).collect()
}

fn rendered(letter: &Letter, language: Language, name: Option<&str>) -> Rendered {
    letter.render(language, &letterhead(&service("Blue Harbour"), name)).unwrap()
}

#[test]
fn every_letter_is_whole_in_every_language() {
    for (language, letter) in Language::ALL.into_iter().flat_map(|l| letters().into_iter().map(move |m| (l, m))) {
        let Rendered { subject, text, html } = rendered(&letter, language, Some("Ada"));
        let (linked, coded) = match &letter {
            Letter::Verification { .. } | Letter::EmailCode { link: Some(_), .. } => (true, true),
            Letter::EmailCode { link: None, .. } => (false, true),
            Letter::OwnerNotice
            | Letter::PasswordChanged
            | Letter::NewDevice { .. }
            | Letter::SessionReused { .. }
            | Letter::SecondFactorFailed { .. }
            | Letter::PasskeyCounterRegressed { .. }
            | Letter::RecoveryCodeUsed { .. }
            | Letter::FactorsChanged { .. } => (false, false),
            _ => (true, false),
        };
        assert!(subject.contains("Blue Harbour"), "{letter:?} {language:?}");
        for body in [&text, &html] {
            assert_eq!((body.contains(LINK), body.contains(CODE)), (linked, coded), "{letter:?} {language:?}");
            assert!(body.contains("Blue Harbour"), "{letter:?} {language:?}: {body}");
            assert!(!body.contains("\n\n\n"), "{letter:?} {language:?}: {body}");
        }
        for part in [&subject, &text] {
            assert!(
                !["{", "}", "<p", "&#", "none", "undefined"].iter().any(|trace| part.contains(trace)),
                "{letter:?} {language:?}"
            );
        }
        assert!(!html.contains("{{") && !html.contains("{%"), "{letter:?} {language:?}");
        assert!(html.starts_with("<!doctype html>") && html.contains(&format!("<html lang=\"{}\">", language.tag())));
        assert_eq!((linked, html.matches("<h1").count()), (html.contains(&format!("href=\"{LINK}\"")), 1));
        // Nothing is loaded from anywhere, so that opening a mail tells nobody.
        assert!(!["<img", "src=", "@import", "url(", "<link"].iter().any(|remote| html.contains(remote)));
    }
}

#[test]
fn the_text_says_all_that_the_html_says_and_nothing_else() {
    for (language, letter) in Language::ALL.into_iter().flat_map(|l| letters().into_iter().map(move |m| (l, m))) {
        let Rendered { subject, text, html } = rendered(&letter, language, Some("Ada"));
        let read = |text: &str| text.replace("&#x27;", "'").split_whitespace().collect::<Vec<_>>().join(" ");
        let body = read(&html.split_once("<h1").unwrap().1.replace("<br>", " "));
        for line in text.lines().filter(|line| !line.is_empty() && *line != "-- ") {
            // A label or a separator beside it is the layout's.
            for part in line.split(": ").flat_map(|part| part.split(", http")) {
                let part = part.trim_end_matches(':');
                assert!(body.contains(&read(part)) || LINK.contains(part), "{letter:?} {language:?} {part}: {html}");
            }
        }
        assert!(html.contains(&format!("<title>{subject}</title>")), "{letter:?}");
    }
}

#[test]
fn each_mail_says_when_it_was_sent_to_whom_and_where_help_is() {
    for (language, letter) in Language::ALL.into_iter().flat_map(|l| letters().into_iter().map(move |m| (l, m))) {
        let Rendered { text, html, .. } = rendered(&letter, language, None);
        for part in ["2026, 12:30", "ada.lovelace@example.com", "help@example.com", "https://app.example.com/"] {
            assert!(text.contains(part) && html.contains(part), "{letter:?} {language:?} {part}: {text}");
        }
        let bare = Service { url: None, support: None, ..service("Blue Harbour") };
        let Rendered { text, .. } = letter.render(language, &letterhead(&bare, None)).unwrap();
        assert!(!text.contains("app.example") && !text.contains("help@") && text.ends_with("Blue Harbour\n"), "{text}");
    }
}

#[test]
fn languages_say_the_same_in_other_words() {
    for letter in letters() {
        let english = rendered(&letter, Language::English, None);
        let german = rendered(&letter, Language::German, None);
        assert_ne!((english.subject, english.text), (german.subject, german.text), "{letter:?}");
    }
}

#[test]
fn sec_mf_08_each_change_of_second_factors_is_told_in_its_own_words() {
    for language in Language::ALL {
        let said = |change| rendered(&Letter::FactorsChanged { change }, language, None).text;
        let all: std::collections::BTreeSet<_> = FactorChange::ALL.into_iter().map(said).collect();
        assert_eq!(all.len(), FactorChange::ALL.len());
        assert!(!all.contains(&said(FactorChange::Other)), "a change has no words of its own");
    }
}

#[test]
fn numbers_and_times_read_as_a_person_would_write_them() {
    let text = |letter: &Letter, language| rendered(letter, language, None).text;
    let hour = Letter::EmailChange { link: LINK.to_owned(), hours: 1 };
    assert!(text(&hour, Language::English).contains("for 1 hour."));
    assert!(text(&hour, Language::German).contains("1 Stunde lang."));
    let at = Timestamp::from_millis(1_772_368_200_250);
    let device = Letter::NewDevice { device: "Firefox".to_owned(), address: None, at };
    assert!(text(&device, Language::English).contains("Time: 1 March 2026, 12:30 UTC"));
    assert!(text(&device, Language::German).contains("Zeit: 1. März 2026, 12:30 Uhr UTC"));
}

#[test]
fn a_name_is_escaped_and_forges_no_lines() {
    for (language, letter) in Language::ALL.into_iter().flat_map(|l| letters().into_iter().map(move |m| (l, m))) {
        let mail = letter.render(language, &letterhead(&service(HOSTILE), Some(HOSTILE))).unwrap();
        assert!(!mail.html.contains("<script>"), "{letter:?}");
        for part in [&mail.subject, &mail.text, &mail.html] {
            assert!(!part.lines().any(|line| line.starts_with("Bcc:")), "{letter:?}");
        }
        assert!(!mail.subject.chars().any(char::is_control), "{letter:?}");
    }
    let device = Letter::NewDevice { device: HOSTILE.to_owned(), address: None, at: Timestamp::EPOCH };
    assert!(!rendered(&device, Language::English, None).html.contains("<script>"));
}

#[test]
fn a_mail_that_may_reach_a_stranger_repeats_no_name() {
    let advertisement = "Win at casino.example";
    for letter in letters() {
        let stranger = matches!(letter, Letter::Verification { .. } | Letter::OwnerNotice | Letter::EmailChange { .. });
        let text = rendered(&letter, Language::English, Some(advertisement)).text;
        assert_eq!(text.contains(advertisement), !stranger, "{letter:?}");
    }
}

#[test]
fn a_link_that_needs_escaping_is_escaped() {
    let letter = Letter::PasswordReset { link: "https://a.example/\"><b>&".to_owned(), minutes: 1 };
    let html = rendered(&letter, Language::English, None).html;
    assert!(!html.contains("<b>") && html.contains("&quot;&gt;"), "{html}");
}

fn message(from: &str, to: &str, rendered: &Rendered) -> Result<String, RenderError> {
    let (from, to) = (&Sender::parse(from).unwrap(), Email::parse(to).unwrap());
    let at = Timestamp::from_millis(1_772_368_200_250);
    mime(from, &to, rendered, at, "eml_01@example.com").map(|bytes| String::from_utf8(bytes).unwrap())
}

#[test]
fn a_message_is_multipart_alternative_with_its_own_date_and_id() {
    let letter = Letter::Verification { link: LINK.to_owned(), code: CODE.to_owned(), hours: 24, required: true };
    let german = letter.render(Language::German, &letterhead(&service("Blauer Häfen"), None)).unwrap();
    let mail = message("Blauer Häfen <no-reply@example.com>", "Ada@Bücher.example", &german).unwrap();
    let (head, body) = mail.split_once("\r\n\r\n").unwrap();
    for line in [
        "Message-ID: <eml_01@example.com>",
        "Date: Sun, 1 Mar 2026 12:30:00 +0000",
        "To: <Ada@xn--bcher-kva.example>",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
    ] {
        assert!(head.lines().any(|found| found == line), "{line} is not in {head}");
    }
    assert!(head.is_ascii() && head.contains("Subject: =?utf-8?") && head.contains("<no-reply@example.com>"), "{head}");
    assert!(head.contains("Content-Type: multipart/alternative;"), "{head}");
    let (text, html) = (body.find("text/plain").unwrap(), body.find("text/html").unwrap());
    assert!(text < html, "the best alternative is the last one (RFC 2046, 5.1.4)");
    assert!(mail.lines().all(|line| line.len() <= 998), "RFC 5322, 2.1.1");
    assert_eq!(message("Blauer Häfen <no-reply@example.com>", "Ada@Bücher.example", &german).unwrap(), mail);
}

#[test]
fn no_header_takes_a_line_break() {
    let fine = rendered(&Letter::OwnerNotice, Language::English, None);
    let forged = Rendered { subject: "Hello\r\nBcc: all@example.com".to_owned(), ..fine.clone() };
    assert_eq!(message("a@example.com", "b@example.com", &forged), Err(RenderError::Header("Subject")));
    let from = Sender::parse("a@example.com").unwrap();
    let to = Email::parse("b@example.com").unwrap();
    for id in ["", "a", "a@", "a@b\r\nBcc: x", "<a@b>", "a@b@c"] {
        let refused = mime(&from, &to, &fine, Timestamp::EPOCH, id);
        assert_eq!(refused, Err(RenderError::Header("Message-ID")), "{id:?}");
    }
}

#[test]
fn sec_en_09_a_sender_of_any_script_is_encoded_alike_in_the_message_and_for_its_carrier() {
    let letter = rendered(&Letter::OwnerNotice, Language::English, None);
    for (sender, name, address) in [
        ("Post <Post@Bücher.example>", Some("Post"), "Post@xn--bcher-kva.example"),
        ("Bücher <post@bücher.example>", Some("Bücher"), "post@xn--bcher-kva.example"),
        ("\"Harbour, \\\"Blue\\\"\" <a@example.com>", Some("Harbour, \"Blue\""), "a@example.com"),
        ("a@b.example <a@example.com>", Some("a@b.example"), "a@example.com"),
        (
            "株式会社あおいみなと運輸倉庫および国際複合一貫輸送サービス <a@例え.example>",
            Some("株式会社あおいみなと運輸倉庫および国際複合一貫輸送サービス"),
            "a@xn--r8jz45g.example",
        ),
        ("a@bücher.example", None, "a@xn--bcher-kva.example"),
    ] {
        let mail = message(sender, "b@example.com", &letter).unwrap();
        let head = mail.split_once("\r\n\r\n").unwrap().0;
        let encoded = Sender::parse(sender).unwrap().encoded();
        assert!(head.is_ascii() && encoded.is_ascii() && !encoded.contains(['\r', '\n']), "{encoded}");
        assert!(head.replace("\r\n ", " ").contains(&format!("From: {encoded}\r\n")), "{encoded} in {head}");
        for text in [format!("From: {encoded}\r\n\r\nx"), mail] {
            let read = MessageParser::new().parse(text.as_bytes()).unwrap();
            let from: Vec<_> = read.from().unwrap().iter().map(|it| (it.name(), it.address())).collect();
            assert_eq!(from, [(name, Some(address))], "{text}");
        }
    }
}

#[test]
fn debug_output_is_redacted() {
    for letter in letters() {
        let printed = format!("{letter:?} {:?}", rendered(&letter, Language::English, Some("Ada")));
        assert!(!printed.contains(CODE) && !printed.contains("https") && !printed.contains("Ada"), "{printed}");
    }
}
