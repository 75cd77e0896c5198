//! The table of functions.

use pyrometer_model::{CodeId, RecordingMode};
use regex_lite::Regex;
use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::attribution::Owner;
use crate::once::Once;
use crate::profile::Mass;
use crate::{Error, ErrorKind, FunctionRef, Profile, Share, Unit};

/// What functions are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SortKey {
    /// Strict own time, the most first.
    #[default]
    Own,
    /// Own time with the library code called, the most first.
    Charged,
    /// Total time, the most first.
    Total,
    /// Calls, the most first. Where they are not known, samples in which it is on the stack.
    Calls,
    /// Name.
    Name,
}

/// Which functions, and in which order.
#[derive(Clone, Debug, Default)]
pub struct FunctionOptions {
    /// The order.
    pub sort: SortKey,
    /// At most this many; `None` for all.
    pub limit: Option<usize>,
    /// Only functions whose name (`module.qualified_name`) or file matches.
    pub pattern: Option<String>,
}

/// One function.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FunctionRow {
    /// The function.
    pub function: FunctionRef,
    /// Time in which it was the innermost frame. Strict: C functions that are known count for themselves.
    pub own: Share,
    /// Own time and that of the library and C code it calls; for library functions, what has no user's code to put it to.
    pub charged: Share,
    /// Time in which it was on the stack, however often.
    pub total: Share,
    /// How often it was called; `None` where samples cannot tell.
    pub calls: Option<u64>,
    /// Samples in which it was on the stack.
    pub samples: f64,
}

/// Functions with their times.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FunctionTable {
    /// The name and version of its JSON form: `pyrometer.functions/1`.
    pub schema: &'static str,
    /// What amounts are.
    pub unit: Unit,
    /// What shares are parts of: `active time`, `wall time`, `CPU time`, `time holding the GIL`.
    pub quantity: &'static str,
    /// The base of all shares.
    pub base: f64,
    /// The order of `rows`.
    pub sort: SortKey,
    /// Whether calls were counted. Where they were not, the order by calls is that of the samples in which a function is on
    /// the stack.
    pub calls_counted: bool,
    /// The functions.
    pub rows: Vec<FunctionRow>,
    /// How many more match and are not in `rows`.
    pub hidden: usize,
    /// The strict own time of those, as a part of the base.
    pub hidden_own: f64,
    /// How many functions do not match the pattern.
    pub filtered: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Own(CodeId),
    Charged(CodeId),
    Total(CodeId),
}

/// The keys of a stack: its leaf's own time, its owner's charged time, the total time of each function on it.
fn keys_of(profile: &Profile<'_>) -> impl FnMut(pyrometer_model::StackId, &mut Vec<Key>) {
    let mut frames = Vec::new();
    let mut seen = Once::new(profile.dictionary.codes().len());
    move |stack, keys| {
        profile.frames(stack, &mut frames);
        seen.next_stack();
        if let Some(&leaf) = frames.first() {
            keys.push(Key::Own(profile.code_of(leaf)));
        }
        if let Owner::Frame(owned) = profile.owner(&frames) {
            keys.push(Key::Charged(profile.code_of(owned.owner)));
        }
        let codes = frames.iter().map(|&frame| profile.code_of(frame));
        keys.extend(codes.filter(|&code| seen.is_first(code)).map(Key::Total));
    }
}

impl FunctionTable {
    /// The functions of `profile` that `options` ask for.
    ///
    /// # Errors
    /// [`ErrorKind::Pattern`] for a pattern that is not a regular expression.
    pub fn of(profile: &Profile<'_>, options: &FunctionOptions) -> Result<Self, Error> {
        let pattern = options.pattern.as_deref().map(compile).transpose()?;
        let masses = profile.tally(keys_of(profile));
        let mut codes: Vec<CodeId> =
            masses.keys().filter_map(|key| if let Key::Total(code) = key { Some(*code) } else { None }).collect();
        codes.sort_unstable();
        let functions = codes.len();
        if let Some(pattern) = &pattern {
            codes.retain(|&code| matches(&profile.function(code), pattern));
        }
        let filtered = functions - codes.len();
        sort(&mut codes, profile, &masses, options.sort);
        let shown = options.limit.unwrap_or(usize::MAX).min(codes.len());
        let hidden = codes.split_off(shown);
        let own = |code: &CodeId| masses.get(&Key::Own(*code)).map_or(0, |mass| mass.weight);
        let hidden_own = hidden.iter().map(own).sum::<u64>() as f64 / (profile.total.weight as f64).max(1.0);
        let wanted = codes.iter().flat_map(|&code| [Key::Own(code), Key::Charged(code), Key::Total(code)]);
        let shares = profile.shares(wanted, keys_of(profile));
        let share = |key: Key| shares.get(&key).copied().unwrap_or_default();
        let row = |&code: &CodeId| FunctionRow {
            function: profile.function(code),
            own: share(Key::Own(code)),
            charged: share(Key::Charged(code)),
            total: share(Key::Total(code)),
            calls: None,
            samples: masses.get(&Key::Total(code)).map_or(0.0, |mass| mass.samples),
        };
        Ok(Self {
            schema: "pyrometer.functions/1",
            unit: profile.unit,
            quantity: profile.phrase(),
            base: profile.total_amount(),
            sort: options.sort,
            // Both recorders that there are sample.
            calls_counted: match profile.dictionary.info.mode {
                RecordingMode::Sampled | RecordingMode::SampledPaused => false,
            },
            rows: codes.iter().map(row).collect(),
            hidden: hidden.len(),
            hidden_own,
            filtered,
        })
    }
}

/// Compiles a pattern that somebody typed.
pub(crate) fn compile(pattern: &str) -> Result<Regex, Error> {
    Regex::new(pattern)
        .map_err(|error| Error { kind: ErrorKind::Pattern(error.to_string()), context: pattern.to_owned() })
}

pub(crate) fn matches(function: &FunctionRef, pattern: &Regex) -> bool {
    pattern.is_match(&function.name) || pattern.is_match(&function.file)
}

fn sort(codes: &mut [CodeId], profile: &Profile<'_>, masses: &FxHashMap<Key, Mass>, by: SortKey) {
    let weight = |key: Key| masses.get(&key).map_or(0, |mass| mass.weight);
    let samples = |code: CodeId| masses.get(&Key::Total(code)).map_or(0.0, |mass| mass.samples);
    match by {
        SortKey::Own => {
            codes.sort_by_key(|&code| std::cmp::Reverse((weight(Key::Own(code)), weight(Key::Total(code)))))
        }
        SortKey::Charged => {
            codes.sort_by_key(|&code| std::cmp::Reverse((weight(Key::Charged(code)), weight(Key::Total(code)))));
        }
        SortKey::Total => {
            codes.sort_by_key(|&code| std::cmp::Reverse((weight(Key::Total(code)), weight(Key::Own(code)))))
        }
        SortKey::Calls => codes.sort_by(|&a, &b| samples(b).total_cmp(&samples(a))),
        SortKey::Name => codes.sort_by_cached_key(|&code| profile.function(code).name),
    }
}
