//! Callers and callees.

use pyrometer_analyze::{Direction, Neighbour, Neighbours, Share};

use crate::columns::{Column, Fit, write};
use crate::numbers::{amount, margin, percent, plural};
use crate::style::{Ink, Style};
use crate::text::Text;

/// The callers or callees of a function.
#[must_use]
pub fn render_neighbours(neighbours: &Neighbours, style: &Style) -> String {
    let mut out = String::new();
    let is_callers = neighbours.direction == Direction::Callers;
    write_subject(style, &mut out, neighbours);
    if neighbours.total.share == 0.0 {
        write_uncounted(style, &mut out);
        return out;
    }
    let mut rows: Vec<Vec<Text>> = neighbours.rows.iter().map(|row| cells(neighbours, row, style)).collect();
    if neighbours.rest.share > 0.0 {
        let rest = if is_callers { "(nothing: it is the outermost function)" } else { "(nothing: its own time)" };
        let of_total = neighbours.rest.share / neighbours.total.share;
        let mut row = figures(neighbours, &neighbours.rest, of_total, style);
        row.push(Text::new(style, rest, Ink::Dim));
        rows.push(row);
    }
    let column = |title, fit, gives_up| Column { title, fit, gives_up };
    let columns = [
        column("of it", Fit::Figure, 0),
        column("of all", Fit::Figure, 0),
        column("", Fit::Figure, 4),
        column("time", Fit::Figure, 3),
        column(if is_callers { "called by" } else { "calls" }, Fit::Middle, 0),
        column("at", Fit::Middle, 1),
        column("", Fit::End, 2),
    ];
    write(style, &mut out, 0, &columns, &rows);
    if neighbours.recursive > 0.0005 {
        let which =
            if is_callers { "callers are those of the outermost" } else { "callees are those of the innermost" };
        let part = percent(neighbours.recursive);
        let remark = format!("{part} of its time it was on the stack more than once; {which} activation");
        out.push('\n');
        write_remark(style, &mut out, &remark);
    }
    write_others(style, &mut out, &neighbours.others);
    out
}

fn figures(neighbours: &Neighbours, share: &Share, of_total: f64, style: &Style) -> Vec<Text> {
    vec![
        Text::new(style, &percent(of_total), Ink::of_share(of_total).bold()),
        Text::new(style, &percent(share.share), Ink::Plain),
        Text::new(style, &margin(style, share), Ink::Dim),
        Text::new(style, &amount(style, neighbours.unit, share.amount), Ink::Plain),
    ]
}

fn cells(neighbours: &Neighbours, row: &Neighbour, style: &Style) -> Vec<Text> {
    let place = match (neighbours.direction, row.place.line) {
        (Direction::Callers, _) => row.place.short(),
        (Direction::Callees, 0) => String::new(),
        (Direction::Callees, line) => format!("line {line}"),
    };
    let mut cells = figures(neighbours, &row.share, row.of_total, style);
    cells.push(Text::new(style, &row.place.function.label, Ink::Bold));
    cells.push(Text::new(style, &place, Ink::Plain));
    cells.push(Text::new(style, row.source.as_deref().unwrap_or("").trim(), Ink::Dim));
    cells
}

/// A remark below a table.
pub(crate) fn write_remark(style: &Style, out: &mut String, text: &str) {
    Text::new(style, text, Ink::Dim).wrap(style.prose_columns(), 0).iter().for_each(|line| line.write_line(style, out));
}

fn write_subject(style: &Style, out: &mut String, neighbours: &Neighbours) {
    let function = &neighbours.function;
    let mut line = Text::new(style, &function.label, Ink::Bold);
    if !function.file.is_empty() {
        line.push(style, &format!("  {}:{}", function.file, function.first_line), Ink::Dim);
    }
    let total = format!(
        "  {} {} of the {}, {}",
        percent(neighbours.total.share),
        margin(style, &neighbours.total),
        neighbours.quantity,
        amount(style, neighbours.unit, neighbours.total.amount)
    );
    let total = Text::new(style, &total, Ink::Plain);
    if line.width() + total.width() <= style.columns() {
        line.append(total);
        line.write_line(style, out);
    } else {
        line.cut_middle(style, style.columns()).write_line(style, out);
        total.trim_start().wrap(style.prose_columns(), 0).iter().for_each(|line| line.write_line(style, out));
    }
    out.push('\n');
}

/// The function is in the capture, but all of its samples are left out by what was asked for.
pub(crate) fn write_uncounted(style: &Style, out: &mut String) {
    let text = "none of its samples count here: it was only seen blocked, or outside of what was asked for";
    Text::new(style, text, Ink::Yellow)
        .wrap(style.prose_columns(), 0)
        .iter()
        .for_each(|line| line.write_line(style, out));
}

/// Which other functions the typed name could have meant.
pub(crate) fn write_others(style: &Style, out: &mut String, others: &[String]) {
    if others.is_empty() {
        return;
    }
    let listed: Vec<&str> = others.iter().take(5).map(String::as_str).collect();
    let more = others.len() - listed.len();
    let more = if more > 0 { format!(" and {}", plural(more, "other", "others")) } else { String::new() };
    let text = format!("the name could also mean {}{more}; this is the one with the most time", listed.join(", "));
    out.push('\n');
    Text::new(style, &text, Ink::Dim)
        .wrap(style.prose_columns(), 0)
        .iter()
        .for_each(|line| line.write_line(style, out));
}
