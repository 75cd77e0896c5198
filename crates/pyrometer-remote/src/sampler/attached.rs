//! One Python process that is being sampled.

use std::rc::Rc;

use pyrometer_model::{Audit, Code, Dictionary, Flags, ProcessId, PythonVersion, SampleRun, StackTable};

use super::gap::{Unwatched, reach};
use super::interner::Interner;
use super::options::Options;
use super::track::{Track, Where};
use crate::cpython::{Counters, Interpreter, Snapshot, ThreadSnapshot, Validity};
use crate::memory::LiveMemory;
use crate::os::clock::{now, sleep_until};
use crate::os::pause::Pause;
use crate::os::process::{self, FileSystem};
use crate::os::threads::Activity;
use crate::{Error, ErrorKind, Result, elf};

/// What the targets of one session write to.
pub(super) struct Books<'a> {
    pub dictionary: &'a mut Dictionary,
    pub runs: &'a mut Vec<SampleRun>,
    pub audit: &'a mut Audit,
    pub options: &'a Options,
    /// The monotonic clock at the capture's start.
    pub start: u64,
    /// The time between two samples now, in nanoseconds.
    pub interval: u64,
    /// The time of which nothing is known.
    pub unwatched: &'a mut Unwatched,
}

impl Books<'_> {
    /// The time now, in nanoseconds since the capture's start.
    pub fn time(&self) -> u64 {
        now().saturating_sub(self.start)
    }
}

/// A Python process, its interpreter found and its threads on record.
#[derive(Debug)]
pub(super) struct Attached {
    pid: u32,
    process: ProcessId,
    memory: LiveMemory,
    interpreter: Interpreter,
    snapshot: Snapshot,
    seen: Counters,
    interner: Interner,
    files: Rc<FileSystem>,
    /// The threads, in the snapshot's order.
    tracks: Vec<Track>,
    /// Time of the last sample; none before the first one.
    last: Option<u64>,
    /// How far the sample being taken and the one before it reach towards each other, when nobody looked in between.
    reach: Option<u64>,
    own_pid_namespace: bool,
    pause: Pause,
    failures: u32,
}

/// So many looks in a row may fail before the process is given up (or looked for anew, if it called `exec`).
const MAX_FAILURES: u32 = 5;

impl Attached {
    /// Finds CPython in process `pid`.
    pub fn open(pid: u32, process: ProcessId, modules: &[elf::Module], files: Rc<FileSystem>) -> Result<Self> {
        let memory = LiveMemory::new(pid);
        let interpreter = Interpreter::attach(&memory, modules)?;
        let mut attached = Self {
            pid,
            process,
            memory,
            interpreter,
            snapshot: Snapshot::default(),
            seen: Counters::default(),
            interner: Interner::default(),
            files,
            tracks: Vec::new(),
            last: None,
            reach: None,
            own_pid_namespace: process::has_own_pid_namespace(pid),
            pause: Pause::default(),
            failures: 0,
        };
        attached.check_ownership()?;
        Ok(attached)
    }

    /// A child between `vfork` and `exec` still shows its parent's memory, and would be taken for a Python with its
    /// parent's stacks. None of the threads in that memory are its own, which tells it apart.
    fn check_ownership(&mut self) -> Result<()> {
        self.interpreter.snapshot(&self.memory, &mut self.snapshot)?;
        self.seen = self.snapshot.counters;
        let own = process::thread_ids(self.pid).unwrap_or_default();
        let mut known = self.snapshot.threads.iter().map(|thread| thread.native_id).filter(|&id| id != 0).peekable();
        let foreign = !self.own_pid_namespace && known.peek().is_some() && !known.any(|id| own.contains(&id));
        if foreign {
            return Err(Error::new(ErrorKind::NotReady, format!("process {} has not called exec yet", self.pid)));
        }
        Ok(())
    }

    /// Which Python it is.
    pub fn python(&self) -> PythonVersion {
        let version = self.interpreter.version();
        PythonVersion { major: version.major, minor: version.minor, micro: version.micro }
    }

    /// Takes one sample of every thread. Whether the process can still be sampled is the result: an error means that it
    /// has ended, called `exec`, or finalised its interpreter.
    pub fn sample(&mut self, books: &mut Books<'_>) -> Result<()> {
        let result = if books.options.pause { self.look_paused()? } else { self.look() };
        let time = books.time();
        if let Err(error) = result {
            return self.note_failure(error, books);
        }
        self.failures = 0;
        let counters = self.snapshot.counters;
        books.audit.retries += counters.retries - self.seen.retries;
        self.seen = counters;
        self.reach = self.reach_at(time, books);
        if !self.tracks_match() {
            self.match_tracks(time, books);
        }
        if !self.interner.knows_main() {
            self.find_main();
        }
        for index in 0..self.tracks.len() {
            self.book(index, time, books);
        }
        self.ask_for_names(time, books.dictionary);
        self.last = Some(time);
        Ok(())
    }

    fn reach_at(&self, time: u64, books: &Books<'_>) -> Option<u64> {
        reach(time.saturating_sub(self.last?), books.interval)
    }

    fn look(&mut self) -> Result<()> {
        self.interpreter.snapshot(&self.memory, &mut self.snapshot)
    }

    /// Looks while the threads stand. A thread may have been stopped in the few instructions in which it makes or leaves a
    /// frame; reading again does not help then, running on a little does.
    fn look_paused(&mut self) -> Result<Result<()>> {
        const ATTEMPTS: usize = 4;
        const RUN_ON: u64 = 50_000;
        let mut result = Ok(());
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                sleep_until(now() + RUN_ON);
            }
            self.stop_running_threads()?;
            result = self.look();
            self.pause.resume();
            if result.is_err() || self.snapshot.threads.iter().all(|thread| thread.validity == Validity::Whole) {
                break;
            }
        }
        Ok(result)
    }

    fn note_failure(&mut self, error: Error, books: &mut Books<'_>) -> Result<()> {
        self.failures += 1;
        if error.kind() == ErrorKind::Gone || self.failures >= MAX_FAILURES {
            return Err(error);
        }
        let threads = self.tracks.len() as u64;
        books.audit.tried += threads;
        books.audit.lost += threads;
        Ok(())
    }

    /// Which file runs as `__main__` has to be known before the first function of any thread is put on record.
    fn find_main(&mut self) {
        let main = self.tracks.iter().zip(&self.snapshot.threads).find(|(track, _)| track.is_main());
        if let Some((_, thread)) = main {
            self.interner.find_main(&self.interpreter, self.snapshot.frames_of(thread));
        }
    }

    /// Asks for the names of some of the threads whose turn it is: a look-up is many reads, so a thousand new threads are
    /// not all asked for at one sample.
    fn ask_for_names(&mut self, time: u64, dictionary: &mut Dictionary) {
        const AT_ONCE: usize = 4;
        let due = self.tracks.iter_mut().zip(&self.snapshot.threads).filter(|(track, _)| track.name_is_due(time));
        for (track, thread) in due.take(AT_ONCE) {
            let name = self.interpreter.thread_name(&self.memory, thread);
            track.set_name(name.as_deref(), time, dictionary);
        }
    }

    fn stop_running_threads(&mut self) -> Result<()> {
        let gil = self.interpreter.gil_wait_addresses();
        let running = self.tracks.iter_mut().filter_map(|track| track.runs_now(gil));
        let first = self.last.is_none().then(|| process::thread_ids(self.pid).unwrap_or_default());
        let result = self.pause.stop(first.into_iter().flatten().chain(running));
        result.map_err(|error| Error::new(ErrorKind::Denied, format!("stopping process {}: {error}", self.pid)))
    }

    fn tracks_match(&self) -> bool {
        let threads = &self.snapshot.threads;
        self.tracks.len() == threads.len() && self.tracks.iter().zip(threads).all(|(track, thread)| track.is_of(thread))
    }

    /// Puts the tracks into the snapshot's order, opens the books of new threads and closes those of ended ones.
    #[cold]
    fn match_tracks(&mut self, time: u64, books: &mut Books<'_>) {
        let mut old: Vec<Option<Track>> = self.tracks.drain(..).map(Some).collect();
        let native: Vec<u32> = (0..self.snapshot.threads.len()).map(|index| self.outer_id(index)).collect();
        for (thread, outer) in self.snapshot.threads.iter().zip(native) {
            // When threads began while nobody looked is not known: they are on record from now on.
            let last = self.last.filter(|_| self.reach.is_none());
            let place = Where { pid: self.pid, process: self.process, thread: outer, last, time };
            let mut take = |same: &dyn Fn(&Track) -> bool| {
                old.iter_mut().find(|slot| slot.as_ref().is_some_and(same)).and_then(Option::take)
            };
            let track = if let Some(track) = take(&|track| track.is_of(thread)) {
                track
            } else if let Some(mut track) = take(&|track| track.begins_as(thread)) {
                track.identify(thread, &place, books.dictionary);
                track
            } else {
                Track::open(thread, &place, books.dictionary)
            };
            self.tracks.push(track);
        }
        for track in old.into_iter().flatten() {
            close_track(track, time, self.reach, books);
        }
    }

    /// The kernel's id of a thread as seen from here; 0 where it has none of its own yet (see [`Track::begins_as`]).
    fn outer_id(&self, index: usize) -> u32 {
        let Some((thread, older)) = self.snapshot.threads.get(index..).and_then(<[_]>::split_first) else { return 0 };
        if thread.native_id == 0 || older.iter().any(|other| other.native_id == thread.native_id) {
            0
        } else if self.own_pid_namespace {
            process::outer_thread_id(self.pid, thread.native_id).unwrap_or(0)
        } else {
            thread.native_id
        }
    }

    fn book(&mut self, index: usize, time: u64, books: &mut Books<'_>) {
        let (Some(thread), Some(track)) = (self.snapshot.threads.get(index), self.tracks.get_mut(index)) else {
            return;
        };
        let activity = track.look(self.interpreter.gil_wait_addresses());
        if let Some(reach) = self.reach {
            books.unwatched.cpu += track.skip(time, reach, books.runs);
        }
        books.audit.tried += 1;
        let mut flags = flags_of(thread, activity, self.interpreter.version().free_threaded);
        let frames = self.snapshot.frames_of(thread);
        let cache = track.stacks();
        let known = (frames, thread.common);
        let mut stack = self.interner.stack(books.dictionary, &self.interpreter, &self.files, known, cache);
        match thread.validity {
            Validity::Whole => {
                books.audit.whole += 1;
                if let Some(key) = thread.native.filter(|_| books.options.native)
                    && let Some(leaf) = self.interner.native(books.dictionary, &self.interpreter, key)
                {
                    stack = books.dictionary.intern_stack(stack, leaf);
                }
            }
            validity => {
                // What could not be proven has its time all the same: it is shown as unknown, not left out.
                let lost = validity == Validity::Failed;
                *(if lost { &mut books.audit.lost } else { &mut books.audit.partial }) += 1;
                flags |= Flags::PARTIAL;
                let parent = if lost { StackTable::EMPTY } else { stack };
                let unknown = books.dictionary.intern_marker(Code::UNKNOWN);
                stack = books.dictionary.intern_stack(parent, unknown);
            }
        }
        track.add(time, stack, flags, books.runs);
    }

    /// Hands out what is known.
    pub fn flush(&mut self, books: &mut Books<'_>) {
        for track in &mut self.tracks {
            track.flush(books.dictionary, books.runs);
        }
    }

    /// Closes the books of all threads: the process has ended or is left alone.
    pub fn close(self, time: u64, books: &mut Books<'_>) {
        let reach = self.reach_at(time, books);
        for track in self.tracks {
            close_track(track, time, reach, books);
        }
        books.audit.target_paused.0 += self.pause.total();
    }
}

fn close_track(track: Track, time: u64, reach: Option<u64>, books: &mut Books<'_>) {
    match reach {
        None => track.close(time, books.dictionary, books.runs),
        Some(reach) => books.unwatched.cpu += track.close_unwatched(time, reach, books.dictionary, books.runs),
    }
}

/// What was true of a thread. Where the kernel's view of it could not be had, the GIL's holder is taken to run.
fn flags_of(thread: &ThreadSnapshot, activity: Option<Activity>, free_threaded: bool) -> Flags {
    let mut flags = Flags::default();
    if thread.holds_gil {
        flags |= Flags::GIL_HELD;
    }
    if thread.in_gc {
        flags |= Flags::IN_GC;
    }
    flags
        | match activity {
            Some(Activity::Running) => Flags::ON_CPU,
            Some(Activity::WaitingForGil) if !thread.holds_gil && !free_threaded => Flags::GIL_WANTED,
            None if thread.holds_gil => Flags::ON_CPU,
            _ => Flags::IDLE,
        }
}

#[cfg(test)]
mod tests {
    use super::flags_of;
    use crate::cpython::ThreadSnapshot;
    use crate::os::threads::Activity;
    use pyrometer_model::Flags;

    #[test]
    fn flags_follow_from_what_is_seen() {
        let holder = ThreadSnapshot { holds_gil: true, in_gc: true, ..ThreadSnapshot::default() };
        let other = ThreadSnapshot::default();
        let running = flags_of(&holder, Some(Activity::Running), false);
        assert_eq!(running, Flags::ON_CPU | Flags::GIL_HELD | Flags::IN_GC);
        assert_eq!(flags_of(&other, Some(Activity::WaitingForGil), false), Flags::GIL_WANTED);
        assert_eq!(flags_of(&other, Some(Activity::WaitingForGil), true), Flags::IDLE);
        assert_eq!(flags_of(&other, Some(Activity::Blocked), false), Flags::IDLE);
        assert_eq!(flags_of(&other, Some(Activity::Running), false), Flags::ON_CPU);
        assert_eq!(flags_of(&other, None, false), Flags::IDLE);
    }
}
