//! Which processes the target starts: told by perf events where they are allowed, else looked up from time to time.

use std::collections::HashMap;

use super::clock::now;
use super::perf::{Scope, TaskEvent, TaskEvents};
use super::process;

/// Something that happened in the tree of processes. Times are of the monotonic clock, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeEvent {
    /// A process of the tree started another one.
    Started {
        /// The new process.
        pid: u32,
        /// The process that started it, which is in the tree.
        parent: u32,
        /// When.
        time: u64,
    },
    /// A process of the tree replaced its program.
    Executed {
        /// The process.
        pid: u32,
        /// When.
        time: u64,
    },
    /// A process of the tree ended.
    Ended {
        /// The process.
        pid: u32,
        /// When.
        time: u64,
    },
}

/// How the tree is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watching {
    /// Only the root, without its children.
    RootOnly,
    /// By perf events: complete, however short a process lives.
    Events(Scope),
    /// By looking at `/proc`: a process that starts and ends between two looks is not seen.
    Polling,
}

/// Watches a process and all that it starts.
#[derive(Debug)]
pub struct ProcessTree {
    events: Option<TaskEvents>,
    watching: Watching,
    /// The living processes of the tree and their parents (0 for the root's).
    alive: HashMap<u32, u32>,
    found: Vec<TreeEvent>,
    lost: u64,
    next_look: u64,
}

/// Time between two looks at `/proc` where perf events are refused: a look costs about 20 µs a process.
const LOOK_INTERVAL: u64 = 5_000_000;

impl ProcessTree {
    /// Watches `root` alone.
    #[must_use]
    pub fn root_only(root: u32) -> Self {
        Self::new(root, None, Watching::RootOnly)
    }

    /// Watches `root`, its children that are there, and all that will be started.
    #[must_use]
    pub fn with_descendants(root: u32) -> Self {
        let events = TaskEvents::open(root).ok();
        let watching = events.as_ref().map_or(Watching::Polling, |events| Watching::Events(events.scope()));
        let mut tree = Self::new(root, events, watching);
        // Events tell of what starts from now on; what is there already has to be looked up. Whatever was started in
        // between is told twice, and the second time is known by the table.
        tree.look_up();
        tree
    }

    fn new(root: u32, events: Option<TaskEvents>, watching: Watching) -> Self {
        Self { events, watching, alive: HashMap::from([(root, 0)]), found: Vec::new(), lost: 0, next_look: 0 }
    }

    /// How the tree is watched.
    #[must_use]
    pub fn watching(&self) -> Watching {
        self.watching
    }

    /// How many events the kernel dropped since its buffer was full: so many processes at most were missed.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Hands what happened since the last call to `visit`, in order. Cheap when nothing did.
    pub fn poll(&mut self, mut visit: impl FnMut(TreeEvent)) {
        if let Some(events) = &mut self.events {
            let (alive, found, lost) = (&mut self.alive, &mut self.found, &mut self.lost);
            events.drain(|time, event| match event {
                TaskEvent::Fork { pid, parent } => {
                    if alive.contains_key(&parent) && alive.insert(pid, parent).is_none() {
                        found.push(TreeEvent::Started { pid, parent, time });
                    }
                }
                TaskEvent::Exec { pid } if alive.contains_key(&pid) => found.push(TreeEvent::Executed { pid, time }),
                TaskEvent::Exit { pid } => {
                    if alive.remove(&pid).is_some() {
                        found.push(TreeEvent::Ended { pid, time });
                    }
                }
                TaskEvent::Exec { .. } => {}
                TaskEvent::Lost(count) => *lost += count,
            });
        } else if self.watching == Watching::Polling && now() >= self.next_look {
            self.look_up();
            self.next_look = now() + LOOK_INTERVAL;
        }
        for event in self.found.drain(..) {
            visit(event);
        }
    }

    /// Forgets a process that was seen to have ended, so that a later one may have its id.
    pub fn forget(&mut self, pid: u32) {
        self.alive.remove(&pid);
    }

    /// Adds the living descendants of all known processes that are not known yet.
    fn look_up(&mut self) {
        let mut open: Vec<u32> = self.alive.keys().copied().collect();
        while let Some(parent) = open.pop() {
            for pid in process::children(parent) {
                if self.alive.insert(pid, parent).is_none() {
                    self.found.push(TreeEvent::Started { pid, parent, time: now() });
                    open.push(pid);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::{ProcessTree, TreeEvent, Watching};

    /// A shell that starts programs that end at once, one of them by way of another shell.
    fn run(make: impl Fn(u32) -> ProcessTree) -> Option<Vec<TreeEvent>> {
        let script = "read go; for n in 1 2 3 4 5 6 7 8 9 10; do /bin/true; done; sh -c '/bin/true; exit 0'; read stop";
        let mut shell = Command::new("/bin/sh").args(["-c", script]).stdin(Stdio::piped()).spawn().ok()?;
        let mut tree = make(shell.id());
        let mut events = Vec::new();
        let mut input = shell.stdin.take()?;
        std::io::Write::write_all(&mut input, b"go\n").ok()?;
        let until = super::now() + 3_000_000_000;
        // The inner shell starts the twelfth process.
        while super::now() < until && events.iter().filter(|e| matches!(e, TreeEvent::Ended { .. })).count() < 12 {
            tree.poll(|event| events.push(event));
            std::thread::yield_now();
            if tree.watching() == Watching::RootOnly {
                break;
            }
        }
        drop(input);
        shell.wait().ok()?;
        Some(events)
    }

    #[test]
    fn descendants_are_told_of_with_their_parents() {
        if ProcessTree::with_descendants(std::process::id()).watching() == Watching::Polling {
            eprintln!("perf events are refused here: nothing to test");
            return;
        }
        let events = run(ProcessTree::with_descendants).unwrap();
        let started: Vec<_> = events.iter().filter(|event| matches!(event, TreeEvent::Started { .. })).collect();
        assert_eq!(started.len(), 12, "{events:?}");
        // The shell's own exec may still be told of, since it is over for its parent a moment before the kernel says so.
        let executed =
            |pid| events.iter().any(|event| matches!(event, TreeEvent::Executed { pid: p, .. } if *p == pid));
        assert!(started.iter().all(|event| matches!(event, TreeEvent::Started { pid, .. } if executed(*pid))));
        let TreeEvent::Started { parent: inner, .. } = started[11] else { unreachable!() };
        assert!(matches!(started[10], TreeEvent::Started { pid, .. } if pid == inner));
    }

    #[test]
    fn the_root_alone_has_no_children() {
        assert_eq!(run(ProcessTree::root_only).unwrap(), []);
    }

    #[test]
    fn polling_finds_what_lives_long_enough() {
        let mut shell = Command::new("/bin/sh").args(["-c", "/bin/sleep 60; true"]).spawn().unwrap();
        let mut tree = ProcessTree::new(shell.id(), None, Watching::Polling);
        let mut child = None;
        while child.is_none() {
            tree.poll(|event| {
                if let TreeEvent::Started { pid, .. } = event {
                    child = Some(pid);
                }
            });
        }
        let child = child.and_then(|pid| libc::pid_t::try_from(pid).ok()).unwrap();
        // SAFETY: kill takes two plain integers; the process is this test's own.
        unsafe { libc::kill(child, libc::SIGKILL) };
        shell.wait().unwrap();
    }
}
