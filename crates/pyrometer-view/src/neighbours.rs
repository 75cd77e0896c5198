//! Callers and callees.

use pyrometer_analyze::{Direction, Neighbours};

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
    let text = |text: &str, ink| Text::new(style, text, ink);
    let of_total = |part: f64| if neighbours.total.share > 0.0 { part / neighbours.total.share } else { 0.0 };
    let mut rows: Vec<Vec<Text>> = neighbours
        .rows
        .iter()
        .map(|row| {
            let place = if is_callers {
                row.place.short()
            } else if row.place.line > 0 {
                format!("line {}", row.place.line)
            } else {
                String::new()
            };
            vec![
                text(&percent(row.of_total), Ink::of_share(row.of_total).bold()),
                text(&percent(row.share.share), Ink::Plain),
                text(&margin(style, &row.share), Ink::Dim),
                text(&amount(style, neighbours.unit, row.share.amount), Ink::Plain),
                text(&row.place.function.name, Ink::Bold),
                text(&place, Ink::Plain),
                text(row.source.as_deref().unwrap_or("").trim(), Ink::Dim),
            ]
        })
        .collect();
    if neighbours.rest.share > 0.0 {
        let rest = if is_callers { "(nothing: it is the outermost function)" } else { "(nothing: its own time)" };
        rows.push(vec![
            text(&percent(of_total(neighbours.rest.share)), Ink::Plain),
            text(&percent(neighbours.rest.share), Ink::Plain),
            text(&margin(style, &neighbours.rest), Ink::Dim),
            text(&amount(style, neighbours.unit, neighbours.rest.amount), Ink::Plain),
            text(rest, Ink::Dim),
        ]);
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
        let remark = format!(
            "\n{} of its time it was on the stack more than once; {}",
            percent(neighbours.recursive),
            if is_callers {
                "callers are those of the outermost activation"
            } else {
                "callees are those of the innermost"
            }
        );
        out.push_str("\n");
        Text::new(style, remark.trim(), Ink::Dim)
            .wrap(style.columns(), 0)
            .iter()
            .for_each(|line| line.write_line(style, &mut out));
    }
    write_others(style, &mut out, &neighbours.others);
    out
}

fn write_subject(style: &Style, out: &mut String, neighbours: &Neighbours) {
    let function = &neighbours.function;
    let mut line = Text::new(style, &function.name, Ink::Bold);
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
    let room = style.columns().saturating_sub(total.width());
    let mut line = line.cut_middle(style, room);
    line.append(total);
    line.write_line(style, out);
    out.push('\n');
}

/// The function is in the capture, but all of its samples are left out by what was asked for.
pub(crate) fn write_uncounted(style: &Style, out: &mut String) {
    let text = "none of its samples count here: it was only seen blocked, or outside of what was asked for";
    Text::new(style, text, Ink::Yellow).wrap(style.columns(), 0).iter().for_each(|line| line.write_line(style, out));
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
    Text::new(style, &text, Ink::Dim).wrap(style.columns(), 0).iter().for_each(|line| line.write_line(style, out));
}
