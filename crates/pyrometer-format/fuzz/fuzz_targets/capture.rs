//! Opens arbitrary bytes as a capture and reads all its runs: no panic, no endless loop, no more memory than granted.
//! `cargo +nightly fuzz run capture -- -rss_limit_mb=512`
#![no_main]

use libfuzzer_sys::fuzz_target;
use pyrometer_format::pyro::{Capture, Limits};
use pyrometer_model::SampleSource;

fuzz_target!(|input: &[u8]| {
    let mut bytes = input.to_vec();
    fix_checksums(&mut bytes);
    let limits = Limits { dictionary_bytes: 64 << 20 };
    for opened in [Capture::open_with(&bytes, limits), Capture::salvage(&bytes, limits)] {
        let Ok(mut capture) = opened else { continue };
        let (dictionary, samples) = capture.parts();
        let _ = samples.for_each_block(&mut |runs| {
            for run in runs {
                assert!(run.count > 0 && run.start <= run.end());
                assert!(run.thread.index() < dictionary.threads().len());
                assert!(run.stack.index() < dictionary.stacks.len());
            }
        });
    }
});

/// Makes the header and the checksums of the blocks right: a fuzzer would never guess them, and a hostile file has them.
fn fix_checksums(bytes: &mut [u8]) {
    if bytes.len() < 16 {
        return;
    }
    bytes[..12].copy_from_slice(b"\x89PYRO\r\n\x1a\x01\x00\x00\x00");
    let own = crc32fast::hash(&bytes[..12]);
    bytes[12..16].copy_from_slice(&own.to_le_bytes());
    let mut at = 16;
    while at + 20 <= bytes.len() {
        let Some(length) = bytes[at + 8..].first_chunk().map(|length| u32::from_le_bytes(*length) as usize) else { return };
        if bytes[at..at + 4] != *b"\xb6blk" || at + 20 + length > bytes.len() {
            at += 1;
            continue;
        }
        let payload = crc32fast::hash(&bytes[at + 20..at + 20 + length]);
        bytes[at + 12..at + 16].copy_from_slice(&payload.to_le_bytes());
        let own = crc32fast::hash(&bytes[at..at + 16]);
        bytes[at + 16..at + 20].copy_from_slice(&own.to_le_bytes());
        at += 20 + length;
    }
}
