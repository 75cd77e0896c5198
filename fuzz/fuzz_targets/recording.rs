//! Damages recordings of every version and walks them: no panic, no endless loop, no unbounded memory.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pyrometer_remote::cpython::{Interpreter, Snapshot, Version};
use pyrometer_remote::memory::Recording;

const RECORDINGS: [&[u8]; 8] = [
    include_bytes!("../../crates/pyrometer-remote/tests/recordings/3.8.rec"),
    include_bytes!("../../crates/pyrometer-remote/tests/recordings/3.9.rec"),
    include_bytes!("../../crates/pyrometer-remote/tests/recordings/3.10.rec"),
    include_bytes!("../../crates/pyrometer-remote/tests/recordings/3.11.rec"),
    include_bytes!("../../crates/pyrometer-remote/tests/recordings/3.12.rec"),
    include_bytes!("../../crates/pyrometer-remote/tests/recordings/3.13.rec"),
    include_bytes!("../../crates/pyrometer-remote/tests/recordings/3.14.rec"),
    include_bytes!("../../crates/pyrometer-remote/tests/recordings/3.15.rec"),
];

// Which recording, then what to damage: a position of three bytes and a value each.
fuzz_target!(|data: &[u8]| {
    let Some((&which, damage)) = data.split_first() else { return };
    let minor = which % 8 + 8;
    let Ok(mut recording) = Recording::from_bytes(RECORDINGS[usize::from(which % 8)]) else { return };
    for change in damage.chunks_exact(4) {
        let position = u32::from_le_bytes([change[0], change[1], change[2], 0]);
        recording.damage(position as usize, change[3]);
    }
    let Some(runtime) = recording.notes.lines().find_map(|line| line.strip_prefix("runtime=")?.parse().ok()) else { return };
    let version = Version { major: 3, minor, ..Version::default() };
    let Ok(mut interpreter) = Interpreter::attach_at(&recording, runtime, Some(version)) else { return };
    let mut snapshot = Snapshot::default();
    for _ in 0..3 {
        if interpreter.snapshot(&recording, &mut snapshot).is_err() {
            return;
        }
    }
    for thread in &snapshot.threads {
        let _ = interpreter.locals(&recording, thread, 0);
    }
});
