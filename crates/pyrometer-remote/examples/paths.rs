//! `paths PID SNAPSHOTS`: counts the distinct stacks by names, most frequent first.

use std::collections::HashMap;

use pyrometer_remote::cpython::{Interpreter, Snapshot, Validity};
use pyrometer_remote::memory::LiveMemory;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let pid: u32 = arguments.next().ok_or("usage: paths PID SNAPSHOTS")?.parse()?;
    let count: u64 = arguments.next().ok_or("usage: paths PID SNAPSHOTS")?.parse()?;
    let memory = LiveMemory::new(pid);
    let mut interpreter = Interpreter::attach(&memory, &pyrometer_remote::elf::modules_of(pid)?)?;
    let mut snapshot = Snapshot::default();
    let mut paths: HashMap<String, u64> = HashMap::new();
    for _ in 0..count {
        interpreter.snapshot(&memory, &mut snapshot)?;
        for thread in &snapshot.threads {
            let names = snapshot.frames_of(thread).iter().filter_map(|frame| interpreter.code(frame.code));
            let mut path = names.map(|code| code.name.as_str()).collect::<Vec<_>>().join(";");
            if let Some(name) = thread.native.and_then(|key| interpreter.native(key)) {
                path.push_str(&format!(";<{name}>"));
            }
            match thread.validity {
                Validity::Whole => {}
                validity => path.push_str(&format!(" [{validity:?}]")),
            }
            *paths.entry(path).or_default() += 1;
        }
    }
    let mut sorted: Vec<_> = paths.into_iter().collect();
    sorted.sort_by_key(|path| std::cmp::Reverse(path.1));
    println!("{} {:?}", interpreter.version(), snapshot.counters);
    for (path, count) in sorted {
        println!("{count:8} {path}");
    }
    Ok(())
}
