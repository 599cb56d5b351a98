//! The one palette. Every line says the same without colours: a style only helps the eye.

use anstyle::{AnsiColor, Style};

/// It went well.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
/// It did not.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Look at this.
pub const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// What the user can do.
pub const HINT: Style = AnsiColor::Cyan.on_default();
/// Secondary.
pub const DIM: Style = Style::new().dimmed();
/// Headings, names of hosts.
pub const STRONG: Style = Style::new().bold();
/// The banner before a change of production.
pub const DANGER: Style =
    Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::White))).bg_color(Some(anstyle::Color::Ansi(AnsiColor::Red))).bold();

/// The text in this style.
pub fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Settles whether colours are used: never with `--plain` or a dumb terminal; else as NO_COLOR, CLICOLOR and the streams say.
pub fn decide(plain: bool) {
    if plain {
        anstream::ColorChoice::Never.write_global();
    }
}
