//! The colours of the pages, and which of them have to stand out from which.

use super::colour::{Colour, Contrast, InvalidColour};

/// The colours of one scheme: what `page.css` has under other names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the keys of the configuration say what they are")]
pub struct Palette {
    pub accent: Colour,
    pub link: Colour,
    pub background: Colour,
    pub surface: Colour,
    pub text: Colour,
    quiet: Colour,
    good: Colour,
    wait: Colour,
    bad: Colour,
}

/// Those of both schemes. The default is what `page.css` has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palettes {
    /// Of the light scheme.
    pub light: Palette,
    /// Of the dark scheme.
    pub dark: Palette,
}

impl Default for Palettes {
    fn default() -> Self {
        Self { light: LIGHT, dark: DARK }
    }
}

const LIGHT: Palette = Palette {
    accent: Colour::of(0x1f_4f_c9),
    link: Colour::of(0x1f_4f_c9),
    background: Colour::of(0xee_f1_f6),
    surface: Colour::WHITE,
    text: Colour::of(0x17_1a_21),
    quiet: Colour::of(0x55_5c_69),
    good: Colour::of(0x12_69_3a),
    wait: Colour::of(0x85_50_00),
    bad: Colour::of(0xb3_26_1e),
};

const DARK: Palette = Palette {
    accent: Colour::of(0x2f_62_e0),
    link: Colour::of(0x9d_bc_ff),
    background: Colour::of(0x0f_11_15),
    surface: Colour::of(0x19_1c_22),
    text: Colour::of(0xe8_ea_ee),
    quiet: Colour::of(0xa9_af_bb),
    good: Colour::of(0x6f_d0_9b),
    wait: Colour::of(0xf0_b7_5b),
    bad: Colour::of(0xff_b0_a8),
};

/// What is seen on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Accent,
    Link,
    Background,
    Surface,
    Text,
    Button,
    Quiet,
    Good,
    Wait,
    Bad,
}

/// What stands on what.
const PAIRS: [(Part, Part); 10] = [
    (Part::Button, Part::Accent),
    (Part::Text, Part::Background),
    (Part::Text, Part::Surface),
    (Part::Link, Part::Background),
    (Part::Link, Part::Surface),
    (Part::Quiet, Part::Background),
    (Part::Quiet, Part::Surface),
    (Part::Good, Part::Surface),
    (Part::Wait, Part::Surface),
    (Part::Bad, Part::Surface),
];

/// Two colours that nobody can tell apart well enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unreadable {
    what: Part,
    on: Part,
    contrast: Contrast,
}

impl Palette {
    /// With somebody's own colours over it. Links have the accent where only that is somebody's own.
    #[must_use]
    pub fn with(self, own: &OwnColours) -> Self {
        Self {
            accent: own.accent.unwrap_or(self.accent),
            link: own.link.or(own.accent).unwrap_or(self.link),
            background: own.background.unwrap_or(self.background),
            surface: own.surface.unwrap_or(self.surface),
            text: own.text.unwrap_or(self.text),
            ..self
        }
    }

    /// The first two colours whose contrast is less than that of text has to be.
    pub fn unreadable(&self) -> Option<Unreadable> {
        let pairs = PAIRS.into_iter();
        let mut found = pairs.map(|(what, on)| Unreadable { what, on, contrast: self.of(what).contrast(self.of(on)) });
        found.find(|pair| pair.contrast < Contrast::OF_TEXT)
    }

    const fn of(&self, part: Part) -> Colour {
        match part {
            Part::Accent => self.accent,
            Part::Link => self.link,
            Part::Background => self.background,
            Part::Surface => self.surface,
            Part::Text => self.text,
            Part::Button => Colour::WHITE,
            Part::Quiet => self.quiet,
            Part::Good => self.good,
            Part::Wait => self.wait,
            Part::Bad => self.bad,
        }
    }
}

/// What of a scheme is somebody's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the keys of the configuration say what they are")]
pub struct OwnColours {
    pub accent: Option<Colour>,
    pub link: Option<Colour>,
    pub background: Option<Colour>,
    pub surface: Option<Colour>,
    pub text: Option<Colour>,
}

/// What is to be changed about colours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The one that is to be another: `accent`.
    pub colour: &'static str,
    /// Somebody's own, too, that could be another instead.
    pub other: Option<&'static str>,
    /// "a contrast of …".
    pub expected: String,
}

impl OwnColours {
    /// The member of this name, as it was written.
    pub fn read(name: &'static str, written: Option<&String>) -> Result<Option<Colour>, (&'static str, InvalidColour)> {
        written.map(|text| Colour::parse(text)).transpose().map_err(|why| (name, why))
    }

    /// Which of them makes two colours unreadable. `None` where none of them is to blame.
    pub fn fault(&self, Unreadable { what, on, contrast }: Unreadable) -> Option<Fault> {
        let is_followed = what == Part::Link && self.link.is_none() && self.accent.is_some();
        let (colour, other) = match (self.name(what), self.name(on)) {
            (Some(colour), other) => (colour, other),
            (None, colour) => (colour?, None),
        };
        let what = if is_followed { "links, which have the accent without link," } else { words(what) };
        let least = Contrast::OF_TEXT;
        let expected = format!("a contrast of at least {least} between {what} and {}, and it is {contrast}", words(on));
        Some(Fault { colour, other, expected })
    }

    /// What is called so that a part has its colour of.
    const fn name(&self, part: Part) -> Option<&'static str> {
        match part {
            Part::Link if self.link.is_some() => Some("link"),
            Part::Accent | Part::Link if self.accent.is_some() => Some("accent"),
            Part::Background if self.background.is_some() => Some("background"),
            Part::Surface if self.surface.is_some() => Some("surface"),
            Part::Text if self.text.is_some() => Some("text"),
            _ => None,
        }
    }
}

const fn words(part: Part) -> &'static str {
    match part {
        Part::Accent => "the accent",
        Part::Link => "links",
        Part::Background => "the background",
        Part::Surface => "the surface",
        Part::Text => "the text",
        Part::Button => "the white text of buttons",
        Part::Quiet => "the text in small print",
        Part::Good => "the mark of what is done",
        Part::Wait => "the mark of what has to wait",
        Part::Bad => "what is said of a mistake",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(colours: [&str; 5]) -> OwnColours {
        let [accent, link, background, surface, text] = colours.map(|text| Colour::parse(text).ok());
        OwnColours { accent, link, background, surface, text }
    }

    fn fault(page: Palette, colours: [&str; 5]) -> Option<(&'static str, Option<&'static str>, String)> {
        let own = own(colours);
        let Fault { colour, other, expected } = own.fault(page.with(&own).unreadable()?).unwrap();
        Some((colour, other, expected))
    }

    /// The colours of the style, by the names that they have there.
    fn of_the_style(line: &str) -> Vec<(&str, Colour)> {
        let variables = line.split("--").skip(1).map(|it| it.split_once(':').unwrap());
        let colour = |text: &str| Colour::parse(&text.replace("#fff;", "#ffffff;")[..7]).unwrap();
        variables.map(|(name, value)| (name, colour(value.trim()))).collect()
    }

    #[test]
    fn the_pages_own_colours_are_those_of_the_style_and_can_be_read() {
        let style = include_str!("../../../templates/pages/page.css");
        for (page, line) in [LIGHT, DARK].into_iter().zip(style.lines()) {
            let found = of_the_style(line);
            let colour = |name: &str| found.iter().find(|(found, _)| *found == name).unwrap().1;
            let expected = Palette {
                accent: colour("accent"),
                link: colour("link"),
                background: colour("back"),
                surface: colour("card"),
                text: colour("text"),
                quiet: colour("quiet"),
                good: colour("good"),
                wait: colour("wait"),
                bad: colour("bad"),
            };
            assert_eq!(page, expected);
            assert_eq!(page.unreadable(), None);
        }
    }

    #[test]
    fn each_colour_is_held_against_all_that_stands_beside_it() {
        for (page, colours, colour, other, between) in [
            (LIGHT, ["#ff8000", "#000000", "", "", ""], "accent", None, "the white text of buttons and the accent"),
            (LIGHT, ["", "", "", "", "#777777"], "text", None, "the text and the background"),
            (LIGHT, ["", "", "#ffffff", "", "#777777"], "text", Some("background"), "the text and the background"),
            (DARK, ["", "", "", "#777777", ""], "surface", None, "the text and the surface"),
            (LIGHT, ["", "#808080", "", "", ""], "link", None, "links and the background"),
            (LIGHT, ["", "#777777", "#ffffff", "", ""], "link", Some("background"), "links and the background"),
            (LIGHT, ["", "", "#b8b8b8", "", "#000000"], "background", None, "links and the background"),
            (
                LIGHT,
                ["", "#000000", "#b8b8b8", "", ""],
                "background",
                None,
                "the text in small print and the background",
            ),
            (LIGHT, ["", "#000000", "", "#c8c8c8", ""], "surface", None, "the text in small print and the surface"),
            (DARK, ["", "#ffffff", "", "#3f4a3f", ""], "surface", None, "the text in small print and the surface"),
        ] {
            let found = fault(page, colours).unwrap_or_else(|| panic!("{colours:?} can be read"));
            assert_eq!((found.0, found.1), (colour, other), "{colours:?}: {}", found.2);
            assert!(found.2.contains(&format!(" between {between}, and it is ")), "{colours:?}: {}", found.2);
        }
        let grey = fault(LIGHT, ["", "#777777", "#ffffff", "", ""]).unwrap().2;
        assert_eq!(grey, "a contrast of at least 4.5:1 between links and the background, and it is 4.47:1");
        assert_eq!(fault(LIGHT, ["", "#767676", "#ffffff", "#ffffff", ""]), None);
    }

    #[test]
    fn links_have_the_accent_where_they_have_no_colour_of_their_own() {
        let page = LIGHT.with(&own(["#b3005e", "", "", "", ""]));
        assert_eq!((page.link, page.accent, page.text), (page.accent, Colour::of(0xb3_00_5e), LIGHT.text));
        let (colour, _, expected) = fault(DARK, ["#b3005e", "", "", "", ""]).unwrap();
        assert_eq!(colour, "accent");
        assert!(expected.contains("links, which have the accent without link, and the background"), "{expected}");
        assert_eq!(fault(DARK, ["#b3005e", "#ff9ecb", "", "", ""]), None);
    }

    /// The marks have a ground of the surface, too.
    #[test]
    fn what_is_said_of_a_mistake_can_be_read_on_any_surface_that_is_taken() {
        for colour in ["good", "wait", "bad"] {
            let mut page = Palette { text: Colour::WHITE, link: Colour::WHITE, quiet: Colour::WHITE, ..DARK };
            match colour {
                "good" => page.good = page.surface,
                "wait" => page.wait = page.surface,
                _ => page.bad = page.surface,
            }
            let own = own(["", "", "", "#191c22", ""]);
            let fault = own.fault(page.unreadable().unwrap()).unwrap();
            assert_eq!((fault.colour, fault.other), ("surface", None), "{colour}");
        }
    }

    #[test]
    fn who_has_set_nothing_is_not_to_blame() {
        let page = Palette { text: LIGHT.surface, ..LIGHT };
        assert_eq!(OwnColours::default().fault(page.unreadable().unwrap()), None);
    }
}
