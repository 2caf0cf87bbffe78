//! A logo: the address of a picture that has the picture in itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

const SVG: &str = "data:image/svg+xml;base64,";
const PNG: &str = "data:image/png;base64,";
/// What every PNG begins with, to where its width is (PNG, 5.2 and 11.2.1).
const PNG_BEGINS: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
/// It stands in one line with a name, also on a phone.
const MOST_WIDTHS: f64 = 6.0;

/// Why a text is no logo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidLogo {
    /// Not one of the two types, or not in base64.
    #[error("an SVG or a PNG in base64, as {SVG}… or {PNG}…")]
    Address,
    /// The file has more than this many KiB.
    #[error("a file of at most {0} KiB")]
    TooLarge(usize),
    /// It is no SVG.
    #[error("an SVG that says its shape by a viewBox, and has no script")]
    Svg,
    /// It is no PNG.
    #[error("a PNG, which the content is not")]
    Png,
    /// Much wider than high.
    #[error("a picture that is at most {MOST_WIDTHS} times as wide as high")]
    Wide,
}

/// Whether a text is a logo, whose file has at most so many KiB. Pages show it as a picture, in which no script runs; none
/// is let in all the same.
pub fn check_logo(text: &str, most_kib: usize) -> Result<(), InvalidLogo> {
    let (is_svg, content) = match (text.strip_prefix(SVG), text.strip_prefix(PNG)) {
        (Some(content), _) => (true, content),
        (None, Some(content)) => (false, content),
        (None, None) => return Err(InvalidLogo::Address),
    };
    let file = STANDARD.decode(content).map_err(|_| InvalidLogo::Address)?;
    if file.len() > most_kib * 1024 {
        return Err(InvalidLogo::TooLarge(most_kib));
    }
    let (width, height) =
        if is_svg { svg(&file).ok_or(InvalidLogo::Svg)? } else { png(&file).ok_or(InvalidLogo::Png)? };
    if width > height * MOST_WIDTHS { Err(InvalidLogo::Wide) } else { Ok(()) }
}

/// The width and the height of an SVG.
fn svg(file: &[u8]) -> Option<(f64, f64)> {
    let text = std::str::from_utf8(file).ok()?;
    if text.to_ascii_lowercase().contains("<script") {
        return None;
    }
    let (root, _) = text.split_once("<svg")?.1.split_once('>')?;
    let (_, view) = root.split_once("viewBox")?;
    let view = view.trim_start().strip_prefix('=')?.trim_start();
    let quote = view.chars().next().filter(|quote| "\"'".contains(*quote))?;
    let (view, _) = view.strip_prefix(quote)?.split_once(quote)?;
    let numbers = view.split([' ', ',', '\t', '\r', '\n']).filter(|part| !part.is_empty());
    let numbers: Vec<f64> = numbers.map(str::parse).collect::<Result<_, _>>().ok()?;
    let is_length = |number: f64| number > 0.0 && number.is_finite();
    match *numbers.as_slice() {
        [_, _, width, height] if is_length(width) && is_length(height) => Some((width, height)),
        _ => None,
    }
}

/// The width and the height of a PNG.
fn png(file: &[u8]) -> Option<(f64, f64)> {
    let (width, rest) = file.strip_prefix(PNG_BEGINS)?.split_first_chunk()?;
    let (height, _) = rest.split_first_chunk()?;
    let [width, height] = [width, height].map(|bytes| f64::from(u32::from_be_bytes(*bytes)));
    (width > 0.0 && height > 0.0).then_some((width, height))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8z"/></svg>"#;

    fn of_svg(text: &str) -> String {
        format!("{SVG}{}", STANDARD.encode(text))
    }

    fn of_png(width: u32, height: u32) -> String {
        let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
        format!("{PNG}{}", STANDARD.encode([PNG_BEGINS, &size, b"\x08\x06\0\0\0"].concat()))
    }

    #[test]
    fn an_svg_and_a_png_are_logos() {
        let declared = format!("<?xml version=\"1.0\"?>\n<!-- ours -->\n{SQUARE}");
        let spaced = SQUARE.replace("viewBox=\"0 0 8 8\"", "viewBox = ' -1,-1\n 6 , 1 '");
        for logo in [of_svg(SQUARE), of_svg(&declared), of_svg(&spaced), of_png(28, 28), of_png(6, 1), of_png(1, 900)] {
            assert_eq!(check_logo(&logo, 1), Ok(()), "{logo}");
        }
    }

    #[test]
    fn what_is_of_another_type_or_no_base64_is_refused() {
        let content = STANDARD.encode(SQUARE);
        for text in [
            String::new(),
            "https://shop.example/logo.svg".to_owned(),
            format!("data:text/html;base64,{content}"),
            format!("data:image/svg+xml,{SQUARE}"),
            format!("data:image/svg+xml;charset=utf-8;base64,{content}"),
            format!("DATA:image/svg+xml;base64,{content}"),
            format!("data:image/jpeg;base64,{content}"),
            format!("{SVG}{content}\n"),
            format!("{SVG}{}", content.trim_end_matches('=').replace('P', "\"")),
            format!("{SVG}{content}\"><script>"),
        ] {
            assert_eq!(check_logo(&text, 32), Err(InvalidLogo::Address), "{text}");
        }
    }

    #[test]
    fn the_content_is_what_the_type_says() {
        let content = |address: &str| address.split_once(',').unwrap().1.to_owned();
        for text in [
            "",
            "<html><script>alert(1)</script></html>",
            "<svg viewBox=\"0 0 8 8\"><script>alert(1)</script></svg>",
            "<svg viewBox=\"0 0 8 8\"><SCRIPT href=\"https://evil.example\"/></svg>",
            "<svg width=\"8\" height=\"8\"></svg>",
            "<svg viewBox=\"0 0 8\"></svg>",
            "<svg viewBox=\"0 0 8 0\"></svg>",
            "<svg viewBox=\"0 0 NaN NaN\"></svg>",
            "<svg viewBox=\"0 0 inf inf\"></svg>",
            "<svg viewBox=\"0 0 8 8 8\"></svg>",
            "<svg viewBox=\"0 0 a b\"></svg>",
            "<svg viewBox",
        ] {
            assert_eq!(check_logo(&of_svg(text), 32), Err(InvalidLogo::Svg), "{text}");
        }
        assert_eq!(check_logo(&format!("{SVG}{}", content(&of_png(8, 8))), 32), Err(InvalidLogo::Svg));
        assert_eq!(check_logo(&format!("{PNG}{}", content(&of_svg(SQUARE))), 32), Err(InvalidLogo::Png));
        assert_eq!(check_logo(&of_png(0, 8), 32), Err(InvalidLogo::Png));
        assert_eq!(check_logo(&of_png(8, 0), 32), Err(InvalidLogo::Png));
        assert_eq!(check_logo(&format!("{PNG}{}", STANDARD.encode(PNG_BEGINS)), 32), Err(InvalidLogo::Png));
    }

    #[test]
    fn a_logo_is_neither_large_nor_a_ribbon() {
        let padded = |bytes: usize| of_svg(&format!("{SQUARE}{}", " ".repeat(bytes - SQUARE.len())));
        assert_eq!(check_logo(&padded(8 * 1024), 8), Ok(()));
        assert_eq!(check_logo(&padded(8 * 1024 + 1), 8), Err(InvalidLogo::TooLarge(8)));
        assert_eq!(check_logo(&of_png(61, 10), 32), Err(InvalidLogo::Wide));
        assert_eq!(check_logo(&of_svg(&SQUARE.replace("0 0 8 8", "0 0 6.1 1")), 32), Err(InvalidLogo::Wide));
    }
}
