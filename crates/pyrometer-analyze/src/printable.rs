//! Text of a program that is measured, made safe to print.

use std::borrow::Cow;

/// `text` with a replacement sign for every character that could steer a terminal or turn the order of what is read:
/// control characters (also the C1 ones), and Unicode's bidirectional overrides, isolates and marks. A tab is four spaces.
///
/// Names, file names and source lines come out of the program measured, which may not be trusted.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_bad = |c: char| {
        c.is_control()
            || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(is_bad) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\t' => cleaned.push_str("    "),
            c if is_bad(c) => cleaned.push('\u{fffd}'),
            c => cleaned.push(c),
        }
    }
    Cow::Owned(cleaned)
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        assert_eq!(
            printable("a\x1b[2Jb\u{202e}c\u{9b}d\u{200f}\te\n"),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\u{fffd}    e\u{fffd}"
        );
        assert!(matches!(printable("π → 日本"), std::borrow::Cow::Borrowed(_)));
    }
}
