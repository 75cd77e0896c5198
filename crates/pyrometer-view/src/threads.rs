//! Threads and processes.

use pyrometer_analyze::{ProcessRow, ThreadTable, Times};

use crate::columns::{Column, Fit, write};
use crate::numbers::{count, percent, plural, seconds};
use crate::style::{Ink, Style};
use crate::text::Text;

fn figures(times: &Times, style: &Style) -> Vec<Text> {
    let part = |part: f64| {
        let share = if times.wall > 0.0 { part / times.wall } else { 0.0 };
        Text::new(style, &percent(share), if share < 0.0005 { Ink::Dim } else { Ink::Plain })
    };
    vec![
        Text::new(style, &percent(times.share), Ink::of_share(times.share).bold()),
        Text::new(style, &seconds(style, times.wall), Ink::Plain),
        Text::new(style, &seconds(style, times.cpu), Ink::Plain),
        part(times.on_cpu),
        part(times.idle),
        part(times.gil_held),
        part(times.gil_wanted),
        part(times.collecting),
        Text::new(style, &count(times.samples), Ink::Plain),
    ]
}

fn figure_columns() -> Vec<Column> {
    let column = |title, gives_up| Column { title, fit: Fit::Figure, gives_up };
    vec![
        column("share", 0),
        column("sampled", 0),
        column("CPU time", 1),
        column("ready or running", 4),
        column("blocked", 2),
        column("GIL held", 3),
        column("GIL wanted", 3),
        column("GC", 6),
        column("samples", 7),
    ]
}

/// What each thread did.
#[must_use]
pub fn render_threads(table: &ThreadTable, style: &Style) -> String {
    let mut out = String::new();
    let many = table.processes.len() > 1;
    let rows: Vec<Vec<Text>> = table
        .threads
        .iter()
        .map(|thread| {
            let mut row = figures(&thread.times, style);
            row.push(Text::new(style, &thread.name, Ink::Bold));
            let kind = if thread.is_main { "main" } else { "" };
            let id = if thread.native_id > 0 { thread.native_id.to_string() } else { String::new() };
            row.push(Text::new(style, &id, Ink::Dim));
            let pid = if many { thread.pid.to_string() } else { String::new() };
            row.push(Text::new(style, &pid, Ink::Dim));
            let interpreter =
                if thread.interpreter > 0 { format!("interpreter {}", thread.interpreter) } else { kind.to_owned() };
            row.push(Text::new(style, &interpreter, Ink::Dim));
            row
        })
        .collect();
    let mut columns = figure_columns();
    columns.push(Column { title: "thread", fit: Fit::Middle, gives_up: 0 });
    columns.push(Column { title: "id", fit: Fit::Figure, gives_up: 4 });
    columns.push(Column { title: "process", fit: Fit::Figure, gives_up: 4 });
    columns.push(Column { title: "", fit: Fit::End, gives_up: 8 });
    write(style, &mut out, 0, &columns, &rows);
    out.push('\n');
    let remark =
        format!("share: of the {} asked for; the other parts are of the thread's sampled time", table.quantity);
    Text::new(style, &remark, Ink::Dim)
        .wrap(style.prose_columns(), 0)
        .iter()
        .for_each(|line| line.write_line(style, &mut out));
    out
}

/// What each process did.
#[must_use]
pub fn render_processes(table: &ThreadTable, style: &Style) -> String {
    let mut out = String::new();
    let rows: Vec<Vec<Text>> = table
        .processes
        .iter()
        .map(|process| {
            let mut row = figures(&process.times, style);
            row.push(Text::new(style, &process.pid.to_string(), Ink::Bold));
            row.push(Text::new(style, &remark(process), Ink::Dim));
            row.push(Text::new(style, &process.command, Ink::Plain));
            row
        })
        .collect();
    let mut columns = figure_columns();
    columns.push(Column { title: "process", fit: Fit::Figure, gives_up: 0 });
    columns.push(Column { title: "", fit: Fit::End, gives_up: 4 });
    columns.push(Column { title: "command", fit: Fit::Middle, gives_up: 0 });
    write(style, &mut out, 0, &columns, &rows);
    out
}

fn remark(process: &ProcessRow) -> String {
    let mut parts = Vec::new();
    match &process.python {
        Some(python) => parts.push(format!("Python {python}")),
        None => parts.push("no Python".to_owned()),
    }
    parts.push(plural(process.threads, "thread", "threads"));
    if let Some(parent) = process.parent {
        parts.push(format!("child of {parent}"));
    }
    parts.extend(process.exit.clone());
    parts.join(", ")
}
