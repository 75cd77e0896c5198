//! How fast exports are written, how large they get and how much memory they take:
//! `cargo run --release -p pyrometer-format --example export_speed FORMAT RUNS THREADS` makes up runs of samples as they
//! are read, so that nothing but the exporter takes memory, and writes the export nowhere.

use std::error::Error;
use std::io::{self, Write};
use std::time::Instant;

use pyrometer_format::export::{Format, Options, export};
use pyrometer_model::{
    Code, Dictionary, Flags, Location, Nanoseconds, Position, Process, SampleRun, SampleSource, SourceError, StackId,
    Thread, ThreadId,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: export_speed FORMAT RUNS THREADS");
    let (format, runs, threads) = (next()?, next()?.parse()?, next()?.parse()?);
    let format = Format::from_name(&format).ok_or("there is no such format")?;
    let (dictionary, stacks) = program(threads);
    let before = peak_memory();
    let mut source = MadeUp { stacks, runs, threads };
    let mut out = Count(0);
    let start = Instant::now();
    export(format, &dictionary, &mut source, &Options::default(), &mut out)?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{}: {seconds:.2} s, {} MB, {} MB of memory beside the dictionary's {} MB",
        format.name(),
        out.0 / 1_000_000,
        peak_memory().saturating_sub(before),
        before
    );
    Ok(())
}

/// A tree of 20 000 stacks, 10 to 30 frames deep, of 3 000 functions.
fn program(threads: u32) -> (Dictionary, Vec<StackId>) {
    let mut dictionary = Dictionary::default();
    dictionary.add_process(Process { pid: 1, ..Process::default() });
    for native_id in 1..=u64::from(threads) {
        dictionary.add_thread(Thread { native_id, ..Thread::default() });
    }
    let mut locations = Vec::new();
    for function in 0..3_000_u32 {
        let name = dictionary.strings.intern(&format!("package.module_{}.function_{function}", function % 97));
        let file = dictionary.strings.intern(&format!("/srv/app/package/module_{}.py", function % 97));
        let code = Code { name, qualified_name: name, file, first_line: function, ..Code::default() };
        let code = dictionary.intern_code(code);
        let position = Position::line(function + 3);
        locations.push(dictionary.intern_location(Location { code, offset: 0, position }));
    }
    let mut random = 1_u64;
    let mut stacks = Vec::new();
    for _ in 0..20_000 {
        let depth = 10 + draw(&mut random) % 20;
        // The frames near the root are few, as in real programs.
        let frames = (0..depth).map(|row| locations[(draw(&mut random) % (row * row + 1)) as usize + row as usize]);
        stacks.push(dictionary.stacks.intern_frames(frames.collect::<Vec<_>>()));
    }
    (dictionary, stacks)
}

/// A linear congruential generator, with the constants of MMIX.
fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

struct MadeUp {
    stacks: Vec<StackId>,
    runs: u64,
    threads: u32,
}

impl SampleSource for MadeUp {
    fn for_each_block(&mut self, visit: &mut dyn FnMut(&[SampleRun])) -> Result<(), SourceError> {
        let mut random = 7;
        let mut block = Vec::with_capacity(4_096);
        for number in 0..self.runs {
            let thread = u32::try_from(number % u64::from(self.threads))?;
            // Each stays near the stack before, as programs do.
            let near = number / 1_000 + draw(&mut random) % 50;
            let stack = self.stacks[usize::try_from(near % self.stacks.len() as u64)?];
            let wall = Nanoseconds(1_000_000);
            let start = Nanoseconds(number / u64::from(self.threads) * 1_000_000);
            let flags = Flags::ON_CPU | Flags::GIL_HELD;
            block.push(SampleRun { thread: ThreadId(thread), stack, flags, start, count: 1, wall, cpu: wall });
            if block.len() == block.capacity() {
                visit(&block);
                block.clear();
            }
        }
        visit(&block);
        Ok(())
    }
}

struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// In megabytes; 0 where the system does not say.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) / 1_000
}
