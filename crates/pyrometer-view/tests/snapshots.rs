//! What the views look like. The pictures are files in `tests/snapshots`; `UPDATE_SNAPSHOTS=1 cargo test` writes them anew,
//! and a look at the difference shows what has changed.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../../pyrometer-analyze/tests/capture/mod.rs"]
mod capture;

use std::fs;
use std::path::Path;

use capture::{BUSY, Builder};
use pyrometer_analyze::{
    CallTree, Direction, FunctionOptions, FunctionTable, LineTable, Neighbours, Profile, ThreadTable, TreeOptions,
    Triage, TriageOptions, find_function,
};
use pyrometer_model::{MemorySource, Selection, ThreadId};
use pyrometer_view::{
    ScreenOptions, Style, render_functions, render_lines, render_neighbours, render_processes, render_threads,
    render_tree, render_triage, terminal_svg,
};
use unicode_width::UnicodeWidthStr;

const PLAIN: Style = Style { color: false, width: 100, unicode: true };

/// Compares `text` with the snapshot called `name`.
fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(name);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == text, "{name} has changed (UPDATE_SNAPSHOTS=1 accepts it):\n{text}");
}

fn with_profile(mut source: MemorySource, selection: &Selection, show: impl FnOnce(&Profile<'_>)) {
    let dictionary = source.dictionary.clone();
    let profile = Profile::read(&dictionary, &mut source, selection).unwrap();
    show(&profile);
}

fn active() -> Selection {
    Selection { include_idle: false, ..Selection::default() }
}

fn triage(profile: &Profile<'_>, style: &Style) -> String {
    let options = TriageOptions { capture_name: Some("tickets.pyro".to_owned()), ..TriageOptions::default() };
    render_triage(&Triage::of(profile, &options), style)
}

/// Every view of a profile, at one style.
fn all_views(profile: &Profile<'_>, style: &Style) -> String {
    let table = FunctionTable::of(profile, &FunctionOptions::default()).unwrap();
    let mut text = triage(profile, style) + &render_functions(&table, style);
    for row in &table.rows {
        let found = find_function(profile, &row.function.name).unwrap();
        for direction in [Direction::Callers, Direction::Callees] {
            text += &render_neighbours(&Neighbours::of(profile, found.code, &found.others, direction), style);
        }
        text += &render_lines(&LineTable::of(profile, found.code, &found.others), style);
    }
    text += &render_tree(&CallTree::of(profile, TreeOptions { threshold: 0.0, ..TreeOptions::default() }), style);
    let threads = ThreadTable::of(profile);
    text + &render_threads(&threads, style) + &render_processes(&threads, style)
}

#[test]
fn the_triage_at_three_widths() {
    with_profile(capture::ticket_service(), &active(), |profile| {
        check("tickets-80.txt", &triage(profile, &Style { width: 80, ..PLAIN }));
        check("tickets-100.txt", &triage(profile, &PLAIN));
        check("tickets-200.txt", &triage(profile, &Style { width: 200, ..PLAIN }));
    });
}

#[test]
fn the_triage_in_colour_and_as_a_picture() {
    with_profile(capture::ticket_service(), &active(), |profile| {
        let ansi = triage(profile, &Style { color: true, ..PLAIN });
        check("tickets-color.ansi", &ansi);
        let options =
            ScreenOptions { command: "pyrometer run ticket_service.py".to_owned(), ..ScreenOptions::default() };
        check("tickets.svg", &terminal_svg(&ansi, &options));
    });
}

#[test]
fn the_triage_of_what_waits_and_of_what_competes() {
    with_profile(capture::crawler(), &active(), |profile| check("crawler.txt", &triage(profile, &PLAIN)));
    with_profile(capture::threaded(), &active(), |profile| check("threaded.txt", &triage(profile, &PLAIN)));
    with_profile(MemorySource::default(), &active(), |profile| check("empty.txt", &triage(profile, &PLAIN)));
}

#[test]
fn the_other_views() {
    with_profile(capture::ticket_service(), &active(), |profile| {
        let options = FunctionOptions { limit: Some(8), ..FunctionOptions::default() };
        check("functions.txt", &render_functions(&FunctionTable::of(profile, &options).unwrap(), &PLAIN));
        let found = find_function(profile, "redact").unwrap();
        let callees = Neighbours::of(profile, found.code, &found.others, Direction::Callees);
        check("callees.txt", &render_neighbours(&callees, &PLAIN));
        let found_compile = find_function(profile, "re:compile").unwrap();
        let callers = Neighbours::of(profile, found_compile.code, &found_compile.others, Direction::Callers);
        check("callers.txt", &render_neighbours(&callers, &PLAIN));
        check("lines.txt", &render_lines(&LineTable::of(profile, found.code, &found.others), &PLAIN));
        check("tree.txt", &render_tree(&CallTree::of(profile, TreeOptions::default()), &PLAIN));
        let unfolded = TreeOptions { fold_libraries: false, threshold: 0.03 };
        check("tree-unfolded.txt", &render_tree(&CallTree::of(profile, unfolded), &PLAIN));
    });
    with_profile(capture::threaded(), &Selection::default(), |profile| {
        let threads = ThreadTable::of(profile);
        check("threads.txt", &(render_threads(&threads, &PLAIN) + &render_processes(&threads, &PLAIN)));
    });
}

/// Names and source that try to break the layout.
fn strange() -> MemorySource {
    let mut builder = Builder::new("python 奇妙な.py --flag=\u{1b}[31mred");
    let long = format!("{} 模块 /app/{}/ファイル.py:3:4", "とても長い関数の名前".repeat(9), "深い/".repeat(40));
    builder.source("/app/main.py", 4, &[&format!("\tx = [{}]", "\"日本\", ".repeat(50)), "\u{202e}y = 1\r"]);
    let main = "<module> __main__ /app/main.py:1:4:1-9";
    builder.busy(&[main, &long, "<lambda> __main__ /app/main.py:5:5"], 40);
    builder.busy(&[main, "a\u{7}b\u{1b}[2J __main__ /app/main.py:5:5"], 40);
    let mut deep = vec![main];
    deep.extend(["ping p /app/p.py:1:2", "pong p /app/p.py:5:6"].iter().copied().cycle().take(120));
    builder.busy(&deep, 20);
    let stack = builder.stack(&deep[..50]);
    builder.spend(ThreadId(0), stack, BUSY, 9);
    builder.finish()
}

#[test]
fn nothing_is_wider_than_the_screen_or_steers_it() {
    let captures =
        [capture::ticket_service(), capture::crawler(), capture::threaded(), strange(), MemorySource::default()];
    for source in captures {
        with_profile(source, &Selection::default(), |profile| {
            for width in [40, 60, 80, 120, 200] {
                for unicode in [false, true] {
                    let text = all_views(profile, &Style { color: false, width, unicode });
                    assert!(unicode || text.is_ascii(), "only ASCII was asked for");
                    for line in text.lines() {
                        assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:?}");
                        // Commands are there to be copied and are never cut.
                        let is_command = line.trim_start().starts_with("pyrometer ");
                        assert!(is_command || line.width() <= width, "{} of {width}: {line}", line.width());
                        assert_eq!(line.trim_end(), line, "spaces at the end");
                    }
                }
            }
        });
    }
}

#[test]
fn colour_changes_nothing_but_the_colour() {
    with_profile(capture::ticket_service(), &active(), |profile| {
        let colored = all_views(profile, &Style { color: true, ..PLAIN });
        let mut bare = String::new();
        let mut rest = colored.as_str();
        while let Some(start) = rest.find('\u{1b}') {
            bare.push_str(&rest[..start]);
            rest = &rest[start + rest[start..].find('m').unwrap() + 1..];
        }
        bare.push_str(rest);
        assert_eq!(bare, all_views(profile, &PLAIN));
    });
}
