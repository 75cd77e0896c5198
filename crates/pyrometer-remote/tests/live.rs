//! Every installed interpreter, live.

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
