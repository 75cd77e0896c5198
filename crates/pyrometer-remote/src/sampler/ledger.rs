//! From the samples of one thread to runs that account for all of its wall and CPU time.

use pyrometer_model::{Flags, Nanoseconds, SampleRun, StackId, ThreadId};

/// The books of one thread.
///
/// **Wall time.** A sample stands for the time from the middle of the gap before it to the middle of the gap behind it, so
/// the gap between two samples is given half to each, and a sample is complete only when the next one has been taken.
/// Weighting by the gap before alone is biased with a jittered clock: a sample early in its period has a short gap before
/// it, so whatever a program locked to the interval does early in its cycle would count too little (0.375 instead of 0.5
/// in the test of [`super::Schedule`]).
///
/// **CPU time.** The kernel's figure for a running thread lags by up to a scheduler tick (4 ms at `CONFIG_HZ=250`), so the
/// runs since the figure last moved wait for it to move again. The difference is then shared out over those of them that
/// were seen on a CPU, by their wall time and up to twice that; what does not fit is carried on to the next ones. So the
/// sum over a thread's runs is the kernel's sum, to the nanosecond, and it is divided among stacks as often as they were
/// seen on a CPU, which is unbiased. CPU time is not given to a thread's sleep because it was asleep at both ends of a gap:
/// where work comes in bursts that are shorter than the interval, half of it would end up there. A single short run may
/// thus have more CPU than wall time, or less. Only a thread that is hardly ever caught on a CPU, so that more than
/// [`MAX_CARRIED`] would be carried, has the excess booked on its sleeps.
#[derive(Debug)]
pub struct Ledger {
    thread: ThreadId,
    entries: Vec<Entry>,
    /// When the last sample was taken.
    time: u64,
    /// The kernel's CPU time up to which everything has been shared out, less `carried`.
    booked: u64,
    /// CPU time that did not fit into the wall time that it was for.
    carried: u64,
    flushing: bool,
}

/// CPU time that waits for the thread to be seen on a CPU again, at most: 100 ms.
const MAX_CARRIED: u64 = 100_000_000;

#[derive(Debug)]
struct Entry {
    run: SampleRun,
    /// Wall time of the run whose CPU time is not known yet.
    fresh: u64,
    /// Wall time of the run's last sample, so far.
    last: u64,
}

/// One sample of a thread.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// When, in nanoseconds since the capture's start.
    pub time: u64,
    /// The stack.
    pub stack: StackId,
    /// What else was true.
    pub flags: Flags,
    /// The kernel's figure of the thread's CPU time in nanoseconds; none where it could not be read.
    pub cpu: Option<u64>,
    /// Whether `cpu` is exact, because the thread does not run.
    pub settled: bool,
}

impl Ledger {
    /// Books for a thread that exists since `start` (nanoseconds since the capture's start) and had used `cpu` nanoseconds
    /// then.
    #[must_use]
    pub fn new(thread: ThreadId, start: u64, cpu: u64) -> Self {
        Self { thread, entries: Vec::new(), time: start, booked: cpu, carried: 0, flushing: false }
    }

    /// Books a sample. Runs that are complete with it are appended to `done`.
    pub fn add(&mut self, sample: Sample, done: &mut Vec<SampleRun>) {
        let middle = self.split_gap(sample.time);
        self.append(&sample, middle);
        let cpu = sample.cpu.unwrap_or(self.booked);
        if cpu > self.booked || sample.settled || sample.cpu.is_none() {
            self.share_out(cpu, MAX_CARRIED);
            self.emit(done, 1);
            if self.flushing {
                self.flush(done);
            }
        }
    }

    /// Leaves out the gap since the last sample, for `time` ends one in which nobody looked: only `reach` nanoseconds at its
    /// beginning belong to the last sample, and as much at its end to the next one, which is to be added at `time`. Between
    /// them nothing is known. `cpu` is what the kernel says at `time`, as in [`Sample`].
    ///
    /// Returns the CPU time used in the gap that is more than the samples on both sides can have used; it is in no run.
    pub(super) fn skip(&mut self, time: u64, reach: u64, cpu: Option<u64>, done: &mut Vec<SampleRun>) -> u64 {
        let reach = reach.min(time.saturating_sub(self.time) / 2);
        if let Some(last) = self.entries.last_mut() {
            last.run.wall += Nanoseconds(reach);
            last.fresh += reach;
        }
        let used = self.carried + cpu.map_or(0, |cpu| cpu.saturating_sub(self.booked));
        self.booked = self.booked.max(cpu.unwrap_or(0));
        let room: u64 = self.entries.iter().filter(|entry| on_cpu(entry)).map(|entry| entry.fresh).sum();
        let rest = used - used.min(room) + share(&mut self.entries, used.min(room), true);
        self.carried = rest.min(reach);
        self.emit(done, 0);
        self.flushing = false;
        // With nothing before it, the next sample has all the time since this.
        self.time = time - reach;
        rest - self.carried
    }

    /// Closes the books: the thread ended between its last sample and `time`, having used `cpu` in all where that could
    /// still be read.
    pub fn close(&mut self, time: u64, cpu: Option<u64>, done: &mut Vec<SampleRun>) {
        // The thread ended at an unknown moment since its last sample; the middle is right on average.
        self.time = self.split_gap(time);
        if let Some(cpu) = cpu {
            self.share_out(cpu, 0);
        } else {
            // The kernel's figure went with the thread. What it had not booked yet is at most a scheduler's tick: the
            // thread is taken to have run wherever it was seen running.
            let seen = self.entries.iter().filter(|entry| on_cpu(entry)).map(|entry| entry.fresh).sum::<u64>();
            self.share_out(self.booked + seen.saturating_sub(self.carried), 0);
        }
        if let Some(last) = self.entries.last_mut() {
            last.run.cpu += Nanoseconds(std::mem::take(&mut self.carried));
        }
        self.emit(done, 0);
    }

    /// Asks for everything to be handed out as soon as its CPU time is known, also runs that could still grow.
    /// The last sample stays: the first half of the gap behind it is still to come.
    pub fn flush(&mut self, done: &mut Vec<SampleRun>) {
        let Some(last) = self.entries.last_mut() else { return };
        self.flushing = last.fresh != 0;
        if self.flushing || last.run.count < 2 {
            return;
        }
        let run = last.run;
        let cpu = u128::from(run.cpu.0) * u128::from(last.last) / u128::from(run.wall.0.max(1));
        last.run.count = 1;
        last.run.wall = Nanoseconds(last.last);
        last.run.cpu = Nanoseconds(u64::try_from(cpu).unwrap_or(0));
        last.run.start = run.end() - last.run.wall;
        done.push(SampleRun {
            count: run.count - 1,
            wall: run.wall - last.run.wall,
            cpu: run.cpu - last.run.cpu,
            ..run
        });
    }

    /// When the last sample was taken; after closing, until when the thread is on record.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.time
    }

    /// Gives the first half of the time since the last sample to that sample; returns where the second half begins.
    fn split_gap(&mut self, time: u64) -> u64 {
        let gap = time.saturating_sub(self.time);
        let Some(last) = self.entries.last_mut() else {
            // The thread's first sample has all the time since its start.
            return self.time;
        };
        let half = gap / 2;
        last.run.wall += Nanoseconds(half);
        last.fresh += half;
        last.last += half;
        self.time + half
    }

    fn append(&mut self, sample: &Sample, start: u64) {
        let wall = sample.time.saturating_sub(start);
        let run = SampleRun {
            thread: self.thread,
            stack: sample.stack,
            flags: sample.flags,
            start: Nanoseconds(start),
            count: 1,
            wall: Nanoseconds(wall),
            cpu: Nanoseconds::ZERO,
        };
        self.time = self.time.max(sample.time);
        if let Some(last) = self.entries.last_mut()
            && last.run.merge(&run)
        {
            last.fresh += wall;
            last.last = wall;
            return;
        }
        self.entries.push(Entry { run, fresh: wall, last: wall });
    }

    /// Shares out the CPU time up to the kernel's figure `cpu` over all wall time that has none yet.
    fn share_out(&mut self, cpu: u64, may_carry: u64) {
        let total = self.carried + cpu.saturating_sub(self.booked);
        self.booked = self.booked.max(cpu);
        let rest = share(&mut self.entries, total, true);
        let kept = rest.min(may_carry);
        self.carried = kept + share(&mut self.entries, rest - kept, false);
        for entry in &mut self.entries {
            entry.fresh = 0;
        }
    }

    /// Hands out all entries but the last `keep`.
    fn emit(&mut self, done: &mut Vec<SampleRun>, keep: usize) {
        let count = self.entries.len().saturating_sub(keep);
        done.extend(self.entries.drain(..count).map(|entry| entry.run));
    }
}

fn on_cpu(entry: &Entry) -> bool {
    entry.run.flags.contains(Flags::ON_CPU)
}

/// Shares `total` out over the entries that were (or were not) seen on a CPU, by their fresh wall time and never more than
/// it (or twice that, for those seen on a CPU). Returns what did not fit.
fn share(entries: &mut [Entry], total: u64, running: bool) -> u64 {
    let room: u64 = entries.iter().filter(|entry| on_cpu(entry) == running).map(|entry| entry.fresh).sum();
    let given = total.min(if running { room.saturating_mul(2) } else { room });
    if given == 0 {
        return total;
    }
    // Rounding the running sum instead of each part makes the parts add up to the whole.
    let (mut before, mut shared) = (0, 0);
    for entry in entries.iter_mut().filter(|entry| on_cpu(entry) == running) {
        before += entry.fresh;
        let upto = u64::try_from(u128::from(given) * u128::from(before) / u128::from(room)).unwrap_or(given);
        entry.run.cpu += Nanoseconds(upto - shared);
        shared = upto;
    }
    total - given
}

#[cfg(test)]
mod tests {
    use super::{Ledger, Sample};
    use pyrometer_model::{Flags, SampleRun, StackId, ThreadId};

    fn sample(time: u64, stack: u32, running: bool, cpu: u64) -> Sample {
        let flags = if running { Flags::ON_CPU } else { Flags::IDLE };
        Sample { time, stack: StackId(stack), flags, cpu: Some(cpu), settled: !running }
    }

    fn sums(runs: &[SampleRun]) -> (u64, u64, u32) {
        let wall = runs.iter().map(|run| run.wall.0).sum();
        (wall, runs.iter().map(|run| run.cpu.0).sum(), runs.iter().map(|run| run.count).sum())
    }

    #[test]
    fn a_sample_stands_for_half_of_the_gaps_around_it() {
        let (mut ledger, mut done) = (Ledger::new(ThreadId(0), 0, 0), Vec::new());
        ledger.add(sample(10, 1, false, 0), &mut done);
        ledger.add(sample(30, 2, false, 0), &mut done);
        ledger.add(sample(70, 3, false, 0), &mut done);
        ledger.close(100, Some(0), &mut done);
        let walls: Vec<_> = done.iter().map(|run| (run.start.0, run.wall.0)).collect();
        // The first one has all the time since the thread's start, the last one half of the time until it was gone.
        assert_eq!(walls, [(0, 20), (20, 30), (50, 35)]);
    }

    #[test]
    fn the_lag_of_the_kernels_figure_is_made_up_for() {
        // Twelve samples on the CPU every 1000, the figure moves every 4000: each gets what it used.
        let (mut ledger, mut done) = (Ledger::new(ThreadId(0), 0, 0), Vec::new());
        for n in 0..=12u64 {
            ledger.add(sample(n * 1000, u32::try_from(n).unwrap(), true, n / 4 * 4000), &mut done);
        }
        ledger.close(13_000, None, &mut done);
        assert!(done.iter().all(|run| run.cpu.0.abs_diff(run.wall.0) <= 1), "{done:?}");
        assert_eq!(sums(&done), (12_500, 12_500, 13));
    }

    #[test]
    fn cpu_goes_to_the_samples_seen_on_the_cpu() {
        let (mut ledger, mut done) = (Ledger::new(ThreadId(0), 0, 50), Vec::new());
        ledger.add(sample(100, 1, false, 60), &mut done);
        ledger.add(sample(200, 2, true, 60), &mut done);
        ledger.add(sample(300, 3, false, 270), &mut done);
        ledger.close(300, Some(270), &mut done);
        let cpu: Vec<_> = done.iter().map(|run| run.cpu.0).collect();
        assert_eq!(cpu, [0, 200, 20], "the 10 before are carried; 200 is all that fits; the rest is booked at the end");
    }

    #[test]
    fn bursts_shorter_than_the_interval_are_not_booked_as_sleep() {
        // Three of ten milliseconds are work, and a sample comes every ten, at any point of the cycle.
        let (mut ledger, mut done) = (Ledger::new(ThreadId(0), 0, 0), Vec::new());
        for n in 1..=10_000u64 {
            let time = n * 10_000_000 + (n * 7_368_787) % 10_000_000;
            let (cycle, phase) = (time / 10_000_000, time % 10_000_000);
            let running = phase < 3_000_000;
            let cpu = cycle * 3_000_000 + phase.min(3_000_000);
            ledger.add(sample(time, u32::from(running), running, cpu), &mut done);
        }
        ledger.close(100_010_000_000, None, &mut done);
        let of = |stack: u32| done.iter().filter(|run| run.stack.0 == stack).map(|run| run.cpu.0).sum::<u64>() as f64;
        assert!(of(0) < 0.01 * of(1), "{} asleep, {} at work", of(0), of(1));
    }

    #[test]
    fn a_gap_in_which_nobody_looked_belongs_to_no_sample() {
        let (mut ledger, mut done) = (Ledger::new(ThreadId(0), 0, 0), Vec::new());
        ledger.add(sample(10, 1, true, 0), &mut done);
        ledger.add(sample(20, 1, true, 0), &mut done);
        let lost = ledger.skip(1020, 50, Some(900), &mut done);
        ledger.add(sample(1020, 1, true, 900), &mut done);
        ledger.close(1040, Some(920), &mut done);
        let runs: Vec<_> = done.iter().map(|run| (run.start.0, run.wall.0, run.cpu.0, run.count)).collect();
        // All of the first 70 and 50 of what follows can have been on the CPU; of 780 of its time nothing is known.
        assert_eq!(runs, [(0, 70, 70, 2), (970, 60, 70, 1)]);
        assert_eq!(lost, 780);
    }

    #[test]
    fn nothing_is_lost_or_added() {
        let mut seed = 1u64;
        let mut random = |limit: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % limit
        };
        for _ in 0..200 {
            let (mut ledger, mut done) = (Ledger::new(ThreadId(0), 500, 77), Vec::new());
            let (mut time, mut cpu, mut shown) = (500, 77, 77);
            for _ in 0..random(300) {
                let gap = random(2000);
                time += gap;
                cpu += random(gap * 11 / 10 + 1);
                let running = random(2) == 0;
                if !running || random(4) == 0 {
                    shown = cpu;
                }
                ledger.add(sample(time, u32::try_from(random(3)).unwrap(), running, shown), &mut done);
                if random(20) == 0 {
                    ledger.flush(&mut done);
                }
            }
            ledger.close(time, Some(cpu), &mut done);
            if done.is_empty() {
                continue;
            }
            let (wall, used, _) = sums(&done);
            assert_eq!((wall, used), (time - 500, cpu - 77));
            assert!(done.iter().all(|run| run.count > 0));
            assert!(done.windows(2).all(|pair| pair[0].end() == pair[1].start), "no gap, no overlap");
        }
    }

    #[test]
    fn equal_samples_are_one_run_until_they_are_asked_for() {
        let (mut ledger, mut done) = (Ledger::new(ThreadId(0), 0, 0), Vec::new());
        for n in 0..100 {
            ledger.add(sample(n * 10, 1, false, 0), &mut done);
        }
        assert_eq!(done, []);
        ledger.flush(&mut done);
        assert_eq!(sums(&done), (985, 0, 99));
        for n in 100..200 {
            ledger.add(sample(n * 10, 1, false, 0), &mut done);
        }
        ledger.close(2000, None, &mut done);
        assert_eq!((done.len(), sums(&done)), (2, (1995, 0, 200)));
    }
}
