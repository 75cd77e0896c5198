//! What the triage says of programs whose figures are known.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod capture;

use capture::{BUSY, Builder, crawler, threaded, ticket_service};
use pyrometer_analyze::{Heat, Origin, Profile, Triage, TriageOptions, VerdictKind};
use pyrometer_model::{Flags, MemorySource, Nanoseconds, Selection, ThreadId, View};

const MAIN: &str = "<module> __main__ /app/main.py:1:9";

fn active() -> Selection {
    Selection { include_idle: false, ..Selection::default() }
}

fn triage_of(mut source: MemorySource, selection: &Selection) -> Triage {
    let dictionary = source.dictionary.clone();
    let profile = Profile::read(&dictionary, &mut source, selection).unwrap();
    let triage =
        Triage::of(&profile, &TriageOptions { capture_name: Some("a.pyro".into()), ..TriageOptions::default() });
    let sum = [&triage.red, &triage.yellow].into_iter().flatten().map(|hot| hot.own.share).sum::<f64>()
        + triage.green.share.share
        + triage.unproven.unknown.share
        + triage.unproven.no_python.share;
    assert!(profile.is_empty() || (sum - 1.0).abs() < 1e-9, "red, yellow, green and unproven are all: {sum}");
    triage
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 0.0005
}

#[test]
fn the_three_day_mistake_is_seen_at_first_sight() {
    let triage = triage_of(ticket_service(), &active());
    assert_eq!(triage.verdict.kind, VerdictKind::Hot);
    let [redact] = triage.red.as_slice() else { panic!("one red function: {:?}", triage.red) };
    assert_eq!(redact.function.qualified_name, "redact");
    assert!(near(redact.own.share, 125.0 * 90.0 / 12_379.0), "{:?}", redact.own);
    assert!(redact.own.low < redact.own.share && redact.own.share < redact.own.high);
    assert!(redact.own_strict.share == 0.0 && redact.calls.is_none());
    let line = &redact.lines[0];
    assert_eq!((line.line, line.source.as_deref()), (41, Some("    pattern = re.compile(REDACTION, re.IGNORECASE)")));
    assert_eq!(line.callees[0].function.name, "re.compile");
    assert!(near(line.callees[0].share.share, line.share.share));
    assert_eq!(line.range.as_ref().map(|range| (range.column, range.end_column)), Some((15, 46)));
    assert_eq!(redact.inside[0].function.name, "re._compiler._optimize_charset");
    assert_eq!(redact.other_inside.count, 5);
    let caller = &redact.callers[0];
    assert_eq!(caller.place.as_ref().map(|place| place.short()).as_deref(), Some("audit_log.py:57"));
    assert!(near(caller.of_own, 1.0) && caller.via.is_none());
    let yellow: Vec<&str> = triage.yellow.iter().map(|warm| warm.function.qualified_name.as_str()).collect();
    assert_eq!(yellow, ["tokenise", "classify"]);
    assert!(triage.yellow.iter().all(|warm| warm.heat == Heat::Yellow));
    assert_eq!(triage.green.count, 2);
    assert!(near(triage.unproven.unknown.share, 4.0 / 12_379.0));
    for word in ["90.9 %", "redact", "audit_log.py:41", "calling re.compile"] {
        assert!(triage.verdict.text.contains(word), "{}", triage.verdict.text);
    }
    assert_eq!(triage.next[0].command, "pyrometer report a.pyro --lines audit_log:redact");
    assert!(triage.waiting.is_none() && triage.gil.is_none() && triage.collector.is_none());
}

#[test]
fn a_program_that_waits_is_told_where() {
    let triage = triage_of(crawler(), &active());
    assert_eq!(triage.verdict.kind, VerdictKind::Waiting);
    let waiting = triage.waiting.unwrap();
    assert!(near(waiting.of_wall, 0.92) && !waiting.others_are_active);
    let place = &waiting.places[0];
    assert_eq!((place.place.short().as_str(), place.place.function.name.as_str()), ("crawler.py:30", "fetch"));
    assert_eq!(place.callee.as_ref().map(|callee| callee.name.as_str()), Some("time.sleep"));
    assert!(place.innermost.is_none());
    assert!(near(triage.base.amount, 0.4) && near(triage.base.wall, 5.0));
    let with_idle = triage_of(crawler(), &Selection::default());
    assert_eq!(with_idle.verdict.kind, VerdictKind::Hot, "waiting is counted, so it is hot itself");
    assert_eq!(with_idle.red[0].function.name, "fetch");
    assert_eq!(with_idle.red[0].lines[0].callees[0].function.origin, Origin::Native);
}

#[test]
fn threads_that_compete_for_the_gil_are_told() {
    let triage = triage_of(threaded(), &active());
    assert_eq!(triage.verdict.kind, VerdictKind::Gil);
    let gil = triage.gil.unwrap();
    assert!(near(gil.of_active, 0.75) && gil.threads == 4, "{gil:?}");
    assert_eq!(gil.holders[0].place.short(), "threaded.py:14");
    assert!(triage.waiting.is_some_and(|waiting| waiting.others_are_active));
    let held = triage_of(threaded(), &Selection::of(View::Gil));
    assert!(near(held.base.amount, 2.0), "{:?}", held.base);
    let cpu = triage_of(threaded(), &Selection { threads: vec![ThreadId(1)], ..Selection::of(View::Cpu) });
    assert!(near(cpu.base.amount, 0.5) && cpu.base.is_filtered, "{:?}", cpu.base);
}

#[test]
fn an_even_program_is_called_even_and_an_empty_one_empty() {
    let mut builder = Builder::new("python even.py");
    for at in 0..40 {
        let frame = format!("step{at} __main__ /app/main.py:{at}:{at}");
        (0..25).for_each(|_| builder.busy(&[MAIN, &frame], 1));
    }
    let triage = triage_of(builder.finish(), &active());
    assert_eq!((triage.verdict.kind, triage.red.len(), triage.yellow.len()), (VerdictKind::Flat, 0, 40));
    let empty = triage_of(Builder::new("python nothing.py").finish(), &active());
    assert_eq!((empty.verdict.kind, empty.next.len()), (VerdictKind::Empty, 0));
    let nothing_at_all = triage_of(MemorySource::default(), &active());
    assert_eq!(nothing_at_all.verdict.kind, VerdictKind::Empty);
}

#[test]
fn time_that_is_not_proven_belongs_to_nobody() {
    let mut builder = Builder::new("python torn.py");
    builder.dictionary.info.command = ["/bin/pyrometer", "run", "torn.py"].map(str::to_owned).to_vec();
    builder.busy(&[MAIN, "work __main__ /app/main.py:3:4"], 900);
    let stack = builder.stack(&[MAIN, "work __main__ /app/main.py:3:4", "<unknown>"]);
    builder.spend(ThreadId(0), stack, BUSY | Flags::PARTIAL, 60);
    let nothing = builder.stack(&[]);
    builder.spend(ThreadId(0), nothing, BUSY, 40);
    let triage = triage_of(builder.finish(), &active());
    assert!(near(triage.unproven.unknown.share, 0.06) && near(triage.unproven.no_python.share, 0.04));
    assert!(near(triage.red[0].own.share, 0.9) && near(triage.red[0].total.share, 0.96));
    assert!(triage.next.iter().any(|hint| hint.command == "pyrometer run --pause torn.py"));
}

#[test]
fn threads_that_are_ready_and_have_no_processor_are_told() {
    let mut builder = Builder::new("python busy.py");
    let stack = builder.stack(&[MAIN, "work __main__ /app/main.py:3:4"]);
    builder.spend(ThreadId(0), stack, BUSY, 1000);
    let mut source = builder.finish();
    assert!(triage_of(source.clone(), &active()).starved.is_none());
    for run in &mut source.runs {
        run.cpu = Nanoseconds(run.wall.0 * 2 / 5);
    }
    let starved = triage_of(source.clone(), &active()).starved.unwrap();
    assert!(near(starved.of_active, 0.6) && near(starved.amount, 0.6), "{starved:?}");
    // Waiting for the GIL is told on its own.
    for run in &mut source.runs {
        run.flags = Flags::GIL_WANTED;
    }
    assert!(triage_of(source, &active()).starved.is_none());
}

#[test]
fn an_empty_selection_is_not_called_an_empty_recording() {
    let mut builder = Builder::new("python busy.py");
    builder.busy(&[MAIN], 2000);
    let mut source = builder.finish();
    source.dictionary.thread_mut(ThreadId(0)).unwrap().end = Nanoseconds(2_000_000_000);
    let since = Selection { since: Nanoseconds(100_000_000_000), ..active() };
    let text = triage_of(source.clone(), &since).verdict.text;
    assert!(text.contains("from 100 s on") && text.contains("from 0.00 to 2.00 s"), "{text}");
    let threads = Selection { threads: vec![ThreadId(7)], ..active() };
    let text = triage_of(source, &threads).verdict.text;
    assert!(text.contains("no samples of the threads asked for"), "{text}");
}

#[test]
fn the_collector_is_told_when_it_takes_long() {
    let mut builder = Builder::new("python garbage.py");
    let work = "work __main__ /app/main.py:3:4";
    builder.busy(&[MAIN, work], 90);
    let stack = builder.stack(&[MAIN, work, "<gc>"]);
    builder.spend(ThreadId(0), stack, BUSY | Flags::IN_GC, 10);
    let triage = triage_of(builder.finish(), &active());
    let collector = triage.collector.unwrap();
    assert!(near(collector.of_active, 0.1));
    assert_eq!(collector.places[0].place.short(), "main.py:4");
    assert!(near(triage.red[0].own.share, 1.0), "the line that triggered it owns the collector's time");
}

#[test]
fn an_installed_tool_is_judged_by_its_package_and_not_by_its_start_script() {
    let mut builder = Builder::new("tool");
    let stub = "<module> __main__ /opt/venv/bin/tool:1:8";
    let run = "run tool.core /opt/venv/lib/python3.12/site-packages/tool/core.py:5:9";
    let dumps = "dumps json /usr/lib/python3.12/json/__init__.py:180:231";
    builder.busy(&[stub, run, dumps], 100);
    let triage = triage_of(builder.finish(), &active());
    assert_eq!(triage.red[0].function.name, "tool.core.run");
    assert_eq!(triage.red[0].lines[0].callees[0].function.name, "json.dumps");
    let mut builder = Builder::new("python -m json.tool");
    builder.busy(&[dumps, "encode json.encoder /usr/lib/python3.12/json/encoder.py:180:200"], 100);
    let triage = triage_of(builder.finish(), &active());
    assert_eq!(triage.red[0].function.name, "json.encoder.encode", "nothing but the library: the innermost frame");
}

#[test]
fn a_comprehension_belongs_to_the_function_that_it_stands_in() {
    let mut builder = Builder::new("python main.py");
    let function = "names __main__ /app/main.py:3:4";
    builder.busy(&[MAIN, function, "names.<locals>.<genexpr> __main__ /app/main.py:4:4", "!re.escape"], 60);
    builder.busy(&[MAIN, function], 40);
    let triage = triage_of(builder.finish(), &active());
    assert_eq!(triage.red.len(), 1);
    assert!(near(triage.red[0].own.share, 1.0) && triage.red[0].function.name == "names");
}

#[test]
fn an_event_loop_owns_its_own_work_and_nothing_else() {
    let mut builder = Builder::new("python serve.py");
    let run = "run asyncio.runners /usr/lib/python3.12/asyncio/runners.py:160:194";
    let once = "BaseEventLoop._run_once asyncio.base_events /usr/lib/python3.12/asyncio/base_events.py:1900:1949";
    let select = "EpollSelector.select selectors /usr/lib/python3.12/selectors.py:430:451";
    builder.busy(&[MAIN, run, once, select], 40);
    builder.busy(&[MAIN, run, once, "handle app /app/main.py:20:22"], 60);
    let triage = triage_of(builder.finish(), &active());
    let names: Vec<&str> = triage.red.iter().map(|hot| hot.function.label.as_str()).collect();
    assert_eq!(names, ["handle", "asyncio.base_events.BaseEventLoop._run_once"]);
    assert_eq!(triage.red[1].lines[0].callees[0].function.name, "selectors.EpollSelector.select");
}

#[test]
fn recursion_is_called_from_outside_of_it() {
    let mut builder = Builder::new("python fib.py");
    let fib = "fib __main__ /app/main.py:1:3";
    for depth in 1..=50 {
        let mut frames = vec![MAIN];
        frames.extend(std::iter::repeat_n(fib, depth));
        builder.busy(&frames, 2);
    }
    let triage = triage_of(builder.finish(), &active());
    let [hot] = triage.red.as_slice() else { panic!("{:?}", triage.red) };
    assert!(near(hot.own.share, 1.0) && near(hot.total.share, 1.0));
    assert_eq!(hot.callers.len(), 1);
    assert_eq!(hot.callers[0].place.as_ref().map(|place| place.function.name.as_str()), Some("<module>"));
}

#[test]
fn a_callback_is_called_through_the_library() {
    let mut builder = Builder::new("python main.py");
    let sort = "insort bisect /usr/lib/python3.12/bisect.py:1:9";
    builder.busy(&["main __main__ /app/main.py:20:25", sort, "key __main__ /app/main.py:3:4"], 100);
    let triage = triage_of(builder.finish(), &active());
    let caller = &triage.red[0].callers[0];
    assert_eq!(caller.place.as_ref().map(|place| place.short()).as_deref(), Some("main.py:25"));
    assert_eq!(caller.via.as_ref().map(|via| via.name.as_str()), Some("bisect.insort"));
}

#[test]
fn a_part_of_the_time_can_be_asked_for() {
    let mut builder = Builder::new("python phases.py");
    builder.busy(&[MAIN, "load __main__ /app/main.py:3:4"], 1000);
    builder.busy(&[MAIN, "compute __main__ /app/main.py:8:9"], 3000);
    let late = Selection { since: Nanoseconds::from_millis(900), until: Nanoseconds::from_millis(1900), ..active() };
    let triage = triage_of(builder.finish(), &late);
    assert!(near(triage.base.amount, 1.0) && triage.base.since == Some(0.9) && triage.base.until == Some(1.9));
    assert!(near(triage.red[0].own.share, 0.9) && triage.red[0].function.name == "compute");
    assert!(triage.red[0].own.margin() < 0.05, "a phase is no noise: {:?}", triage.red[0].own);
}
