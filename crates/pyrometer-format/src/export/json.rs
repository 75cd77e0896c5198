//! JSON text, written piece by piece so that no document is ever held whole.

use std::fmt::{self, Display, Write};

/// A string as a JSON string, quotes included.
pub(super) struct Text<'t>(pub(super) &'t str);

impl Display for Text<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_char('"')?;
        let mut rest = self.0;
        while let Some(at) = rest.find(needs_escape) {
            formatter.write_str(&rest[..at])?;
            let mut tail = rest[at..].chars();
            match tail.next() {
                Some('"') => formatter.write_str("\\\"")?,
                Some('\\') => formatter.write_str("\\\\")?,
                Some('\n') => formatter.write_str("\\n")?,
                Some('\t') => formatter.write_str("\\t")?,
                Some('\r') => formatter.write_str("\\r")?,
                Some(other) => write!(formatter, "\\u{:04x}", u32::from(other))?,
                None => {}
            }
            rest = tail.as_str();
        }
        formatter.write_str(rest)?;
        formatter.write_char('"')
    }
}

// U+2028 and U+2029 are allowed in JSON but end a line for some readers of JSON lines and in older JavaScript.
fn needs_escape(character: char) -> bool {
    matches!(character, '"' | '\\' | '\u{0}'..='\u{1f}' | '\u{7f}' | '\u{2028}' | '\u{2029}')
}

/// Nanoseconds as a decimal number of microseconds, exact: `1234.567`.
pub(super) struct Microseconds(pub(super) u64);

impl Display for Microseconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal(formatter, self.0, 1_000, 3)
    }
}

/// Nanoseconds as a decimal number of milliseconds, exact: `1.234567`.
pub(super) struct Milliseconds(pub(super) u64);

impl Display for Milliseconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal(formatter, self.0, 1_000_000, 6)
    }
}

fn decimal(formatter: &mut fmt::Formatter<'_>, value: u64, unit: u64, digits: usize) -> fmt::Result {
    let (whole, rest) = (value / unit, value % unit);
    if rest == 0 { write!(formatter, "{whole}") } else { write!(formatter, "{whole}.{rest:0digits$}") }
}

#[cfg(test)]
mod tests {
    use super::{Microseconds, Milliseconds, Text};

    #[test]
    fn strings_are_escaped() {
        assert_eq!(Text("plain <b> é 🐍").to_string(), "\"plain <b> é 🐍\"");
        assert_eq!(Text("a\"b\\c\nd\u{1}\u{2028}").to_string(), r#""a\"b\\c\nd\u0001\u2028""#);
        assert_eq!(Text("").to_string(), "\"\"");
    }

    #[test]
    fn times_are_exact() {
        assert_eq!(Microseconds(1_234_567).to_string(), "1234.567");
        assert_eq!(Microseconds(1_000).to_string(), "1");
        assert_eq!(Milliseconds(1_000_001).to_string(), "1.000001");
    }
}
