//! Fork, exec and exit of a tree of processes, told by the kernel's perf events. One of the few files with `unsafe`.
//!
//! A software event that counts nothing (`PERF_COUNT_SW_DUMMY`) carries side records of the tasks it watches; each CPU
//! has a ring buffer of them. Nothing is polled, so a child that lives for less than a millisecond is still told of.
//! Layouts are those of `include/uapi/linux/perf_event.h`, which is stable ABI.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

/// `struct perf_event_attr` as of version 5 (Linux 4.1), 112 bytes: every kernel since takes it.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    breakpoint_type: u32,
    config1: u64,
    config2: u64,
    branch_sample_type: u64,
    sample_registers_user: u64,
    sample_stack_user: u32,
    clock: i32,
    sample_registers_interrupt: u64,
    aux_watermark: u32,
    sample_max_stack: u16,
    reserved: u16,
}

const PERF_TYPE_SOFTWARE: u32 = 1;
const PERF_COUNT_SW_DUMMY: u64 = 9;
const PERF_SAMPLE_TIME: u64 = 1 << 2;
const FLAG_INHERIT: u64 = 1 << 1;
const FLAG_EXCLUDE_KERNEL: u64 = 1 << 5;
const FLAG_EXCLUDE_HYPERVISOR: u64 = 1 << 6;
const FLAG_COMM: u64 = 1 << 9;
const FLAG_TASK: u64 = 1 << 13;
const FLAG_SAMPLE_ID_ALL: u64 = 1 << 18;
const FLAG_COMM_EXEC: u64 = 1 << 24;
const FLAG_USE_CLOCK: u64 = 1 << 25;
const PERF_FLAG_FD_CLOEXEC: libc::c_ulong = 1 << 3;
/// Offsets of `data_head` and `data_tail` in `struct perf_event_mmap_page`.
const HEAD_OFFSET: usize = 1024;
const TAIL_OFFSET: usize = 1032;
/// Data pages of one ring: a power of two. 64 KiB hold about 900 records, and perf_event_mlock_kb allows 512 KiB a CPU.
const DATA_PAGES: usize = 16;

/// What happened to a task, as the kernel told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskEvent {
    /// Process `pid` was started by process `parent`.
    Fork {
        /// The new process.
        pid: u32,
        /// The process that started it.
        parent: u32,
    },
    /// Process `pid` replaced its program.
    Exec {
        /// The process.
        pid: u32,
    },
    /// The main thread of process `pid` ended.
    Exit {
        /// The process.
        pid: u32,
    },
    /// The kernel dropped so many records since the buffer was full.
    Lost(u64),
}

/// Which tasks a set of rings watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every task of the machine; needs `CAP_PERFMON` or a `perf_event_paranoid` below 1. Costs the target nothing, since
    /// no event has to be switched in and out with its threads.
    Machine,
    /// The threads of the given process and all they start.
    Tree,
}

/// Ring buffers, one a CPU, with the events that fill them.
#[derive(Debug)]
pub struct TaskEvents {
    rings: Vec<Ring>,
    /// Events without a ring of their own: those of the other threads of the process attached to.
    _followers: Vec<OwnedFd>,
    scope: Scope,
    collected: Vec<(u64, TaskEvent)>,
}

impl TaskEvents {
    /// Watches process `pid`, all its threads and all that they will start; the whole machine where that is allowed.
    ///
    /// # Errors
    /// What the kernel says: `EACCES` or `EPERM` by `perf_event_paranoid`, `ENOSYS` where a container hides the call.
    pub fn open(pid: u32) -> io::Result<Self> {
        let processors = online_processors();
        if let Ok(rings) = processors.iter().map(|&cpu| Ring::open(-1, cpu)).collect::<io::Result<Vec<_>>>() {
            return Ok(Self { rings, _followers: Vec::new(), scope: Scope::Machine, collected: Vec::new() });
        }
        Self::open_tree(pid, &processors)
    }

    /// As [`TaskEvents::open`], but never for the whole machine.
    ///
    /// # Errors
    /// As [`TaskEvents::open`].
    pub fn open_for_tree(pid: u32) -> io::Result<Self> {
        Self::open_tree(pid, &online_processors())
    }

    fn open_tree(pid: u32, processors: &[u32]) -> io::Result<Self> {
        let main = i32::try_from(pid).map_err(|_| io::ErrorKind::InvalidInput)?;
        let rings = processors.iter().map(|&cpu| Ring::open(main, cpu)).collect::<io::Result<Vec<_>>>()?;
        let mut followers = Vec::new();
        let threads = super::process::thread_ids(pid).unwrap_or_default();
        for thread in threads.into_iter().filter(|&thread| thread != pid) {
            let Ok(thread) = i32::try_from(thread) else { continue };
            for (ring, &cpu) in rings.iter().zip(processors) {
                // A thread that has ended meanwhile cannot start a process any more.
                let Ok(event) = open_event(thread, cpu) else { continue };
                ring.take_output_of(&event)?;
                followers.push(event);
            }
        }
        Ok(Self { rings, _followers: followers, scope: Scope::Tree, collected: Vec::new() })
    }

    /// Which tasks are watched.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Hands all events since the last call to `visit`, by time (monotonic clock, nanoseconds).
    pub fn drain(&mut self, mut visit: impl FnMut(u64, TaskEvent)) {
        if self.rings.iter().all(Ring::is_empty) {
            return;
        }
        self.collected.clear();
        for ring in &mut self.rings {
            ring.drain(&mut self.collected);
        }
        // A child's exec may be in another CPU's ring than the fork before it.
        self.collected.sort_by_key(|&(time, _)| time);
        for &(time, event) in &self.collected {
            visit(time, event);
        }
    }
}

#[derive(Debug)]
struct Ring {
    event: OwnedFd,
    base: ptr::NonNull<u8>,
    page: usize,
    record: Vec<u8>,
}

// SAFETY: a ring is only reached through its owner; the kernel's side of it is synchronised by the two counters.
unsafe impl Send for Ring {}

impl Ring {
    fn open(pid: i32, cpu: u32) -> io::Result<Self> {
        let event = open_event(pid, cpu)?;
        let page = page_size();
        // SAFETY: a new shared mapping of the event's descriptor at a place that the kernel chooses.
        let base = unsafe {
            libc::mmap(
                ptr::null_mut(),
                (1 + DATA_PAGES) * page,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                event.as_raw_fd(),
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = ptr::NonNull::new(base.cast::<u8>()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { event, base, page, record: Vec::new() })
    }

    fn take_output_of(&self, other: &OwnedFd) -> io::Result<()> {
        /// `PERF_EVENT_IOC_SET_OUTPUT`, `_IO('$', 5)`.
        const SET_OUTPUT: libc::Ioctl = 0x2405;
        // SAFETY: the request takes a descriptor by value, and both descriptors are open.
        let result = unsafe { libc::ioctl(other.as_raw_fd(), SET_OUTPUT, self.event.as_raw_fd()) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    fn counter(&self, offset: usize) -> &AtomicU64 {
        // SAFETY: both counters lie, 8-byte aligned, in the first page of a mapping that lives as long as `self`; the
        // kernel reads and writes them only as whole words.
        unsafe { self.base.add(offset).cast::<AtomicU64>().as_ref() }
    }

    fn is_empty(&self) -> bool {
        self.counter(HEAD_OFFSET).load(Ordering::Relaxed) == self.counter(TAIL_OFFSET).load(Ordering::Relaxed)
    }

    fn drain(&mut self, into: &mut Vec<(u64, TaskEvent)>) {
        // The acquire pairs with the kernel's barrier between the records and the head (perf_event.h, "data_head").
        let head = self.counter(HEAD_OFFSET).load(Ordering::Acquire);
        let mut tail = self.counter(TAIL_OFFSET).load(Ordering::Relaxed);
        let mut record = std::mem::take(&mut self.record);
        while head.wrapping_sub(tail) >= 8 {
            record.clear();
            self.copy(tail, 8, &mut record);
            let size = usize::from(u16::from_ne_bytes([record[6], record[7]]));
            if size < 8 || (size as u64) > head.wrapping_sub(tail) {
                tail = head;
                break;
            }
            self.copy(tail + 8, size - 8, &mut record);
            if let Some(event) = parse(&record) {
                into.push(event);
            }
            tail += size as u64;
        }
        self.record = record;
        self.counter(TAIL_OFFSET).store(tail, Ordering::Release);
    }

    /// Appends `length` bytes at the running position `from` to `into`; the ring wraps.
    fn copy(&self, from: u64, length: usize, into: &mut Vec<u8>) {
        let size = DATA_PAGES * self.page;
        let start = usize::try_from(from % size as u64).unwrap_or(0);
        let first = length.min(size - start);
        for (at, length) in [(start, first), (0, length - first)] {
            // SAFETY: `at + length` does not exceed the data area behind the first page, and the kernel does not write
            // where the tail has not been moved past.
            into.extend_from_slice(unsafe {
                std::slice::from_raw_parts(self.base.add(self.page + at).as_ptr(), length)
            });
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: the mapping was made with this length and nothing refers to it any more.
        unsafe { libc::munmap(self.base.as_ptr().cast(), (1 + DATA_PAGES) * self.page) };
    }
}

/// The event that a record (header included) tells of; none for threads and for records that are of no interest.
fn parse(record: &[u8]) -> Option<(u64, TaskEvent)> {
    const LOST: u32 = 2;
    const COMM: u32 = 3;
    const EXIT: u32 = 4;
    const FORK: u32 = 7;
    const MISC_COMM_EXEC: u16 = 1 << 13;
    let word = |at: usize| Some(u32::from_ne_bytes(record.get(at..at + 4)?.try_into().ok()?));
    let long = |at: usize| Some(u64::from_ne_bytes(record.get(at..at + 8)?.try_into().ok()?));
    // `sample_id_all` appends the time to every record.
    let time = long(record.len().checked_sub(8)?)?;
    let misc = u16::from_ne_bytes([*record.get(4)?, *record.get(5)?]);
    let event = match word(0)? {
        LOST => TaskEvent::Lost(long(16)?),
        COMM if misc & MISC_COMM_EXEC != 0 => TaskEvent::Exec { pid: word(8)? },
        FORK if word(8)? == word(16)? => TaskEvent::Fork { pid: word(8)?, parent: word(12)? },
        EXIT if word(8)? == word(16)? => TaskEvent::Exit { pid: word(8)? },
        _ => return None,
    };
    Some((time, event))
}

fn open_event(pid: i32, cpu: u32) -> io::Result<OwnedFd> {
    let attributes = Attributes {
        kind: PERF_TYPE_SOFTWARE,
        size: u32::try_from(size_of::<Attributes>()).unwrap_or(0),
        config: PERF_COUNT_SW_DUMMY,
        sample_type: PERF_SAMPLE_TIME,
        flags: FLAG_EXCLUDE_KERNEL
            | FLAG_EXCLUDE_HYPERVISOR
            | FLAG_COMM
            | FLAG_TASK
            | FLAG_SAMPLE_ID_ALL
            | FLAG_COMM_EXEC
            | FLAG_USE_CLOCK
            | if pid < 0 { 0 } else { FLAG_INHERIT },
        clock: libc::CLOCK_MONOTONIC,
        ..Attributes::default()
    };
    let cpu = i32::try_from(cpu).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: `attributes` is a valid perf_event_attr of the size that it states; the other arguments are plain values.
    let result =
        unsafe { libc::syscall(libc::SYS_perf_event_open, &raw const attributes, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC) };
    let descriptor = i32::try_from(result).map_err(|_| io::ErrorKind::InvalidData)?;
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just returned this descriptor and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

fn page_size() -> usize {
    // SAFETY: sysconf takes one integer.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

/// The CPUs that are switched on, from text like `0-3,8`.
fn online_processors() -> Vec<u32> {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default();
    let cpus = parse_processors(&text);
    if cpus.is_empty() {
        let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        return (0..u32::try_from(count).unwrap_or(1)).collect();
    }
    cpus
}

fn parse_processors(text: &str) -> Vec<u32> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.trim().parse::<u32>().ok()?..=last.trim().parse::<u32>().ok()?.min(8191))
    };
    text.split(',').filter_map(range).flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{TaskEvent, TaskEvents, parse, parse_processors};

    #[test]
    fn lists_of_processors_are_read() {
        assert_eq!(parse_processors("0-3,8\n"), [0, 1, 2, 3, 8]);
        assert_eq!(parse_processors(""), []);
    }

    #[test]
    fn the_layout_is_the_kernels() {
        assert_eq!(size_of::<super::Attributes>(), 112);
        let mut record = vec![0u8; 48];
        record[0] = 7;
        record[8..12].copy_from_slice(&12u32.to_ne_bytes());
        record[12..16].copy_from_slice(&11u32.to_ne_bytes());
        record[16..20].copy_from_slice(&12u32.to_ne_bytes());
        record[40..48].copy_from_slice(&99u64.to_ne_bytes());
        assert_eq!(parse(&record), Some((99, TaskEvent::Fork { pid: 12, parent: 11 })));
        record[16] = 13;
        assert_eq!(parse(&record), None, "a thread is not a process");
        assert_eq!(parse(&record[..10]), None);
    }

    /// Every one of many children that live for less than a millisecond is told of, with its exec and its end.
    fn children_are_counted(open: impl Fn(u32) -> std::io::Result<TaskEvents>) {
        let me = std::process::id();
        let Ok(mut events) = open(me) else {
            eprintln!("perf events are refused here: nothing to test");
            return;
        };
        let children: Vec<u32> = (0..50)
            .map(|_| {
                let mut child = Command::new("/bin/true").spawn().unwrap();
                child.wait().unwrap();
                child.id()
            })
            .collect();
        let (mut forks, mut execs, mut exits, mut last) = (Vec::new(), Vec::new(), Vec::new(), 0);
        events.drain(|time, event| {
            assert!(time >= last);
            last = time;
            match event {
                TaskEvent::Fork { pid, parent } if parent == me => forks.push(pid),
                TaskEvent::Exec { pid } => execs.push(pid),
                TaskEvent::Exit { pid } => exits.push(pid),
                _ => {}
            }
        });
        for child in children {
            assert!(forks.contains(&child) && execs.contains(&child) && exits.contains(&child), "child {child}");
        }
        assert!(last <= crate::os::clock::now());
    }

    #[test]
    fn children_are_counted_on_the_whole_machine() {
        children_are_counted(TaskEvents::open);
    }

    #[test]
    fn children_are_counted_in_the_tree() {
        children_are_counted(TaskEvents::open_for_tree);
    }
}
