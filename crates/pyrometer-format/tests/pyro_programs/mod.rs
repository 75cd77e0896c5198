//! Captures for the tests of the capture file: made-up programs, and a comparison of dictionaries.
#![allow(dead_code)]

use pyrometer_format::pyro::Writer;
use pyrometer_model::{
    Audit, CaptureInfo, Code, Dictionary, Flags, Location, Nanoseconds, Position, Process, ProcessId, PythonVersion,
    SampleRun, SampleSource, StackId, Thread, ThreadId,
};

/// Numbers that look random and are the same in every run (the xorshift64* generator).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Uniform in [0, 1).
    pub fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A program with 30 functions, sampled at 1 kHz by a jittered clock: each thread stays in a stack for some samples (the
/// mean is `repeats`), then its leaf moves to another line, or it returns, calls, or waits.
pub struct Program {
    pub dictionary: Dictionary,
    random: Random,
    functions: Vec<Vec<pyrometer_model::LocationId>>,
    threads: Vec<State>,
    now: u64,
    repeats: f64,
    /// To what the recorder rounds its clock, in nanoseconds.
    clock: u64,
}

struct State {
    frames: Vec<(usize, usize)>,
    open: SampleRun,
}

impl Program {
    pub fn new(seed: u64, threads: usize, repeats: f64, clock: u64) -> Self {
        let mut dictionary = Dictionary::default();
        dictionary.info = CaptureInfo {
            pyrometer: "0.1.0".into(),
            command: ["pyrometer", "run", "script.py"].map(str::to_owned).to_vec(),
            started: 1_700_000_000_000_000_000,
            machine: "Linux 6.1 x86_64, 2 processors".into(),
            directory: "/srv/tickets".into(),
            ..CaptureInfo::default()
        };
        let mut random = Random(seed);
        let functions = (0..30).map(|number| function(&mut dictionary, &mut random, number)).collect();
        let command = dictionary.strings.intern("python script.py");
        let python = Some(PythonVersion { major: 3, minor: 14, micro: 2 });
        let process = dictionary.add_process(Process { pid: 4242, command, python, ..Process::default() });
        let threads = (0..threads)
            .map(|number| {
                let name = dictionary.strings.intern(&format!("Thread-{number}"));
                let thread = dictionary.add_thread(Thread { process, name, is_main: number == 0, ..Thread::default() });
                State { frames: vec![(0, 0)], open: SampleRun { thread, ..SampleRun::default() } }
            })
            .collect();
        Self { dictionary, random, functions, threads, now: 0, repeats, clock }
    }

    /// Samples until `count` runs have ended, and gives them in the order in which they ended.
    pub fn runs(&mut self, count: usize) -> Vec<SampleRun> {
        let mut runs = Vec::with_capacity(count + self.threads.len());
        while runs.len() < count {
            let gap = 500_000 + self.random.below(1_000_000);
            let next = (self.now + gap) / self.clock * self.clock;
            for number in 0..self.threads.len() {
                if let Some(ended) = self.sample(number, next) {
                    runs.push(ended);
                }
            }
            self.now = next;
        }
        self.dictionary.audit.ticks += 1;
        runs
    }

    fn sample(&mut self, number: usize, next: u64) -> Option<SampleRun> {
        let Self { random, threads, functions, dictionary, .. } = self;
        let state = &mut threads[number];
        if random.fraction() < 1.0 / self.repeats {
            step(random, &mut state.frames, functions);
        }
        let frames = state.frames.iter().map(|&(function, line)| functions[function][line]);
        let stack = dictionary.stacks.intern_frames(frames);
        let flags = match state.frames.last() {
            Some((function, _)) if function % 10 == 9 => Flags::IDLE,
            _ => Flags::ON_CPU | Flags::GIL_HELD,
        };
        let wall = next - self.now;
        // The kernel's account and the sampler's clock are read a little apart.
        let noise = random.below(2_000).min(wall) / self.clock * self.clock;
        let cpu = if flags == Flags::IDLE { 0 } else { wall - noise };
        let (wall, cpu, start) = (Nanoseconds(wall), Nanoseconds(cpu), Nanoseconds(self.now));
        let sample = SampleRun { thread: state.open.thread, stack, flags, start, count: 1, wall, cpu };
        if state.open.merge(&sample) {
            return None;
        }
        let ended = std::mem::replace(&mut state.open, sample);
        (ended.count > 0).then_some(ended)
    }
}

fn function(dictionary: &mut Dictionary, random: &mut Random, number: u64) -> Vec<pyrometer_model::LocationId> {
    let name = dictionary.strings.intern(&format!("handle_{number}"));
    let module = dictionary.strings.intern(&format!("tickets.part{}", number / 5));
    let file = dictionary.strings.intern(&format!("/srv/tickets/part{}.py", number / 5));
    let first_line = 10 + 40 * u32::try_from(number % 5).unwrap();
    let code = Code { name, qualified_name: name, module, file, first_line, ..Code::default() };
    let code = dictionary.intern_code(code);
    (0..12)
        .map(|line| {
            let column = u32::try_from(4 * (1 + random.below(3))).unwrap();
            let position =
                Position { line: first_line + line, end_line: first_line + line, column, end_column: column + 20 };
            dictionary.add_source_line(file, first_line + line, &format!("    value = work({number}, {line})"));
            dictionary.intern_location(Location { code, offset: 10 * line.cast_signed(), position })
        })
        .collect()
}

/// Moves the leaf: mostly to another line of its function, and some lines are far hotter than others.
fn step(random: &mut Random, frames: &mut Vec<(usize, usize)>, functions: &[Vec<pyrometer_model::LocationId>]) {
    let hot = |random: &mut Random, limit: usize| {
        (random.fraction() * random.fraction() * random.fraction() * limit as f64) as usize
    };
    match random.below(10) {
        0..=3 if frames.len() < 14 => {
            let caller = frames.last().map_or(0, |frame| frame.0);
            let callee = (caller * 7 + 1 + hot(random, 4)) % functions.len();
            frames.push((callee, hot(random, 12)));
        }
        4..=6 if frames.len() > 1 => _ = frames.pop(),
        _ => {
            if let Some(frame) = frames.last_mut() {
                frame.1 = hot(random, 12);
            }
        }
    }
}

/// A small capture that has something of everything, in several blocks: the bytes and the runs of each block.
pub fn small(seed: u64) -> (Dictionary, Vec<u8>, Vec<Vec<SampleRun>>) {
    let mut program = Program::new(seed, 3, 2.0, 1);
    let mut writer = Writer::new(Vec::new(), &Dictionary::default()).unwrap();
    let mut blocks = Vec::new();
    for block in 0..4_u64 {
        let runs = program.runs(40);
        program.dictionary.audit = Audit { tried: 100 * (block + 1), whole: 99 * (block + 1), ..Audit::default() };
        if block == 1 {
            let child = Process { pid: 7, parent: Some(ProcessId(0)), ..Process::default() };
            let process = program.dictionary.add_process(child);
            program.dictionary.add_thread(Thread { process, ..Thread::default() });
        }
        if let Some(thread) = program.dictionary.thread_mut(ThreadId(0)) {
            thread.end = Nanoseconds(1_000_000 * block);
        }
        writer.write_block(&program.dictionary, &runs).unwrap();
        blocks.push(runs);
    }
    writer.finish(&program.dictionary).unwrap();
    (program.dictionary, writer.into_inner(), blocks)
}

/// All runs of `source`.
pub fn all_runs(source: &mut dyn SampleSource) -> Vec<SampleRun> {
    let mut all = Vec::new();
    source.for_each_block(&mut |runs| all.extend_from_slice(runs)).unwrap();
    all
}

/// Panics where the dictionaries differ; `audit.bytes_cut` does not count.
pub fn assert_same(left: &Dictionary, right: &Dictionary) {
    assert_eq!(left.info, right.info);
    assert_eq!(Audit { bytes_cut: 0, ..left.audit }, Audit { bytes_cut: 0, ..right.audit });
    assert_eq!(left.codes(), right.codes());
    assert_eq!(left.locations(), right.locations());
    assert_eq!(left.threads(), right.threads());
    assert_eq!(left.processes(), right.processes());
    assert_eq!(left.source_lines(), right.source_lines());
    assert_eq!(left.strings.len(), right.strings.len());
    for id in (0..left.strings.len()).map(pyrometer_model::StringId::from_index) {
        assert_eq!(left.string(id), right.string(id));
    }
    assert_eq!(left.stacks.len(), right.stacks.len());
    for id in (0..left.stacks.len()).map(StackId::from_index) {
        assert_eq!(left.stacks.get(id), right.stacks.get(id));
    }
}
