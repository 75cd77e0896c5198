//! Tables that fit a screen.
//!
//! Not a library's: a profiler's table must keep paths readable by cutting them in the middle, give up its least useful
//! columns when the screen is narrow, and never wrap a row, while table crates wrap cells over several lines and measure
//! the terminal themselves, which a pure crate must not.

use crate::style::{Ink, Style};
use crate::text::Text;

/// Where the content of a column stands, and how it becomes shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Figures: to the right, never cut.
    Figure,
    /// Prose and source: to the left, cut at the end.
    End,
    /// Paths and names: to the left, cut in the middle.
    Middle,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub title: &'static str,
    pub fit: Fit,
    /// When the screen is too narrow, columns with the highest number are left out first; those with 0 never are.
    pub gives_up: u8,
}

/// The fewest columns that a cell is cut to.
const NARROWEST: usize = 12;
const GAP: usize = 2;

/// Writes the table, indented by `indent`. Without titles where all are empty.
pub(crate) fn write(style: &Style, out: &mut String, indent: usize, columns: &[Column], rows: &[Vec<Text>]) {
    let room = style.columns().saturating_sub(indent);
    let mut shown: Vec<usize> = (0..columns.len()).collect();
    let mut widths: Vec<usize> = shown.iter().map(|&at| natural_width(style, columns[at], rows, at)).collect();
    // A column without any content, its title aside, tells nothing.
    shown.retain(|&at| {
        columns[at].gives_up == 0 || rows.iter().any(|row| row.get(at).is_some_and(|cell| cell.width() > 0))
    });
    while !fits(columns, &shown, &widths, room) {
        let Some(most) = shown.iter().map(|&at| columns[at].gives_up).max().filter(|&most| most > 0) else { break };
        shown.retain(|&at| columns[at].gives_up != most);
    }
    shrink(columns, &shown, &mut widths, room);
    if shown.iter().any(|&at| !columns[at].title.is_empty()) {
        let titles = columns.iter().map(|column| Text::new(style, column.title, Ink::Dim)).collect::<Vec<_>>();
        write_row(style, out, indent, columns, &shown, &widths, &titles);
    }
    for row in rows {
        write_row(style, out, indent, columns, &shown, &widths, row);
    }
}

fn natural_width(style: &Style, column: Column, rows: &[Vec<Text>], at: usize) -> usize {
    let title = Text::new(style, column.title, Ink::Plain).width();
    rows.iter().filter_map(|row| row.get(at)).map(Text::width).max().unwrap_or(0).max(title)
}

fn total(shown: &[usize], widths: &[usize]) -> usize {
    shown.iter().map(|&at| widths[at]).sum::<usize>() + GAP * shown.len().saturating_sub(1)
}

/// Whether the columns fit when those that may be cut are cut to what still reads well.
fn fits(columns: &[Column], shown: &[usize], widths: &[usize], room: usize) -> bool {
    let least: Vec<usize> = widths
        .iter()
        .zip(columns)
        .map(|(&width, column)| if column.fit == Fit::Figure { width } else { width.min(NARROWEST * 3) })
        .collect();
    total(shown, &least) <= room
}

/// Cuts the widest of the columns that may be cut until all fit.
fn shrink(columns: &[Column], shown: &[usize], widths: &mut [usize], room: usize) {
    loop {
        let excess = total(shown, widths).saturating_sub(room);
        if excess == 0 {
            return;
        }
        // Source and prose give way to names and paths.
        let widest_of = |fit| {
            let may_be_cut = |at: &&usize| columns[**at].fit == fit && widths[**at] > NARROWEST;
            shown.iter().copied().filter(|at| may_be_cut(&at)).max_by_key(|&at| widths[at])
        };
        let Some(widest) = widest_of(Fit::End).or_else(|| widest_of(Fit::Middle)) else { return };
        let second = shown
            .iter()
            .filter(|&&at| at != widest && columns[at].fit == columns[widest].fit)
            .map(|&at| widths[at])
            .max()
            .unwrap_or(0)
            .max(NARROWEST);
        let cut = excess.min((widths[widest] - second.min(widths[widest])).max(1));
        widths[widest] -= cut;
    }
}

fn write_row(
    style: &Style,
    out: &mut String,
    indent: usize,
    columns: &[Column],
    shown: &[usize],
    widths: &[usize],
    row: &[Text],
) {
    let mut line = Text::default();
    line.pad_to(indent);
    for (position, &at) in shown.iter().enumerate() {
        let cell = row.get(at).cloned().unwrap_or_default();
        let (width, start) = (widths[at], line.width() + if position > 0 { GAP } else { 0 });
        line.pad_to(start);
        match columns[at].fit {
            Fit::Figure => {
                line.pad_to(start + width.saturating_sub(cell.width()));
                line.append(cell);
            }
            Fit::End => line.append(cell.cut_end(style, width)),
            Fit::Middle => line.append(cell.cut_middle(style, width)),
        }
        line.pad_to(start + width);
    }
    // A screen too narrow for even the columns that are never given up still gets no broken lines.
    line.trim_end().cut_end(style, style.columns()).write_line(style, out);
}
