//! Drawing the live screen.

use pyrometer_model::View;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Cell, Clear, Paragraph, Row as TableRow, Table, Wrap};

use super::live::{Row, ThreadRow};
use super::state::{Sort, State};

/// Threads shown before the rest is only counted.
const MOST_THREADS: usize = 6;

/// What the screen says about the recording itself.
#[derive(Debug, Clone, Default)]
pub struct Header {
    /// Pid and command line.
    pub target: String,
    /// `Python 3.13.0`, or what is waited for.
    pub python: String,
    /// How the recording goes: rate, share of whole stacks, pyrometer's own CPU.
    pub audit: String,
    /// That the program has ended, and how; empty while it runs.
    pub ended: String,
}

/// Everything one drawing needs.
#[derive(Debug)]
pub struct Picture<'a> {
    /// What the keys have chosen.
    pub state: &'a State,
    /// About the recording.
    pub header: &'a Header,
    /// Sorted rows.
    pub rows: &'a [Row],
    /// All threads.
    pub threads: &'a [ThreadRow],
    /// Whether colours may be used.
    pub color: bool,
}

/// Draws the screen at whatever size it has.
pub fn draw(frame: &mut Frame<'_>, picture: &Picture<'_>) {
    let area = frame.area();
    let shown_threads = picture.threads.len().min(MOST_THREADS);
    let thread_lines = u16::try_from(shown_threads + 2).unwrap_or(8);
    // On a very low screen the table of functions is worth more than the list of threads.
    let thread_lines = if area.height < thread_lines + 12 { 0 } else { thread_lines };
    let [head, threads, table, foot] = Layout::vertical([
        Constraint::Length(3),
        Constraint::Length(thread_lines),
        Constraint::Min(3),
        Constraint::Length(1),
    ])
    .areas(area);
    draw_head(frame, head, picture);
    if thread_lines > 0 {
        draw_threads(frame, threads, picture);
    }
    draw_table(frame, table, picture);
    draw_foot(frame, foot, picture);
    if picture.state.help {
        draw_help(frame, area);
    }
}

fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, picture: &Picture<'_>) {
    let header = picture.header;
    let sum = |share: fn(&ThreadRow) -> f64| picture.threads.iter().map(share).sum::<f64>() * 100.0;
    // The recent sums of two threads may be of slightly different spans; the GIL is never held more than all the time.
    let held = sum(|thread| thread.gil).min(100.0);
    let meters = format!(
        "CPU {:.0} %   GIL held {:.0} %   waiting for the GIL {:.0} %   GC {:.0} %",
        sum(|thread| thread.cpu),
        held,
        sum(|thread| thread.gil_wanted),
        sum(|thread| thread.gc),
    );
    let mut status = vec![Span::raw(header.audit.clone())];
    if picture.state.paused {
        status.push(Span::styled("  standing still, space goes on", bold()));
    }
    if !header.ended.is_empty() {
        status.push(Span::styled(format!("  {}", header.ended), bold()));
    }
    let lines = vec![
        Line::from(vec![
            Span::styled("pyrometer top ", bold()),
            Span::raw(header.target.clone()),
            Span::styled(format!("  {}", header.python), dim()),
        ]),
        Line::from(meters),
        Line::from(status),
    ];
    frame.render_widget(Paragraph::new(lines), area);
}

fn draw_threads(frame: &mut Frame<'_>, area: Rect, picture: &Picture<'_>) {
    let selected = picture.state.thread;
    let first = selected
        .and_then(|id| picture.threads.iter().position(|thread| thread.id == id))
        .map_or(0, |place| place.saturating_sub(MOST_THREADS - 1));
    let ended = !picture.header.ended.is_empty();
    let rows = picture.threads.iter().skip(first).take(MOST_THREADS).map(|thread| {
        let mark = if selected == Some(thread.id) { "▸" } else { " " };
        let style = if thread.active { Style::new() } else { dim() };
        TableRow::new([
            format!("{mark}{}", thread.name),
            thread.native_id.to_string(),
            percent(thread.cpu),
            percent(thread.gil),
            percent(thread.gil_wanted),
            match () {
                () if ended => "–".into(),
                () if thread.active => "active".into(),
                () => "idle".into(),
            },
        ])
        .style(style)
    });
    let more = picture.threads.len().saturating_sub(MOST_THREADS);
    let title = if more > 0 { format!(" threads ({more} more) ") } else { " threads ".to_owned() };
    let widths = [
        Constraint::Min(16),
        Constraint::Length(10),
        Constraint::Length(7),
        Constraint::Length(7),
        Constraint::Length(9),
        Constraint::Length(7),
    ];
    let head = TableRow::new(["thread", "id", "CPU", "GIL", "wants it", "now"]).style(dim());
    let table = Table::new(rows, widths).header(head).block(Block::new().borders(Borders::TOP).title(title));
    frame.render_widget(table, area);
}

fn draw_table(frame: &mut Frame<'_>, area: Rect, picture: &Picture<'_>) {
    let state = picture.state;
    let visible = usize::from(area.height.saturating_sub(2));
    let first = state.scroll.min(picture.rows.len().saturating_sub(visible.max(1)));
    // On a narrow screen times give way to names.
    let with_times = area.width >= 70;
    let rows = picture.rows.iter().skip(first).take(visible).map(|row| {
        let name =
            Line::from(vec![Span::styled(row.name.clone(), bold()), Span::styled(format!("  {}", row.place), dim())]);
        let mut cells =
            vec![Cell::from(percent(row.own)).style(heat(row.own, picture.color)), Cell::from(percent(row.total))];
        if with_times {
            cells.extend([Cell::from(seconds(row.own_seconds)), Cell::from(seconds(row.total_seconds))]);
        }
        cells.push(Cell::from(name));
        TableRow::new(cells)
    });
    let mark = |sort: Sort, text: &str| {
        let arrow = if state.reversed { "▴" } else { "▾" };
        if state.sort == sort { format!("{text}{arrow}") } else { text.to_owned() }
    };
    let mut heads = vec![mark(Sort::Own, "own"), mark(Sort::Total, "total")];
    let mut widths = vec![Constraint::Length(8), Constraint::Length(8)];
    if with_times {
        heads.extend([mark(Sort::OwnTime, "own time"), mark(Sort::TotalTime, "total time")]);
        widths.extend([Constraint::Length(10), Constraint::Length(11)]);
    }
    heads.push(mark(Sort::Name, if state.lines { "line" } else { "function" }));
    widths.push(Constraint::Min(16));
    let head = TableRow::new(heads).style(dim());
    let table = Table::new(rows, widths)
        .header(head)
        .block(Block::new().borders(Borders::TOP).title(title(picture, first, visible)));
    frame.render_widget(table, area);
}

fn title(picture: &Picture<'_>, first: usize, visible: usize) -> String {
    let state = picture.state;
    let what = match state.view {
        View::Wall if state.idle => "wall time, blocked threads too",
        View::Wall => "active wall time",
        View::Cpu => "CPU time",
        View::Gil => "time holding the GIL",
    };
    let span = if state.overall { "whole recording" } else { "last seconds" };
    let thread = state.thread.and_then(|id| picture.threads.iter().find(|thread| thread.id == id));
    let thread = thread.map_or_else(String::new, |thread| format!(", thread {}", thread.name));
    let last = (first + visible).min(picture.rows.len());
    let place = if picture.rows.len() > visible {
        format!(", {}–{last} of {}", first + 1, picture.rows.len())
    } else {
        String::new()
    };
    format!(" {what}, {span}{thread}{place} ")
}

fn draw_foot(frame: &mut Frame<'_>, area: Rect, picture: &Picture<'_>) {
    let state = picture.state;
    let line = if state.editing || !state.filter.is_empty() {
        let cursor = if state.editing { "▏" } else { "" };
        Line::from(vec![
            Span::styled(format!("filter: {}{cursor}", state.filter), bold()),
            Span::styled(
                if state.editing { "  enter keeps it, esc drops it" } else { "  / changes it, esc drops it" },
                dim(),
            ),
        ])
    } else {
        let keys = match area.width {
            118.. => {
                "q quit  w/c/g wall/CPU/GIL  l lines  tab thread  o/t/O/T/n sort  / filter  i idle  a all time  space stop  ? help"
            }
            62.. => "q quit  w/c/g view  l lines  tab thread  o/t sort  / filter  ? help",
            _ => "q quit  ? help",
        };
        Line::from(Span::styled(keys, dim()))
    };
    frame.render_widget(Paragraph::new(line), area);
}

const HELP: &[(&str, &str)] = &[
    ("w c g", "what is measured: active wall time, CPU time, time holding the GIL"),
    ("i", "count blocked threads in wall time, too"),
    ("l", "functions or lines"),
    ("a", "shares of the last seconds or of the whole recording"),
    ("o t O T n", "sort by own, total, own time, total time, name (also 1–5); R turns round"),
    ("tab ← →", "one thread after another, then all again"),
    ("/", "only rows with this in name or file"),
    ("space p", "stand still; sampling goes on"),
    ("r", "forget what was summed"),
    ("↑ ↓ PgUp PgDn", "scroll"),
    ("q ^C", "leave; the program goes on if it was not started here"),
];

fn draw_help(frame: &mut Frame<'_>, area: Rect) {
    let width = area.width.min(86);
    let height = area.height.min(u16::try_from(HELP.len() + 2).unwrap_or(13));
    let place = Rect { x: (area.width - width) / 2, y: (area.height - height) / 2, width, height };
    let lines: Vec<_> = HELP
        .iter()
        .map(|(keys, meaning)| Line::from(vec![Span::styled(format!(" {keys:<14}"), bold()), Span::raw(*meaning)]))
        .collect();
    frame.render_widget(Clear, place);
    let block = Block::new().borders(Borders::ALL).title(" keys ");
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }).block(block), place);
}

fn percent(share: f64) -> String {
    format!("{:5.1} %", share * 100.0)
}

fn seconds(seconds: f64) -> String {
    if seconds >= 100.0 { format!("{seconds:8.0} s") } else { format!("{seconds:8.2} s") }
}

/// The triage's colours: red above a tenth of own time, yellow above a fiftieth.
fn heat(share: f64, color: bool) -> Style {
    match share {
        _ if !color => Style::new(),
        s if s > 0.10 => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
        s if s > 0.02 => Style::new().fg(Color::Yellow),
        _ => Style::new().fg(Color::Green),
    }
}

#[cfg(test)]
mod tests {
    use super::{Header, Picture, draw};
    use crate::top::live::{Row, ThreadRow};
    use crate::top::state::State;
    use pyrometer_model::{ThreadId, View};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    fn text_at(width: u16, height: u16, state: &State) -> String {
        let row = |name: &str, own| Row {
            name: name.into(),
            place: "audit.py:41".into(),
            own,
            total: 0.9,
            own_seconds: 1.5,
            total_seconds: 250.0,
        };
        let thread = ThreadRow {
            id: ThreadId(0),
            name: "MainThread".into(),
            native_id: 77,
            cpu: 0.99,
            gil: 0.98,
            gil_wanted: 0.0,
            gc: 0.0,
            active: true,
        };
        let picture = Picture {
            state,
            header: &Header {
                target: "77 python a.py".into(),
                ended: "the program has ended".into(),
                ..Header::default()
            },
            rows: &[row("redact", 0.89), row("tokenise", 0.003)],
            threads: &[thread],
            color: true,
        };
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, &picture)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn a_screen_shows_functions_threads_and_the_end() {
        let text = text_at(100, 24, &State::new(View::Wall, false));
        for part in
            ["redact  audit.py:41", "89.0 %", "250 s", "MainThread", "the program has ended", "own▾", "CPU 99 %"]
        {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn any_size_can_be_drawn() {
        let mut state = State::new(View::Gil, true);
        state.help = true;
        state.scroll = 10_000;
        for (width, height) in [(1, 1), (10, 3), (20, 5), (40, 10), (300, 100)] {
            let text = text_at(width, height, &state);
            assert_eq!(text.lines().count(), usize::from(height));
        }
    }
}
