//! A terminal's screen as an SVG picture: what a program wrote, colour codes and all, for documents and web pages.
//!
//! It understands what pyrometer and most command-line tools write: text, line ends, tabs, and SGR codes for bold, dim,
//! italic, underline and colours (8, 16, 256 and 24-bit). Other escape sequences are left out.

use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

/// How the picture is made.
#[derive(Clone, Debug, PartialEq)]
pub struct ScreenOptions {
    /// Shown in the window's bar; also the picture's title for screen readers.
    pub title: String,
    /// Columns of the screen; 0 for as many as the longest line has.
    pub columns: usize,
    /// Shown before the text, behind a `$`, as if it had been typed; empty for none.
    pub command: String,
}

impl Default for ScreenOptions {
    fn default() -> Self {
        Self { title: "terminal".to_owned(), columns: 0, command: String::new() }
    }
}

const CELL_WIDTH: f64 = 8.4;
const CELL_HEIGHT: f64 = 19.0;
const FONT_SIZE: f64 = 14.0;
const MARGIN: f64 = 18.0;
const BAR_HEIGHT: f64 = 36.0;
const FOREGROUND: &str = "#d6dae0";
const BACKGROUND: &str = "#16191f";
const BAR: &str = "#242933";
/// The sixteen colours of the screen: readable on its background, apart enough for eyes that tell red from green badly.
const PALETTE: [&str; 16] = [
    "#3b4252", "#ff6b68", "#7ec77e", "#f2c55c", "#6cb2eb", "#c792ea", "#5cc8c8", "#d6dae0", "#7b8494", "#ff8a87",
    "#9bdc9b", "#ffd97a", "#8cc7f5", "#d9b0f2", "#82dede", "#ffffff",
];

#[derive(Clone, Debug, PartialEq, Default)]
struct Look {
    color: Option<String>,
    background: Option<String>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
}

/// Text of one look, from a column on.
#[derive(Clone, Debug, PartialEq)]
struct Span {
    column: usize,
    columns: usize,
    text: String,
    look: Look,
}

/// The picture of a screen that shows `ansi`.
#[must_use]
pub fn terminal_svg(ansi: &str, options: &ScreenOptions) -> String {
    let mut source = String::new();
    if !options.command.is_empty() {
        let _ = writeln!(source, "\x1b[1;32m$\x1b[0m {}", options.command);
    }
    source.push_str(ansi.trim_end_matches('\n'));
    let lines = parse(&source);
    let longest = lines.iter().flatten().map(|span| span.column + span.columns).max().unwrap_or(0);
    let columns = options.columns.max(longest).max(20);
    let width = columns as f64 * CELL_WIDTH + 2.0 * MARGIN;
    let height = BAR_HEIGHT + lines.len() as f64 * CELL_HEIGHT + 2.0 * MARGIN - 4.0;
    let mut svg = String::new();
    write_head(&mut svg, width, height, &options.title);
    for (row, spans) in lines.iter().enumerate() {
        let top = BAR_HEIGHT + MARGIN + row as f64 * CELL_HEIGHT;
        spans.iter().for_each(|span| write_background(&mut svg, span, top));
        let is_blank = |span: &Span| span.text.trim().is_empty() && !span.look.underline;
        spans.iter().filter(|span| !is_blank(span)).for_each(|span| write_text(&mut svg, span, top + FONT_SIZE));
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn write_head(svg: &mut String, width: f64, height: f64, title: &str) {
    let title = escape(title);
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" role=\"img\">\n<title>{title}</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"10\" fill=\"{BACKGROUND}\"/>\n\
         <path d=\"M0 {BAR_HEIGHT}V10a10 10 0 0 1 10-10h{:.0}a10 10 0 0 1 10 10v{:.0}z\" fill=\"{BAR}\"/>\n",
        width - 20.0,
        BAR_HEIGHT - 10.0,
    );
    for (at, color) in ["#ff6b68", "#f2c55c", "#7ec77e"].iter().enumerate() {
        let _ = writeln!(svg, "<circle cx=\"{}\" cy=\"{}\" r=\"6\" fill=\"{color}\"/>", 20 + at * 20, BAR_HEIGHT / 2.0);
    }
    let _ = write!(
        svg,
        "<text x=\"{:.0}\" y=\"{}\" text-anchor=\"middle\" font-family=\"system-ui,sans-serif\" font-size=\"13\" \
         fill=\"#9aa3b2\">{title}</text>\n\
         <g font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" \
         font-size=\"{FONT_SIZE}\" fill=\"{FOREGROUND}\" xml:space=\"preserve\">\n\
         <style>text{{white-space:pre}}</style>\n",
        width / 2.0,
        BAR_HEIGHT / 2.0 + 4.5,
    );
}

fn write_background(svg: &mut String, span: &Span, top: f64) {
    if let Some(color) = &span.look.background {
        let (x, width) = (MARGIN + span.column as f64 * CELL_WIDTH, span.columns as f64 * CELL_WIDTH);
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{CELL_HEIGHT}\" fill=\"{color}\"/>",
            top - 1.0
        );
    }
}

/// Every span has its place and its length, so that the columns stand below one another in any font.
fn write_text(svg: &mut String, span: &Span, baseline: f64) {
    let (x, length) = (MARGIN + span.column as f64 * CELL_WIDTH, span.columns as f64 * CELL_WIDTH);
    let _ = write!(
        svg,
        "<text x=\"{x:.1}\" y=\"{baseline:.1}\" textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\""
    );
    if let Some(color) = &span.look.color {
        let _ = write!(svg, " fill=\"{color}\"");
    }
    for (is_so, attribute) in [
        (span.look.bold, " font-weight=\"bold\""),
        (span.look.dim, " opacity=\"0.62\""),
        (span.look.italic, " font-style=\"italic\""),
        (span.look.underline, " text-decoration=\"underline\""),
    ] {
        if is_so {
            svg.push_str(attribute);
        }
    }
    let _ = writeln!(svg, ">{}</text>", escape(&span.text));
}

/// Text for XML. Characters that XML does not have are replaced.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

fn parse(source: &str) -> Vec<Vec<Span>> {
    let mut lines = vec![Vec::new()];
    let (mut look, mut column) = (Look::default(), 0);
    let mut rest = source.chars();
    while let Some(c) = rest.next() {
        match c {
            '\x1b' => read_escape(&mut rest, &mut look),
            '\n' => {
                lines.push(Vec::new());
                column = 0;
            }
            '\r' => {}
            c => {
                let (c, columns) = if c == '\t' { (' ', 8 - column % 8) } else { (c, c.width().unwrap_or(0)) };
                if let Some(line) = lines.last_mut() {
                    put(line, c, column, columns, &look);
                }
                column += columns;
            }
        }
    }
    lines
}

fn put(line: &mut Vec<Span>, c: char, column: usize, columns: usize, look: &Look) {
    match line.last_mut() {
        Some(span) if span.look == *look => {
            span.text.extend(std::iter::repeat_n(c, if c == ' ' { columns.max(1) } else { 1 }));
            span.columns += columns;
        }
        _ => line.push(Span { column, columns, text: c.to_string(), look: look.clone() }),
    }
}

/// Reads the rest of an escape sequence; of those with a meaning here, only SGR (`ESC [ … m`).
fn read_escape(rest: &mut std::str::Chars<'_>, look: &mut Look) {
    if rest.next() != Some('[') {
        return;
    }
    let mut parameters = String::new();
    for c in rest.by_ref() {
        if ('\x40'..='\x7e').contains(&c) {
            if c == 'm' {
                apply(&parameters, look);
            }
            return;
        }
        parameters.push(c);
    }
}

fn apply(parameters: &str, look: &mut Look) {
    let codes: Vec<u32> = parameters.split([';', ':']).map(|code| code.parse().unwrap_or(0)).collect();
    let mut at = 0;
    while let Some(&code) = codes.get(at) {
        at += 1;
        match code {
            0 => *look = Look::default(),
            1 => look.bold = true,
            2 => look.dim = true,
            3 => look.italic = true,
            4 => look.underline = true,
            22 => (look.bold, look.dim) = (false, false),
            23 => look.italic = false,
            24 => look.underline = false,
            30..=37 => look.color = Some(PALETTE[code as usize - 30].to_owned()),
            90..=97 => look.color = Some(PALETTE[code as usize - 90 + 8].to_owned()),
            40..=47 => look.background = Some(PALETTE[code as usize - 40].to_owned()),
            100..=107 => look.background = Some(PALETTE[code as usize - 100 + 8].to_owned()),
            38 => look.color = extended(&codes, &mut at),
            48 => look.background = extended(&codes, &mut at),
            39 => look.color = None,
            49 => look.background = None,
            _ => {}
        }
    }
}

/// `5;n` (256 colours) or `2;r;g;b`.
fn extended(codes: &[u32], at: &mut usize) -> Option<String> {
    let kind = codes.get(*at).copied();
    *at += 1;
    let mut next = || {
        let code = codes.get(*at).copied().unwrap_or(0).min(255);
        *at += 1;
        code
    };
    match kind {
        Some(2) => Some(format!("#{:02x}{:02x}{:02x}", next(), next(), next())),
        Some(5) => Some(match next() {
            code @ 0..=15 => PALETTE[code as usize].to_owned(),
            code @ 16..=231 => {
                let level = |level: u32| if level == 0 { 0 } else { 55 + 40 * level };
                let cube = code - 16;
                format!("#{:02x}{:02x}{:02x}", level(cube / 36), level(cube / 6 % 6), level(cube % 6))
            }
            code => {
                let gray = 8 + 10 * (code - 232);
                format!("#{gray:02x}{gray:02x}{gray:02x}")
            }
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Look, ScreenOptions, parse, terminal_svg};

    #[test]
    fn codes_become_looks_and_columns_count_wide_characters() {
        let lines = parse("a\x1b[1;31m日本\x1b[0mb\x1b[38;5;196mc\x1b[38;2;1;2;3md\x1b[2K\n\tx");
        let texts: Vec<(usize, usize, &str)> =
            lines[0].iter().map(|span| (span.column, span.columns, span.text.as_str())).collect();
        assert_eq!(texts, [(0, 1, "a"), (1, 4, "日本"), (5, 1, "b"), (6, 1, "c"), (7, 1, "d")]);
        assert_eq!(lines[0][1].look, Look { color: Some("#ff6b68".to_owned()), bold: true, ..Look::default() });
        assert_eq!(lines[0][3].look.color.as_deref(), Some("#ff0000"));
        assert_eq!(lines[0][4].look.color.as_deref(), Some("#010203"));
        assert_eq!(lines[1][0].text.trim_start(), "x");
    }

    #[test]
    fn the_picture_is_well_formed_and_shows_the_text() {
        let options = ScreenOptions { title: "a & b".to_owned(), command: "pyrometer run <x>".to_owned(), columns: 40 };
        let svg = terminal_svg("\x1b[31mhot\x1b[0m & \"cold\"\n", &options);
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("<title>a &amp; b</title>"));
        assert!(svg.contains("fill=\"#ff6b68\">hot</text>"));
        assert!(svg.contains("&lt;x&gt;") && !svg.contains("<x>"));
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    }
}
