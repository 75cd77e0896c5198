//! `record`: makes tests/recordings/VERSION.rec anew from the installed interpreters.

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::Path;

use pyrometer_remote::cpython::{Interpreter, Snapshot};
use pyrometer_remote::memory::{LiveMemory, RecordingMemory};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    for python in support::interpreters() {
        let running = python.start(support::STACK);
        let modules = pyrometer_remote::elf::modules_of(running.pid())?;
        let live = LiveMemory::new(running.pid());
        let mut interpreter = Interpreter::attach(&live, &modules)?;
        let mut snapshot = Snapshot::default();
        // Until it sleeps: then its memory stands still.
        while snapshot.threads.is_empty()
            || support::describe(&interpreter, &snapshot, &snapshot.threads[0]) != support::expected(&interpreter)
        {
            interpreter.snapshot(&live, &mut snapshot)?;
        }
        let (version, runtime) = (interpreter.version(), interpreter.runtime_address());
        let recorder = RecordingMemory::new(live);
        let mut interpreter = Interpreter::attach_at(&recorder, runtime, Some(version))?;
        for _ in 0..200 {
            interpreter.snapshot(&recorder, &mut snapshot)?;
        }
        let thread = snapshot.threads[0].clone();
        for depth in 0..thread.frames.len() {
            interpreter.locals(&recorder, &thread, depth)?;
        }
        let mut recording = recorder.finish();
        recording.notes = format!("minor={}\nmicro={}\nruntime={runtime}\n", version.minor, version.micro);
        let bytes = recording.to_bytes()?;
        let path = folder.join(format!("{}.rec", python.version));
        println!("{}: {} bytes of {}", path.display(), bytes.len(), recording.len());
        std::fs::write(path, bytes)?;
    }
    Ok(())
}
