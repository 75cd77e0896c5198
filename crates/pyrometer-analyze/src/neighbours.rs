//! Who calls a function, and whom it calls.

use pyrometer_model::{CodeId, StackId};
use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::{FunctionRef, Place, Profile, Share, Unit};

/// Which neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Those that call the function.
    Callers,
    /// Those that the function calls.
    Callees,
}

/// One caller or callee.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Neighbour {
    /// A caller and the line in it that calls the function, or a callee and the line of the function that calls it (the
    /// place's line is then one of the function asked about, and its function is the callee).
    pub place: Place,
    /// The text of that line, where the capture has it.
    pub source: Option<String>,
    /// Time of the function that goes through this edge, as a part of all time.
    pub share: Share,
    /// The same as a part of the function's total time.
    pub of_total: f64,
}

/// The callers or callees of one function. Every sample with the function on its stack counts once: for callers with what
/// called the outermost activation, for callees with what the innermost one called. So recursion is never its own caller,
/// the callers and `rest` sum to `total`, and so do the callees and `rest`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Neighbours {
    /// The name and version of its JSON form: `pyrometer.neighbours/1`.
    pub schema: &'static str,
    /// The function.
    pub function: FunctionRef,
    /// Other functions that what was typed could have meant, by name.
    pub others: Vec<String>,
    /// Which neighbours `rows` are.
    pub direction: Direction,
    /// What amounts are.
    pub unit: Unit,
    /// What shares are parts of, in words.
    pub quantity: &'static str,
    /// Time with the function on the stack.
    pub total: Share,
    /// Callers: time without a caller (it was the outermost function). Callees: the function's strict own time.
    pub rest: Share,
    /// The part of the total time in which the function was on the stack more than once.
    pub recursive: f64,
    /// The neighbours, the most time first.
    pub rows: Vec<Neighbour>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Total,
    Rest,
    Recursive,
    /// The neighbour and the calling line.
    Edge(CodeId, u32),
}

impl Neighbours {
    /// The callers or callees of `code`. `others` is what else could have been meant ([`crate::Found::others`]).
    #[must_use]
    pub fn of(profile: &Profile<'_>, code: CodeId, others: &[CodeId], direction: Direction) -> Self {
        let masses = profile.tally(keys_of(profile, code, direction));
        let shares = profile.shares(masses.keys().copied(), keys_of(profile, code, direction));
        let share = |key| shares.get(&key).copied().unwrap_or_default();
        let total = share(Key::Total);
        let mut rows: Vec<(u64, CodeId, u32)> = masses
            .iter()
            .filter_map(
                |(key, mass)| if let Key::Edge(code, line) = key { Some((mass.weight, *code, *line)) } else { None },
            )
            .collect();
        rows.sort_unstable_by_key(|&(weight, code, line)| (std::cmp::Reverse(weight), code, line));
        let row = |&(_, neighbour, line): &(u64, CodeId, u32)| {
            let share = share(Key::Edge(neighbour, line));
            let caller = if direction == Direction::Callers { neighbour } else { code };
            let file = profile.dictionary.code(caller).file;
            Neighbour {
                place: Place { function: profile.function(neighbour), line },
                source: profile.dictionary.source_line(file, line).map(str::to_owned),
                share,
                of_total: ratio(share, total),
            }
        };
        Self {
            schema: "pyrometer.neighbours/1",
            function: profile.function(code),
            others: others.iter().map(|&other| profile.function(other).name).collect(),
            direction,
            unit: profile.unit,
            quantity: profile.phrase(),
            total,
            rest: share(Key::Rest),
            recursive: ratio(share(Key::Recursive), total),
            rows: rows.iter().map(row).collect(),
        }
    }
}

fn ratio(part: Share, whole: Share) -> f64 {
    if whole.share > 0.0 { part.share / whole.share } else { 0.0 }
}

fn keys_of(profile: &Profile<'_>, code: CodeId, direction: Direction) -> impl FnMut(StackId, &mut Vec<Key>) {
    let mut frames = Vec::new();
    move |stack, keys| {
        profile.frames(stack, &mut frames);
        let is_it = |at: &usize| profile.code_of(frames[*at]) == code;
        let Some(innermost) = (0..frames.len()).find(is_it) else { return };
        let outermost = (innermost..frames.len()).rev().find(is_it).unwrap_or(innermost);
        keys.push(Key::Total);
        if outermost != innermost {
            keys.push(Key::Recursive);
        }
        let edge = match direction {
            Direction::Callers => {
                frames.get(outermost + 1).map(|&caller| (profile.code_of(caller), profile.line_of(caller)))
            }
            Direction::Callees => innermost
                .checked_sub(1)
                .map(|callee| (profile.code_of(frames[callee]), profile.line_of(frames[innermost]))),
        };
        keys.push(edge.map_or(Key::Rest, |(neighbour, line)| Key::Edge(neighbour, line)));
    }
}

/// The `most` heaviest of `masses`, the heaviest first, ties in the order of the keys.
pub(crate) fn heaviest<K: Ord + Clone>(masses: &FxHashMap<K, u64>, most: usize) -> Vec<(K, u64)> {
    let mut sorted: Vec<(K, u64)> = masses.iter().map(|(key, weight)| (key.clone(), *weight)).collect();
    sorted.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    sorted.truncate(most);
    sorted
}
