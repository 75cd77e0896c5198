//! From what somebody typed to the function that is meant.

use pyrometer_model::CodeId;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::functions::{compile, matches};
use crate::{Error, ErrorKind, FunctionRef, Profile};

/// How many near names are suggested.
const SUGGESTIONS: usize = 3;

/// The function that is meant, and which else could be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The one with the most time of all that match.
    pub code: CodeId,
    /// The others, the most time first.
    pub others: Vec<CodeId>,
}

/// The function of the profile that `query` means: `module:function`, `function` (bare, qualified or as reports show it),
/// `file:line` (a path's end is enough), or else a regular expression on the name or file.
///
/// # Errors
/// [`ErrorKind::NoSuchFunction`] with near names, [`ErrorKind::Pattern`] where only a regular expression can be meant and
/// it is none.
pub fn find_function(profile: &Profile<'_>, query: &str) -> Result<Found, Error> {
    let candidates = by_total(profile);
    let functions: Vec<(CodeId, FunctionRef)> = candidates.iter().map(|&code| (code, profile.function(code))).collect();
    let pick = |test: &dyn Fn(&FunctionRef) -> bool| -> Vec<CodeId> {
        functions.iter().filter(|(_, function)| test(function)).map(|(code, _)| *code).collect()
    };
    let mut found = at_line(profile, &functions, query);
    if found.is_empty() {
        found = pick(&|function| {
            [&function.name, &function.qualified_name, &function.label].iter().any(|name| *name == query)
        });
    }
    if found.is_empty() {
        found = pick(&|function| is_called(function, query));
    }
    if found.is_empty() {
        // Almost every name is a regular expression, so an error in one is told only where nothing else was meant.
        let pattern = compile(query)?;
        if query.contains(|c: char| r".*+?[]()|^$\".contains(c)) {
            found = pick(&|function| matches(function, &pattern));
        }
    }
    let mut found = found.into_iter();
    match found.next() {
        Some(code) => Ok(Found { code, others: found.collect() }),
        None => {
            Err(Error { kind: ErrorKind::NoSuchFunction(near_names(&functions, query)), context: query.to_owned() })
        }
    }
}

/// Every function that is on a stack, the most total time first.
fn by_total(profile: &Profile<'_>) -> Vec<CodeId> {
    let (mut frames, mut seen) = (Vec::new(), FxHashSet::default());
    let mut weights: FxHashMap<CodeId, u64> = FxHashMap::default();
    // Stacks that weigh nothing in this view are gone through too: a function that was only seen blocked is there.
    for (stack, facts) in &profile.stacks {
        profile.frames(*stack, &mut frames);
        seen.clear();
        for code in frames.iter().map(|&frame| profile.code_of(frame)).filter(|&code| seen.insert(code)) {
            *weights.entry(code).or_default() += facts.weight;
        }
    }
    let mut codes: Vec<CodeId> = weights.keys().copied().collect();
    codes.sort_unstable_by_key(|code| (std::cmp::Reverse(weights.get(code).copied()), *code));
    codes
}

/// Whether a person would call the function `query`: by its bare name, or by module and name with a colon between them.
fn is_called(function: &FunctionRef, query: &str) -> bool {
    let bare = function.qualified_name.rsplit('.').next().unwrap_or_default();
    match query.split_once(':') {
        None => bare == query,
        Some((module, name)) => {
            let is_module = function.module == module
                || function.module.ends_with(&format!(".{module}"))
                || function.file_name() == module
                || function.file_name().strip_suffix(".py") == Some(module);
            is_module && (function.qualified_name == name || bare == name)
        }
    }
}

/// `file:line`: of the functions in the file those that were seen at the line, else the ones whose `def` is the last at or
/// before it.
fn at_line(profile: &Profile<'_>, functions: &[(CodeId, FunctionRef)], query: &str) -> Vec<CodeId> {
    let Some((file, line)) = query.rsplit_once(':') else { return Vec::new() };
    let Ok(line) = line.parse::<u32>() else { return Vec::new() };
    let is_file = |function: &FunctionRef| {
        function.file == file || function.file.strip_suffix(file).is_some_and(|rest| rest.ends_with(['/', '\\']))
    };
    let seen: FxHashSet<CodeId> = profile
        .dictionary
        .locations()
        .iter()
        .filter(|location| location.position.line == line)
        .map(|location| location.code)
        .collect();
    let in_file: Vec<_> = functions.iter().filter(|(_, function)| is_file(function)).collect();
    let exact: Vec<CodeId> = in_file.iter().map(|(code, _)| *code).filter(|code| seen.contains(code)).collect();
    if !exact.is_empty() {
        return exact;
    }
    let Some(first) = in_file.iter().map(|(_, function)| function.first_line).filter(|&first| first <= line).max()
    else {
        return Vec::new();
    };
    in_file.iter().filter(|(_, function)| function.first_line == first).map(|(code, _)| *code).collect()
}

/// The names that are most like `query`.
fn near_names(functions: &[(CodeId, FunctionRef)], query: &str) -> Vec<String> {
    let wanted = query.rsplit([':', '.']).next().unwrap_or(query).to_lowercase();
    let mut near: Vec<(f64, &str)> = functions
        .iter()
        .map(|(_, function)| {
            let bare = function.qualified_name.rsplit('.').next().unwrap_or_default().to_lowercase();
            let likeness = strsim::jaro_winkler(&wanted, &bare);
            (if bare.contains(&wanted) { likeness.max(0.9) } else { likeness }, function.name.as_str())
        })
        .filter(|(likeness, _)| *likeness >= 0.75)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut names: Vec<String> = Vec::new();
    for (_, name) in near {
        if names.len() < SUGGESTIONS && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}
