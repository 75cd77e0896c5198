//! What the kernel knows of a thread: CPU time, whether it runs, and what it sleeps in.
//!
//! `schedstat` costs 0.3–0.5 µs, `syscall` about the same and `stat` 1–1.7 µs (Linux 6.18 in a virtual machine). So
//! `schedstat` is read at every sample, and tells by itself that nothing has changed when it is the same as before;
//! only when it is not is one of the other two read.

use std::fs::File;
use std::io;
use std::ops::Range;

use super::process::reread;

/// What a thread did when it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Activity {
    /// On a CPU, or ready and waiting for one.
    Running,
    /// Asleep in a system call, for a reason other than the GIL.
    #[default]
    Blocked,
    /// Asleep in `futex` on one of the GIL's addresses.
    WaitingForGil,
}

/// One look at a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Reading {
    /// CPU time in nanoseconds since the thread's start, as the scheduler has booked it. For a running thread it lags: the
    /// scheduler books at its own tick (4 ms at `CONFIG_HZ=250`) and whenever the thread leaves the CPU.
    pub cpu: u64,
    /// What it did.
    pub activity: Activity,
    /// Whether `cpu` is all there is: the thread does not run.
    pub settled: bool,
}

/// Looks at one thread again and again.
#[derive(Debug)]
pub struct ThreadClock {
    schedule: File,
    activity: ActivitySource,
    last: (u64, u64),
    state: Activity,
}

#[derive(Debug)]
enum ActivitySource {
    /// `/proc/PID/task/TID/syscall`: needs the permission that reading memory needs.
    SystemCall(File),
    /// `/proc/PID/task/TID/stat`: always readable, twice as dear, and cannot tell a wait for the GIL.
    State(File),
}

impl ThreadClock {
    /// Opens thread `thread` of process `pid`, both as seen from here.
    ///
    /// # Errors
    /// When there is no such thread, or no descriptor left.
    pub fn open(pid: u32, thread: u32) -> io::Result<Self> {
        let schedule = File::open(format!("/proc/{pid}/task/{thread}/schedstat"))?;
        let mut buffer = [0; 256];
        let activity = match File::open(format!("/proc/{pid}/task/{thread}/syscall")) {
            Ok(file) if reread(&file, &mut buffer).is_ok() => ActivitySource::SystemCall(file),
            _ => ActivitySource::State(File::open(format!("/proc/{pid}/task/{thread}/stat"))?),
        };
        Ok(Self { schedule, activity, last: (u64::MAX, u64::MAX), state: Activity::Running })
    }

    /// Looks at the thread now. `gil` are the addresses on which a thread sleeps that waits for the GIL.
    ///
    /// # Errors
    /// `ESRCH` when the thread has ended.
    pub fn read(&mut self, gil: &[Range<u64>]) -> io::Result<Reading> {
        let mut buffer = [0; 96];
        let now = parse_schedule(reread(&self.schedule, &mut buffer)?).ok_or(io::ErrorKind::InvalidData)?;
        // A thread that leaves the CPU is booked at least a nanosecond, and one that comes to it is counted, so two equal
        // readings mean that it ran all the time or slept all the time. What is missed is the moment between being woken
        // and getting a CPU for the first time.
        if now != self.last {
            self.last = now;
            self.state = self.look(gil)?;
        }
        Ok(Reading { cpu: now.0, activity: self.state, settled: self.state != Activity::Running })
    }

    /// The thread's CPU time alone.
    ///
    /// # Errors
    /// `ESRCH` when the thread has ended.
    pub fn cpu(&self) -> io::Result<u64> {
        let mut buffer = [0; 96];
        let (cpu, _times) = parse_schedule(reread(&self.schedule, &mut buffer)?).ok_or(io::ErrorKind::InvalidData)?;
        Ok(cpu)
    }

    fn look(&self, gil: &[Range<u64>]) -> io::Result<Activity> {
        let mut buffer = [0; 512];
        match &self.activity {
            ActivitySource::SystemCall(file) => Ok(parse_system_call(reread(file, &mut buffer)?, gil)),
            ActivitySource::State(file) => Ok(match state_of(reread(file, &mut buffer)?) {
                Some(b'R') => Activity::Running,
                _ => Activity::Blocked,
            }),
        }
    }
}

/// CPU time and number of times that the thread was given a CPU, from `schedstat`: `cpu delay times`.
fn parse_schedule(text: &[u8]) -> Option<(u64, u64)> {
    let mut numbers = text.split(u8::is_ascii_whitespace).map(parse_number);
    let (cpu, _delay, times) = (numbers.next()??, numbers.next()??, numbers.next()??);
    Some((cpu, times))
}

fn parse_number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, &digit| {
        digit.is_ascii_digit().then(|| number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')))
    })
}

/// `running`, or the number of the system call and its arguments in hexadecimal, or `-1 …` for a sleep outside of one.
fn parse_system_call(text: &[u8], gil: &[Range<u64>]) -> Activity {
    if text.starts_with(b"running") {
        return Activity::Running;
    }
    let mut fields = text.split(u8::is_ascii_whitespace);
    let number = fields.next().and_then(parse_number);
    let argument = fields.next().and_then(|field| std::str::from_utf8(field.strip_prefix(b"0x")?).ok());
    let address = argument.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let futex = u64::try_from(libc::SYS_futex).ok();
    match address {
        Some(address) if number == futex && gil.iter().any(|range| range.contains(&address)) => Activity::WaitingForGil,
        _ => Activity::Blocked,
    }
}

/// The state's letter in `/proc/PID/stat`. It comes behind the name, which may itself hold blanks and parentheses.
pub(super) fn state_of(stat: &[u8]) -> Option<u8> {
    let end = stat.iter().rposition(|&byte| byte == b')')?;
    stat.get(end + 2).copied()
}

#[cfg(test)]
mod tests {
    use super::{Activity, ThreadClock, parse_schedule, parse_system_call, state_of};
    use crate::os::spawned::Spawned;
    use std::process::{Command, Stdio};

    #[test]
    fn the_kernels_texts_are_read() {
        assert_eq!(parse_schedule(b"190121090 21633231 46\n"), Some((190_121_090, 46)));
        assert_eq!(parse_schedule(b"12 "), None);
        assert_eq!(state_of(b"12 (a) b) (c)) R 1 2"), Some(b'R'));
        assert_eq!(state_of(b""), None);
        let gil = [0x7f00_0000..0x7f00_0030, 0x7f00_0100..0x7f00_0130];
        assert_eq!(parse_system_call(b"running\n", &gil), Activity::Running);
        assert_eq!(parse_system_call(b"-1 0x7ffc 0x7f0\n", &gil), Activity::Blocked);
        let futex = |address: &str| format!("{} {address} 0x189 0x0 0x7ffc 0x0 0xff 0x7ffc 0x7f\n", libc::SYS_futex);
        assert_eq!(parse_system_call(futex("0x7f000028").as_bytes(), &gil), Activity::WaitingForGil);
        assert_eq!(parse_system_call(futex("0x7f000030").as_bytes(), &gil), Activity::Blocked);
    }

    #[test]
    fn a_busy_and_a_sleeping_process_are_told_apart() {
        let spawn =
            |program: &str, argument: &str| Spawned::start(Command::new(program).arg(argument).stdout(Stdio::null()));
        let (mut busy, mut idle) = (spawn("/usr/bin/yes", "a"), spawn("/bin/sleep", "60"));
        std::thread::sleep(std::time::Duration::from_millis(50));
        let mut clocks = [&busy, &idle].map(|child| ThreadClock::open(child.id(), child.id()).unwrap());
        let mut running = [0, 0];
        let mut cpu = [0, 0];
        for _ in 0..100 {
            for (n, clock) in clocks.iter_mut().enumerate() {
                let reading = clock.read(&[]).unwrap();
                running[n] += u32::from(reading.activity == Activity::Running);
                cpu[n] = reading.cpu;
            }
            std::thread::sleep(std::time::Duration::from_micros(300));
        }
        busy.end();
        idle.end();
        assert!(running[0] > 90 && running[1] < 3, "{running:?}");
        assert!(cpu[0] > cpu[1]);
        assert!(clocks[0].read(&[]).is_err(), "the thread has ended");
    }
}
