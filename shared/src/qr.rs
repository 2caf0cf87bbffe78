//! QR codes as SVG, for the one function that shows one.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};
use thiserror::Error;

/// Modules of white around a code, without which readers do not find it (ISO/IEC 18004).
const QUIET: i32 = 4;

/// More text than the largest code holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the text is too long for a QR code")]
pub struct TooLong;

/// A picture of `text`, which whoever cannot see it hears as `title`. Its colours are its own: in a dark page too it has to
/// be dark on white.
pub fn svg(text: &str, title: &str) -> Result<String, TooLong> {
    // A screen is not smudged; and more is corrected where there is room.
    let code = QrCode::encode_text(text, QrCodeEcc::Low).map_err(|_| TooLong)?;
    let size = code.size() + 2 * QUIET;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size()).take_while(|x| code.get_module(*x, y)).count();
            if run > 0 {
                // Writing to a String cannot fail.
                let _ = write!(path, "M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET);
            }
            x += i32::try_from(run).unwrap_or_default() + 1;
        }
    }
    let title = escaped(title);
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" role=\"img\" aria-label=\"{title}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/><path fill=\"#000\" d=\"{path}\"/></svg>"
    ))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The dark modules, as the path draws them.
    fn drawn(svg: &str) -> (usize, Vec<(usize, usize)>) {
        let after = |text: &str| svg.split_once(text).unwrap().1.split('"').next().unwrap().to_owned();
        let size = after("viewBox=\"0 0 ").split(' ').next().unwrap().parse().unwrap();
        let mut dark = Vec::new();
        for run in after("fill=\"#000\" d=\"").split('M').filter(|run| !run.is_empty()) {
            let (x, rest) = run.split_once(' ').unwrap();
            let (y, rest) = rest.split_once('h').unwrap();
            let (length, rest) = rest.split_once("v1h-").unwrap();
            assert_eq!(rest, format!("{length}z"));
            let (x, y, length) = (x.parse().unwrap(), y.parse().unwrap(), length.parse::<usize>().unwrap());
            dark.extend((x..x + length).map(|x| (x, y)));
        }
        (size, dark)
    }

    /// What a camera makes of it.
    fn read(svg: &str) -> String {
        const SCALE: usize = 4;
        let (size, dark) = drawn(svg);
        let is_dark = |x: usize, y: usize| dark.contains(&(x / SCALE, y / SCALE));
        let mut picture = rqrr::PreparedImage::prepare_from_greyscale(size * SCALE, size * SCALE, |x, y| {
            if is_dark(x, y) { 0 } else { 255 }
        });
        let grids = picture.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().unwrap().1
    }

    #[test]
    fn a_code_is_read_back_by_another_implementation() {
        let short = "otpauth://totp/Wardgate:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Wardgate";
        let long = format!("{short}{}", "%E6%97%A5".repeat(100));
        for text in [short, &long, "A", "é"] {
            assert_eq!(read(&svg(text, "").unwrap()), text);
        }
    }

    #[test]
    fn a_code_has_its_white_around_it_and_says_what_it_is() {
        let svg = svg("text", "Scan <this> & \"that\"").unwrap();
        let (size, dark) = drawn(&svg);
        assert_eq!(size, 21 + 8);
        assert!(dark.iter().all(|(x, y)| (4..25).contains(x) && (4..25).contains(y)));
        assert!(svg.contains("role=\"img\" aria-label=\"Scan &lt;this&gt; &amp; &quot;that&quot;\""), "{svg}");
        assert!(!svg.contains("style"), "the pages' policy lets no styles in");
    }

    #[test]
    fn what_no_code_holds_is_refused() {
        assert!(svg(&"x".repeat(2953), "").is_ok());
        assert_eq!(svg(&"x".repeat(2954), ""), Err(TooLong));
    }
}
