//! Recordings of every version, walked offline; and damaged ones, which must end in an error or a wrong stack, never in a
//! panic, an endless loop or unbounded memory.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod support;

use std::path::Path;

use pyrometer_remote::cpython::{Interpreter, Snapshot, Validity, Version};
use pyrometer_remote::memory::Recording;

struct Recorded {
    recording: Recording,
    runtime: u64,
    version: Version,
}

fn recordings() -> Vec<Recorded> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rec"));
    paths.sort();
    let load = |path: &std::path::PathBuf| {
        let recording = Recording::from_bytes(&std::fs::read(path).unwrap()).unwrap();
        let note = |key: &str| -> u64 {
            let line = recording.notes.lines().find_map(|line| line.strip_prefix(key)).unwrap();
            line.parse().unwrap()
        };
        let version =
            Version { major: 3, minor: note("minor=") as u8, micro: note("micro=") as u8, ..Version::default() };
        Recorded { runtime: note("runtime="), version, recording }
    };
    paths.iter().map(load).collect()
}

#[test]
fn every_version_is_walked_offline() {
    let recordings = recordings();
    let minors: Vec<u8> = recordings.iter().map(|one| one.version.minor).collect();
    assert_eq!((8..=15).filter(|minor| minors.contains(minor)).count(), 8, "{minors:?}");
    // 3.13t.rec is of Debian's 3.13.15 sources, built with --disable-gil, since no packaged build is at hand.
    let mut free_threaded = 0;
    for Recorded { recording, runtime, version } in recordings {
        let mut interpreter = Interpreter::attach_at(&recording, runtime, Some(version)).unwrap();
        assert_eq!(interpreter.version().minor, version.minor);
        free_threaded += usize::from(interpreter.version().free_threaded);
        let mut snapshot = Snapshot::default();
        for _ in 0..100 {
            interpreter.snapshot(&recording, &mut snapshot).unwrap();
        }
        let thread = &snapshot.threads[0];
        assert_eq!(thread.validity, Validity::Whole);
        assert_eq!(support::describe(&interpreter, &snapshot, thread), support::expected(&interpreter), "{version}");
        assert_eq!(thread.common, thread.frames.len());
    }
    assert_eq!(free_threaded, 1);
}

#[test]
fn the_wrong_version_is_an_error_by_name() {
    for Recorded { recording, runtime, version } in recordings() {
        if version.minor > 12 {
            continue;
        }
        for minor in (8..=12).filter(|&minor| minor != version.minor) {
            let other = Version { minor, ..version };
            let error = Interpreter::attach_at(&recording, runtime, Some(other)).err();
            // 3.9 and 3.10 differ only in how a frame is marked and in line tables: these two are told apart by the mark.
            assert!(error.is_some(), "{version} was taken for {other}");
        }
    }
}

#[test]
fn damaged_recordings_do_no_harm() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for Recorded { recording, runtime, version } in recordings() {
        for _ in 0..300 {
            let mut damaged = recording.clone();
            for _ in 0..1 + random() % 32 {
                damaged.damage(usize::try_from(random() >> 8).unwrap(), (random() % 255 + 1) as u8);
            }
            let Ok(mut interpreter) = Interpreter::attach_at(&damaged, runtime, Some(version)) else { continue };
            let mut snapshot = Snapshot::default();
            for _ in 0..3 {
                if interpreter.snapshot(&damaged, &mut snapshot).is_err() {
                    break;
                }
            }
            for thread in &snapshot.threads {
                support::describe(&interpreter, &snapshot, thread);
                let _ = interpreter.locals(&damaged, thread, 0);
            }
        }
    }
}
