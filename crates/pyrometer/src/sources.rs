//! Embedding source: a capture quotes the lines that ran, as they were when it was made.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use pyrometer_model::{CodeKind, Dictionary, StringId};

/// Files larger than this are generated code that nobody reads.
const LARGEST_FILE: u64 = 8 << 20;
/// A function's lines are embedded whole up to this many; of a longer one only the lines that ran.
const WHOLE_FUNCTION: u32 = 300;
/// No capture embeds more lines than this.
const MOST_LINES: usize = 200_000;
/// Longer lines are cut: they are data, and a report shows no more of them.
const LONGEST_LINE: usize = 500;

/// Embeds, for every function that was seen, its lines from the first to the last one seen (library functions: only
/// those seen). `resolve` tells where a file of the target can be read; files that changed after `started` (nanoseconds
/// since 1970) are left out, since they no longer say what ran.
pub fn embed(dictionary: &mut Dictionary, resolve: &dyn Fn(&str) -> Option<PathBuf>) {
    let wanted = wanted_lines(dictionary);
    let started = SystemTime::UNIX_EPOCH + Duration::from_nanos(dictionary.info.started);
    let mut left = MOST_LINES;
    for (file, lines) in wanted {
        let Some(path) = resolve(dictionary.string(file)) else { continue };
        let Some(text) = read_unchanged(&path, started) else { continue };
        let mut next = lines.into_iter().peekable();
        for (number, line) in (1u32..).zip(text.lines()) {
            let Some(&line_wanted) = next.peek() else { break };
            if number < line_wanted {
                continue;
            }
            next.next();
            if left == 0 {
                return;
            }
            left -= 1;
            dictionary.add_source_line(file, number, cut(line));
        }
    }
}

fn cut(line: &str) -> &str {
    let line = line.trim_end();
    match line.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => &line[..end],
        None => line,
    }
}

/// The lines to embed, by file. Known ones are left out, so that embedding twice costs little.
fn wanted_lines(dictionary: &Dictionary) -> BTreeMap<StringId, BTreeSet<u32>> {
    let mut last_line = vec![0u32; dictionary.codes().len()];
    let mut wanted: BTreeMap<StringId, BTreeSet<u32>> = BTreeMap::new();
    for location in dictionary.locations() {
        let code = dictionary.code(location.code);
        let position = location.position;
        if code.kind != CodeKind::Python || position.line == 0 || !is_file(dictionary.string(code.file)) {
            continue;
        }
        let last = position.end_line.clamp(position.line, position.line.saturating_add(20));
        wanted.entry(code.file).or_default().extend(position.line..=last);
        if let Some(end) = last_line.get_mut(location.code.index()) {
            *end = (*end).max(last);
        }
    }
    for (code, &end) in dictionary.codes().iter().zip(&last_line) {
        let whole = end > 0 && end.saturating_sub(code.first_line) < WHOLE_FUNCTION && code.first_line > 0;
        let module_body = dictionary.string(code.name) == "<module>";
        if whole && !module_body && !is_library(dictionary.string(code.file)) {
            wanted.entry(code.file).or_default().extend(code.first_line..=end);
        }
    }
    for line in dictionary.source_lines() {
        if let Some(lines) = wanted.get_mut(&line.file) {
            lines.remove(&line.line);
        }
    }
    wanted.retain(|_, lines| !lines.is_empty());
    wanted
}

fn is_file(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('<')
}

fn is_library(file: &str) -> bool {
    file.contains("/lib/python3") || file.contains("/lib64/python3") || file.contains("/site-packages/")
}

fn read_unchanged(path: &Path, started: SystemTime) -> Option<String> {
    let metadata = fs::metadata(path).ok()?;
    // A fifo would block for ever, and a changed file no longer says what ran.
    let readable = metadata.is_file() && metadata.len() <= LARGEST_FILE;
    let unchanged = metadata.modified().is_ok_and(|modified| modified <= started);
    if !readable || !unchanged {
        return None;
    }
    let bytes = fs::read(path).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::embed;
    use pyrometer_model::{Code, Dictionary, Location, Position};

    fn seen(file: &str, line: u32, started: u64) -> Dictionary {
        let mut dictionary = Dictionary::default();
        dictionary.info.started = started;
        let (file, name) = (dictionary.strings.intern(file), dictionary.strings.intern("f"));
        let code = dictionary.intern_code(Code { name, qualified_name: name, file, first_line: 2, ..Code::default() });
        dictionary.intern_location(Location { code, offset: 0, position: Position::line(line) });
        dictionary
    }

    #[test]
    fn a_function_is_embedded_from_its_first_line_to_the_last_seen() {
        let path = std::env::temp_dir().join(format!("pyrometer-embed-{}.py", std::process::id()));
        std::fs::write(&path, "a\ndef f():\n    b\n    c\n    d\n").unwrap();
        let name = path.to_str().unwrap().to_owned();
        let mut dictionary = seen(&name, 4, u64::MAX / 4);
        embed(&mut dictionary, &|file| Some(file.into()));
        let file = dictionary.strings.intern(&name);
        let lines: Vec<_> = (1..6).map(|line| dictionary.source_line(file, line)).collect();
        assert_eq!(lines, [None, Some("def f():"), Some("    b"), Some("    c"), None]);
        let mut changed = seen(&name, 4, 1);
        embed(&mut changed, &|file| Some(file.into()));
        assert!(changed.source_lines().is_empty(), "the file is newer than the capture");
        std::fs::remove_file(&path).unwrap();
    }
}
