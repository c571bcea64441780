//! How things look: styles and glyphs by meaning, so that no widget names a colour.
//!
//! Colours are the terminal's own sixteen on its own background, which fits dark and light schemes alike; the light
//! theme only avoids those that are faint on white. No meaning is carried by colour alone: each status has a glyph and
//! a word, selection is reversed video, and the plain theme (`NO_COLOR`) uses attributes only.

use crate::engine::CellStatus;
use ratatui::style::{Color, Modifier, Style};

/// What the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThemeChoice {
    /// By the environment: `NO_COLOR`, then `COLORFGBG`, else dark.
    #[default]
    Auto,
    /// For dark backgrounds.
    Dark,
    /// For light backgrounds.
    Light,
    /// Attributes only.
    Plain,
}

/// Styles by meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// Ordinary text.
    pub text: Style,
    /// Text of less weight: units, captions, what is not in force.
    pub dim: Style,
    /// Text that carries the message.
    pub strong: Style,
    /// Titles, and values the eye looks for.
    pub accent: Style,
    /// Pane borders.
    pub border: Style,
    /// Border of the pane that has the keyboard.
    pub border_focus: Style,
    /// The cursor: one cell, one line, one button.
    pub cursor: Style,
    /// The row and column of the cursor, in headers.
    pub crosshair: Style,
    /// Marked cells.
    pub mark: Style,
    /// Key names in hints.
    pub key: Style,
    /// Good news.
    pub ok: Style,
    /// Something to look at.
    pub warn: Style,
    /// Something went wrong.
    pub error: Style,
    /// Something is under way.
    pub busy: Style,
    /// The `SIMULATED` badge.
    pub badge: Style,
    /// A search hit.
    pub hit: Style,
    /// Backgrounds from little to much, for heat; empty where there is no colour.
    pub heat: &'static [Color],
    /// Drawing characters.
    pub glyphs: &'static Glyphs,
}

/// Characters that differ between UTF-8 and plain ASCII terminals. All are one column wide.
#[derive(Debug, PartialEq, Eq)]
pub struct Glyphs {
    /// Per status, in the order of [`CellStatus`].
    status: [&'static str; 9],
    /// Shortened text ends with this.
    pub ellipsis: &'static str,
    /// Between facts on one line.
    pub separator: &'static str,
    /// Box drawing: horizontal, vertical, corners clockwise from top left.
    pub frame: [&'static str; 6],
    /// More to the left, right, top, bottom.
    pub more: [&'static str; 4],
    /// Parts of a progress bar from empty to full.
    pub bar: &'static [&'static str],
    /// A stack: down, changing, up, broken.
    pub stack: [&'static str; 4],
    /// The mark of a marked cell.
    pub mark: &'static str,
    /// The mark of a row that is to be compared.
    pub compared: &'static str,
    /// Between the row and the column of a cell, and in front of a number of times.
    pub times: &'static str,
    /// In front of the line or button of the cursor.
    pub pointer: &'static str,
}

const UNICODE: Glyphs = Glyphs {
    status: ["·", "▶", "✓", "≈", "✗", "»", "⊘", "↯", "∅"],
    ellipsis: "…",
    separator: "·",
    frame: ["─", "│", "╭", "╮", "╯", "╰"],
    more: ["‹", "›", "▲", "▼"],
    bar: &[" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"],
    stack: ["○", "◐", "●", "✗"],
    mark: "◆",
    compared: "≠",
    times: "×",
    pointer: "▸",
};

const ASCII: Glyphs = Glyphs {
    status: [".", ">", "+", "~", "x", "-", "c", "!", "0"],
    ellipsis: "~",
    separator: "-",
    frame: ["-", "|", "+", "+", "+", "+"],
    more: ["<", ">", "^", "v"],
    bar: &[" ", "#"],
    stack: ["o", "%", "*", "x"],
    mark: "*",
    compared: "#",
    times: "x",
    pointer: ">",
};

const DARK_HEAT: &[Color] = &[
    Color::Indexed(17),
    Color::Indexed(18),
    Color::Indexed(24),
    Color::Indexed(30),
    Color::Indexed(58),
    Color::Indexed(94),
    Color::Indexed(130),
];

const LIGHT_HEAT: &[Color] = &[
    Color::Indexed(195),
    Color::Indexed(159),
    Color::Indexed(158),
    Color::Indexed(192),
    Color::Indexed(229),
    Color::Indexed(222),
    Color::Indexed(216),
];

impl ThemeChoice {
    /// The theme for this choice in an environment that `var` reads.
    pub fn resolve(self, var: impl Fn(&str) -> Option<String>) -> Theme {
        let set = |name: &str| var(name).filter(|value| !value.is_empty());
        let mut theme = match self {
            // crossterm drops all colours under NO_COLOR, whatever theme was asked for.
            _ if set("NO_COLOR").is_some() => Theme::plain(),
            Self::Plain => Theme::plain(),
            Self::Light => Theme::light(),
            Self::Auto if light_background(set("COLORFGBG").as_deref()) => Theme::light(),
            Self::Dark | Self::Auto => Theme::dark(),
        };
        let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG"));
        if locale.is_some_and(|locale| !names_utf8(&locale)) {
            theme = theme.ascii();
        }
        theme
    }
}

/// `COLORFGBG` is `<foreground>;<background>` (some terminals put a third part in between), as ANSI colour numbers.
fn light_background(value: Option<&str>) -> bool {
    value
        .and_then(|value| value.rsplit(';').next())
        .and_then(|background| background.parse::<u8>().ok())
        .is_some_and(|background| background == 7 || background == 15)
}

/// `C` and `POSIX` say that only ASCII can be relied on; a locale without a codeset says nothing against UTF-8.
fn names_utf8(locale: &str) -> bool {
    match locale.split_once('.') {
        Some((_, codeset)) => codeset.to_ascii_lowercase().replace('-', "").starts_with("utf8"),
        None => !matches!(locale, "C" | "POSIX"),
    }
}

impl Theme {
    /// For dark backgrounds.
    pub fn dark() -> Self {
        Self::coloured(
            Color::Cyan,
            Color::DarkGray,
            Color::LightGreen,
            Color::Yellow,
            Color::LightRed,
            Color::LightCyan,
            DARK_HEAT,
        )
    }

    /// For light backgrounds.
    pub fn light() -> Self {
        Self::coloured(
            Color::Blue,
            Color::DarkGray,
            Color::Indexed(28),
            Color::Indexed(130),
            Color::Indexed(160),
            Color::Indexed(25),
            LIGHT_HEAT,
        )
    }

    fn coloured(
        accent: Color,
        dim: Color,
        ok: Color,
        warn: Color,
        error: Color,
        busy: Color,
        heat: &'static [Color],
    ) -> Self {
        let plain = Self::plain();
        Self {
            dim: Style::new().fg(dim),
            accent: Style::new().fg(accent),
            border: Style::new().fg(dim),
            border_focus: Style::new().fg(accent),
            crosshair: Style::new().fg(accent).add_modifier(Modifier::BOLD),
            mark: Style::new().fg(accent).add_modifier(Modifier::BOLD),
            key: Style::new().fg(accent).add_modifier(Modifier::BOLD),
            ok: Style::new().fg(ok),
            warn: Style::new().fg(warn),
            error: Style::new().fg(error),
            busy: Style::new().fg(busy).add_modifier(Modifier::BOLD),
            badge: Style::new()
                .fg(warn)
                .add_modifier(Modifier::REVERSED | Modifier::BOLD),
            hit: Style::new().fg(warn).add_modifier(Modifier::REVERSED),
            heat,
            ..plain
        }
    }

    /// Attributes only, for `NO_COLOR` and terminals without colours.
    pub fn plain() -> Self {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let reversed = Style::new().add_modifier(Modifier::REVERSED);
        Self {
            text: Style::new(),
            dim: Style::new().add_modifier(Modifier::DIM),
            strong: bold,
            accent: bold,
            border: Style::new().add_modifier(Modifier::DIM),
            border_focus: bold,
            cursor: reversed,
            crosshair: bold.add_modifier(Modifier::UNDERLINED),
            mark: bold,
            key: bold,
            ok: Style::new(),
            warn: bold,
            error: bold,
            busy: bold,
            badge: reversed.add_modifier(Modifier::BOLD),
            hit: reversed,
            heat: &[],
            glyphs: &UNICODE,
        }
    }

    /// The same theme for terminals that show ASCII only.
    #[must_use]
    pub fn ascii(self) -> Self {
        Self {
            glyphs: &ASCII,
            ..self
        }
    }

    /// The glyph of a status.
    pub fn glyph(&self, status: CellStatus) -> &'static str {
        self.glyphs.status.get(status as usize).copied().unwrap_or("?")
    }

    /// The style of a status.
    pub fn status(&self, status: CellStatus) -> Style {
        match status {
            CellStatus::Pending | CellStatus::Skipped => self.dim,
            CellStatus::Running => self.busy,
            CellStatus::Succeeded => self.ok,
            CellStatus::Suspect | CellStatus::Interrupted | CellStatus::Cancelled => self.warn,
            CellStatus::Failed | CellStatus::NotRun => self.error,
        }
    }
}

/// All statuses, in the order in which they are counted and explained.
pub const STATUSES: [CellStatus; 9] = [
    CellStatus::Succeeded,
    CellStatus::Suspect,
    CellStatus::Failed,
    CellStatus::NotRun,
    CellStatus::Running,
    CellStatus::Pending,
    CellStatus::Skipped,
    CellStatus::Cancelled,
    CellStatus::Interrupted,
];

/// The word for a status, as counters, details and filters use it.
pub fn status_word(status: CellStatus) -> &'static str {
    match status {
        CellStatus::Pending => "pending",
        CellStatus::Running => "running",
        CellStatus::Succeeded => "succeeded",
        CellStatus::Suspect => "suspect",
        CellStatus::Failed => "failed",
        CellStatus::Skipped => "skipped",
        CellStatus::Cancelled => "cancelled",
        CellStatus::Interrupted => "interrupted",
        CellStatus::NotRun => "not run",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn resolve(choice: ThemeChoice, vars: &[(&str, &str)]) -> Theme {
        choice.resolve(|name| {
            vars.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_chooses_the_theme() {
        assert_eq!(resolve(ThemeChoice::Auto, &[]), Theme::dark());
        assert_eq!(
            resolve(ThemeChoice::Auto, &[("COLORFGBG", "0;default;15")]),
            Theme::light()
        );
        assert_eq!(
            resolve(ThemeChoice::Auto, &[("COLORFGBG", "15;0")]),
            Theme::dark()
        );
        assert_eq!(resolve(ThemeChoice::Light, &[("NO_COLOR", "1")]), Theme::plain());
        assert_eq!(resolve(ThemeChoice::Light, &[("NO_COLOR", "")]), Theme::light());
    }

    #[test]
    fn a_locale_without_utf8_gets_ascii() {
        for (locale, ascii) in [
            ("C", true),
            ("POSIX", true),
            ("de_DE.ISO-8859-1", true),
            ("C.UTF-8", false),
            ("en_US.utf8", false),
            ("en_US", false),
        ] {
            let theme = resolve(ThemeChoice::Dark, &[("LANG", locale)]);
            assert_eq!(theme.glyphs == &ASCII, ascii, "{locale}");
        }
    }

    #[test]
    fn each_status_has_its_own_glyph_and_word_without_any_colour() {
        for theme in [Theme::plain(), Theme::plain().ascii()] {
            let glyphs: BTreeSet<_> = STATUSES.iter().map(|status| theme.glyph(*status)).collect();
            assert_eq!(glyphs.len(), STATUSES.len());
        }
        let words: BTreeSet<_> = STATUSES.iter().map(|status| status_word(*status)).collect();
        assert_eq!(words.len(), STATUSES.len());
    }

    #[test]
    fn glyphs_are_one_column_wide() {
        for glyphs in [&UNICODE, &ASCII] {
            let all = glyphs
                .status
                .iter()
                .chain(&glyphs.frame)
                .chain(&glyphs.more)
                .chain(glyphs.bar)
                .chain(&glyphs.stack)
                .chain([
                    &glyphs.ellipsis,
                    &glyphs.separator,
                    &glyphs.mark,
                    &glyphs.compared,
                    &glyphs.pointer,
                    &glyphs.times,
                ]);
            for glyph in all {
                assert_eq!(unicode_width::UnicodeWidthStr::width(*glyph), 1, "{glyph}");
            }
        }
    }
}
