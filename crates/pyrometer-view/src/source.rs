//! Lines of source and bars of heat.

use pyrometer_analyze::RangeRow;
use unicode_width::UnicodeWidthStr;

use crate::style::{Ink, Style};
use crate::text::Text;

/// A bar as long as `share` of `width` columns, padded to `width`.
pub(crate) fn bar(style: &Style, share: f64, width: usize) -> Text {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let share = share.clamp(0.0, 1.0);
    let ink = Ink::of_share(share);
    let mut made = Text::default();
    if style.unicode {
        let eighths = (share * (width * 8) as f64).round() as usize;
        made.push(style, &"█".repeat(eighths / 8), ink);
        made.push(style, EIGHTHS[eighths % 8], ink);
    } else {
        made.push(style, &"#".repeat((share * width as f64).round() as usize), ink);
    }
    made.pad_to(width);
    made
}

/// How many spaces all of the lines begin with, which may be left out.
pub(crate) fn common_indent<'l>(lines: impl Iterator<Item = &'l str>) -> usize {
    lines
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start_matches(' ').len())
        .min()
        .unwrap_or(0)
}

/// The columns to mark below a line of source for `range`: how many to leave free, and how many to mark. `None` where the
/// range is the whole line, or does not end in it, or does not fit the text (a file that has changed).
pub(crate) fn marked_columns(style: &Style, source: &str, line: u32, range: &RangeRow) -> Option<(usize, usize)> {
    if range.end_line != line || range.end_column <= range.column {
        return None;
    }
    let before = source.get(..range.column as usize)?;
    let marked = source.get(range.column as usize..range.end_column as usize)?;
    if before.trim().is_empty() && source[range.end_column as usize..].trim().is_empty() {
        return None;
    }
    Some((style.clean(before).width(), style.clean(marked).width()))
}

#[cfg(test)]
mod tests {
    use super::{common_indent, marked_columns};
    use crate::Style;
    use pyrometer_analyze::RangeRow;

    #[test]
    fn indents_are_what_all_lines_have() {
        assert_eq!(common_indent(["    a", "", "      b"].into_iter()), 4);
        assert_eq!(common_indent(["\ta", "  b"].into_iter()), 0);
        assert_eq!(common_indent(std::iter::empty()), 0);
    }

    #[test]
    fn ranges_are_in_bytes_and_marks_in_columns() {
        let range = |column, end_column| RangeRow { column, end_column, end_line: 7, share: 1.0 };
        let style = Style::default();
        let source = "\tx = f(\"日本\") + g(1)";
        assert_eq!(marked_columns(&style, source, 7, &range(5, 16)), Some((8, 9)));
        assert_eq!(marked_columns(&style, source, 7, &range(1, source.len() as u32)), None, "all of the line");
        assert_eq!(marked_columns(&style, source, 6, &range(5, 16)), None, "ends elsewhere");
        assert_eq!(marked_columns(&style, source, 7, &range(5, 99)), None, "not this text");
        assert_eq!(marked_columns(&style, source, 7, &range(9, 10)), None, "inside a character");
    }
}
