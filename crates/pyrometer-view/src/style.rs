//! How a screen looks: colours, width, and which characters it can show.

use std::borrow::Cow;

use pyrometer_analyze::printable;

/// What the screen can do. The front finds it out (terminal or pipe, `NO_COLOR`, `COLUMNS`, locale).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether ANSI colour codes are written.
    pub color: bool,
    /// Columns. Lines are made to fit; nothing is made narrower than 40 columns.
    pub width: usize,
    /// Whether more than ASCII can be shown.
    pub unicode: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { color: false, width: 100, unicode: true }
    }
}

/// What a piece of text is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Ink {
    #[default]
    Plain,
    /// Of less interest.
    Dim,
    Bold,
    /// Heat.
    Red,
    RedBold,
    Yellow,
    YellowBold,
    Green,
    GreenBold,
    /// A remark that is neither hot nor cold.
    CyanBold,
}

impl Ink {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Dim => "2",
            Self::Bold => "1",
            Self::Red => "31",
            Self::RedBold => "1;31",
            Self::Yellow => "33",
            Self::YellowBold => "1;33",
            Self::Green => "32",
            Self::GreenBold => "1;32",
            Self::CyanBold => "1;36",
        }
    }

    /// The ink of a share of the time: red over 10 %, yellow from 2 %, dim when there is next to nothing.
    pub(crate) fn of_share(share: f64) -> Self {
        if share > 0.10 {
            Self::Red
        } else if share >= 0.02 {
            Self::Yellow
        } else if share >= 0.0005 {
            Self::Plain
        } else {
            Self::Dim
        }
    }

    pub(crate) fn bold(self) -> Self {
        match self {
            Self::Red => Self::RedBold,
            Self::Yellow => Self::YellowBold,
            Self::Green => Self::GreenBold,
            Self::Plain => Self::Bold,
            other => other,
        }
    }
}

impl Style {
    /// The columns that lines are made for.
    pub(crate) fn columns(&self) -> usize {
        self.width.max(40)
    }

    /// The columns that prose is wrapped to: longer lines than this are hard to read, however wide the screen.
    pub(crate) fn prose_columns(&self) -> usize {
        self.columns().min(120)
    }

    /// Writes `text` in `ink`.
    pub(crate) fn paint(&self, out: &mut String, text: &str, ink: Ink) {
        if self.color && !ink.code().is_empty() && !text.is_empty() {
            out.push_str("\x1b[");
            out.push_str(ink.code());
            out.push('m');
            out.push_str(text);
            out.push_str("\x1b[0m");
        } else {
            out.push_str(text);
        }
    }

    /// `text` as the screen may show it. Names, paths and source come from the target: control characters in them could
    /// move the cursor or worse, so none gets through.
    pub(crate) fn clean<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let printable = printable(text);
        if self.unicode || printable.is_ascii() {
            return printable;
        }
        let mut clean = String::with_capacity(printable.len());
        for c in printable.chars() {
            match c {
                '±' => clean.push_str("+-"),
                '–' | '—' | '·' => clean.push('-'),
                '│' => clean.push('|'),
                '…' => clean.push_str("..."),
                c if !c.is_ascii() => clean.push('?'),
                c => clean.push(c),
            }
        }
        Cow::Owned(clean)
    }

    /// One of two ways to write a sign.
    pub(crate) fn sign(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }
}
