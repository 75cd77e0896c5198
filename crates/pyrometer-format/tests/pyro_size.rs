//! How small a capture is, and how little memory it takes to read.
#![allow(clippy::unwrap_used)]

mod pyro_programs;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use pyro_programs::Program;
use pyrometer_format::pyro::{Capture, ReadAt, Writer, WriterOptions};
use pyrometer_model::{Nanoseconds, SampleSource};

/// Counts the bytes that are allocated. A measuring allocator is the only way to see the peak; it adds nothing.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is handed on to the system's allocator with the arguments as they came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: the caller promises what the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes a sample of a program's capture, and how many samples a run has.
fn bytes_a_sample(threads: usize, repeats: f64, resolution: u64) -> (f64, f64) {
    let mut program = Program::new(11, threads, repeats, 1);
    let options = WriterOptions { resolution: Nanoseconds(resolution), ..WriterOptions::default() };
    let mut writer = Writer::with_options(Vec::new(), &program.dictionary, options).unwrap();
    let (mut samples, mut count) = (0_u64, 0_u64);
    for _ in 0..30 {
        let runs = program.runs(4000);
        samples += runs.iter().map(|run| u64::from(run.count)).sum::<u64>();
        count += runs.len() as u64;
        writer.write_block(&program.dictionary, &runs).unwrap();
    }
    writer.finish(&program.dictionary).unwrap();
    (writer.bytes_written() as f64 / samples as f64, samples as f64 / count as f64)
}

#[test]
fn a_sample_of_a_typical_program_costs_at_most_three_bytes() {
    let _alone = ALONE.lock().unwrap();
    // The last number is the limit. Programs whose samples hardly ever repeat are not typical, and need four bytes.
    for (threads, repeats, resolution, limit) in [
        (1, 3.0, 1, 3.0),
        (1, 2.0, 1000, 3.0),
        (4, 3.0, 1, 3.0),
        (4, 2.0, 1000, 3.0),
        (100, 2.0, 1, 3.0),
        (1, 1.0, 1000, 4.0),
    ] {
        let (bytes, samples) = bytes_a_sample(threads, repeats, resolution);
        println!("{threads} threads, {samples:.2} samples a run, unit of {resolution} ns: {bytes:.2} bytes a sample");
        assert!(bytes <= limit, "{threads} threads, repeats {repeats}, unit {resolution}: {bytes:.2} bytes a sample");
    }
}

static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// A file that is larger than it is: one block of runs again and again, made when it is read.
struct Endless {
    head: Vec<u8>,
    block: Vec<u8>,
    times: u64,
}

impl ReadAt for Endless {
    fn size(&self) -> u64 {
        self.head.len() as u64 + self.block.len() as u64 * self.times
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<()> {
        for (byte, at) in buffer.iter_mut().zip(offset..) {
            let at = usize::try_from(at).unwrap();
            *byte = match at.checked_sub(self.head.len()) {
                Some(at) => self.block[at % self.block.len()],
                None => self.head[at],
            };
        }
        Ok(())
    }
}

#[test]
fn a_large_capture_is_read_in_bounded_memory() {
    let _alone = ALONE.lock().unwrap();
    let mut program = Program::new(12, 2, 2.0, 1000);
    let runs = program.runs(8000);
    let runs = &runs[..8000];
    let mut writer = Writer::new(Vec::new(), &program.dictionary).unwrap();
    let head = usize::try_from(writer.bytes_written()).unwrap();
    writer.write_block(&program.dictionary, runs).unwrap();
    let mut bytes = writer.into_inner();
    let block = bytes.split_off(head);
    let source = Endless { head: bytes, block, times: 625 };

    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let mut capture = Capture::open(source).unwrap();
    let (mut count, mut samples) = (0_u64, 0_u64);
    capture
        .for_each_block(&mut |runs| {
            count += runs.len() as u64;
            samples += runs.iter().map(|run| u64::from(run.count)).sum::<u64>();
        })
        .unwrap();
    let peak = PEAK.load(Ordering::Relaxed) - before;
    assert_eq!(count, 5_000_000);
    assert_eq!(samples, capture.samples().sample_count());
    assert!(peak < 4 << 20, "{peak} bytes for {count} runs");
}

#[test]
fn the_writer_is_small_and_stays_so() {
    let _alone = ALONE.lock().unwrap();
    let mut program = Program::new(13, 2, 2.0, 1000);
    let runs = program.runs(4000);
    let before = NOW.load(Ordering::Relaxed);
    let mut writer = Writer::new(std::io::sink(), &program.dictionary).unwrap();
    writer.write_block(&program.dictionary, &runs).unwrap();
    let once = NOW.load(Ordering::Relaxed) - before;
    for _ in 0..600 {
        writer.write_block(&program.dictionary, &runs).unwrap();
    }
    let often = NOW.load(Ordering::Relaxed) - before;
    // zstd's own memory is not counted here; the index takes 80 bytes a block.
    assert!(once < 2 << 20 && often - once < 100_000, "{once} bytes after one block, {often} after 601");
}
