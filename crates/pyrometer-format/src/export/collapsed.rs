//! Collapsed stacks: one line a stack, `process;thread;frame (file:line);… weight`.

use std::fmt::Write as _;

use pyrometer_model::{Dictionary, SampleSource};

use super::sink::Sink;
use super::tree::{Profile, Roots};
use super::{Options, Weights};
use crate::Result;

pub(super) fn write(
    dictionary: &Dictionary,
    source: &mut dyn SampleSource,
    options: &Options,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let roots = Roots::choose(dictionary, &options.selection, options.apart(false));
    let profile = Profile::collect(dictionary, source, &options.selection, options.granularity(), roots)?;
    let frames = &profile.tree.frames;
    let count = u32::try_from(frames.list().len()).unwrap_or(u32::MAX);
    let labels: Vec<String> = (0..count).map(|frame| escape(&frames.label(frame))).collect();
    let mut path = Vec::new();
    // The root's own weight, of samples without a frame, has no stack to stand on; it is given a name.
    for id in 0..u32::try_from(profile.tree.len()).unwrap_or(u32::MAX) {
        let own = profile.own[id as usize];
        let weight = match options.weights {
            Weights::Samples => own.whole_samples(),
            Weights::Microseconds => (own.time.0 + 500) / 1_000,
        };
        if weight == 0 {
            continue;
        }
        profile.tree.path(id, &mut path);
        if path.is_empty() {
            sink.text(NO_FRAMES)?;
        }
        for (position, &node) in path.iter().enumerate() {
            if position > 0 {
                sink.bytes(b";")?;
            }
            sink.text(&labels[profile.tree.node(node).frame as usize])?;
        }
        writeln!(sink, " {weight}")?;
    }
    Ok(())
}

/// What stands for a stack without frames.
const NO_FRAMES: &str = "<no Python frames>";

/// Readers split at `;` and at line ends, and have no escapes of their own.
fn escape(label: &str) -> String {
    let mut escaped = String::with_capacity(label.len());
    for character in label.chars() {
        match character {
            ';' => escaped.push_str("\\x3b"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\u{2028}' | '\u{2029}' | '\u{85}' | '\u{0}'..='\u{1f}' => {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "\\u{:04x}", u32::from(character));
            }
            other => escaped.push(other),
        }
    }
    escaped
}
