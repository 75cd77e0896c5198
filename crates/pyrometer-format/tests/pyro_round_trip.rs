//! What is written to a capture file is what is read from it.
#![allow(clippy::unwrap_used)]

mod pyro_programs;

use proptest::prelude::*;
use pyro_programs::{all_runs, assert_same, small};
use pyrometer_format::ErrorKind;
use pyrometer_format::pyro::{Capture, Writer, WriterOptions};
use pyrometer_model::{
    Audit, CaptureInfo, Code, CodeId, CodeKind, Dictionary, ExitStatus, Flags, Location, LocationId, Nanoseconds,
    Position, Process, ProcessId, PythonVersion, RecordingMode, SampleRun, SampleSource, SourceLine, StackId, StringId,
    Thread, ThreadId,
};

/// What one step of a recording adds; ids are taken modulo what is there.
#[derive(Clone, Debug)]
struct Step {
    strings: Vec<String>,
    codes: Vec<(u8, [u32; 4], u32)>,
    locations: Vec<(u32, i32, [u32; 4])>,
    stacks: Vec<(u32, u32)>,
    lines: Vec<(u32, u32, String)>,
    processes: Vec<(u32, u32, u64, Option<u64>, i32)>,
    threads: Vec<(u32, u64, u32, u64, bool)>,
    ends: Vec<(u32, u64, u32)>,
    runs: Vec<(u32, u32, u8, u64, u64, u32, u64)>,
    audit: u64,
}

fn number() -> impl Strategy<Value = u32> {
    prop_oneof![0..20_u32, any::<u32>()]
}

fn time() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0_u64), 0..2_000_000_u64, (0..2_000_u64).prop_map(|n| n * 1_000_000), any::<u64>()]
}

fn step() -> impl Strategy<Value = Step> {
    let tables = (
        prop::collection::vec(any::<String>(), 0..6),
        prop::collection::vec((0..3_u8, any::<[u32; 4]>(), number()), 0..6),
        prop::collection::vec((number(), any::<i32>(), [number(), number(), number(), number()]), 0..6),
        prop::collection::vec((number(), number()), 0..10),
        prop::collection::vec((number(), number(), any::<String>()), 0..3),
    );
    let rest = (
        prop::collection::vec((any::<u32>(), number(), time(), any::<Option<u64>>(), any::<i32>()), 0..3),
        prop::collection::vec((number(), any::<u64>(), number(), time(), any::<bool>()), 0..4),
        prop::collection::vec((number(), time(), number()), 0..3),
        prop::collection::vec((number(), number(), any::<u8>(), time(), time(), number(), time()), 0..40),
        any::<u64>(),
    );
    (tables, rest).prop_map(|((strings, codes, locations, stacks, lines), (processes, threads, ends, runs, audit))| {
        Step { strings, codes, locations, stacks, lines, processes, threads, ends, runs, audit }
    })
}

fn modulo(id: u32, length: usize) -> u32 {
    id % u32::try_from(length).unwrap()
}

fn apply(dictionary: &mut Dictionary, step: &Step) -> Vec<SampleRun> {
    for text in &step.strings {
        dictionary.strings.intern(text);
    }
    let strings = dictionary.strings.len();
    for &(kind, ids, first_line) in &step.codes {
        let kind = [CodeKind::Python, CodeKind::Native, CodeKind::Marker][usize::from(kind)];
        let [name, qualified_name, module, file] = ids.map(|id| StringId(modulo(id, strings)));
        dictionary.intern_code(Code { kind, name, qualified_name, module, file, first_line });
    }
    if !dictionary.codes().is_empty() {
        for &(code, offset, [line, end_line, column, end_column]) in &step.locations {
            let code = CodeId(modulo(code, dictionary.codes().len()));
            let position = Position { line, end_line, column, end_column };
            dictionary.intern_location(Location { code, offset, position });
        }
    }
    if !dictionary.locations().is_empty() {
        for &(parent, location) in &step.stacks {
            let parent = StackId(modulo(parent, dictionary.stacks.len()));
            let location = LocationId(modulo(location, dictionary.locations().len()));
            dictionary.intern_stack(parent, location);
        }
    }
    for (file, line, text) in &step.lines {
        dictionary.add_source_line(StringId(modulo(*file, strings)), *line, text);
    }
    for &(pid, parent, start, end, status) in &step.processes {
        let count = dictionary.processes().len();
        let parent = (count > 0 && parent % 3 > 0).then(|| ProcessId(modulo(parent, count)));
        let exit = [ExitStatus::Unknown, ExitStatus::Code(status), ExitStatus::Signal(status)][(pid % 3) as usize];
        let [_, major, minor, micro] = pid.to_be_bytes();
        let python = (pid % 2 == 0).then_some(PythonVersion { major, minor, micro });
        let command = StringId(modulo(pid, strings));
        let (start, end) = (Nanoseconds(start), end.map(Nanoseconds));
        dictionary.add_process(Process { pid, parent, command, python, start, end, exit });
    }
    if !dictionary.processes().is_empty() {
        for &(process, native_id, name, start, is_main) in &step.threads {
            let process = ProcessId(modulo(process, dictionary.processes().len()));
            let name = StringId(modulo(name, strings));
            let (python_id, interpreter) = (native_id.rotate_left(7), process.0);
            let (start, end) = (Nanoseconds(start), Nanoseconds(start));
            dictionary.add_thread(Thread { process, native_id, python_id, name, interpreter, is_main, start, end });
        }
    }
    change(dictionary, step);
    runs(dictionary, step)
}

fn change(dictionary: &mut Dictionary, step: &Step) {
    let strings = dictionary.strings.len();
    for &(id, end, name) in &step.ends {
        if let Some(thread) = dictionary.thread_mut(ThreadId(id)) {
            thread.end = Nanoseconds(end);
            if name % 2 == 0 {
                thread.name = StringId(modulo(name, strings));
            }
        }
        if let Some(process) = dictionary.process_mut(ProcessId(id)) {
            process.end = Some(Nanoseconds(end));
        }
    }
    let audit = step.audit;
    dictionary.audit =
        Audit { tried: audit, whole: audit / 2, interval_mean: Nanoseconds(audit % 7), ..Audit::default() };
    dictionary.info.command.push(format!("{audit}"));
    dictionary.info.mode = if audit.is_multiple_of(2) { RecordingMode::Sampled } else { RecordingMode::SampledPaused };
}

fn runs(dictionary: &Dictionary, step: &Step) -> Vec<SampleRun> {
    if dictionary.threads().is_empty() {
        return Vec::new();
    }
    let mut now = 0;
    let runs = step.runs.iter().map(|&(thread, stack, flags, start, wall, count, cpu)| {
        // Every other run follows the one before.
        let start = if count % 2 == 0 { now } else { start };
        let wall = wall.min(u64::MAX - start);
        now = start + wall;
        SampleRun {
            thread: ThreadId(modulo(thread, dictionary.threads().len())),
            stack: StackId(modulo(stack, dictionary.stacks.len())),
            flags: Flags(flags),
            start: Nanoseconds(start),
            count: count.max(1),
            wall: Nanoseconds(wall),
            cpu: Nanoseconds(if cpu % 2 == 0 { wall } else { cpu }),
        }
    });
    runs.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn any_recording_comes_back(steps in prop::collection::vec(step(), 0..5)) {
        let mut dictionary = Dictionary::default();
        let mut writer = Writer::new(Vec::new(), &dictionary).unwrap();
        let mut written = Vec::new();
        for step in &steps {
            let runs = apply(&mut dictionary, step);
            writer.write_block(&dictionary, &runs).unwrap();
            written.extend(runs);
        }
        writer.finish(&dictionary).unwrap();
        let bytes = writer.into_inner();

        let mut capture = Capture::open(&bytes).unwrap();
        prop_assert!(capture.recovered().is_none());
        assert_same(capture.dictionary(), &dictionary);
        prop_assert_eq!(all_runs(&mut capture), written.clone());
        prop_assert_eq!(capture.samples().run_count(), written.len() as u64);
        let samples = written.iter().map(|run| u64::from(run.count)).sum::<u64>();
        prop_assert_eq!(capture.samples().sample_count(), samples);

        let mut salvaged = Capture::salvage(&bytes, Default::default()).unwrap();
        prop_assert!(salvaged.recovered().is_none());
        assert_same(salvaged.dictionary(), &dictionary);
        prop_assert_eq!(all_runs(&mut salvaged), written);
    }
}

#[test]
fn an_empty_capture_opens() {
    let mut dictionary = Dictionary::default();
    dictionary.info = CaptureInfo { machine: "none".into(), ..CaptureInfo::default() };
    let mut writer = Writer::new(Vec::new(), &dictionary).unwrap();
    writer.finish(&dictionary).unwrap();
    let mut capture = Capture::open(writer.into_inner()).unwrap();
    assert_eq!(all_runs(&mut capture), []);
    assert_eq!(capture.samples().time_range(), None);
    assert_eq!(capture.dictionary().info.machine, "none");
    assert!(capture.recovered().is_none());
}

#[test]
fn only_the_blocks_of_the_wanted_time_are_read() {
    let (_, bytes, blocks) = small(5);
    let mut capture = Capture::open(&bytes).unwrap();
    let since = blocks[2].iter().map(|run| run.start).min().unwrap();
    let last = blocks[3].iter().map(|run| run.start).min().unwrap();
    let mut seen = Vec::new();
    capture.for_each_block_between(since, last, &mut |runs| seen.push(runs.to_vec())).unwrap();
    // Blocks overlap a little, since the threads' runs end at different times.
    assert!(seen.contains(&blocks[2]) && !seen.contains(&blocks[3]) && !seen.contains(&blocks[0]));
    let (first, end) = capture.samples().time_range().unwrap();
    assert_eq!(first, Nanoseconds::ZERO);
    assert_eq!(Some(end), blocks.concat().iter().map(SampleRun::end).max());
}

#[test]
fn more_runs_than_a_block_holds_make_several() {
    let mut program = pyro_programs::Program::new(3, 2, 3.0, 1000);
    let runs = program.runs(20_000);
    let mut writer = Writer::new(Vec::new(), &program.dictionary).unwrap();
    writer.write_block(&program.dictionary, &runs).unwrap();
    writer.finish(&program.dictionary).unwrap();
    let mut capture = Capture::open(writer.into_inner()).unwrap();
    let mut blocks = 0;
    capture.for_each_block(&mut |_| blocks += 1).unwrap();
    assert_eq!(blocks, 3);
    assert_eq!(all_runs(&mut capture), runs);
}

#[test]
fn rounding_keeps_sums_and_neighbours() {
    let mut program = pyro_programs::Program::new(8, 3, 2.0, 1);
    let runs = program.runs(5000);
    let options = WriterOptions { resolution: Nanoseconds(1000), ..WriterOptions::default() };
    let mut writer = Writer::with_options(Vec::new(), &program.dictionary, options).unwrap();
    for runs in runs.chunks(700) {
        writer.write_block(&program.dictionary, runs).unwrap();
    }
    writer.finish(&program.dictionary).unwrap();
    let rounded = all_runs(&mut Capture::open(writer.into_inner()).unwrap());
    for thread in (0..3).map(ThreadId) {
        let of = |runs: &[SampleRun]| runs.iter().filter(|run| run.thread == thread).copied().collect::<Vec<_>>();
        let (before, after) = (of(&runs), of(&rounded));
        let sum = |runs: &[SampleRun], part: fn(&SampleRun) -> u64| runs.iter().map(part).sum::<u64>();
        assert!(sum(&before, |run| run.wall.0).abs_diff(sum(&after, |run| run.wall.0)) <= 1000);
        assert!(sum(&before, |run| run.cpu.0).abs_diff(sum(&after, |run| run.cpu.0)) < 1000);
        assert_eq!(sum(&before, |run| run.count.into()), sum(&after, |run| run.count.into()));
        assert!(after.windows(2).all(|pair| pair[0].end() == pair[1].start));
        assert!(before.iter().zip(&after).all(|(a, b)| a.stack == b.stack && a.start.0.abs_diff(b.start.0) <= 500));
    }
}

#[test]
fn contradictions_are_refused_before_anything_is_written() {
    let (dictionary, ..) = small(1);
    let good = SampleRun { count: 1, ..SampleRun::default() };
    let mut writer = Writer::new(Vec::new(), &dictionary).unwrap();
    let length = writer.bytes_written();
    for (bad, what) in [
        (SampleRun { thread: ThreadId(4), ..good }, "thread"),
        (SampleRun { stack: StackId(1 << 30), ..good }, "stack"),
        (SampleRun { count: 0, ..good }, "no samples"),
        (SampleRun { start: Nanoseconds(2), wall: Nanoseconds(u64::MAX), ..good }, "end after all time"),
    ] {
        let error = writer.write_block(&dictionary, &[good, bad]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert!(error.to_string().contains(what), "{error}");
    }
    let mut broken = dictionary.clone();
    broken.intern_code(Code { file: StringId(999_999), ..Code::default() });
    assert_eq!(writer.write_block(&broken, &[]).unwrap_err().kind, ErrorKind::Invalid);
    let mut broken = dictionary.clone();
    broken.add_thread(Thread { process: ProcessId(77), ..Thread::default() });
    assert_eq!(writer.write_block(&broken, &[]).unwrap_err().kind, ErrorKind::Invalid);
    assert_eq!(writer.bytes_written(), length);
    writer.write_block(&dictionary, &[good]).unwrap();
    writer.finish(&dictionary).unwrap();
    assert_eq!(writer.write_block(&dictionary, &[good]).unwrap_err().kind, ErrorKind::Invalid);
    let mut capture = Capture::open(writer.into_inner()).unwrap();
    assert_eq!(all_runs(&mut capture), [good]);
    let SourceLine { file, line, .. } = dictionary.source_lines()[0];
    assert_eq!(capture.dictionary().source_line(file, line), dictionary.source_line(file, line));
}
