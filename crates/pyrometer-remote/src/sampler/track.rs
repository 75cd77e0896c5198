//! One thread of one process, over its life.

use std::ops::Range;

use pyrometer_model::{Dictionary, Flags, Nanoseconds, ProcessId, SampleRun, StackId, Thread, ThreadId};

use super::interner::StackCache;
use super::ledger::{Ledger, Sample};
use crate::cpython::ThreadSnapshot;
use crate::os::process::short_name;
use crate::os::threads::{Activity, Reading, ThreadClock};

/// A thread on record.
#[derive(Debug)]
pub(super) struct Track {
    id: ThreadId,
    state: u64,
    ident: u64,
    native: u32,
    /// The kernel's id, as seen from here; 0 where it is not known.
    outer: u32,
    is_main: bool,
    clock: Option<ThreadClock>,
    reading: Option<Reading>,
    ledger: Ledger,
    stacks: StackCache,
    /// When its name is asked for next, and how long after that again.
    name_due: u64,
    name_delay: u64,
}

/// Where and when a thread was found.
#[derive(Debug)]
pub(super) struct Where {
    pub pid: u32,
    pub process: ProcessId,
    /// The kernel's id, as seen from here; 0 where it is not known.
    pub thread: u32,
    /// When the process was last sampled, without this thread; none when it never was.
    pub last: Option<u64>,
    pub time: u64,
}

/// A thread gets its name in `threading` a moment after it has begun, and may be renamed: it is asked for at once, after
/// this time, and then after ten times as long each.
const NAME_DELAY: u64 = 5_000_000;

impl Track {
    /// Puts a thread on record that was found by a sample.
    pub fn open(thread: &ThreadSnapshot, place: &Where, dictionary: &mut Dictionary) -> Self {
        let clock = if place.thread == 0 { None } else { ThreadClock::open(place.pid, place.thread).ok() };
        // A thread that began since the last sample did so, on average, in the middle; all its CPU time is of that time.
        // One that was there before pyrometer came is on record from now on.
        let (start, cpu) = match place.last {
            Some(last) => (last + place.time.saturating_sub(last) / 2, 0),
            None => (place.time, clock.as_ref().and_then(|clock| clock.cpu().ok()).unwrap_or(0)),
        };
        let is_main = place.thread == place.pid;
        let name = if is_main { "MainThread".to_owned() } else { short_name(place.pid, place.thread) };
        let name = dictionary.strings.intern(&name);
        let id = dictionary.add_thread(Thread {
            process: place.process,
            native_id: u64::from(place.thread),
            python_id: thread.ident,
            name,
            interpreter: u32::try_from(thread.interpreter).unwrap_or(0),
            is_main,
            start: Nanoseconds(start),
            end: Nanoseconds(place.time),
        });
        Self {
            id,
            state: thread.state,
            ident: thread.ident,
            native: thread.native_id,
            outer: place.thread,
            is_main,
            clock,
            reading: None,
            ledger: Ledger::new(id, start, cpu),
            stacks: StackCache::default(),
            name_due: place.time,
            name_delay: NAME_DELAY,
        }
    }

    /// Whether `thread` is this one. Addresses are reused by the next thread at once, the kernel's ids are not.
    pub fn is_of(&self, thread: &ThreadSnapshot) -> bool {
        self.state == thread.state && self.native == thread.native_id && self.ident == thread.ident
    }

    /// Whether `thread` may be this one with its ids changed, since they were not its own before: a thread's state is made
    /// by another thread, and up to 3.11 has that one's ids until the new thread runs (`new_threadstate` in
    /// Python/pystate.c, `thread_run` in Modules/_threadmodule.c).
    pub fn begins_as(&self, thread: &ThreadSnapshot) -> bool {
        self.state == thread.state && self.outer == 0
    }

    /// Notes the ids of a thread that had none when it was put on record.
    pub fn identify(&mut self, thread: &ThreadSnapshot, place: &Where, dictionary: &mut Dictionary) {
        self.native = thread.native_id;
        self.ident = thread.ident;
        self.outer = place.thread;
        self.is_main = place.thread == place.pid;
        self.name_due = place.time;
        if place.thread == 0 {
            return;
        }
        self.clock = ThreadClock::open(place.pid, place.thread).ok();
        let name = dictionary.strings.intern(&short_name(place.pid, place.thread));
        if let Some(known) = dictionary.thread_mut(self.id) {
            known.native_id = u64::from(place.thread);
            known.python_id = thread.ident;
            known.is_main = self.is_main;
            known.name = name;
        }
    }

    /// Whether it is its process's main thread.
    pub fn is_main(&self) -> bool {
        self.is_main
    }

    /// The stacks of its last sample.
    pub fn stacks(&mut self) -> &mut StackCache {
        &mut self.stacks
    }

    /// Looks what the kernel says of the thread; none where that cannot be had.
    pub fn look(&mut self, gil: &[Range<u64>]) -> Option<Activity> {
        self.reading = match self.clock.as_mut()?.read(gil) {
            Ok(reading) => Some(reading),
            Err(_) => {
                // The thread has ended; its state is freed a little later.
                self.clock = None;
                None
            }
        };
        self.reading.map(|reading| reading.activity)
    }

    /// The thread's id, if it runs.
    pub fn runs_now(&mut self, gil: &[Range<u64>]) -> Option<u32> {
        let activity = self.look(gil);
        (activity == Some(Activity::Running) && self.outer != 0).then_some(self.outer)
    }

    /// Notes that nobody looked since the last sample until `time`, where [`Track::look`] has just looked again: see
    /// [`Ledger::skip`], whose result this is.
    pub fn skip(&mut self, time: u64, reach: u64, runs: &mut Vec<SampleRun>) -> u64 {
        self.ledger.skip(time, reach, self.reading.map(|reading| reading.cpu), runs)
    }

    /// Closes the books of a thread that ended at `time` or before, since when nobody looked. Returns as [`Track::skip`].
    pub fn close_unwatched(
        mut self,
        time: u64,
        reach: u64,
        dictionary: &mut Dictionary,
        runs: &mut Vec<SampleRun>,
    ) -> u64 {
        let cpu = self.clock.as_ref().and_then(|clock| clock.cpu().ok());
        let lost = self.ledger.skip(time, reach, cpu, runs);
        if let Some(thread) = dictionary.thread_mut(self.id) {
            thread.end = Nanoseconds(self.ledger.time());
        }
        lost
    }

    /// Books a sample, with what [`Track::look`] has just seen.
    pub fn add(&mut self, time: u64, stack: StackId, flags: Flags, runs: &mut Vec<SampleRun>) {
        let cpu = self.reading.map(|reading| reading.cpu);
        let settled = self.reading.is_none_or(|reading| reading.settled);
        self.ledger.add(Sample { time, stack, flags, cpu, settled }, runs);
    }

    /// Hands out what is known, and notes that the thread was alive.
    pub fn flush(&mut self, dictionary: &mut Dictionary, runs: &mut Vec<SampleRun>) {
        self.ledger.flush(runs);
        if let Some(thread) = dictionary.thread_mut(self.id) {
            thread.end = Nanoseconds(self.ledger.time());
        }
    }

    /// Whether it is time to ask for its name.
    pub fn name_is_due(&self, time: u64) -> bool {
        time >= self.name_due
    }

    /// Notes its name in `threading`, as far as there is one by now.
    pub fn set_name(&mut self, name: Option<&str>, time: u64, dictionary: &mut Dictionary) {
        self.name_due = time.saturating_add(self.name_delay);
        self.name_delay = self.name_delay.saturating_mul(10);
        let Some(name) = name.map(|name| dictionary.strings.intern(name)) else { return };
        if let Some(thread) = dictionary.thread_mut(self.id) {
            thread.name = name;
        }
    }

    /// Closes the books: the thread was not there any more at `time`, or is left alone from then on.
    pub fn close(mut self, time: u64, dictionary: &mut Dictionary, runs: &mut Vec<SampleRun>) {
        // A main thread can be read until its parent has taken notice of the process's end.
        let cpu = self.clock.as_ref().and_then(|clock| clock.cpu().ok());
        self.ledger.close(time, cpu, runs);
        if let Some(thread) = dictionary.thread_mut(self.id) {
            thread.end = Nanoseconds(self.ledger.time());
        }
    }
}
