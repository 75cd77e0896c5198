//! Red, yellow and green functions with what makes them so.

use pyrometer_model::{CodeId, LocationId, Position, StackId};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;

use super::{Thresholds, Unproven};
use crate::attribution::{Owned, Owner};
use crate::neighbours::heaviest;
use crate::once::Once;
use crate::profile::Mass;
use crate::{FunctionRef, Place, Profile, RangeRow, Share};

/// Lines of a function that are told, at most; and only those with at least [`LEAST_LINE`] of the function's time.
const MOST_LINES: usize = 5;
const LEAST_LINE: f64 = 0.04;
/// Callers, callees of a line, and library functions that are told, at most.
const MOST_CALLERS: usize = 3;
const MOST_CALLEES: usize = 3;
const MOST_INSIDE: usize = 5;

/// How hot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Heat {
    /// More than 10 %.
    Red,
    /// 2 to 10 %.
    Yellow,
    /// Less than 2 %.
    Green,
}

/// Things that are told only together.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize)]
pub struct Folded {
    /// How many.
    pub count: usize,
    /// Their time.
    pub share: Share,
}

/// A function that something calls, or whose time something is put down to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CalleeOf {
    /// The function.
    pub function: FunctionRef,
    /// Time in it.
    pub share: Share,
}

/// Who called a hot function.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallerOf {
    /// The line of the user's code that called it, else the nearest line at all; `None` where nothing did.
    pub place: Option<Place>,
    /// The function that called it directly, where that is a library's between the two.
    pub via: Option<FunctionRef>,
    /// The part of the hot function's time that came from here, in the base's terms.
    pub share: Share,
    /// The same as a part of the hot function's own time, 0 to 1.
    pub of_own: f64,
}

/// A line of a hot function.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HotLine {
    /// Its number, 1-based; 0 for time at lines that are not known.
    pub line: u32,
    /// Its text, where the capture has it.
    pub source: Option<String>,
    /// Time at the line, with the library and C code that it calls.
    pub share: Share,
    /// The part of the line in which most of that time passed, where columns are known (3.11+).
    pub range: Option<RangeRow>,
    /// What it calls, the most time first; at most three.
    pub callees: Vec<CalleeOf>,
}

/// A function that has a large part of the time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HotFunction {
    /// The function.
    pub function: FunctionRef,
    /// How hot.
    pub heat: Heat,
    /// Own time, and that of the library and C code it calls: what the heat is judged by.
    pub own: Share,
    /// Strict own time: it was the innermost frame.
    pub own_strict: Share,
    /// Time with the function on the stack: what it calls included.
    pub total: Share,
    /// Samples that `own` comes from.
    pub samples: f64,
    /// How often it was called; `None` where samples cannot tell.
    pub calls: Option<u64>,
    /// Its hottest lines, the most time first.
    pub lines: Vec<HotLine>,
    /// Its other lines.
    pub other_lines: Folded,
    /// The library and C functions in which the time passed, the most first (strict own time below this function).
    pub inside: Vec<CalleeOf>,
    /// Other such functions.
    pub other_inside: Folded,
    /// Where it was called from, the most time first.
    pub callers: Vec<CallerOf>,
    /// Other callers.
    pub other_callers: Folded,
}

/// All functions, classified.
pub(super) struct Classified {
    pub red: Vec<HotFunction>,
    pub yellow: Vec<HotFunction>,
    pub green: Folded,
    pub unproven: Unproven,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Key {
    Unknown,
    NoPython,
    Own(CodeId),
    Strict(CodeId),
    Total(CodeId),
    Line(CodeId, u32),
    Callee(CodeId, u32, CodeId),
    Inside(CodeId, CodeId),
    /// Owner; the caller's function and line; what stands between.
    Caller(CodeId, Option<(CodeId, u32)>, Option<CodeId>),
    Green,
    OtherLines(CodeId),
    OtherInside(CodeId),
    OtherCallers(CodeId),
}

/// Which keys of an owner are told by themselves; the others of it are told together. Empty while that is not known yet.
#[derive(Default)]
struct Told {
    hot: FxHashSet<CodeId>,
    keys: FxHashSet<Key>,
    is_decided: bool,
}

fn keys_of<'p>(profile: &'p Profile<'_>, told: &'p Told) -> impl FnMut(StackId, &mut Vec<Key>) + 'p {
    let mut frames: Vec<LocationId> = Vec::new();
    let mut seen = Once::new(profile.dictionary.codes().len());
    move |stack, keys| {
        profile.frames(stack, &mut frames);
        seen.next_stack();
        let codes = frames.iter().map(|&frame| profile.code_of(frame));
        keys.extend(codes.filter(|&code| seen.is_first(code)).map(Key::Total));
        match profile.owner(&frames) {
            Owner::Unknown => keys.push(Key::Unknown),
            Owner::NoPython => keys.push(Key::NoPython),
            Owner::Frame(owned) => owner_keys(profile, told, &owned, keys),
        }
        if let Some(&leaf) = frames.first() {
            keys.push(Key::Strict(profile.code_of(leaf)));
        }
    }
}

fn owner_keys(profile: &Profile<'_>, told: &Told, owned: &Owned, keys: &mut Vec<Key>) {
    let (code, line) = (profile.code_of(owned.owner), profile.line_of(owned.owner));
    keys.push(Key::Own(code));
    if told.is_decided && !told.hot.contains(&code) {
        keys.push(Key::Green);
        return;
    }
    let mut push = |key: Key, other: Key| {
        keys.push(if told.is_decided && !told.keys.contains(&key) { other } else { key });
    };
    push(Key::Line(code, line), Key::OtherLines(code));
    if owned.leaf != code {
        push(Key::Inside(code, owned.leaf), Key::OtherInside(code));
    }
    let caller = owned.caller.map(|at| (profile.code_of(at), profile.line_of(at)));
    push(Key::Caller(code, caller, owned.via), Key::OtherCallers(code));
    if let Some(callee) = owned.callee {
        keys.push(Key::Callee(code, line, callee));
    }
}

/// What is told of one owner.
#[derive(Default)]
struct Parts {
    lines: Vec<Key>,
    inside: Vec<Key>,
    callers: Vec<Key>,
    callees: FxHashMap<u32, Vec<Key>>,
    other_lines: usize,
    other_inside: usize,
    other_callers: usize,
}

/// Sorts the owners of `profile` into red, yellow and green.
pub(super) fn classify(profile: &Profile<'_>, thresholds: Thresholds) -> Classified {
    let undecided = Told::default();
    let masses = profile.tally(keys_of(profile, &undecided));
    let owners: FxHashMap<CodeId, u64> = masses
        .iter()
        .filter_map(|(key, mass)| if let Key::Own(code) = key { Some((*code, mass.weight)) } else { None })
        .collect();
    let hot: Vec<CodeId> = heaviest(&owners, usize::MAX)
        .into_iter()
        .filter(|(_, weight)| profile.part(*weight) >= thresholds.yellow)
        .map(|(code, _)| code)
        .collect();
    let parts = parts(&masses, &hot, &owners);
    let told = Told {
        hot: hot.iter().copied().collect(),
        keys: parts
            .values()
            .flat_map(|parts| [&parts.lines, &parts.inside, &parts.callers])
            .flatten()
            .copied()
            .collect(),
        is_decided: true,
    };
    let mut wanted: Vec<Key> = vec![Key::Unknown, Key::NoPython, Key::Green];
    wanted.extend(&told.keys);
    wanted.extend(parts.values().flat_map(|parts| parts.callees.values()).flatten());
    wanted.extend(hot.iter().flat_map(|&code| {
        let others = [Key::OtherLines(code), Key::OtherInside(code), Key::OtherCallers(code)];
        [Key::Own(code), Key::Strict(code), Key::Total(code)].into_iter().chain(others)
    }));
    let shares = profile.shares(wanted, keys_of(profile, &told));
    let mut ranges = ranges(profile, &told.hot);
    let build = Build { profile, masses: &masses, shares: &shares, thresholds };
    let mut functions: Vec<HotFunction> =
        hot.iter().filter_map(|code| parts.get(code).map(|parts| build.function(*code, parts, &mut ranges))).collect();
    let yellow = functions.split_off(functions.iter().take_while(|function| function.heat == Heat::Red).count());
    Classified {
        red: functions,
        yellow,
        green: Folded { count: owners.len() - hot.len(), share: build.share(Key::Green) },
        unproven: Unproven { unknown: build.share(Key::Unknown), no_python: build.share(Key::NoPython) },
    }
}

/// Chooses what is told of each of the `hot` owners.
fn parts(masses: &FxHashMap<Key, Mass>, hot: &[CodeId], owners: &FxHashMap<CodeId, u64>) -> FxHashMap<CodeId, Parts> {
    let mut parts: FxHashMap<CodeId, Parts> = hot.iter().map(|&code| (code, Parts::default())).collect();
    let mut sorted: Vec<(&Key, u64)> = masses.iter().map(|(key, mass)| (key, mass.weight)).collect();
    sorted.sort_unstable_by_key(|&(key, weight)| (std::cmp::Reverse(weight), *key));
    for (&key, weight) in sorted {
        let (Key::Line(code, _) | Key::Callee(code, ..) | Key::Inside(code, _) | Key::Caller(code, ..)) = key else {
            continue;
        };
        let Some(parts) = parts.get_mut(&code) else { continue };
        let of_owner = weight as f64 / owners.get(&code).map_or(1.0, |&own| own as f64);
        let (list, most, other) = match key {
            Key::Line(..) => (&mut parts.lines, MOST_LINES, Some(&mut parts.other_lines)),
            Key::Inside(..) => (&mut parts.inside, MOST_INSIDE, Some(&mut parts.other_inside)),
            Key::Caller(..) => (&mut parts.callers, MOST_CALLERS, Some(&mut parts.other_callers)),
            Key::Callee(_, line, _) => (parts.callees.entry(line).or_default(), MOST_CALLEES, None),
            _ => continue,
        };
        if list.len() < most && (list.is_empty() || of_owner >= LEAST_LINE) {
            list.push(key);
        } else if let Some(other) = other {
            *other += 1;
        }
    }
    parts
}

type Ranges = FxHashMap<(CodeId, u32), FxHashMap<(u32, u32, u32), u64>>;

/// For every line of the `hot` owners, the column ranges and their weights.
fn ranges(profile: &Profile<'_>, hot: &FxHashSet<CodeId>) -> Ranges {
    let mut ranges = Ranges::default();
    let mut frames = Vec::new();
    for (stack, facts) in profile.stacks.iter().filter(|(_, facts)| facts.weight > 0) {
        profile.frames(*stack, &mut frames);
        let Owner::Frame(owned) = profile.owner(&frames) else { continue };
        let location = profile.dictionary.location(owned.owner);
        let Position { line, end_line, column, end_column } = location.position;
        if hot.contains(&location.code) && column != Position::NO_COLUMN && end_column != Position::NO_COLUMN {
            let of_line = ranges.entry((location.code, line)).or_default();
            *of_line.entry((column, end_column, end_line)).or_default() += facts.weight;
        }
    }
    ranges
}

struct Build<'a, 'd> {
    profile: &'a Profile<'d>,
    masses: &'a FxHashMap<Key, Mass>,
    shares: &'a FxHashMap<Key, Share>,
    thresholds: Thresholds,
}

impl Build<'_, '_> {
    fn share(&self, key: Key) -> Share {
        self.shares.get(&key).copied().unwrap_or_default()
    }

    fn function(&self, code: CodeId, parts: &Parts, ranges: &mut Ranges) -> HotFunction {
        let own = self.share(Key::Own(code));
        let inside = |key: &Key| if let Key::Inside(_, leaf) = key { Some(self.callee(*leaf, *key)) } else { None };
        HotFunction {
            function: self.profile.function(code),
            heat: if own.share > self.thresholds.red { Heat::Red } else { Heat::Yellow },
            own,
            own_strict: self.share(Key::Strict(code)),
            total: self.share(Key::Total(code)),
            samples: self.masses.get(&Key::Own(code)).map_or(0.0, |mass| mass.samples),
            calls: None,
            lines: parts.lines.iter().filter_map(|key| self.line(*key, parts, ranges)).collect(),
            other_lines: Folded { count: parts.other_lines, share: self.share(Key::OtherLines(code)) },
            inside: parts.inside.iter().filter_map(inside).collect(),
            other_inside: Folded { count: parts.other_inside, share: self.share(Key::OtherInside(code)) },
            callers: parts.callers.iter().filter_map(|key| self.caller(*key, own)).collect(),
            other_callers: Folded { count: parts.other_callers, share: self.share(Key::OtherCallers(code)) },
        }
    }

    fn callee(&self, code: CodeId, key: Key) -> CalleeOf {
        CalleeOf { function: self.profile.function(code), share: self.share(key) }
    }

    fn line(&self, key: Key, parts: &Parts, ranges: &mut Ranges) -> Option<HotLine> {
        let Key::Line(code, line) = key else { return None };
        let file = self.profile.dictionary.code(code).file;
        let callee =
            |key: &Key| if let Key::Callee(_, _, callee) = key { Some(self.callee(*callee, *key)) } else { None };
        let range = ranges.remove(&(code, line)).and_then(|ranges| heaviest(&ranges, 1).pop());
        Some(HotLine {
            line,
            source: self.profile.dictionary.source_line(file, line).map(str::to_owned),
            share: self.share(key),
            range: range.map(|((column, end_column, end_line), weight)| RangeRow {
                column,
                end_column,
                end_line,
                share: self.profile.part(weight),
            }),
            callees: parts.callees.get(&line).into_iter().flatten().filter_map(callee).collect(),
        })
    }

    fn caller(&self, key: Key, own: Share) -> Option<CallerOf> {
        let Key::Caller(_, place, via) = key else { return None };
        let share = self.share(key);
        Some(CallerOf {
            place: place.map(|(code, line)| Place { function: self.profile.function(code), line }),
            via: via.map(|code| self.profile.function(code)),
            share,
            of_own: if own.share > 0.0 { share.share / own.share } else { 0.0 },
        })
    }
}
