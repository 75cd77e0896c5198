//! Stopping a thread for the moment of a sample. One of the few files with `unsafe`: ptrace takes plain values here.
//!
//! Threads are stopped by `PTRACE_SEIZE` and `PTRACE_INTERRUPT` and let go by `PTRACE_DETACH` again for every sample.
//! Unlike SIGSTOP this sends no signal, so the target, its parent and the shell's job control see nothing; and when this
//! process dies in between, the kernel detaches and the threads run on. They are not left seized between samples, because
//! then every signal to the target would wait for this process.
//!
//! A parent that calls `waitpid` for a target while it is stopped here would be told of the stop (a tracer's stops are
//! reported to any thread of the tracing process): it has to wait for the end by a pidfd instead.

use std::io;
use std::ptr;

use super::clock::{now, sleep_until};
use super::process::status_field;

/// How long is waited for a thread to stop. It has to get a CPU for that; one in an uninterruptible sleep may take
/// longer, and is then let go as soon as it does stop.
const PATIENCE: u64 = 100_000_000;
/// How long of that is waited without giving the CPU away, which the target may need in order to stop.
const SPIN: u64 = 50_000;

/// The threads that are stopped, and those that still have to be let go.
#[derive(Debug, Default)]
pub struct Pause {
    stopped: Vec<(libc::pid_t, libc::c_int)>,
    stopping: Vec<libc::pid_t>,
    /// Since when the first of them stands.
    since: u64,
    total: u64,
}

impl Pause {
    /// Stops those of `threads` (ids as seen from here) that can be stopped now, and waits until they stand.
    ///
    /// # Errors
    /// When tracing is refused.
    pub fn stop(&mut self, threads: impl Iterator<Item = u32>) -> io::Result<()> {
        self.since = u64::MAX;
        let begin = now();
        for thread in threads {
            let Ok(thread) = libc::pid_t::try_from(thread) else { continue };
            if self.stopping.contains(&thread) {
                continue;
            }
            match request(libc::PTRACE_SEIZE, thread, 0).and_then(|()| request(libc::PTRACE_INTERRUPT, thread, 0)) {
                Ok(()) => self.stopping.push(thread),
                Err(error) if error.raw_os_error() == Some(libc::EPERM) => {
                    self.resume();
                    return Err(error);
                }
                // It has ended.
                Err(_) => {}
            }
        }
        self.wait_until(begin + PATIENCE);
        Ok(())
    }

    /// Lets all threads run on.
    pub fn resume(&mut self) {
        self.collect();
        let any = !self.stopped.is_empty();
        for (thread, signal) in self.stopped.drain(..) {
            // A signal that arrived at the moment of the stop is delivered now. An error means that the thread was killed.
            let _ = request(libc::PTRACE_DETACH, thread, signal);
        }
        if any {
            self.total += now().saturating_sub(self.since);
        }
    }

    /// For how long threads were stopped, in nanoseconds of wall time.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    fn wait_until(&mut self, deadline: u64) {
        let spinning = now() + SPIN;
        loop {
            self.collect();
            let time = now();
            if self.stopping.is_empty() || time >= deadline {
                return;
            }
            if time >= spinning {
                sleep_until(time + SPIN);
            }
        }
    }

    /// Moves the threads that have stopped by now from `stopping` to `stopped`.
    fn collect(&mut self) {
        let (stopped, since) = (&mut self.stopped, &mut self.since);
        self.stopping.retain(|&thread| match wait(thread) {
            Waited::NotYet => true,
            Waited::Gone => false,
            Waited::Stopped(signal) => {
                stopped.push((thread, signal));
                *since = (*since).min(now());
                false
            }
        });
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        // Whatever does not stop within this time is let go by the kernel when this process ends.
        self.wait_until(now() + PATIENCE);
        self.resume();
    }
}

enum Waited {
    NotYet,
    Gone,
    /// It stands; the signal is the one to deliver when it is let go, 0 for none.
    Stopped(libc::c_int),
}

fn wait(thread: libc::pid_t) -> Waited {
    // First only looked at: the end of our own child is for its parent's `wait`, elsewhere in this process, to take.
    let Some((code, status)) = wait_for(thread, libc::WSTOPPED | libc::WEXITED | libc::WNOWAIT) else {
        return Waited::Gone;
    };
    match code {
        0 => Waited::NotYet,
        libc::CLD_TRAPPED | libc::CLD_STOPPED => {
            wait_for(thread, libc::WSTOPPED);
            // PTRACE_EVENT_STOP is our interrupt (or a group stop, which goes on by itself after detaching); without an
            // event it is a signal on its way to the thread.
            Waited::Stopped(if status >> 8 == 0 { status & 0xff } else { 0 })
        }
        _ => {
            if !is_own_child(thread) {
                // A traced thread that has ended stays until its tracer has taken notice; its process could not end.
                wait_for(thread, libc::WEXITED);
            }
            Waited::Gone
        }
    }
}

/// What `waitid` tells of a thread, without blocking: why (0 for nothing yet) and its status. None when there is nothing
/// to wait for.
fn wait_for(thread: libc::pid_t, options: libc::c_int) -> Option<(libc::c_int, libc::c_int)> {
    let id = libc::id_t::try_from(thread).ok()?;
    // SAFETY: an all-zero siginfo_t is a valid value of that plain structure.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: `info` is a valid structure that the call fills. __WALL also waits for threads that are not processes.
    let result = unsafe { libc::waitid(libc::P_PID, id, &raw mut info, options | libc::__WALL | libc::WNOHANG) };
    // SAFETY: waitid fills the fields of SIGCHLD, or leaves all of it zero when there is nothing to tell.
    (result == 0).then(|| (info.si_code, unsafe { info.si_status() }))
}

fn is_own_child(thread: libc::pid_t) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{thread}/status")).unwrap_or_default();
    let is = |key: &str, id: u32| status_field(&status, key).is_some_and(|field| field == id.to_string());
    u32::try_from(thread).is_ok_and(|thread| is("Tgid", thread)) && is("PPid", std::process::id())
}

fn request(request: libc::c_uint, thread: libc::pid_t, data: libc::c_int) -> io::Result<()> {
    let data = usize::try_from(data).unwrap_or(0);
    // SAFETY: these requests take the thread's id and plain values; none reads or writes this process's memory.
    let result = unsafe { libc::ptrace(request, thread, ptr::null_mut::<libc::c_void>(), data as *mut libc::c_void) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::Pause;
    use crate::os::process::thread_ids;
    use crate::os::spawned::Spawned;
    use std::process::{Command, Stdio};

    fn state(pid: u32) -> u8 {
        let stat = std::fs::read(format!("/proc/{pid}/stat")).unwrap();
        crate::os::threads::state_of(&stat).unwrap()
    }

    #[test]
    fn a_stopped_process_stands_still_and_then_runs_on() {
        let mut child = Spawned::start(Command::new("/usr/bin/yes").stdout(Stdio::null()));
        let mut pause = Pause::default();
        for _ in 0..200 {
            pause.stop(thread_ids(child.id()).unwrap().into_iter()).unwrap();
            assert_eq!(state(child.id()), b't', "stopped by a tracer");
            pause.resume();
            assert_ne!(state(child.id()), b't');
        }
        assert!(pause.total() > 0);
        drop(pause);
        // A signal that comes while it is stopped is not lost.
        let mut pause = Pause::default();
        pause.stop(std::iter::once(child.id())).unwrap();
        // SAFETY: kill takes two plain integers; the process is this test's own.
        unsafe { libc::kill(libc::pid_t::try_from(child.id()).unwrap(), libc::SIGTERM) };
        pause.resume();
        let status = child.wait().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGTERM));
    }

    #[test]
    fn a_process_that_has_ended_is_no_error() {
        let mut child = Command::new("/bin/true").spawn().unwrap();
        child.wait().unwrap();
        let mut pause = Pause::default();
        assert!(pause.stop(std::iter::once(child.id())).is_ok());
        pause.resume();
        assert_eq!(pause.total(), 0);
    }
}
