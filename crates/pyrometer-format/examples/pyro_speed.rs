//! Measures the capture file: bytes a sample, and runs written and read a second. `cargo run --release --example pyro_speed`.
#![allow(clippy::unwrap_used)]

#[path = "../tests/pyro_programs/mod.rs"]
mod pyro_programs;

use std::time::Instant;

use pyro_programs::Program;
use pyrometer_format::pyro::{Capture, Writer, WriterOptions};
use pyrometer_model::{Nanoseconds, SampleSource};

fn measure(threads: usize, repeats: f64, resolution: u64, block: usize, level: i32) {
    let mut program = Program::new(11, threads, repeats, 1);
    let blocks: Vec<_> = (0..1_000_000 / block).map(|_| program.runs(block)).collect();
    let options = WriterOptions { level, resolution: Nanoseconds(resolution) };
    let begun = Instant::now();
    let mut writer = Writer::with_options(Vec::new(), &program.dictionary, options).unwrap();
    let dictionary = writer.bytes_written();
    for runs in &blocks {
        writer.write_block(&program.dictionary, runs).unwrap();
    }
    writer.finish(&program.dictionary).unwrap();
    let written = begun.elapsed();
    let bytes = writer.into_inner();
    let (runs, samples) = blocks.iter().flatten().fold((0_u64, 0), |(n, sum), run| (n + 1, sum + u64::from(run.count)));

    let begun = Instant::now();
    let mut capture = Capture::open(&bytes).unwrap();
    let opened = begun.elapsed();
    let begun = Instant::now();
    let mut sum = 0;
    capture.for_each_block(&mut |runs| sum += runs.iter().map(|run| u64::from(run.count)).sum::<u64>()).unwrap();
    let read = begun.elapsed();
    let begun = Instant::now();
    Capture::open(&bytes[..bytes.len() - 1]).unwrap();
    let recovered = begun.elapsed();
    assert_eq!(sum, samples);
    let million = |time: std::time::Duration| runs as f64 / time.as_secs_f64() / 1e6;
    println!(
        "{threads:3} threads, {:4.1} samples a run, unit {resolution:4} ns, level {level:2}, blocks of {block}: {:5.2} bytes a sample ({:5.2} a run, \
         and {} of dictionary: {} stacks); write {:5.2}, read {:5.2} M runs/s; open {:.2} ms, recover {:.2} ms",
        samples as f64 / runs as f64,
        (bytes.len() as u64 - dictionary) as f64 / samples as f64,
        (bytes.len() as u64 - dictionary) as f64 / runs as f64,
        dictionary,
        program.dictionary.stacks.len(),
        million(written),
        million(read),
        opened.as_secs_f64() * 1e3,
        recovered.as_secs_f64() * 1e3,
    );
    if let Some(path) = std::env::args().nth(1) {
        std::fs::write(format!("{path}/{threads}-{repeats}-{resolution}.pyro"), bytes).unwrap();
    }
}

fn main() {
    for (threads, repeats) in [(1, 1.0), (1, 2.0), (1, 4.0), (4, 2.0), (100, 2.0)] {
        for resolution in [1, 1000] {
            measure(threads, repeats, resolution, 4000, 3);
        }
    }
    for level in [1, 6, 9] {
        measure(1, 2.0, 1000, 4000, level);
    }
    for block in [500, 1000, 8000] {
        measure(1, 2.0, 1000, block, 3);
    }
}
