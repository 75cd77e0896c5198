//! `walk PID [SECONDS]`: snapshots as fast as possible; prints the rate, how many stacks were proven, and the last ones.

use std::time::{Duration, Instant};

use pyrometer_remote::cpython::{Interpreter, Snapshot, Validity};
use pyrometer_remote::memory::LiveMemory;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let pid: u32 = arguments.next().ok_or("usage: walk PID [SECONDS]")?.parse()?;
    let seconds: f64 = arguments.next().map_or(Ok(1.0), |text| text.parse())?;
    let memory = LiveMemory::new(pid);
    let start = Instant::now();
    let modules = pyrometer_remote::elf::modules_of(pid)?;
    let mut interpreter = Interpreter::attach(&memory, &modules)?;
    println!("attached to {} in {:?}", interpreter.version(), start.elapsed());
    let mut snapshot = Snapshot::default();
    let (start, limit) = (Instant::now(), Duration::from_secs_f64(seconds));
    while start.elapsed() < limit {
        interpreter.snapshot(&memory, &mut snapshot)?;
    }
    let rate = snapshot.counters.snapshots as f64 / start.elapsed().as_secs_f64();
    println!("{rate:.0} snapshots/s; {:?}", snapshot.counters);
    for thread in &snapshot.threads {
        println!(
            "{:?} {:?}",
            interpreter.thread_name(&memory, thread),
            (thread.native_id, thread.validity, thread.holds_gil, thread.in_gc, thread.frames.len())
        );
        if let Some(name) = thread.native.and_then(|key| interpreter.native(key)) {
            println!("    <{name}>");
        }
        for (depth, frame) in snapshot.frames_of(thread).iter().enumerate().rev().take(30) {
            let Some(code) = interpreter.code(frame.code) else { continue };
            println!("    {} {} {:?}", code.qualified_name, code.file, interpreter.resolve(*frame));
            for (name, value) in interpreter.locals(&memory, thread, depth)? {
                println!("        {name} = {value}");
            }
        }
        if thread.validity != Validity::Whole {
            println!("    not whole");
        }
    }
    Ok(())
}
