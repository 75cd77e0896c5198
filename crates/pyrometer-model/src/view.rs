//! Which samples a question is about, and what each of them weighs in it.

use crate::{Dictionary, Flags, Nanoseconds, ProcessId, SampleRun, SampleSource, SourceError, ThreadId};

/// What is measured. One capture answers for all of them: a view is chosen when it is read, never when it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum View {
    /// Elapsed time, waiting included. A run weighs its `wall` time.
    #[default]
    Wall,
    /// Time on a processor, as the kernel accounted it. A run weighs its `cpu` time.
    Cpu,
    /// Time in which the thread held the GIL. A run weighs its `wall` time where it has [`Flags::GIL_HELD`], else nothing.
    Gil,
}

impl View {
    /// All views, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Wall, Self::Cpu, Self::Gil];

    /// The view's name as a flag's value: `wall`, `cpu` or `gil`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wall => "wall",
            Self::Cpu => "cpu",
            Self::Gil => "gil",
        }
    }

    /// The view called `name`, in any case of letters.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.name().eq_ignore_ascii_case(name))
    }

    /// What is summed, in words: `wall time`, `CPU time`, `time holding the GIL`.
    #[must_use]
    pub const fn quantity(self) -> &'static str {
        match self {
            Self::Wall => "wall time",
            Self::Cpu => "CPU time",
            Self::Gil => "time holding the GIL",
        }
    }
}

/// The samples that a question is about. The default is all of them, by wall time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// What is measured.
    pub view: View,
    /// From here, since the capture's start.
    pub since: Nanoseconds,
    /// To here, this instant not included.
    pub until: Nanoseconds,
    /// Only these threads; empty for every thread.
    pub threads: Vec<ThreadId>,
    /// Only these processes; empty for every process.
    pub processes: Vec<ProcessId>,
    /// Whether the wall view counts samples with [`Flags::IDLE`]. The others never ask: a thread that is blocked while it
    /// holds the GIL is what the GIL view is for, and CPU time that the kernel accounted was used, however the instant of
    /// the sample looked.
    pub include_idle: bool,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            view: View::Wall,
            since: Nanoseconds::ZERO,
            until: Nanoseconds(u64::MAX),
            threads: Vec::new(),
            processes: Vec::new(),
            include_idle: true,
        }
    }
}

impl Selection {
    /// Everything, measured by `view`.
    #[must_use]
    pub fn of(view: View) -> Self {
        Self { view, ..Self::default() }
    }

    /// Whether the thread, and the process that it belongs to, are asked for. A thread that is not in the dictionary
    /// belongs to no process.
    #[must_use]
    pub fn has_thread(&self, dictionary: &Dictionary, thread: ThreadId) -> bool {
        (self.threads.is_empty() || self.threads.contains(&thread))
            && (self.processes.is_empty()
                || dictionary.thread(thread).is_some_and(|thread| self.processes.contains(&thread.process)))
    }

    /// The part of `run` that is asked for, and its weight; none where no part of it counts.
    ///
    /// The weight is zero only in the wall and GIL views of runs that have no width (from a format without time): such
    /// runs have nothing but their `count`.
    #[must_use]
    pub fn weigh(&self, dictionary: &Dictionary, run: &SampleRun) -> Option<(SampleRun, Nanoseconds)> {
        if !self.has_thread(dictionary, run.thread) {
            return None;
        }
        match self.view {
            View::Wall if !self.include_idle && run.flags.contains(Flags::IDLE) => return None,
            View::Gil if !run.flags.contains(Flags::GIL_HELD) => return None,
            View::Cpu if run.cpu == Nanoseconds::ZERO => return None,
            View::Wall | View::Gil | View::Cpu => {}
        }
        let part = run.clip(self.since, self.until)?;
        match self.view {
            View::Wall | View::Gil => Some((part, part.wall)),
            View::Cpu => (part.cpu > Nanoseconds::ZERO).then_some((part, part.cpu)),
        }
    }

    /// How many samples the weight stands for: `count` in the wall and GIL views, and in the CPU view the share of it in
    /// which the thread was on a processor (three samples over 30 ms with 10 ms of CPU time are one sample).
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn samples(&self, part: &SampleRun) -> f64 {
        let count = f64::from(part.count);
        if self.view != View::Cpu || part.wall == Nanoseconds::ZERO {
            return count;
        }
        count * (part.cpu.0 as f64 / part.wall.0 as f64).min(1.0)
    }

    /// Reads `source` and calls `visit` with every part that is asked for and its weight, in the source's order.
    ///
    /// # Errors
    /// What the source says; parts visited before stay valid.
    pub fn for_each(
        &self,
        dictionary: &Dictionary,
        source: &mut dyn SampleSource,
        mut visit: impl FnMut(&SampleRun, Nanoseconds),
    ) -> Result<(), SourceError> {
        let mut visit_block = |runs: &[SampleRun]| {
            for (part, weight) in runs.iter().filter_map(|run| self.weigh(dictionary, run)) {
                visit(&part, weight);
            }
        };
        if self.since == Nanoseconds::ZERO && self.until == Nanoseconds(u64::MAX) {
            source.for_each_block(&mut visit_block)
        } else {
            source.for_each_block_between(self.since, self.until, &mut visit_block)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Selection, View};
    use crate::{
        Dictionary, Flags, MemorySource, Nanoseconds, Process, ProcessId, SampleRun, StackId, Thread, ThreadId,
    };

    fn capture() -> MemorySource {
        let mut dictionary = Dictionary::default();
        for process in [0, 0, 1] {
            dictionary.add_thread(Thread { process: ProcessId(process), ..Thread::default() });
        }
        dictionary.add_process(Process::default());
        dictionary.add_process(Process::default());
        let run = |thread, start, flags, cpu| SampleRun {
            thread: ThreadId(thread),
            stack: StackId(0),
            flags,
            start: Nanoseconds(start),
            count: 10,
            wall: Nanoseconds(100),
            cpu: Nanoseconds(cpu),
        };
        let runs = vec![
            run(0, 0, Flags::ON_CPU | Flags::GIL_HELD, 100),
            run(1, 0, Flags::IDLE, 0),
            run(0, 100, Flags::IDLE | Flags::GIL_HELD, 20),
            run(2, 100, Flags::ON_CPU, 60),
        ];
        MemorySource { dictionary, runs }
    }

    fn total(selection: &Selection) -> (u64, f64) {
        let mut source = capture();
        let dictionary = source.dictionary.clone();
        let (mut weight, mut samples) = (0, 0.0);
        selection
            .for_each(&dictionary, &mut source, |part, part_weight| {
                weight += part_weight.0;
                samples += selection.samples(part);
            })
            .unwrap();
        (weight, (samples * 10.0).round() / 10.0)
    }

    #[test]
    fn each_view_weighs_what_it_says() {
        assert_eq!(total(&Selection::default()), (400, 40.0));
        assert_eq!(total(&Selection { include_idle: false, ..Selection::default() }), (200, 20.0));
        assert_eq!(total(&Selection::of(View::Cpu)), (180, 18.0));
        assert_eq!(total(&Selection { include_idle: false, ..Selection::of(View::Cpu) }), (180, 18.0));
        assert_eq!(total(&Selection { include_idle: false, ..Selection::of(View::Gil) }), (200, 20.0));
    }

    #[test]
    fn threads_processes_and_times_narrow_it() {
        assert_eq!(total(&Selection { threads: vec![ThreadId(1)], ..Selection::default() }), (100, 10.0));
        assert_eq!(total(&Selection { processes: vec![ProcessId(1)], ..Selection::default() }), (100, 10.0));
        let both = Selection { processes: vec![ProcessId(1)], threads: vec![ThreadId(1)], ..Selection::default() };
        assert_eq!(total(&both), (0, 0.0));
        let middle = Selection { since: Nanoseconds(50), until: Nanoseconds(150), ..Selection::default() };
        assert_eq!(total(&middle), (200, 20.0));
    }

    #[test]
    fn a_view_is_known_by_its_name() {
        for view in View::ALL {
            assert_eq!(View::from_name(view.name()), Some(view));
        }
        assert_eq!(View::from_name("GIL"), Some(View::Gil));
        assert_eq!(View::from_name("memory"), None);
    }
}
