//! Every export over captures of any shape: what is written adds up to what was recorded, whatever the names.
//! That the formats are what other tools read is tested with those tools, in tests/python/formats and tests/browser.

// The functions that the tests share are tests too, which clippy does not see.
#![allow(clippy::unwrap_used)]

use std::io::{self, Write};

use proptest::prelude::*;
use pyrometer_format::export::{Format, Options, Orientation, Threads, Weights, export};
use pyrometer_format::{Error, ErrorKind};
use pyrometer_model::{
    Code, CodeKind, Dictionary, Flags, Location, MemorySource, Nanoseconds, Position, Process, ProcessId, SampleRun,
    SampleSource, Selection, SourceError, StackId, Thread, ThreadId, View,
};
use serde_json::Value;

/// A capture as proptest makes it up: names, stacks as lists of names' numbers, and runs.
#[derive(Clone, Debug)]
struct Plan {
    names: Vec<(String, String, bool)>,
    stacks: Vec<Vec<usize>>,
    /// Stack, thread, gap before it, wall time, share of CPU time in per cent, samples, flags.
    runs: Vec<(usize, u32, u64, u64, u64, u32, u8)>,
}

fn plans() -> impl Strategy<Value = Plan> {
    let name = prop_oneof![
        "[a-z]{1,6}",
        Just("<lambda>".to_owned()),
        Just("]]></title>;\n\"&'\\".to_owned()),
        any::<String>().prop_map(|text| text.chars().take(12).collect()),
    ];
    let names = prop::collection::vec((name.clone(), name, any::<bool>()), 1..8);
    let stacks = prop::collection::vec(prop::collection::vec(0_usize..8, 0..6), 1..8);
    let run = (0_usize..8, 0_u32..4, 0_u64..3, 1_u64..5_000_000, 0_u64..=100, 1_u32..9, 0_u8..64);
    (names, stacks, prop::collection::vec(run, 0..40)).prop_map(|(names, stacks, runs)| Plan { names, stacks, runs })
}

fn build(plan: &Plan) -> MemorySource {
    let mut dictionary = Dictionary::default();
    for pid in [10, 20] {
        let command = dictionary.strings.intern(&format!("python {pid}.py"));
        dictionary.add_process(Process { pid, command, ..Process::default() });
    }
    for thread in 0..4_u32 {
        let name = dictionary.strings.intern(&plan.names[thread as usize % plan.names.len()].0);
        let native_id = u64::from(thread) * 7;
        dictionary.add_thread(Thread { process: ProcessId(thread % 2), native_id, name, ..Thread::default() });
    }
    let mut locations = Vec::new();
    for (position, (name, file, is_native)) in plan.names.iter().enumerate() {
        let [name, file] = [name, file].map(|text| dictionary.strings.intern(text));
        let kind = if *is_native { CodeKind::Native } else { CodeKind::Python };
        let first_line = u32::try_from(position).unwrap();
        let code =
            dictionary.intern_code(Code { kind, name, qualified_name: name, file, first_line, ..Code::default() });
        for line in [first_line, first_line + 1] {
            let position = Position::line(line);
            locations.push(dictionary.intern_location(Location { code, offset: 0, position }));
        }
    }
    let stacks: Vec<StackId> = plan
        .stacks
        .iter()
        .map(|frames| frames.iter().map(|&frame| locations[frame % locations.len()]).collect::<Vec<_>>())
        .map(|frames| dictionary.stacks.intern_frames(frames))
        .collect();
    let mut now = [0_u64; 4];
    let mut runs = Vec::new();
    for &(stack, thread, gap, wall, cpu, count, flags) in &plan.runs {
        let start = &mut now[thread as usize];
        *start += gap * 1_000;
        runs.push(SampleRun {
            thread: ThreadId(thread),
            stack: stacks[stack % stacks.len()],
            flags: Flags(flags),
            start: Nanoseconds(*start),
            count,
            wall: Nanoseconds(wall),
            cpu: Nanoseconds(wall * cpu / 100),
        });
        *start += wall;
    }
    MemorySource { dictionary, runs }
}

fn write(capture: &mut MemorySource, format: Format, options: &Options) -> Vec<u8> {
    let dictionary = capture.dictionary.clone();
    let mut out = Vec::new();
    export(format, &dictionary, capture, options, &mut out).unwrap();
    out
}

fn text(capture: &mut MemorySource, format: Format, options: &Options) -> String {
    String::from_utf8(write(capture, format, options)).unwrap()
}

fn json(capture: &mut MemorySource, format: Format, options: &Options) -> Value {
    serde_json::from_str(&text(capture, format, options)).unwrap()
}

fn numbers(value: &Value) -> impl Iterator<Item = f64> + '_ {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap())
}

fn weight_of(lines: &str) -> u64 {
    lines.lines().map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
}

/// Options of every kind, and the view that they are of.
fn options() -> Vec<Options> {
    let views = View::ALL.into_iter().map(|view| Options { selection: Selection::of(view), ..Options::default() });
    let apart = Options { threads: Threads::Apart, lines: true, ..Options::default() };
    let together = Options { threads: Threads::Together, orientation: Orientation::Icicle, ..Options::default() };
    views.chain([apart, together]).collect()
}

fn total(capture: &MemorySource, selection: &Selection) -> u64 {
    capture.runs.iter().filter_map(|run| selection.weigh(&capture.dictionary, run)).map(|(_, weight)| weight.0).sum()
}

fn check_sums(capture: &mut MemorySource, options: &Options) {
    let expected = total(capture, &options.selection);
    if options.selection.view != View::Cpu {
        let samples: u64 = capture
            .runs
            .iter()
            .filter(|run| options.selection.weigh(&capture.dictionary, run).is_some())
            .map(|run| u64::from(run.count))
            .sum();
        assert_eq!(weight_of(&text(capture, Format::Collapsed, options)), samples);
    }
    let speedscope = json(capture, Format::Speedscope, options);
    let profiles = speedscope["profiles"].as_array().unwrap();
    let weights: f64 = profiles.iter().flat_map(|profile| numbers(&profile["weights"])).sum();
    #[allow(clippy::cast_precision_loss)]
    let expected = expected as f64;
    assert!((weights - expected).abs() < 0.5, "speedscope: {weights} of {expected}");
    for profile in profiles {
        assert_eq!(profile["samples"].as_array().unwrap().len(), profile["weights"].as_array().unwrap().len());
    }
    let firefox = json(capture, Format::Firefox, options);
    let threads = firefox["threads"].as_array().unwrap();
    let weights: f64 = threads.iter().flat_map(|thread| numbers(&thread["samples"]["weight"])).sum();
    assert!((weights * 1e6 - expected).abs() < 1.0, "firefox: {weights} of {expected}");
    check_trace(&json(capture, Format::ChromeTrace, options));
}

/// For each thread, in the file's order: every end has its begin, and time does not go back.
fn check_trace(trace: &Value) {
    let mut opened: Vec<(Value, Vec<Value>, f64)> = Vec::new();
    for event in trace["traceEvents"].as_array().unwrap() {
        let at = opened.iter().position(|(tid, ..)| *tid == event["tid"]).unwrap_or(opened.len());
        if at == opened.len() {
            opened.push((event["tid"].clone(), Vec::new(), 0.0));
        }
        if let Some(time) = event["ts"].as_f64() {
            assert!(time >= opened[at].2);
            opened[at].2 = time;
        }
        match event["ph"].as_str().unwrap() {
            "B" => opened[at].1.push(event["name"].clone()),
            "E" => assert_eq!(opened[at].1.pop().as_ref(), Some(&event["name"])),
            phase => assert_eq!(phase, "M"),
        }
    }
    assert!(opened.iter().all(|(_, names, _)| names.is_empty()));
}

/// Each `<` of the document is one of ours, every one is closed, and no character is one that XML forbids.
fn check_xml(document: &str) {
    let known = ["?xml", "svg", "style", "rect", "text", "g", "title", "foreignObject", "input", "script", "![CDATA["];
    let (markup, rest) = document.split_once("<script>").unwrap();
    assert!(rest.ends_with("//]]>\n</script>\n</svg>\n"));
    for piece in markup.split('<').skip(1) {
        let tag: String = piece.trim_start_matches('/').chars().take_while(|c| !" >/\n".contains(*c)).collect();
        assert!(known.contains(&tag.as_str()), "<{tag}");
    }
    for tag in ["title", "text", "g"] {
        let opened = markup.matches(&format!("<{tag} ")).count() + markup.matches(&format!("<{tag}>")).count();
        assert_eq!(opened, markup.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    assert!(markup.chars().all(|c| c >= ' ' || c == '\n' || c == '\t'));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_adds_up_to_what_was_recorded(plan in plans()) {
        let mut capture = build(&plan);
        for options in options() {
            check_sums(&mut capture, &options);
            check_xml(&text(&mut capture, Format::Flamegraph, &options));
            for line in text(&mut capture, Format::Jsonl, &options).lines() {
                serde_json::from_str::<Value>(line).unwrap();
            }
        }
    }

    #[test]
    fn the_same_capture_gives_the_same_bytes(plan in plans()) {
        let mut capture = build(&plan);
        for format in Format::ALL {
            let options = Options { weights: Weights::Microseconds, ..Options::default() };
            let first = write(&mut capture, format, &options);
            prop_assert_eq!(first, write(&mut capture.clone(), format, &options), "{}", format.name());
        }
    }
}

/// A recursion in which every depth was met: stacks written out would be half the square of its depth.
fn deep(depth: u32) -> MemorySource {
    let mut dictionary = Dictionary::default();
    dictionary.add_process(Process::default());
    dictionary.add_thread(Thread { native_id: 1, ..Thread::default() });
    let name = dictionary.strings.intern("dive");
    let code = dictionary.intern_code(Code { name, qualified_name: name, ..Code::default() });
    let location = dictionary.intern_location(Location { code, offset: 0, position: Position::line(3) });
    let mut stack = StackId(0);
    let mut runs = Vec::new();
    for at in 0..depth {
        stack = dictionary.intern_stack(stack, location);
        let start = Nanoseconds(u64::from(at) * 1_000);
        runs.push(SampleRun { stack, start, count: 1, wall: Nanoseconds(1_000), ..SampleRun::default() });
    }
    MemorySource { dictionary, runs }
}

#[test]
fn formats_that_share_stacks_grow_with_the_depth_and_not_with_its_square() {
    let formats =
        [Format::Firefox, Format::ChromeTrace, Format::Perfetto, Format::Pstats, Format::Flamegraph, Format::Jsonl];
    for format in formats {
        let bytes = write(&mut deep(50_000), format, &Options::default()).len();
        assert!(bytes < 50_000 * 300, "{}: {bytes} bytes", format.name());
    }
}

#[test]
fn samples_without_time_are_still_counted() {
    let mut capture = deep(3);
    for run in &mut capture.runs {
        (run.wall, run.start) = (Nanoseconds::ZERO, Nanoseconds::ZERO);
    }
    assert_eq!(weight_of(&text(&mut capture, Format::Collapsed, &Options::default())), 3);
    let graph = text(&mut capture, Format::Flamegraph, &Options::default());
    assert!(graph.contains("<title>dive\n66.7 %, 2 samples (own: 33.3 %, 1 sample)</title>"), "{graph}");
}

#[test]
fn what_a_flame_graph_hides_is_said() {
    let mut capture = deep(1);
    let dictionary = &mut capture.dictionary;
    for number in 0..3_000_u64 {
        let name = dictionary.strings.intern(&format!("rare_{number:04}"));
        let code = dictionary.intern_code(Code { name, qualified_name: name, ..Code::default() });
        let location = dictionary.intern_location(Location { code, offset: 0, position: Position::line(1) });
        let stack = dictionary.intern_stack(StackId(0), location);
        let wall = Nanoseconds(100);
        capture.runs.push(SampleRun {
            stack,
            start: Nanoseconds(1_000 + number * 100),
            count: 1,
            wall,
            ..SampleRun::default()
        });
    }
    capture.runs[0].wall = Nanoseconds(700_000);
    let graph = text(&mut capture, Format::Flamegraph, &Options::default());
    assert!(graph.contains("30.0 % hidden in frames too narrow to show"));
    assert!(
        graph.contains(
            "<title>3000 narrow frames\n30.0 %, 300 µs, 3\u{202f}000 samples; each is too narrow to be shown"
        )
    );
    assert!(!graph.contains("rare_"));
}

struct Broken;

impl SampleSource for Broken {
    fn for_each_block(&mut self, _visit: &mut dyn FnMut(&[SampleRun])) -> Result<(), SourceError> {
        Err("block 7 is cut".into())
    }
}

struct Full;

impl Write for Full {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_source_or_a_disk_that_fails_is_an_error_of_its_kind() {
    let mut capture = deep(10);
    let dictionary = capture.dictionary.clone();
    for format in Format::ALL {
        let options = Options::default();
        let source =
            export(format, &dictionary, &mut Broken, &options, &mut Vec::new()).map_err(|Error { kind, .. }| kind);
        assert_eq!(source, Err(ErrorKind::Source), "{}", format.name());
        let disk = export(format, &dictionary, &mut capture, &options, &mut Full).map_err(|Error { kind, .. }| kind);
        assert_eq!(disk, Err(ErrorKind::DiskFull), "{}", format.name());
    }
}
