//! Pieces of coloured text that know their width, cut and wrapped by what a terminal shows.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::style::{Ink, Style};

/// A line, or a cell of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Text {
    spans: Vec<(String, Ink)>,
}

impl Text {
    pub(crate) fn new(style: &Style, text: &str, ink: Ink) -> Self {
        let mut made = Self::default();
        made.push(style, text, ink);
        made
    }

    pub(crate) fn push(&mut self, style: &Style, text: &str, ink: Ink) {
        if !text.is_empty() {
            self.spans.push((style.clean(text).into_owned(), ink));
        }
    }

    pub(crate) fn append(&mut self, other: Self) {
        self.spans.extend(other.spans);
    }

    pub(crate) fn width(&self) -> usize {
        self.spans.iter().map(|(text, _)| text.width()).sum()
    }

    /// Without spaces at its beginning.
    pub(crate) fn trim_start(mut self) -> Self {
        if let Some((text, _)) = self.spans.first_mut() {
            *text = text.trim_start_matches(' ').to_owned();
        }
        self
    }

    /// Without spaces at its end.
    pub(crate) fn trim_end(mut self) -> Self {
        while let Some((text, _)) = self.spans.last_mut() {
            text.truncate(text.trim_end_matches(' ').len());
            if !text.is_empty() {
                break;
            }
            self.spans.pop();
        }
        self
    }

    /// Appends spaces up to `width`.
    pub(crate) fn pad_to(&mut self, width: usize) {
        let missing = width.saturating_sub(self.width());
        if missing > 0 {
            self.spans.push((" ".repeat(missing), Ink::Plain));
        }
    }

    /// Cut at the end so that it fits into `width`.
    pub(crate) fn cut_end(self, style: &Style, width: usize) -> Self {
        if self.width() <= width {
            return self;
        }
        let ellipsis = style.sign("…", "...");
        let mut left = width.saturating_sub(ellipsis.width());
        let mut cut = Self::default();
        for (text, ink) in self.spans {
            let kept = prefix(&text, left);
            left -= kept.width();
            let is_whole = kept.len() == text.len();
            cut.spans.push((kept.to_owned(), ink));
            if !is_whole {
                break;
            }
        }
        let ink = cut.spans.last().map_or(Ink::Plain, |(_, ink)| *ink);
        cut.spans.push((prefix(ellipsis, width).to_owned(), ink));
        cut
    }

    /// Cut in the middle so that it fits into `width`: for paths and dotted names, whose ends tell the most.
    pub(crate) fn cut_middle(self, style: &Style, width: usize) -> Self {
        if self.width() <= width {
            return self;
        }
        let ellipsis = style.sign("…", "...");
        let room = width.saturating_sub(ellipsis.width());
        let (head, tail) = (room / 3, room - room / 3);
        let start = self.clone().take_front(head);
        let mut cut = start;
        let ink = cut.spans.last().or(self.spans.first()).map_or(Ink::Plain, |(_, ink)| *ink);
        cut.spans.push((prefix(ellipsis, width).to_owned(), ink));
        cut.append(self.take_back(tail));
        cut
    }

    fn take_front(self, mut width: usize) -> Self {
        let mut taken = Self::default();
        for (text, ink) in self.spans {
            let kept = prefix(&text, width);
            width -= kept.width();
            let is_whole = kept.len() == text.len();
            taken.spans.push((kept.to_owned(), ink));
            if !is_whole {
                break;
            }
        }
        taken
    }

    fn take_back(self, mut width: usize) -> Self {
        let mut taken = Vec::new();
        for (text, ink) in self.spans.into_iter().rev() {
            let kept = suffix(&text, width);
            width -= kept.width();
            let is_whole = kept.len() == text.len();
            taken.push((kept.to_owned(), ink));
            if !is_whole {
                break;
            }
        }
        taken.reverse();
        Self { spans: taken }
    }

    /// The text broken at spaces into lines of at most `width`; all but the first begin with `indent` spaces.
    pub(crate) fn wrap(self, width: usize, indent: usize) -> Vec<Self> {
        let mut lines = vec![Self::default()];
        let mut at = 0;
        for (text, ink) in self.spans {
            for word in words(&text) {
                let (wide, bare) = (word.width(), word.trim_end().width());
                if at + bare > width && at > indent {
                    lines.push(Self { spans: vec![(" ".repeat(indent), Ink::Plain)] });
                    at = indent;
                }
                if let Some(line) = lines.last_mut() {
                    line.spans.push((word.to_owned(), ink));
                }
                at += wide;
            }
        }
        lines.into_iter().map(Self::trim_end).collect()
    }

    /// Writes the line and its end, without spaces behind it.
    pub(crate) fn write_line(&self, style: &Style, out: &mut String) {
        // Neighbours of one ink are written as one piece, which keeps the codes few.
        let mut piece = String::new();
        let mut piece_ink = Ink::Plain;
        for (text, ink) in &self.clone().trim_end().spans {
            if *ink != piece_ink {
                style.paint(out, &piece, piece_ink);
                piece.clear();
                piece_ink = *ink;
            }
            piece.push_str(text);
        }
        style.paint(out, &piece, piece_ink);
        out.push('\n');
    }
}

/// The words of `text`, each with the spaces behind it. A figure and its unit are one word, and so is what stands between
/// backticks.
fn words(text: &str) -> Vec<&str> {
    const UNITS: [&str; 12] = ["%", "s", "ms", "µs", "us", "min", "h", "MB", "kB", "GB", "bytes", "±"];
    let mut words: Vec<&str> = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices(' ') {
        let next = text[at + 1..].split(' ').next().unwrap_or("").trim_end_matches([',', ';', ':', '.', ')']);
        let before = text[start..at].chars().next_back();
        let is_group = next.len() == 3 && next.bytes().all(|byte| byte.is_ascii_digit());
        let stays = before.is_some_and(|c| c.is_ascii_digit()) && (UNITS.contains(&next) || is_group)
            || text[start..at].ends_with(['±'])
            || text[start..at].ends_with("+-")
            || text[..at].matches('`').count() % 2 == 1;
        if !stays {
            words.push(&text[start..=at]);
            start = at + 1;
        }
    }
    words.push(&text[start..]);
    words
}

/// The longest beginning of `text` that fits into `width` columns.
fn prefix(text: &str, width: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > width {
            return &text[..at];
        }
    }
    text
}

/// The longest end of `text` that fits into `width` columns.
fn suffix(text: &str, width: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices().rev() {
        used += c.width().unwrap_or(0);
        if used > width {
            return &text[at + c.len_utf8()..];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::Text;
    use crate::style::{Ink, Style};

    fn plain(text: &Text) -> String {
        let mut out = String::new();
        text.write_line(&Style::default(), &mut out);
        out.trim_end_matches('\n').to_owned()
    }

    #[test]
    fn text_is_cut_by_columns_and_not_by_bytes() {
        let style = Style::default();
        let text = Text::new(&style, "日本語のソース", Ink::Plain);
        assert_eq!(text.width(), 14);
        let cut = text.clone().cut_end(&style, 8);
        assert_eq!((plain(&cut).as_str(), cut.width()), ("日本語…", 7));
        let path = Text::new(&style, "/usr/lib/python3.12/re/_parser.py", Ink::Plain);
        let cut = path.clone().cut_middle(&style, 20);
        assert_eq!((plain(&cut).as_str(), cut.width()), ("/usr/l…re/_parser.py", 20));
        assert_eq!(path.clone().cut_middle(&style, 99), path);
        for width in 0..14 {
            assert!(text.clone().cut_middle(&style, width).width() <= width);
            assert!(text.clone().cut_end(&style, width).width() <= width);
        }
    }

    #[test]
    fn long_text_is_wrapped_at_spaces() {
        let text = Text::new(&Style::default(), "one two three four", Ink::Plain);
        let lines: Vec<String> = text.wrap(9, 2).iter().map(plain).collect();
        assert_eq!(lines, ["one two", "  three", "  four"]);
        let text = Text::new(&Style::default(), "use `report --view cpu` now", Ink::Plain);
        let lines: Vec<String> = text.wrap(9, 0).iter().map(plain).collect();
        assert_eq!(lines, ["use", "`report --view cpu`", "now"]);
        let text = Text::new(&Style::default(), "took 12 034 ms, 7.1 % (± 0.9)", Ink::Plain);
        let lines: Vec<String> = text.wrap(8, 0).iter().map(plain).collect();
        assert_eq!(lines, ["took", "12 034 ms,", "7.1 %", "(± 0.9)"]);
    }

    #[test]
    fn what_the_target_says_cannot_steer_the_terminal() {
        let style = Style { color: true, ..Style::default() };
        let mut out = String::new();
        Text::new(&style, "a\x1b[2Jb\u{202e}c\td", Ink::Plain).write_line(&style, &mut out);
        assert_eq!(out, "a\u{fffd}[2Jb\u{fffd}c    d\n");
    }
}
