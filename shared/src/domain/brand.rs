//! What pages look like where it is somebody's own look: colours that can be read, and a logo that is a picture and nothing else.

mod colour;
mod logo;
mod palette;

pub use colour::{Colour, Contrast, InvalidColour};
pub use logo::{InvalidLogo, check_logo};
pub use palette::{Fault, OwnColours, Palette, Palettes, Unreadable};
