//! The lines of one function.

use pyrometer_model::{CodeId, Position, StackId};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;

use crate::attribution::Owner;
use crate::neighbours::heaviest;
use crate::{FunctionRef, Profile, Share, Unit};

/// Lines without samples are shown where the capture has their text, but not more than this many.
const MOST_LINES: u32 = 5000;

/// A part of a line, from 3.11 on: which expression it was.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RangeRow {
    /// Byte offset in the line (UTF-8), 0-based.
    pub column: u32,
    /// Byte offset just behind the range, in line `end_line`.
    pub end_column: u32,
    /// The line in which the range ends.
    pub end_line: u32,
    /// Time in which the function was at this range, as a part of the base.
    pub share: f64,
}

/// What a line was calling.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LineCallee {
    /// The function called.
    pub function: FunctionRef,
    /// Time in it, as a part of the base.
    pub share: f64,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LineRow {
    /// Its number, 1-based; 0 for time at lines that are not known.
    pub line: u32,
    /// Its text, where the capture has it.
    pub source: Option<String>,
    /// Time in which this line was running and no other Python function that it calls. C functions that it calls are in it.
    pub own: Share,
    /// Own time with the library code that the line calls.
    pub charged: Share,
    /// Time in which this line was on the stack, however often.
    pub total: Share,
    /// Samples with this line on the stack.
    pub samples: f64,
    /// What the line was calling, the most time first; at most three.
    pub callees: Vec<LineCallee>,
    /// The parts of the line that were running, the most time first.
    pub ranges: Vec<RangeRow>,
}

/// The lines of one function.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LineTable {
    /// The name and version of its JSON form: `pyrometer.lines/1`.
    pub schema: &'static str,
    /// The function.
    pub function: FunctionRef,
    /// Other functions that what was typed could have meant, by name.
    pub others: Vec<String>,
    /// What amounts are.
    pub unit: Unit,
    /// What shares are parts of, in words.
    pub quantity: &'static str,
    /// The base of all shares.
    pub base: f64,
    /// Time with the function on the stack.
    pub total: Share,
    /// The lines that were seen, and those between whose text the capture has, in order.
    pub rows: Vec<LineRow>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Function,
    Own(u32),
    Charged(u32),
    Total(u32),
}

impl LineTable {
    /// The lines of `code`. `others` is what else could have been meant ([`crate::Found::others`]).
    #[must_use]
    pub fn of(profile: &Profile<'_>, code: CodeId, others: &[CodeId]) -> Self {
        let masses = profile.tally(keys_of(profile, code));
        let shares = profile.shares(masses.keys().copied(), keys_of(profile, code));
        let share = |key| shares.get(&key).copied().unwrap_or_default();
        let details = Details::of(profile, code);
        let row = |line| LineRow {
            line,
            source: source_line(profile, code, line),
            own: share(Key::Own(line)),
            charged: share(Key::Charged(line)),
            total: share(Key::Total(line)),
            samples: masses.get(&Key::Total(line)).map_or(0.0, |mass| mass.samples),
            callees: details.callees(profile, line),
            ranges: details.ranges(profile, line),
        };
        let seen = masses.keys().filter_map(|key| if let Key::Total(line) = key { Some(*line) } else { None });
        Self {
            schema: "pyrometer.lines/1",
            function: profile.function(code),
            others: others.iter().map(|&other| profile.function(other).name).collect(),
            unit: profile.unit,
            quantity: profile.phrase(),
            base: profile.total_amount(),
            total: share(Key::Function),
            rows: with_lines_between(profile, code, seen.collect()).into_iter().map(row).collect(),
        }
    }
}

fn source_line(profile: &Profile<'_>, code: CodeId, line: u32) -> Option<String> {
    profile.dictionary.source_line(profile.dictionary.code(code).file, line).map(str::to_owned)
}

/// The lines seen, and those from the `def` to the last of them whose text the capture has.
fn with_lines_between(profile: &Profile<'_>, code: CodeId, mut lines: Vec<u32>) -> Vec<u32> {
    let code = profile.dictionary.code(code);
    let last = lines.iter().copied().max().unwrap_or(0);
    // A module's code has its first line at 1: its text between is that of every function in the file.
    let is_module = profile.dictionary.string(code.name) == "<module>";
    if code.first_line > 0 && last >= code.first_line && last - code.first_line < MOST_LINES && !is_module {
        let has_text = |line: &u32| profile.dictionary.source_line(code.file, *line).is_some();
        lines.extend((code.first_line..=last).filter(has_text));
    }
    lines.sort_unstable();
    lines.dedup();
    lines
}

fn keys_of(profile: &Profile<'_>, code: CodeId) -> impl FnMut(StackId, &mut Vec<Key>) {
    let (mut frames, mut seen) = (Vec::new(), FxHashSet::default());
    move |stack, keys| {
        profile.frames(stack, &mut frames);
        seen.clear();
        let lines = frames.iter().filter(|&&frame| profile.code_of(frame) == code).map(|&frame| profile.line_of(frame));
        keys.extend(lines.filter(|&line| seen.insert(line)).map(Key::Total));
        if seen.is_empty() {
            return;
        }
        keys.push(Key::Function);
        let is_python = |at: &usize| profile.dictionary.code_at(frames[*at]).kind == pyrometer_model::CodeKind::Python;
        let running = (0..frames.len()).find(is_python).filter(|&at| profile.code_of(frames[at]) == code);
        // Behind an unproven leaf nobody knows which function was running.
        if let Some(at) = running.filter(|_| !profile.is_unknown(profile.code_of(frames[0]))) {
            keys.push(Key::Own(profile.line_of(frames[at])));
        }
        if let Owner::Frame(owned) = profile.owner(&frames)
            && profile.code_of(owned.owner) == code
        {
            keys.push(Key::Charged(profile.line_of(owned.owner)));
        }
    }
}

/// Weights by line of what is called there, and by the range that was running.
struct Details {
    callees: FxHashMap<u32, FxHashMap<CodeId, u64>>,
    ranges: FxHashMap<u32, FxHashMap<(u32, u32, u32), u64>>,
}

impl Details {
    fn of(profile: &Profile<'_>, code: CodeId) -> Self {
        let mut details = Self { callees: FxHashMap::default(), ranges: FxHashMap::default() };
        let mut frames = Vec::new();
        for (stack, facts) in profile.stacks.iter().filter(|(_, facts)| facts.weight > 0) {
            profile.frames(*stack, &mut frames);
            let Some(at) = (0..frames.len()).find(|&at| profile.code_of(frames[at]) == code) else { continue };
            let Position { line, end_line, column, end_column } = profile.dictionary.location(frames[at]).position;
            if let Some(callee) = at.checked_sub(1) {
                let callees = details.callees.entry(line).or_default();
                *callees.entry(profile.code_of(frames[callee])).or_default() += facts.weight;
            }
            if column != Position::NO_COLUMN && end_column != Position::NO_COLUMN {
                let ranges = details.ranges.entry(line).or_default();
                *ranges.entry((column, end_column, end_line)).or_default() += facts.weight;
            }
        }
        details
    }

    fn callees(&self, profile: &Profile<'_>, line: u32) -> Vec<LineCallee> {
        let Some(callees) = self.callees.get(&line) else { return Vec::new() };
        heaviest(callees, 3)
            .into_iter()
            .map(|(code, weight)| LineCallee { function: profile.function(code), share: profile.part(weight) })
            .collect()
    }

    fn ranges(&self, profile: &Profile<'_>, line: u32) -> Vec<RangeRow> {
        let Some(ranges) = self.ranges.get(&line) else { return Vec::new() };
        heaviest(ranges, usize::MAX)
            .into_iter()
            .map(|((column, end_column, end_line), weight)| RangeRow {
                column,
                end_column,
                end_line,
                share: profile.part(weight),
            })
            .collect()
    }
}
