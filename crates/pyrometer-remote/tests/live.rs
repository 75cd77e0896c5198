//! Every installed interpreter, live.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod support;

use pyrometer_remote::cpython::{Interpreter, Snapshot, Validity};
use pyrometer_remote::memory::LiveMemory;

#[test]
fn the_stack_of_every_interpreter() {
    let pythons = support::interpreters();
    assert!(!pythons.is_empty());
    for python in pythons {
        let running = python.start(support::STACK);
        let memory = LiveMemory::new(running.pid());
        let modules = pyrometer_remote::elf::modules_of(running.pid()).unwrap();
        let mut interpreter = Interpreter::attach(&memory, &modules).unwrap();
        assert_eq!(format!("3.{}", interpreter.version().minor), python.version.trim_end_matches('t'));
        assert_eq!(interpreter.version().to_string().trim_end_matches('t'), python.full_version());
        let mut snapshot = Snapshot::default();
        let wanted = support::expected(&interpreter);
        let mut found = Vec::new();
        // It may still be on its way from the `write` to the `sleep`.
        for _ in 0..100_000 {
            interpreter.snapshot(&memory, &mut snapshot).unwrap();
            let thread = &snapshot.threads[0];
            assert_eq!(thread.validity, Validity::Whole, "{}", python.version);
            found = support::describe(&interpreter, &snapshot, thread);
            if found == wanted {
                break;
            }
        }
        assert_eq!(found, wanted, "{}", python.version);
        let thread = &snapshot.threads[0];
        assert_eq!((thread.native_id, thread.interpreter, thread.in_gc), (running.pid(), 0, false));
        assert_eq!(snapshot.counters.failed + snapshot.counters.partial, 0);
    }
}

/// Many pairs `f_i` -> `g_i` of short calls, of which only these pairs are legal, with frames of one size.
const TORN: &str = "
source = []
for i in range(40):
    source.append(f'def g_{i}(x):\\n    y = x\\n    return y\\n')
    source.append(f'def f_{i}(x):\\n    y = g_{i}(x)\\n    return y\\n')
source.append('def main():\\n    while True:\\n' + ''.join(f'        f_{i}(1)\\n' for i in range(40)))
names = {}
exec(compile('\\n'.join(source), 'torn', 'exec'), names)
print('ready', flush=True)
names['main']()
";

#[test]
fn no_torn_stack_is_shown_whole_and_hardly_any_is_lost() {
    const COUNT: u64 = 50_000;
    for python in support::interpreters() {
        let running = python.start(TORN);
        let memory = LiveMemory::new(running.pid());
        let modules = pyrometer_remote::elf::modules_of(running.pid()).unwrap();
        let mut interpreter = Interpreter::attach(&memory, &modules).unwrap();
        let mut snapshot = Snapshot::default();
        for _ in 0..COUNT {
            interpreter.snapshot(&memory, &mut snapshot).unwrap();
            let thread = &snapshot.threads[0];
            if thread.validity != Validity::Whole {
                continue;
            }
            let frames = snapshot.frames_of(thread);
            let names: Vec<&str> = frames.iter().map(|one| interpreter.code(one.code).unwrap().name.as_str()).collect();
            for pair in names.windows(2) {
                let legal = match pair[1].split_once('_') {
                    Some(("g", number)) => pair[0].strip_prefix("f_") == Some(number),
                    Some(("f", _)) => pair[0] == "main",
                    _ => pair == ["<module>", "main"],
                };
                assert!(legal, "{}: {names:?}", python.version);
            }
        }
        let lost = snapshot.counters.failed + snapshot.counters.partial;
        assert!(lost <= COUNT / 1000, "{}: {:?}", python.version, snapshot.counters);
    }
}

/// On 3.11 the finished calls of this `-c` program leave the beginning of a frame above the module's, whose `previous` has
/// been overwritten with the address of an object.
const REMAINS: &str = r#"
import os, sys
program = """
import os,sys; sum(range(30000)); str((sys.executable,[sys.executable,'-c','x'])); print('ready', flush=True); sum(range(10**12))
"""
os.execv(sys.executable, [sys.executable, "-c", program])
"#;

#[test]
fn what_is_left_of_a_dead_frame_does_not_hide_the_live_ones() {
    for python in support::interpreters() {
        let running = python.start(REMAINS);
        let memory = LiveMemory::new(running.pid());
        let modules = pyrometer_remote::elf::modules_of(running.pid()).unwrap();
        let mut interpreter = Interpreter::attach(&memory, &modules).unwrap();
        let mut snapshot = Snapshot::default();
        for _ in 0..2000 {
            interpreter.snapshot(&memory, &mut snapshot).unwrap();
        }
        let lost = snapshot.counters.failed + snapshot.counters.partial;
        assert!(lost <= 2, "{}: {:?}", python.version, snapshot.counters);
    }
}
