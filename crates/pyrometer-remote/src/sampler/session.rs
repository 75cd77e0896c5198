//! A recording from its beginning to its end.

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyrometer_model::{Audit, Dictionary, Nanoseconds, ProcessId, SampleRun};

use super::attached::Books;
use super::budget::Budget;
use super::gap::{self, Unwatched};
use super::options::Options;
use super::schedule::Schedule;
use super::target::{Found, Target};
use crate::os::clock::{self, Precedence, now};
use crate::os::process::{FileSystem, ProcessHandle};
use crate::os::tree::{ProcessTree, TreeEvent, Watching};
use crate::{Error, ErrorKind, Result};

/// What a target needs of the session: a macro, since a method would borrow the list of targets as well.
macro_rules! books {
    ($session:ident, $dictionary:ident) => {
        Books {
            dictionary: $dictionary,
            runs: &mut $session.runs,
            audit: &mut $session.audit,
            options: &$session.options,
            start: $session.start,
            interval: $session.schedule.interval(),
            unwatched: &mut $session.unwatched,
        }
    };
}

/// Hands a block of runs on, with the dictionary that they refer to (which holds all they need, and may be added to). The
/// first call comes at once with the first sample and has no runs yet: it says that sampling has begun.
pub type Sink<'a, E> = &'a mut dyn FnMut(&mut Dictionary, &[SampleRun]) -> Result<(), E>;

/// Why a recording ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The root process ended.
    Ended,
    /// The time was over.
    Duration,
    /// It was asked to stop.
    Stopped,
}

/// Why a recording failed. What was handed out before is valid.
#[derive(Debug)]
pub enum SessionError<E> {
    /// The root process cannot be sampled.
    Target(Error),
    /// The sink failed.
    Sink(E),
}

/// What is to be said about a recording, besides its [`Audit`].
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Why it ended.
    pub end: End,
    /// Whether any process was a Python.
    pub python_found: bool,
    /// How child processes were watched for.
    pub watching: Watching,
    /// What the user should know, as sentences.
    pub notes: Vec<String>,
}

/// Runs are handed on at least so often.
const FLUSH_INTERVAL: u64 = 1_000_000_000;
/// And when so many have gathered.
const BLOCK: usize = 4096;
/// The rate is adjusted to the budget so often.
const BUDGET_INTERVAL: u64 = 200_000_000;
/// And after so many ticks for the first time: until then the rate may be a hundred times what the budget allows.
const BUDGET_TICKS: u64 = 20;
/// No sleep is longer, so that a wish to stop is heard soon.
const NAP: u64 = 20_000_000;
/// Intervals shorter than this are waited for awake, at least for their last stretch of `AWAKE`.
const SPINNING: u64 = 200_000;
const AWAKE: u64 = 60_000;
/// So many processes that could not be sampled are told one by one.
const MAX_REFUSED: usize = 10;
/// The tree of processes is looked at no more often.
const TREE_INTERVAL: u64 = 500_000;

/// Records one process and, if wished, all that it starts.
#[derive(Debug)]
pub struct Session {
    root: u32,
    root_handle: ProcessHandle,
    options: Options,
    start: u64,
    tree: ProcessTree,
    targets: Vec<Target>,
    ids: HashMap<u32, ProcessId>,
    files: HashMap<ProcessId, Rc<FileSystem>>,
    schedule: Schedule,
    budget: Option<Budget>,
    next_flush: u64,
    next_tree: u64,
    next_budget: u64,
    next_root: u64,
    /// Own CPU time at the first sample.
    cpu_at_start: u64,
    first_tick: Option<u64>,
    last_tick: u64,
    /// Since when there is something to sample; the last tick, if that was later, ended the last time that is known.
    busy_since: u64,
    unwatched: Unwatched,
    longest: u64,
    attached: usize,
    audit: Audit,
    runs: Vec<SampleRun>,
    notes: Vec<String>,
    refused: usize,
    python_found: bool,
    begun: bool,
    flush_wish: Option<Arc<AtomicBool>>,
}

impl Session {
    /// Prepares to record process `root`. Time zero of the capture is now. The children of a process that has only just
    /// been started cannot be missed when this is called before it runs on.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn new(root: u32, options: Options) -> Result<Self> {
        let root_handle = ProcessHandle::open(root)
            .map_err(|error| Error::new(ErrorKind::Gone, format!("there is no process {root} ({error})")))?;
        clock::raise_file_limit();
        let start = now();
        let tree =
            if options.subprocesses { ProcessTree::with_descendants(root) } else { ProcessTree::root_only(root) };
        let interval = options.interval.0;
        let schedule = Schedule::new(start, interval, options.jitter, start ^ (u64::from(root) << 32));
        Ok(Self {
            root,
            root_handle,
            start,
            tree,
            targets: Vec::new(),
            ids: HashMap::new(),
            files: HashMap::new(),
            schedule,
            budget: options.budget.map(|share| Budget::new(share, interval)),
            next_flush: start + FLUSH_INTERVAL,
            next_tree: start,
            next_budget: start + BUDGET_INTERVAL,
            next_root: start,
            cpu_at_start: 0,
            first_tick: None,
            last_tick: 0,
            busy_since: start,
            unwatched: Unwatched::default(),
            longest: 0,
            attached: 0,
            audit: Audit { interval_wanted: options.interval, ..Audit::default() },
            runs: Vec::with_capacity(BLOCK + 256),
            notes: Vec::new(),
            refused: 0,
            python_found: false,
            begun: false,
            flush_wish: None,
            options,
        })
    }

    /// When `wish` is set, from any thread, all that was sampled until then is handed on at once, and `wish` is cleared just
    /// before. The sink is then called even when there is nothing new.
    pub fn flush_on(&mut self, wish: Arc<AtomicBool>) {
        self.flush_wish = Some(wish);
    }

    /// Records until the root ends, the time is over or `stop` is set. Fills `dictionary`, its audit included, and hands
    /// the runs to `sink` in blocks, every second or few thousand runs.
    ///
    /// # Errors
    /// When the root cannot be sampled (not permitted, not a Python within [`Options::patience`], not a supported one),
    /// or the sink fails. The dictionary's audit is filled all the same.
    pub fn run<E>(
        &mut self,
        dictionary: &mut Dictionary,
        stop: &AtomicBool,
        sink: Sink<'_, E>,
    ) -> Result<Outcome, SessionError<E>> {
        let result = self.record(dictionary, stop, sink);
        self.close(dictionary, result.as_ref().is_ok_and(|end| *end == End::Ended));
        let handed = self.hand_on(dictionary, sink);
        let end = result?;
        handed.map_err(SessionError::Sink)?;
        Ok(Outcome {
            end,
            python_found: self.python_found,
            watching: self.tree.watching(),
            notes: std::mem::take(&mut self.notes),
        })
    }

    /// The path under which this process can read what a process of the capture calls `file`. Works as long as the session
    /// lives, also after the process's end.
    #[must_use]
    pub fn source_path(&self, process: ProcessId, file: &str) -> PathBuf {
        self.files.get(&process).map_or_else(|| PathBuf::from(file), |files| files.readable_path(file))
    }

    /// The directory that a process of the capture worked in; none for one that was never a Python.
    #[must_use]
    pub fn directory(&self, process: ProcessId) -> Option<PathBuf> {
        Some(self.files.get(&process)?.directory().to_owned())
    }

    fn record<E>(
        &mut self,
        dictionary: &mut Dictionary,
        stop: &AtomicBool,
        sink: Sink<'_, E>,
    ) -> Result<End, SessionError<E>> {
        clock::sharpen_timers();
        let mut precedence = None;
        self.add_target(self.root, None, self.start, dictionary).map_err(SessionError::Target)?;
        loop {
            let time = now();
            if stop.load(Ordering::Relaxed) {
                return Ok(End::Stopped);
            }
            if self.options.duration.is_some_and(|duration| time - self.start >= duration.0) {
                return Ok(End::Duration);
            }
            if time >= self.next_tree {
                self.follow_tree(dictionary);
                self.next_tree = time + TREE_INTERVAL;
            }
            self.search(dictionary).map_err(SessionError::Target)?;
            // Not before: looking for CPython in its files takes milliseconds, which a program that starts needs itself.
            if self.attached > 0 && precedence.is_none() && self.options.interval.0 > SPINNING {
                precedence = Some(Precedence::take());
            }
            if self.attached > 0 && time >= self.schedule.next() {
                self.tick(dictionary);
            }
            self.remove_ended(dictionary);
            if self.flush_wish.as_ref().is_some_and(|wish| wish.swap(false, Ordering::AcqRel)) {
                // As at the beginning, whoever waits is owed a call, with runs or without.
                (self.next_flush, self.begun) = (time, false);
            }
            self.flush_when_due(time, dictionary, sink).map_err(SessionError::Sink)?;
            if self.wait() {
                return Ok(End::Ended);
            }
        }
    }

    /// Takes a sample of every process.
    fn tick(&mut self, dictionary: &mut Dictionary) {
        let time = now();
        if self.first_tick.is_none() {
            self.first_tick = Some(time);
            self.cpu_at_start = clock::own_cpu_time().0;
        } else {
            self.longest = self.longest.max(time - self.last_tick);
        }
        let was_away = self.note_unwatched(time);
        self.last_tick = time;
        self.audit.ticks += 1;
        if was_away {
            self.schedule.restart(time);
        } else {
            self.schedule.advance(time);
        }
        let mut books = books!(self, dictionary);
        let mut attached = 0;
        for target in &mut self.targets {
            target.sample(&mut books);
            attached += usize::from(target.is_attached());
        }
        self.attached = attached;
        if (time >= self.next_budget || self.audit.ticks == BUDGET_TICKS)
            && let Some(budget) = &mut self.budget
        {
            let used = clock::own_cpu_time().0.saturating_sub(self.cpu_at_start);
            self.schedule.set_interval(budget.interval(used, self.audit.ticks), now());
            self.next_budget = time + BUDGET_INTERVAL;
        }
    }

    /// Whether pyrometer has not run for long until `time`, though there was something to sample.
    fn note_unwatched(&mut self, time: u64) -> bool {
        let gap = time.saturating_sub(self.last_tick.max(self.busy_since));
        let Some(reach) = gap::reach(gap, self.schedule.interval()) else { return false };
        self.unwatched.wall += gap - 2 * reach;
        true
    }

    /// Looks at the processes that are not known to be Python yet.
    fn search(&mut self, dictionary: &mut Dictionary) -> Result<()> {
        let time = now();
        let patience = self.options.patience;
        let files = &mut self.files;
        let mut books = books!(self, dictionary);
        for target in &mut self.targets {
            if target.next_look().is_none_or(|next| time < next) {
                continue;
            }
            let id = target.id();
            let mut file_system = |pid| file_system_of(files, id, pid);
            match target.search(&mut file_system, &mut books) {
                Found::Nothing => {
                    let waited = Nanoseconds(time - self.start);
                    if target.pid() == self.root && !self.python_found && patience.is_some_and(|limit| waited >= limit)
                    {
                        return Err(never_python(self.root, target.is_not_python()));
                    }
                }
                Found::Python => {
                    if self.attached == 0 {
                        self.schedule.restart(now());
                        self.busy_since = now();
                    }
                    self.attached += 1;
                    self.python_found = true;
                    target.sample(&mut books);
                }
                Found::Refused(error) if target.pid() == self.root && !self.options.subprocesses => return Err(error),
                Found::Refused(error) => {
                    self.refused += 1;
                    if self.refused <= MAX_REFUSED {
                        self.notes.push(format!("not sampled: {error}"));
                    }
                }
            }
        }
        Ok(())
    }

    /// Notes what the tree of processes did.
    fn follow_tree(&mut self, dictionary: &mut Dictionary) {
        let mut events = Vec::new();
        self.tree.poll(|event| events.push(event));
        for event in events {
            match event {
                TreeEvent::Started { pid, parent, time } => {
                    let parent = self.ids.get(&parent).copied();
                    if self.add_target(pid, parent, time, dictionary).is_err() {
                        self.add_ended(pid, parent, time, dictionary);
                    }
                }
                TreeEvent::Executed { pid, .. } => {
                    let mut books = books!(self, dictionary);
                    if let Some(target) = self.targets.iter_mut().find(|target| target.pid() == pid) {
                        self.attached -= usize::from(target.is_attached());
                        target.executed(&mut books);
                    }
                }
                // Told when the main thread ends; a process that has others lives on and is found ended later.
                TreeEvent::Ended { pid, time } => {
                    let target = self.targets.iter_mut().find(|target| target.pid() == pid);
                    if pid != self.root && target.is_some_and(Target::ends) {
                        self.remove(pid, time, dictionary);
                    }
                }
            }
        }
    }

    fn add_target(
        &mut self,
        pid: u32,
        parent: Option<ProcessId>,
        time: u64,
        dictionary: &mut Dictionary,
    ) -> Result<()> {
        let since = time.saturating_sub(self.start);
        let mut target = Target::open(pid, parent, since, &mut books!(self, dictionary))?;
        if matches!(self.tree.watching(), Watching::Events(_)) {
            target.end_is_told();
        }
        self.audit.processes_seen += 1;
        self.ids.insert(pid, target.id());
        self.targets.push(target);
        Ok(())
    }

    /// Puts a process on record that had ended before it could be looked at.
    fn add_ended(&mut self, pid: u32, parent: Option<ProcessId>, time: u64, dictionary: &mut Dictionary) {
        let command =
            parent.and_then(|id| dictionary.process(id)).map_or_else(Default::default, |process| process.command);
        let start = Nanoseconds(time.saturating_sub(self.start));
        let end = Some(Nanoseconds(now().saturating_sub(self.start)));
        let process = pyrometer_model::Process { pid, parent, command, start, end, ..Default::default() };
        self.ids.insert(pid, dictionary.add_process(process));
        self.audit.processes_seen += 1;
        self.audit.processes_unsampled += 1;
    }

    /// Closes the books of child processes that have ended.
    fn remove_ended(&mut self, dictionary: &mut Dictionary) {
        let time = now();
        let root = self.root;
        let ended = |target: &mut Target| target.pid() != root && target.has_ended(time);
        while let Some(index) = self.targets.iter_mut().position(ended) {
            let pid = self.targets[index].pid();
            self.remove(pid, time, dictionary);
        }
    }

    fn remove(&mut self, pid: u32, time: u64, dictionary: &mut Dictionary) {
        self.tree.forget(pid);
        let Some(index) = self.targets.iter().position(|target| target.pid() == pid) else { return };
        let target = self.targets.swap_remove(index);
        self.attached -= usize::from(target.is_attached());
        target.close(Some(time.saturating_sub(self.start)), &mut books!(self, dictionary));
    }

    fn flush_when_due<E>(&mut self, time: u64, dictionary: &mut Dictionary, sink: Sink<'_, E>) -> Result<(), E> {
        if time >= self.next_flush {
            self.next_flush = time + FLUSH_INTERVAL;
            let mut books = books!(self, dictionary);
            for target in &mut self.targets {
                target.flush(&mut books);
            }
            self.sum_up(dictionary);
            return self.hand_on(dictionary, sink);
        }
        if self.runs.len() >= BLOCK || (self.python_found && !self.begun) {
            self.hand_on(dictionary, sink)
        } else {
            Ok(())
        }
    }

    fn hand_on<E>(&mut self, dictionary: &mut Dictionary, sink: Sink<'_, E>) -> Result<(), E> {
        if self.runs.is_empty() && (self.begun || !self.python_found) {
            return Ok(());
        }
        self.begun = true;
        let result = sink(dictionary, &self.runs);
        self.runs.clear();
        result
    }

    /// Sleeps until there is something to do, or the root ends; whether it has ended.
    fn wait(&mut self) -> bool {
        let time = now();
        let mut wake = (time + NAP).min(self.next_flush);
        if self.attached > 0 {
            wake = wake.min(self.schedule.next());
        }
        if self.options.subprocesses {
            wake = wake.min(self.next_tree.max(time + TREE_INTERVAL));
        }
        if let Some(duration) = self.options.duration {
            wake = wake.min(self.start + duration.0);
        }
        wake = self.targets.iter().filter_map(Target::next_look).fold(wake, u64::min);
        if self.schedule.interval() > SPINNING || wake > time + SPINNING {
            return self.root_handle.wait_until(wake);
        }
        // At high rates the last stretch is spent awake, since a sleep ends some 5–50 µs after its deadline, which would be
        // much of an interval.
        if wake > time + AWAKE {
            clock::sleep_until(wake - AWAKE);
        }
        while now() < wake {
            std::hint::spin_loop();
        }
        if time < self.next_root {
            return false;
        }
        self.next_root = time + TREE_INTERVAL;
        self.root_handle.has_ended()
    }

    fn close(&mut self, dictionary: &mut Dictionary, root_ended: bool) {
        if self.attached > 0 {
            self.note_unwatched(now());
        }
        if self.options.subprocesses {
            self.follow_tree(dictionary);
        }
        let root = self.root;
        let time = now();
        let still = self.targets.iter_mut().filter(|target| target.pid() != root);
        let left = still.map(|target| usize::from(target.is_alive(time))).sum::<usize>();
        if root_ended && left > 0 {
            let (processes, were) = if left == 1 { ("process", "it was") } else { ("processes", "they were") };
            self.notes
                .push(format!("{left} {processes} still ran when the program ended; {were} not followed any further"));
        }
        for target in std::mem::take(&mut self.targets) {
            let ended = root_ended && target.pid() == root;
            let mut books = books!(self, dictionary);
            let end = ended.then(|| books.time());
            target.close(end, &mut books);
        }
        self.attached = 0;
        self.sum_up(dictionary);
        self.write_notes();
    }

    /// Fills in the dictionary's audit, as of now.
    fn sum_up(&mut self, dictionary: &mut Dictionary) {
        let audit = &mut self.audit;
        audit.late = self.schedule.late();
        audit.missed = self.schedule.missed();
        audit.duration = Nanoseconds(self.first_tick.map_or(0, |first| self.last_tick - first));
        let watched = audit.duration.0.saturating_sub(self.unwatched.wall);
        audit.interval_mean = Nanoseconds(watched / audit.ticks.saturating_sub(1).max(1));
        audit.interval_longest = Nanoseconds(self.longest);
        audit.sampler_cpu = clock::own_cpu_time();
        audit.sampler_peak_memory = clock::own_peak_memory();
        dictionary.audit = *audit;
    }

    fn write_notes(&mut self) {
        let lost = self.tree.lost();
        if lost > 0 {
            self.notes.push(format!("{lost} events of child processes were lost: up to as many were not seen"));
        }
        if self.tree.watching() == Watching::Polling {
            self.notes.push(
                "perf events are not permitted (kernel.perf_event_paranoid, or a container): children that lived for \
                 less than about 5 ms may not have been seen, so the count of processes is a lower bound"
                    .to_owned(),
            );
        }
        if self.refused > MAX_REFUSED {
            self.notes.push(format!("{} more processes could not be sampled", self.refused - MAX_REFUSED));
        }
        if self.unwatched.wall > 0 {
            let Unwatched { wall, cpu } = self.unwatched;
            let seconds = |time: u64| Nanoseconds(time).as_seconds();
            let used = if cpu < 50_000_000 {
                String::new()
            } else {
                format!("; the {:.1} s of CPU time that was used in it are left out", seconds(cpu))
            };
            self.notes.push(format!("nothing is known of {:.1} s in which pyrometer did not run{used}", seconds(wall)));
        }
        if let Some(share) = self.options.budget
            && self.schedule.interval() > self.options.interval.0
        {
            let cpu = self.audit.sampler_cpu.0.saturating_sub(self.cpu_at_start);
            let took = Nanoseconds(cpu).as_seconds() / self.audit.duration.as_seconds().max(f64::MIN_POSITIVE);
            self.notes.push(format!(
                "the rate was lowered to {:.0} Hz on average for the budget of {} %: sampling took {:.2} % of a core, and \
                 the start {:.0} ms besides",
                1.0 / self.audit.interval_mean.as_seconds().max(1e-9),
                (share * 1e4).round() / 100.0,
                took * 100.0,
                Nanoseconds(self.cpu_at_start).as_seconds() * 1000.0
            ));
        }
    }
}

fn never_python(pid: u32, not_python: bool) -> Error {
    let why = if not_python { "it runs no CPython" } else { "its CPython is not initialised" };
    Error::new(if not_python { ErrorKind::NotPython } else { ErrorKind::NotReady }, format!("process {pid}: {why}"))
}

/// The file system of a process; one for all processes that see the same, as a program's children mostly do.
fn file_system_of(known: &mut HashMap<ProcessId, Rc<FileSystem>>, id: ProcessId, pid: u32) -> Rc<FileSystem> {
    let new = FileSystem::of(pid);
    let shared = known.values().find(|files| files.is_same(&new)).cloned();
    let files = shared.unwrap_or_else(|| Rc::new(new));
    known.insert(id, Rc::clone(&files));
    files
}
