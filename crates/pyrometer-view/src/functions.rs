//! The table of functions.

use pyrometer_analyze::{FunctionRow, FunctionTable, Origin, SortKey};

use crate::columns::{Column, Fit, write};
use crate::numbers::{amount, count, margin, percent, plural};
use crate::style::{Ink, Style};
use crate::text::Text;

/// The table of functions, and how much of the time is not in it.
#[must_use]
pub fn render_functions(table: &FunctionTable, style: &Style) -> String {
    let mut out = String::new();
    let column = |title, fit, gives_up| Column { title, fit, gives_up };
    let columns = [
        column("own", Fit::Figure, 0),
        column("", Fit::Figure, 5),
        column("own time", Fit::Figure, 2),
        column("+library", Fit::Figure, 3),
        column("total", Fit::Figure, 0),
        column("total time", Fit::Figure, 4),
        column("calls", Fit::Figure, 6),
        column("function", Fit::Middle, 0),
        column("where", Fit::Middle, 1),
    ];
    let rows: Vec<Vec<Text>> = table.rows.iter().map(|row| cells(table, row, style)).collect();
    write(style, &mut out, 0, &columns, &rows);
    if table.rows.is_empty() {
        Text::new(style, "no functions", Ink::Dim).write_line(style, &mut out);
    }
    let mut remarks = Vec::new();
    if table.sort == SortKey::Calls && !table.calls_counted {
        let by = "sorted by the samples in which a function is on the stack";
        remarks.push(format!("a sampled capture does not count calls: {by}"));
    }
    if table.hidden > 0 {
        remarks.push(format!(
            "{} hidden with {} of own time",
            plural(table.hidden, "more function", "more functions"),
            percent(table.hidden_own)
        ));
    }
    if table.filtered > 0 {
        remarks.push(format!("{} left out by the pattern", plural(table.filtered, "function", "functions")));
    }
    remarks.push(format!(
        "shares of {} {}; own: innermost frame only, +library: with the library and C code it calls; {} is a 95 % interval of own",
        amount(style, table.unit, table.base),
        table.quantity,
        style.sign("±", "+-"),
    ));
    out.push('\n');
    for line in Text::new(style, &remarks.join("; "), Ink::Dim).wrap(style.prose_columns(), 0) {
        line.write_line(style, &mut out);
    }
    out
}

fn cells(table: &FunctionTable, row: &FunctionRow, style: &Style) -> Vec<Text> {
    let text = |text: &str, ink| Text::new(style, text, ink);
    let ink = Ink::of_share(row.own.share);
    let is_user = row.function.origin == Origin::User;
    let place = match (row.function.file.as_str(), row.function.first_line) {
        ("", _) if row.function.origin == Origin::Native => "C code".to_owned(),
        (_, 0) => row.function.path.clone(),
        (_, line) => format!("{}:{line}", row.function.path),
    };
    vec![
        text(&percent(row.own.share), ink.bold()),
        text(&margin(style, &row.own), ink),
        text(&amount(style, table.unit, row.own.amount), Ink::Plain),
        text(&percent(row.charged.share), Ink::of_share(row.charged.share)),
        text(&percent(row.total.share), Ink::of_share(row.total.share)),
        text(&amount(style, table.unit, row.total.amount), Ink::Plain),
        row.calls.map_or_else(Text::default, |calls| text(&count(calls), Ink::Plain)),
        text(&row.function.label, if is_user { Ink::Bold } else { Ink::Plain }),
        text(&place, Ink::Dim),
    ]
}
