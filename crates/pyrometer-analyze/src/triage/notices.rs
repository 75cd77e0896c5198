//! What is said beside the functions: waiting, the GIL, the garbage collector, and time that nobody owns.

use pyrometer_model::{CodeId, ThreadId};
use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::attribution::Owner;
use crate::neighbours::heaviest;
use crate::profile::StackFacts;
use crate::{FunctionRef, Place, Profile, Share, ThreadFacts};

/// Places, holders and the like that are told, at most.
const MOST: usize = 3;
/// And only with this part of the waiting.
const LEAST: f64 = 0.01;

/// A place at which a main thread waits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Wait {
    /// The line that waits.
    pub place: Place,
    /// Its text, where the capture has it.
    pub source: Option<String>,
    /// What the line calls; `None` where nothing is known.
    pub callee: Option<FunctionRef>,
    /// The innermost function, where it is not `callee` itself: for example `select.epoll.poll` below `asyncio.run`.
    pub innermost: Option<FunctionRef>,
    /// The part of the main threads' wall time, 0 to 1.
    pub of_wall: f64,
    /// Seconds.
    pub amount: f64,
}

/// Main threads spend most of their time blocked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Waiting {
    /// How many main threads there are: one a process.
    pub main_threads: usize,
    /// Seconds that their samples stand for.
    pub wall: f64,
    /// Of those, seconds spent blocked.
    pub idle: f64,
    /// The same as a part, 0 to 1.
    pub of_wall: f64,
    /// Whether other threads or processes were active meanwhile for more than half as long as the main threads waited.
    pub others_are_active: bool,
    /// Where, the most time first.
    pub places: Vec<Wait>,
}

/// Who holds the GIL.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Holder {
    /// The line, as the owner of the time in which the GIL was held.
    pub place: Place,
    /// The part of the time in which any thread held the GIL, 0 to 1.
    pub of_held: f64,
}

/// Threads compete for the GIL.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contention {
    /// Seconds that threads spent waiting for the GIL.
    pub wanted: f64,
    /// Seconds that threads spent holding the GIL.
    pub held: f64,
    /// `wanted` as a part of the threads' active time, 0 to 1.
    pub of_active: f64,
    /// How many threads wanted it for more than 1 % of that.
    pub threads: usize,
    /// Who holds it, the most time first.
    pub holders: Vec<Holder>,
}

/// A line at which the garbage collector ran.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CollectedAt {
    /// The line.
    pub place: Place,
    /// The part of the collector's time, 0 to 1.
    pub of_collecting: f64,
}

/// The garbage collector takes long.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Collector {
    /// Seconds.
    pub amount: f64,
    /// The part of the threads' active time, 0 to 1.
    pub of_active: f64,
    /// At which lines it ran, the most time first.
    pub places: Vec<CollectedAt>,
    /// The part of the collector's time without any Python frame, as when Python ends, 0 to 1.
    pub without_python: f64,
}

/// Threads were ready to run, and other threads or programs had the processors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Starved {
    /// Seconds for which threads were ready to run and did not, added up over all threads: active time less CPU time and
    /// less waiting for the GIL.
    pub amount: f64,
    /// The part of the threads' active time, 0 to 1.
    pub of_active: f64,
}

/// Time that is put down to nobody.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Unproven {
    /// The innermost part of the stack changed while it was read: who was running is not known.
    pub unknown: Share,
    /// The thread had no Python frame.
    pub no_python: Share,
}

/// Weights of `pick` by the owner's function and line, the callee and the innermost function.
type ByPlace = FxHashMap<(CodeId, u32, Option<CodeId>, CodeId), u64>;

fn by_place(profile: &Profile<'_>, pick: impl Fn(&StackFacts) -> u64) -> ByPlace {
    let mut places = ByPlace::default();
    let mut frames = Vec::new();
    for (stack, facts) in profile.stacks.iter().filter(|(_, facts)| pick(facts) > 0) {
        profile.frames(*stack, &mut frames);
        if let Owner::Frame(owned) = profile.owner(&frames) {
            let key = (profile.code_of(owned.owner), profile.line_of(owned.owner), owned.callee, owned.leaf);
            *places.entry(key).or_default() += pick(facts);
        }
    }
    places
}

/// The same without what is called.
fn by_line(profile: &Profile<'_>, pick: impl Fn(&StackFacts) -> u64) -> Vec<(Place, u64)> {
    let mut lines: FxHashMap<(CodeId, u32), u64> = FxHashMap::default();
    for ((code, line, _, _), weight) in by_place(profile, pick) {
        *lines.entry((code, line)).or_default() += weight;
    }
    heaviest(&lines, MOST)
        .into_iter()
        .map(|((code, line), weight)| (Place { function: profile.function(code), line }, weight))
        .collect()
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Where the main threads wait, when they do for more than `least` of their time.
pub(super) fn waiting(profile: &Profile<'_>, least: f64) -> Option<Waiting> {
    let (mut main, mut others) = (ThreadFacts::default(), ThreadFacts::default());
    let mut main_threads = 0;
    for (at, thread) in profile.dictionary.threads().iter().enumerate() {
        let facts = profile.thread(ThreadId::from_index(at));
        if thread.is_main && facts.samples > 0 {
            main.add_all(&facts);
            main_threads += 1;
        } else {
            others.add_all(&facts);
        }
    }
    let (wall, idle) = (main.wall.as_seconds(), main.idle.as_seconds());
    if ratio(idle, wall) <= least {
        return None;
    }
    let place = |((code, line, callee, leaf), weight): ((CodeId, u32, Option<CodeId>, CodeId), u64)| {
        let amount = weight as f64 / 1e9;
        Wait {
            place: Place { function: profile.function(code), line },
            source: profile.dictionary.source_line(profile.dictionary.code(code).file, line).map(str::to_owned),
            callee: callee.map(|callee| profile.function(callee)),
            innermost: Some(leaf)
                .filter(|&leaf| leaf != code && callee != Some(leaf))
                .map(|leaf| profile.function(leaf)),
            of_wall: ratio(amount, wall),
            amount,
        }
    };
    Some(Waiting {
        main_threads,
        wall,
        idle,
        of_wall: ratio(idle, wall),
        others_are_active: others.active().as_seconds() > idle / 2.0,
        places: heaviest(&by_place(profile, |facts| facts.waited), MOST)
            .into_iter()
            .map(place)
            .filter(|wait| wait.of_wall >= LEAST)
            .collect(),
    })
}

fn all_threads(profile: &Profile<'_>) -> ThreadFacts {
    let mut all = ThreadFacts::default();
    profile.threads.iter().for_each(|facts| all.add_all(facts));
    all
}

/// How threads compete for the GIL, when they wait for it for more than `least` of their active time.
pub(super) fn contention(profile: &Profile<'_>, least: f64) -> Option<Contention> {
    let all = all_threads(profile);
    let (wanted, held, active) = (all.gil_wanted.as_seconds(), all.gil_held.as_seconds(), all.active().as_seconds());
    if ratio(wanted, active) <= least {
        return None;
    }
    let wants = |facts: &&ThreadFacts| facts.gil_wanted.as_seconds() > wanted / 100.0;
    Some(Contention {
        wanted,
        held,
        of_active: ratio(wanted, active),
        threads: profile.threads.iter().filter(wants).count(),
        holders: by_line(profile, |facts| facts.held)
            .into_iter()
            .map(|(place, weight)| Holder { place, of_held: ratio(weight as f64 / 1e9, held) })
            .collect(),
    })
}

/// The garbage collector's part, when it is more than `least` of the active time.
pub(super) fn collector(profile: &Profile<'_>, least: f64) -> Option<Collector> {
    let all = all_threads(profile);
    let (amount, active) = (all.collecting.as_seconds(), all.active().as_seconds());
    if ratio(amount, active) <= least {
        return None;
    }
    let places = by_line(profile, |facts| facts.collected).into_iter();
    let places = places
        .map(|(place, weight)| CollectedAt { place, of_collecting: ratio(weight as f64 / 1e9, amount) })
        .collect();
    let mut frames = Vec::new();
    let without_python: u64 = profile
        .stacks
        .iter()
        .filter(|(stack, facts)| {
            profile.frames(*stack, &mut frames);
            facts.collected > 0 && profile.owner(&frames) == Owner::NoPython
        })
        .map(|(_, facts)| facts.collected)
        .sum();
    let without_python = ratio(without_python as f64 / 1e9, amount);
    Some(Collector { amount, of_active: ratio(amount, active), places, without_python })
}

/// How long threads were ready to run and had no processor, when that is more than `least` of the active time.
pub(super) fn starved(profile: &Profile<'_>, least: f64) -> Option<Starved> {
    const LEAST_SECONDS: f64 = 0.1;
    let all = all_threads(profile);
    let (active, cpu) = (all.active().as_seconds(), all.cpu.as_seconds());
    let amount = active - cpu - all.gil_wanted.as_seconds();
    // No CPU time at all means that the capture does not know it.
    let is_told = cpu > 0.0 && amount > LEAST_SECONDS && ratio(amount, active) > least;
    is_told.then(|| Starved { amount, of_active: ratio(amount, active) })
}
