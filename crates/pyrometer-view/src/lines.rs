//! The lines of a function.

use pyrometer_analyze::{LineRow, LineTable};

use crate::neighbours::{write_others, write_uncounted};
use crate::numbers::{amount, margin, percent};
use crate::source::{bar, common_indent, marked_columns};
use crate::style::{Ink, Style};
use crate::text::Text;

/// All lines of a function with their times and their source.
#[must_use]
pub fn render_lines(table: &LineTable, style: &Style) -> String {
    let mut out = String::new();
    let function = &table.function;
    let mut heading = Text::new(style, &function.label, Ink::Bold);
    if !function.file.is_empty() {
        heading.push(style, &format!("  {}:{}", function.file, function.first_line), Ink::Dim);
    }
    heading.cut_middle(style, style.columns()).write_line(style, &mut out);
    let summary = format!(
        "{} {} of the {} with the function on the stack, {}",
        percent(table.total.share),
        margin(style, &table.total),
        table.quantity,
        amount(style, table.unit, table.total.amount)
    );
    Text::new(style, &summary, Ink::Plain)
        .wrap(style.prose_columns(), 0)
        .iter()
        .for_each(|line| line.write_line(style, &mut out));
    if table.rows.iter().all(|row| row.total.share == 0.0) {
        write_uncounted(style, &mut out);
    }
    out.push('\n');
    let is_narrow = style.columns() < 72;
    let titles = if is_narrow { "   total " } else { "     own    total          " };
    let indent = common_indent(table.rows.iter().filter_map(|row| row.source.as_deref()));
    let digits = table.rows.iter().map(|row| row.line).max().unwrap_or(0).to_string().len().max(4);
    Text::new(style, &format!("{titles}{:>digits$}", "line"), Ink::Dim).write_line(style, &mut out);
    let layout = Layout { digits, is_narrow, indent };
    let mut last = None;
    for row in &table.rows {
        if last.is_some_and(|last| row.line > last + 1) {
            Text::new(style, style.sign("      ⋮", "      :"), Ink::Dim).write_line(style, &mut out);
        }
        last = Some(row.line);
        write_row(style, &mut out, row, &layout);
    }
    let remark = "own: this line and the C code it calls, total: with the Python functions it calls";
    out.push('\n');
    Text::new(style, remark, Ink::Dim)
        .wrap(style.prose_columns(), 0)
        .iter()
        .for_each(|line| line.write_line(style, &mut out));
    write_others(style, &mut out, &table.others);
    out
}

/// What all rows of a table have in common.
struct Layout {
    /// Digits of the largest line number.
    digits: usize,
    /// Whether there is room for the total only.
    is_narrow: bool,
    /// Spaces that all lines of source begin with.
    indent: usize,
}

fn write_row(style: &Style, out: &mut String, row: &LineRow, layout: &Layout) {
    let &Layout { digits, is_narrow, indent } = layout;
    let figure = |share: f64| if share > 0.0 { percent(share) } else { String::new() };
    let ink = Ink::of_share(row.total.share);
    let mut line = Text::default();
    if !is_narrow {
        line.push(style, &format!("{:>8} ", figure(row.own.share)), Ink::of_share(row.own.share));
    }
    line.push(style, &format!("{:>8} ", figure(row.total.share)), ink);
    if !is_narrow {
        line.append(bar(style, row.total.share, 8));
        line.push(style, " ", Ink::Plain);
    }
    let number = if row.line == 0 { "?".to_owned() } else { row.line.to_string() };
    line.push(style, &format!("{number:>digits$} "), Ink::Dim);
    line.push(style, style.sign("│ ", "| "), Ink::Dim);
    let gutter = line.width();
    let source = row.source.as_deref().unwrap_or("");
    let dedented = if row.line == 0 { "(line not known)" } else { source.get(indent..).unwrap_or("") };
    let source_ink = if row.total.share > 0.10 { Ink::RedBold } else { ink };
    line.push(style, dedented, source_ink);
    line.cut_end(style, style.columns()).write_line(style, out);
    let below = || {
        let mut below = Text::default();
        below.pad_to(gutter - 2);
        below.push(style, style.sign("│ ", "| "), Ink::Dim);
        below
    };
    let hottest = row.ranges.first().filter(|range| range.share >= 0.02 && row.ranges.len() > 1);
    if let Some((free, marked)) = hottest
        .and_then(|range| marked_columns(style, source, row.line, range))
        .map(|(free, marked)| (free.saturating_sub(indent), marked))
        .filter(|(free, marked)| gutter + free + marked + 10 <= style.columns())
    {
        let mut marks = below();
        marks.push(style, &" ".repeat(free), Ink::Plain);
        marks.push(style, &"^".repeat(marked), ink);
        marks.push(style, &format!(" {}", hottest.map_or(String::new(), |range| percent(range.share))), ink);
        marks.write_line(style, out);
    }
    let callees: Vec<String> = row
        .callees
        .iter()
        .filter(|callee| callee.share >= 0.005)
        .map(|callee| format!("{} {}", callee.function.label, percent(callee.share)))
        .collect();
    if !callees.is_empty() {
        let indent = dedented.chars().take_while(|c| *c == ' ').count().min(24);
        let mut text = below();
        text.push(style, &" ".repeat(indent), Ink::Plain);
        text.push(style, style.sign("└ calls ", "` calls "), Ink::Dim);
        text.push(style, &callees.join(", "), Ink::Dim);
        text.cut_end(style, style.columns()).write_line(style, out);
    }
}
