//! Shows the views of captures made by hand: `cargo run -p pyrometer-view --example story -- WIDTH [color] [ascii]`.
//! With `svg` it reads what a program wrote to a terminal from standard input and writes its picture.
#![allow(clippy::unwrap_used, reason = "an example that fails may panic")]

#[path = "../../pyrometer-analyze/tests/capture/mod.rs"]
mod capture;

use pyrometer_analyze::{
    CallTree, Direction, FunctionOptions, FunctionTable, LineTable, Neighbours, Profile, ThreadTable, TreeOptions,
    Triage, TriageOptions, find_function,
};
use pyrometer_model::{MemorySource, Selection};
use pyrometer_view::{
    ScreenOptions, Style, render_functions, render_lines, render_neighbours, render_processes, render_threads,
    render_tree, render_triage, terminal_svg,
};

fn show(mut source: MemorySource, function: &str, style: &Style) {
    let dictionary = source.dictionary.clone();
    let selection = Selection { include_idle: false, ..Selection::default() };
    let profile = Profile::read(&dictionary, &mut source, &selection).unwrap();
    let options = TriageOptions { capture_name: Some("ticket_service.pyro".to_owned()), ..TriageOptions::default() };
    println!("{}", render_triage(&Triage::of(&profile, &options), style));
    println!("{}", render_functions(&FunctionTable::of(&profile, &FunctionOptions::default()).unwrap(), style));
    let found = find_function(&profile, function).unwrap();
    for direction in [Direction::Callers, Direction::Callees] {
        println!("{}", render_neighbours(&Neighbours::of(&profile, found.code, &found.others, direction), style));
    }
    println!("{}", render_lines(&LineTable::of(&profile, found.code, &found.others), style));
    println!("{}", render_tree(&CallTree::of(&profile, TreeOptions::default()), style));
    let threads = ThreadTable::of(&profile);
    println!("{}\n{}", render_threads(&threads, style), render_processes(&threads, style));
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let width = arguments.first().and_then(|width| width.parse().ok()).unwrap_or(100);
    if has("svg") {
        let ansi = std::io::read_to_string(std::io::stdin()).unwrap();
        let options = ScreenOptions { columns: width, ..ScreenOptions::default() };
        print!("{}", terminal_svg(&ansi, &options));
        return;
    }
    let style = Style { color: has("color"), width, unicode: !has("ascii") };
    show(capture::ticket_service(), "redact", &style);
    show(capture::crawler(), "fetch", &style);
    show(capture::threaded(), "work", &style);
}
