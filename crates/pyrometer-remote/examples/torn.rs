//! `torn PID SNAPSHOTS`: counts stacks shown whole in which some `f_i` called a `g_j` or a `g_i` an `h_j`, `i` other than
//! `j`, or in which the line of `main` is not that of its `f_i`. The target is tests/programs/torn.py's kind.

use std::collections::HashMap;

use pyrometer_remote::cpython::{Interpreter, Snapshot, Validity};
use pyrometer_remote::memory::LiveMemory;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let pid: u32 = arguments.next().ok_or("usage: torn PID SNAPSHOTS")?.parse()?;
    let count: u64 = arguments.next().ok_or("usage: torn PID SNAPSHOTS")?.parse()?;
    let memory = LiveMemory::new(pid);
    let mut interpreter = Interpreter::attach(&memory, &pyrometer_remote::elf::modules_of(pid)?)?;
    let mut snapshot = Snapshot::default();
    let (mut torn, mut line_torn, mut whole) = (0_u64, 0_u64, 0_u64);
    let mut leaves: HashMap<char, u64> = HashMap::new();
    let mut lines: HashMap<(u32, String), u64> = HashMap::new();
    let start = std::time::Instant::now();
    for round in 0..count {
        if round == count / 10 {
            println!("{:?}", snapshot.counters);
        }
        interpreter.snapshot(&memory, &mut snapshot)?;
        let Some(thread) = snapshot.threads.first() else { continue };
        if thread.validity != Validity::Whole {
            continue;
        }
        whole += 1;
        let frames = snapshot.frames_of(thread);
        let name = |index: usize| {
            frames.get(index).and_then(|frame| interpreter.code(frame.code)).map(|code| code.name.as_str())
        };
        let named: Vec<&str> = (0..frames.len()).filter_map(name).collect();
        *leaves.entry(named.last().and_then(|name| name.chars().next()).unwrap_or('?')).or_default() += 1;
        for pair in named.windows(2) {
            let family = |name: &str| name.split_once('_').map(|(kind, number)| (kind.to_string(), number.to_string()));
            let legal = match (family(pair[0]), family(pair[1])) {
                (Some((_, caller)), Some((_, callee))) => caller == callee,
                _ => true,
            };
            torn += u64::from(!legal);
            if !legal && torn < 5 {
                println!("torn: {named:?} {frames:?}");
            }
        }
        let Some(main) = named.iter().position(|&name| name == "main") else { continue };
        if let Some(callee) = named.get(main + 1) {
            let line = interpreter.resolve(frames[main]).line;
            *lines.entry((line, (*callee).to_string())).or_default() += 1;
        }
    }
    // The callee of a line is the one that was seen there most.
    for ((line, _), count) in &lines {
        let most = lines.iter().filter(|((other, _), _)| other == line).map(|(_, count)| *count).max().unwrap_or(0);
        line_torn += if *count < most { *count } else { 0 };
    }
    let rate = count as f64 / start.elapsed().as_secs_f64();
    println!(
        "{} {count} snapshots, {rate:.0}/s: {whole} whole, torn pairs {torn}, torn lines {line_torn}, leaves {leaves:?}",
        interpreter.version()
    );
    println!("{:?}", snapshot.counters);
    Ok(())
}
