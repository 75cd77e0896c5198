//! One pass over the samples, and what is kept of it.

mod batches;

use pyrometer_model::{
    Code, CodeId, CodeKind, Dictionary, Flags, LocationId, Nanoseconds, SampleRun, SampleSource, Selection, StackId,
    ThreadId, View,
};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;

use crate::{Error, ErrorKind, FunctionRef, Origin, Share, interval};
use batches::Batches;

/// What the amounts of a profile are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Numbers of samples: the capture knows no time.
    Samples,
}

/// What is known of one stack in the samples that were asked for. Weights are nanoseconds of the selection's view, except
/// `waited`, `held`, `wanted` and `collected`, which are wall time whatever the view.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StackFacts {
    pub weight: u64,
    pub samples: f64,
    /// Wall time in which a process's main thread was idle with this stack.
    pub waited: u64,
    /// Wall time in which a thread held the GIL with this stack.
    pub held: u64,
    /// Wall time in which a thread wanted the GIL with this stack.
    pub wanted: u64,
    /// Wall time in which the garbage collector ran.
    pub collected: u64,
}

/// What one thread did, in nanoseconds of wall time where nothing else is said.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct ThreadFacts {
    /// Samples.
    pub samples: u64,
    /// All time that its samples stand for.
    pub wall: Nanoseconds,
    /// CPU time, as the kernel accounted it.
    pub cpu: Nanoseconds,
    /// On a processor, or ready to run.
    pub on_cpu: Nanoseconds,
    /// Blocked on something other than the GIL.
    pub idle: Nanoseconds,
    /// Holding the GIL.
    pub gil_held: Nanoseconds,
    /// Waiting for the GIL.
    pub gil_wanted: Nanoseconds,
    /// Collecting garbage.
    pub collecting: Nanoseconds,
    /// With stacks of which the innermost part is unknown.
    pub partial: Nanoseconds,
    /// What its samples weigh in the profile's selection and view.
    pub weight: Nanoseconds,
}

impl ThreadFacts {
    /// Time that was not spent blocked.
    #[must_use]
    pub fn active(&self) -> Nanoseconds {
        self.wall - self.idle
    }

    fn add(&mut self, part: &SampleRun) {
        let count = |flag, span: &mut Nanoseconds| {
            if part.flags.contains(flag) {
                *span += part.wall;
            }
        };
        count(Flags::ON_CPU, &mut self.on_cpu);
        count(Flags::IDLE, &mut self.idle);
        count(Flags::GIL_HELD, &mut self.gil_held);
        count(Flags::GIL_WANTED, &mut self.gil_wanted);
        count(Flags::IN_GC, &mut self.collecting);
        count(Flags::PARTIAL, &mut self.partial);
        self.samples += u64::from(part.count);
        self.wall += part.wall;
        self.cpu += part.cpu;
    }

    /// Adds what another thread did.
    pub fn add_all(&mut self, other: &Self) {
        self.samples += other.samples;
        self.wall += other.wall;
        self.cpu += other.cpu;
        self.on_cpu += other.on_cpu;
        self.idle += other.idle;
        self.gil_held += other.gil_held;
        self.gil_wanted += other.gil_wanted;
        self.collecting += other.collecting;
        self.partial += other.partial;
        self.weight += other.weight;
    }
}

/// A weight and the samples it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub(crate) struct Mass {
    pub weight: u64,
    pub samples: f64,
}

/// The samples of one selection, added up by stack: what every question is answered from.
#[derive(Debug)]
pub struct Profile<'d> {
    pub(crate) dictionary: &'d Dictionary,
    pub(crate) selection: Selection,
    pub(crate) unit: Unit,
    origins: Vec<Origin>,
    unknown: FxHashSet<CodeId>,
    comprehensions: FxHashSet<CodeId>,
    event_loops: FxHashSet<CodeId>,
    /// In order of stack id, so that every answer is the same on every run.
    pub(crate) stacks: Vec<(StackId, StackFacts)>,
    batches: Batches,
    pub(crate) total: Mass,
    effective_samples: f64,
    /// From the first to the last instant that was asked for and sampled, in nanoseconds since the capture's start.
    pub(crate) span: (Nanoseconds, Nanoseconds),
    /// By thread id; threads without samples in the selection have none.
    pub(crate) threads: Vec<ThreadFacts>,
}

impl<'d> Profile<'d> {
    /// Reads the samples of `source` that `selection` asks for. `dictionary` is the one that they refer to.
    ///
    /// # Errors
    /// [`ErrorKind::Source`] when the samples cannot be read to the end.
    pub fn read(
        dictionary: &'d Dictionary,
        source: &mut dyn SampleSource,
        selection: &Selection,
    ) -> Result<Self, Error> {
        let mut reading = Reading::new(dictionary, selection);
        let mut visit = |runs: &[SampleRun]| runs.iter().for_each(|run| reading.add(run));
        let everything = selection.since == Nanoseconds::ZERO && selection.until == Nanoseconds(u64::MAX);
        let outcome = if everything {
            source.for_each_block(&mut visit)
        } else {
            source.for_each_block_between(selection.since, selection.until, &mut visit)
        };
        outcome
            .map_err(|source| Error { kind: ErrorKind::Source(source), context: "the capture's samples".to_owned() })?;
        Ok(reading.finish())
    }

    /// The tables that the profile's ids refer to.
    #[must_use]
    pub fn dictionary(&self) -> &'d Dictionary {
        self.dictionary
    }

    /// The samples that were asked for.
    #[must_use]
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// What amounts are.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// What shares are parts of, in words: `active time`, `wall time`, `CPU time`, `time holding the GIL`.
    #[must_use]
    pub fn phrase(&self) -> &'static str {
        match self.selection.view {
            View::Wall if !self.selection.include_idle => "active time",
            view => view.quantity(),
        }
    }

    /// The base of all shares, in the profile's unit.
    #[must_use]
    pub fn total_amount(&self) -> f64 {
        self.amount(self.total.weight)
    }

    /// The number of samples that weigh something (in the CPU view, those on a processor).
    #[must_use]
    pub fn samples(&self) -> f64 {
        self.total.samples
    }

    /// Whether no sample was asked for, or none weighs anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total.weight == 0
    }

    /// What the thread did; all zero for one without samples.
    #[must_use]
    pub fn thread(&self, thread: ThreadId) -> ThreadFacts {
        self.threads.get(thread.index()).copied().unwrap_or_default()
    }

    /// Whose code a function is.
    #[must_use]
    pub fn origin(&self, code: CodeId) -> Origin {
        self.origins.get(code.index()).copied().unwrap_or(Origin::Marker)
    }

    /// The function of `code`, to show.
    #[must_use]
    pub fn function(&self, code: CodeId) -> FunctionRef {
        FunctionRef::of(self.dictionary, code, self.origin(code))
    }

    /// Whether `code` stands for the unproven part of a stack.
    pub(crate) fn is_unknown(&self, code: CodeId) -> bool {
        self.unknown.contains(&code)
    }

    /// Whether `code` is a comprehension or a generator expression: a function only to the interpreter (and from 3.12 on,
    /// PEP 709, for the most part not even to it).
    pub(crate) fn is_comprehension(&self, code: CodeId) -> bool {
        self.comprehensions.contains(&code)
    }

    /// Whether `code` is one turn of asyncio's event loop: `BaseEventLoop._run_once` in CPython's
    /// `Lib/asyncio/base_events.py`, so called since 3.4.
    pub(crate) fn is_event_loop(&self, code: CodeId) -> bool {
        self.event_loops.contains(&code)
    }

    pub(crate) fn code_of(&self, location: LocationId) -> CodeId {
        self.dictionary.location(location).code
    }

    pub(crate) fn line_of(&self, location: LocationId) -> u32 {
        self.dictionary.location(location).position.line
    }

    /// A weight in the profile's unit.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn amount(&self, weight: u64) -> f64 {
        match self.unit {
            Unit::Seconds => weight as f64 / 1e9,
            Unit::Samples => weight as f64,
        }
    }

    /// A weight as a part of the base, 0 to 1.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn part(&self, weight: u64) -> f64 {
        if self.total.weight == 0 { 0.0 } else { weight as f64 / self.total.weight as f64 }
    }

    /// Adds up the stacks' weights under the keys that `keys_of` gives for a stack, each at most once a stack.
    pub(crate) fn tally<K: std::hash::Hash + Eq>(
        &self,
        mut keys_of: impl FnMut(StackId, &mut Vec<K>),
    ) -> FxHashMap<K, Mass> {
        let mut masses: FxHashMap<K, Mass> = FxHashMap::default();
        let mut keys = Vec::new();
        for (stack, facts) in self.stacks.iter().filter(|(_, facts)| facts.weight > 0) {
            keys_of(*stack, &mut keys);
            for key in keys.drain(..) {
                let mass = masses.entry(key).or_default();
                mass.weight += facts.weight;
                mass.samples += facts.samples;
            }
        }
        masses
    }

    /// The shares of all time, with intervals, of the keys in `wanted`. `keys_of` is what [`Profile::tally`] was given.
    pub(crate) fn shares<K: std::hash::Hash + Eq + Clone>(
        &self,
        wanted: impl IntoIterator<Item = K>,
        mut keys_of: impl FnMut(StackId, &mut Vec<K>),
    ) -> FxHashMap<K, Share> {
        let mut index: FxHashMap<K, usize> = FxHashMap::default();
        for key in wanted {
            let next = index.len();
            index.entry(key).or_insert(next);
        }
        let mut weights = vec![0u64; index.len()];
        // For each stack the indices of the wanted keys that it counts for.
        let mut counted: FxHashMap<StackId, Vec<usize>> = FxHashMap::default();
        let mut keys = Vec::new();
        for (stack, facts) in self.stacks.iter().filter(|(_, facts)| facts.weight > 0) {
            keys_of(*stack, &mut keys);
            let found: Vec<usize> = keys.drain(..).filter_map(|key| index.get(&key).copied()).collect();
            found.iter().for_each(|&at| weights[at] += facts.weight);
            if !found.is_empty() {
                counted.insert(*stack, found);
            }
        }
        let (parts, whole) = self.batch_weights(index.len(), &counted);
        index.into_iter().map(|(key, at)| (key, self.share(weights[at], &parts[at], &whole))).collect()
    }

    #[allow(clippy::cast_precision_loss)]
    fn batch_weights(&self, keys: usize, counted: &FxHashMap<StackId, Vec<usize>>) -> (Vec<Vec<f64>>, Vec<f64>) {
        let spans = self.batches.spans();
        let mut parts = vec![vec![0.0; spans.len()]; keys];
        let mut whole = vec![0.0; spans.len()];
        for (at, span) in spans.iter().enumerate() {
            for (stack, &weight) in span {
                whole[at] += weight as f64;
                for &key in counted.get(stack).into_iter().flatten() {
                    parts[key][at] += weight as f64;
                }
            }
        }
        (parts, whole)
    }

    #[allow(clippy::cast_precision_loss)]
    fn share(&self, weight: u64, part: &[f64], whole: &[f64]) -> Share {
        if self.total.weight == 0 {
            return Share { high: 1.0, ..Share::default() };
        }
        let share = weight as f64 / self.total.weight as f64;
        let found = interval::interval(part, whole, share, self.effective_samples);
        Share { share, low: found.low, high: found.high, amount: self.amount(weight) }
    }
}

/// A profile in the making.
struct Reading<'d, 's> {
    dictionary: &'d Dictionary,
    selection: &'s Selection,
    stacks: FxHashMap<StackId, StackFacts>,
    batches: Batches,
    squares: f64,
    span: Option<(Nanoseconds, Nanoseconds)>,
    threads: Vec<ThreadFacts>,
}

impl<'d, 's> Reading<'d, 's> {
    fn new(dictionary: &'d Dictionary, selection: &'s Selection) -> Self {
        let threads = vec![ThreadFacts::default(); dictionary.threads().len()];
        let stacks = FxHashMap::default();
        Self { dictionary, selection, stacks, batches: Batches::default(), squares: 0.0, span: None, threads }
    }

    fn add(&mut self, run: &SampleRun) {
        if !self.selection.has_thread(self.dictionary, run.thread) {
            return;
        }
        let Some(part) = run.clip(self.selection.since, self.selection.until) else { return };
        let span = self.span.get_or_insert((part.start, part.end()));
        *span = (span.0.min(part.start), span.1.max(part.end()));
        let facts = self.stacks.entry(part.stack).or_default();
        let is_main = self.dictionary.thread(part.thread).is_some_and(|thread| thread.is_main);
        for (flag, counts, sum) in [
            (Flags::IDLE, is_main, &mut facts.waited),
            (Flags::GIL_HELD, true, &mut facts.held),
            (Flags::GIL_WANTED, true, &mut facts.wanted),
            (Flags::IN_GC, true, &mut facts.collected),
        ] {
            if counts && part.flags.contains(flag) {
                *sum += part.wall.0;
            }
        }
        let weighed =
            self.selection.weigh(self.dictionary, run).map(|(part, weight)| (self.selection.samples(&part), weight));
        if let Some((samples, weight)) = weighed {
            facts.weight += weight.0;
            facts.samples += samples;
            self.batches.add(&part, weight.0);
            if samples > 0.0 {
                self.squares += (weight.0 as f64).powi(2) / samples;
            }
        }
        if self.threads.len() <= part.thread.index() && part.thread.index() < u32::MAX as usize {
            self.threads.resize(part.thread.index() + 1, ThreadFacts::default());
        }
        if let Some(thread) = self.threads.get_mut(part.thread.index()) {
            thread.add(&part);
            thread.weight += weighed.map_or(Nanoseconds::ZERO, |(_, weight)| weight);
        }
    }

    fn finish(mut self) -> Profile<'d> {
        let mut stacks: Vec<(StackId, StackFacts)> = self.stacks.into_iter().collect();
        stacks.sort_unstable_by_key(|(stack, _)| *stack);
        let mut total = Mass::default();
        for (_, facts) in &stacks {
            total.weight += facts.weight;
            total.samples += facts.samples;
        }
        let mut unit = Unit::Seconds;
        let mut effective = if self.squares > 0.0 { (total.weight as f64).powi(2) / self.squares } else { 0.0 };
        if total.weight == 0 && total.samples > 0.0 {
            // A capture without time, as some formats give: every sample weighs the same.
            unit = Unit::Samples;
            stacks.iter_mut().for_each(|(_, facts)| facts.weight = facts.samples.round() as u64);
            total.weight = stacks.iter().map(|(_, facts)| facts.weight).sum();
            effective = total.samples;
            self.batches.clear();
        }
        let codes = self.dictionary.codes();
        let unknown = |code: &Code| code.kind == CodeKind::Marker && self.dictionary.string(code.name) == Code::UNKNOWN;
        let comprehension = |code: &Code| {
            matches!(self.dictionary.string(code.name), "<genexpr>" | "<listcomp>" | "<setcomp>" | "<dictcomp>")
        };
        let event_loop = |code: &Code| {
            self.dictionary.string(code.name) == "_run_once"
                && self.dictionary.string(code.file).ends_with("asyncio/base_events.py")
        };
        let all = |test: &dyn Fn(&Code) -> bool| -> FxHashSet<CodeId> {
            (0..codes.len()).filter(|&at| test(&codes[at])).map(CodeId::from_index).collect()
        };
        Profile {
            dictionary: self.dictionary,
            selection: self.selection.clone(),
            unit,
            origins: codes.iter().map(|&code| Origin::of(self.dictionary, code)).collect(),
            unknown: all(&unknown),
            comprehensions: all(&comprehension),
            event_loops: all(&event_loop),
            stacks,
            batches: self.batches,
            total,
            effective_samples: effective,
            span: self.span.unwrap_or_default(),
            threads: self.threads,
        }
    }
}
