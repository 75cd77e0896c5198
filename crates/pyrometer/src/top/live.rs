//! Sums of a recording that still goes on: over all of it, and over its last seconds.

use std::collections::HashMap;

use pyrometer_analyze::printable;
use pyrometer_model::{CodeId, CodeKind, Dictionary, Flags, SampleRun, ThreadId, View};

/// How fast the recent sums forget: what happened this long ago counts half.
const HALF_LIFE_SECONDS: f64 = 1.5;
/// A recent sum below this many nanoseconds is gone.
const FORGOTTEN: f64 = 1e3;

/// What is summed of a run, one number a view, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Weights {
    active: f64,
    wall: f64,
    cpu: f64,
    gil: f64,
}

impl Weights {
    #[allow(clippy::cast_precision_loss)]
    fn of(run: &SampleRun) -> Self {
        let (wall, cpu) = (run.wall.0 as f64, run.cpu.0 as f64);
        Self {
            active: if run.flags.contains(Flags::IDLE) { 0.0 } else { wall },
            wall,
            cpu,
            gil: if run.flags.contains(Flags::GIL_HELD) { wall } else { 0.0 },
        }
    }

    /// The number that counts in `view`; `idle` says whether the wall view counts blocked threads.
    #[must_use]
    pub fn get(self, view: View, idle: bool) -> f64 {
        match view {
            View::Wall if idle => self.wall,
            View::Wall => self.active,
            View::Cpu => self.cpu,
            View::Gil => self.gil,
        }
    }

    fn add(&mut self, other: Self) {
        self.active += other.active;
        self.wall += other.wall;
        self.cpu += other.cpu;
        self.gil += other.gil;
    }

    fn decay(&mut self, factor: f64) {
        self.active *= factor;
        self.wall *= factor;
        self.cpu *= factor;
        self.gil *= factor;
    }
}

/// A sum over all of the recording and one over its last seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sum {
    overall: Weights,
    recent: Weights,
}

impl Sum {
    fn add(&mut self, weights: Weights) {
        self.overall.add(weights);
        self.recent.add(weights);
    }
}

/// Own and total time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Times {
    own: Sum,
    total: Sum,
}

/// Sums for one thread.
#[derive(Debug, Clone, Default)]
struct ThreadSums {
    all: Sum,
    gil_wanted: f64,
    in_gc: f64,
    last_active: bool,
}

/// A place: a function (line 0), or a line of one.
type Place = (ThreadId, CodeId, u32);

/// Everything that the screen shows, summed as it comes.
#[derive(Debug, Clone, Default)]
pub struct Live {
    places: HashMap<Place, Times>,
    threads: HashMap<ThreadId, ThreadSums>,
    names: HashMap<CodeId, Name>,
    thread_names: HashMap<ThreadId, (String, u64)>,
    seen: Vec<(CodeId, u32)>,
    samples: u64,
}

#[derive(Debug, Clone)]
struct Name {
    name: String,
    file: String,
    first_line: u32,
    native: bool,
}

/// A row of the table of functions or lines.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Function name, with module.
    pub name: String,
    /// File and line; empty for a native function.
    pub place: String,
    /// Share of the recent time that was this row's own, 0 to 1.
    pub own: f64,
    /// Share of the recent time that was its or its callees'.
    pub total: f64,
    /// Own time over the whole recording, in seconds.
    pub own_seconds: f64,
    /// Total time over the whole recording, in seconds.
    pub total_seconds: f64,
}

/// A row of the table of threads.
#[derive(Debug, Clone, PartialEq)]
pub struct ThreadRow {
    /// The thread.
    pub id: ThreadId,
    /// Its name.
    pub name: String,
    /// Its kernel id.
    pub native_id: u64,
    /// Recent share of a core.
    pub cpu: f64,
    /// Recent share of time in which it held the GIL.
    pub gil: f64,
    /// Recent share of time in which it waited for the GIL.
    pub gil_wanted: f64,
    /// Recent share of time in the garbage collector.
    pub gc: f64,
    /// Whether its last sample was not idle.
    pub active: bool,
}

/// Which rows are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// What is measured.
    pub view: View,
    /// Whether blocked threads count in the wall view.
    pub idle: bool,
    /// One row a line instead of one a function.
    pub lines: bool,
    /// Only this thread.
    pub thread: Option<ThreadId>,
    /// Only rows whose name or place has this in it, letters in any case.
    pub filter: &'a str,
    /// Shares over the whole recording instead of its last seconds.
    pub overall: bool,
}

impl Live {
    /// Adds runs as they come, having aged what was there by `elapsed_seconds`.
    pub fn absorb(&mut self, dictionary: &Dictionary, runs: &[SampleRun], elapsed_seconds: f64) {
        self.age(elapsed_seconds);
        for run in runs {
            self.samples += u64::from(run.count);
            self.absorb_run(dictionary, run);
        }
    }

    fn absorb_run(&mut self, dictionary: &Dictionary, run: &SampleRun) {
        let weights = Weights::of(run);
        let sums = self.threads.entry(run.thread).or_default();
        sums.all.add(weights);
        sums.last_active = !run.flags.contains(Flags::IDLE);
        if run.flags.contains(Flags::GIL_WANTED) {
            sums.gil_wanted += weights.wall;
        }
        if run.flags.contains(Flags::IN_GC) {
            sums.in_gc += weights.wall;
        }
        if let Some(thread) = dictionary.thread(run.thread) {
            let name = dictionary.string(thread.name);
            let known = self.thread_names.entry(run.thread).or_default();
            if known.0 != printable(name) {
                *known = (printable(name).into_owned(), thread.native_id);
            }
        }
        self.seen.clear();
        for (depth, location) in dictionary.stacks.leaf_first(run.stack).enumerate() {
            let location = dictionary.location(location);
            self.names.entry(location.code).or_insert_with(|| name_of(dictionary, location.code));
            // A line number of 0 would be taken for the function's own row.
            for line in [0, location.position.line.max(1)] {
                let times = self.places.entry((run.thread, location.code, line)).or_default();
                if depth == 0 {
                    times.own.add(weights);
                }
                // Recursion: a function's total counts each instant once.
                if !self.seen.contains(&(location.code, line)) {
                    self.seen.push((location.code, line));
                    times.total.add(weights);
                }
            }
        }
    }

    fn age(&mut self, elapsed_seconds: f64) {
        let factor = 0.5f64.powf(elapsed_seconds / HALF_LIFE_SECONDS);
        for times in self.places.values_mut() {
            if times.total.recent.wall > FORGOTTEN {
                times.own.recent.decay(factor);
                times.total.recent.decay(factor);
            }
        }
        for sums in self.threads.values_mut() {
            sums.all.recent.decay(factor);
            sums.gil_wanted *= factor;
            sums.in_gc *= factor;
        }
    }

    /// How many samples were taken in.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// The rows that answer `question`, in no particular order.
    #[must_use]
    pub fn rows(&self, question: Question<'_>) -> Vec<Row> {
        let value = |weights: Weights| weights.get(question.view, question.idle);
        let pick = |sum: Sum| value(if question.overall { sum.overall } else { sum.recent });
        let wanted = |thread: ThreadId| question.thread.is_none_or(|only| only == thread);
        let whole: f64 = self.threads.iter().filter(|(id, _)| wanted(**id)).map(|(_, sums)| pick(sums.all)).sum();
        let mut merged: HashMap<(CodeId, u32), Times> = HashMap::new();
        for (&(thread, code, line), times) in &self.places {
            if wanted(thread) && (line != 0) == question.lines {
                let sum = merged.entry((code, line)).or_default();
                for (into, from) in [(&mut sum.own, times.own), (&mut sum.total, times.total)] {
                    into.overall.add(from.overall);
                    into.recent.add(from.recent);
                }
            }
        }
        let share = |part: f64| if whole > 0.0 { part / whole } else { 0.0 };
        let filter = question.filter.to_lowercase();
        merged
            .into_iter()
            .filter_map(|((code, line), times)| {
                let name = self.names.get(&code)?;
                let row = Row {
                    name: name.name.clone(),
                    place: name.place(line),
                    own: share(pick(times.own)),
                    total: share(pick(times.total)),
                    own_seconds: value(times.own.overall) / 1e9,
                    total_seconds: value(times.total.overall) / 1e9,
                };
                let matches = row.name.to_lowercase().contains(&filter) || row.place.to_lowercase().contains(&filter);
                (matches && row.total_seconds > 0.0).then_some(row)
            })
            .collect()
    }

    /// The threads, by name.
    #[must_use]
    pub fn thread_rows(&self) -> Vec<ThreadRow> {
        let mut rows: Vec<_> = self
            .threads
            .iter()
            .map(|(&id, sums)| {
                let (name, native_id) = self.thread_names.get(&id).cloned().unwrap_or_default();
                let wall = sums.all.recent.wall.max(1.0);
                ThreadRow {
                    id,
                    name,
                    native_id,
                    cpu: sums.all.recent.cpu / wall,
                    gil: sums.all.recent.gil / wall,
                    gil_wanted: sums.gil_wanted / wall,
                    gc: sums.in_gc / wall,
                    active: sums.last_active,
                }
            })
            .collect();
        rows.sort_by_key(|row| row.id);
        rows
    }
}

impl Name {
    fn place(&self, line: u32) -> String {
        if self.native || self.file.is_empty() {
            return String::new();
        }
        // The end of a path tells the file; the whole of it would push the line's number off the screen.
        let start = self.file.rmatch_indices('/').nth(1).map_or(0, |(at, _)| at + 1);
        let short = if start > 1 { &self.file[start..] } else { &self.file };
        format!("{short}:{}", if line == 0 { self.first_line } else { line })
    }
}

fn name_of(dictionary: &Dictionary, id: CodeId) -> Name {
    let code = dictionary.code(id);
    Name {
        name: printable(&dictionary.display_name(code)).into_owned(),
        file: printable(dictionary.string(code.file)).into_owned(),
        first_line: code.first_line,
        native: code.kind != CodeKind::Python,
    }
}

#[cfg(test)]
mod tests {
    use super::{Live, Question};
    use pyrometer_model::{Code, Dictionary, Flags, Location, Nanoseconds, Position, SampleRun, Thread, View};

    fn question() -> Question<'static> {
        Question { view: View::Wall, idle: false, lines: false, thread: None, filter: "", overall: true }
    }

    fn two_functions() -> (Dictionary, SampleRun, SampleRun) {
        let mut dictionary = Dictionary::default();
        let thread = dictionary.add_thread(Thread::default());
        let mut place = |name: &str, line| {
            let name = dictionary.strings.intern(name);
            let file = dictionary.strings.intern("a.py");
            let code =
                dictionary.intern_code(Code { name, qualified_name: name, file, first_line: 1, ..Code::default() });
            dictionary.intern_location(Location { code, offset: 0, position: Position::line(line) })
        };
        let (outer, inner) = (place("outer", 2), place("inner", 5));
        let recursive = dictionary.stacks.intern_frames([outer, outer, inner]);
        let alone = dictionary.stacks.intern_frames([outer]);
        let second = Nanoseconds::from_millis(1000);
        let run = SampleRun { thread, count: 1000, wall: second, cpu: second, ..SampleRun::default() };
        let busy = SampleRun { stack: recursive, flags: Flags::ON_CPU | Flags::GIL_HELD, ..run };
        let idle = SampleRun { stack: alone, flags: Flags::IDLE, cpu: Nanoseconds::ZERO, ..run };
        (dictionary, busy, idle)
    }

    #[test]
    fn own_and_total_count_recursion_once_and_idle_only_when_asked() {
        let (dictionary, busy, idle) = two_functions();
        let mut live = Live::default();
        live.absorb(&dictionary, &[busy, idle], 0.1);
        let find = |question, name: &str| live.rows(question).into_iter().find(|row| row.name == name);
        let outer = find(question(), "outer").unwrap();
        assert!((outer.total - 1.0).abs() < 1e-9 && outer.own.abs() < 1e-9, "{outer:?}");
        let with_idle = find(Question { idle: true, ..question() }, "outer").unwrap();
        assert!((with_idle.own - 0.5).abs() < 1e-9, "{with_idle:?}");
        let line = find(Question { lines: true, ..question() }, "inner").unwrap();
        assert_eq!(line.place, "a.py:5");
        assert!(find(Question { filter: "INN", ..question() }, "inner").is_some());
        assert!(find(Question { filter: "nobody", ..question() }, "inner").is_none());
        assert_eq!(live.samples(), 2000);
    }

    #[test]
    fn the_recent_view_forgets_and_the_overall_one_does_not() {
        let (dictionary, busy, _) = two_functions();
        let mut live = Live::default();
        live.absorb(&dictionary, &[busy], 0.0);
        for _ in 0..60 {
            live.absorb(&dictionary, &[], 1.0);
        }
        let recent = live.thread_rows();
        assert!(recent[0].cpu < 1e-3, "{recent:?}");
        let row = live.rows(question()).into_iter().find(|row| row.name == "inner").unwrap();
        assert!((row.own_seconds - 1.0).abs() < 1e-9);
    }
}
