//! Clocks and what the sampler itself costs. One of the few files with `unsafe`: every call here takes plain values or a
//! structure that it fills.

use std::mem;

use pyrometer_model::Nanoseconds;

/// The monotonic clock, in nanoseconds since an arbitrary point (the machine's start on Linux). The same clock stamps
/// perf events and times absolute sleeps.
#[must_use]
pub fn now() -> u64 {
    read_clock(libc::CLOCK_MONOTONIC)
}

/// CPU time that this process has used, over all its threads.
#[must_use]
pub fn own_cpu_time() -> Nanoseconds {
    Nanoseconds(read_clock(libc::CLOCK_PROCESS_CPUTIME_ID))
}

/// Time since 1970-01-01 UTC, in nanoseconds.
#[must_use]
pub fn since_epoch() -> u64 {
    read_clock(libc::CLOCK_REALTIME)
}

fn read_clock(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec that the call fills; on failure it stays zero.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// Sleeps until the monotonic clock shows `deadline`, or a signal arrives: the caller looks at the clock again.
pub fn sleep_until(deadline: u64) {
    let time = libc::timespec {
        tv_sec: libc::time_t::try_from(deadline / 1_000_000_000).unwrap_or(libc::time_t::MAX),
        tv_nsec: libc::c_long::try_from(deadline % 1_000_000_000).unwrap_or(0),
    };
    // SAFETY: `time` is a valid timespec; the remainder pointer may be null.
    unsafe { libc::clock_nanosleep(libc::CLOCK_MONOTONIC, libc::TIMER_ABSTIME, &raw const time, std::ptr::null_mut()) };
}

/// Asks the kernel to wake this thread exactly when it asked for it. By default timers of a normal thread are rounded up
/// by as much as 50 µs, so that wake-ups fall together.
pub fn sharpen_timers() {
    // SAFETY: PR_SET_TIMERSLACK takes one integer and touches no memory.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1 as libc::c_ulong) };
}

/// Lets this thread go before all others while it lives, where that is permitted (`CAP_SYS_NICE` or `RLIMIT_RTPRIO`).
///
/// A sampler that waits for a CPU on a busy machine gets one when the others pause, so it sees the target asleep too
/// often: on two CPUs with a load of 9, work of 54 % was seen as 43 %; with this it was 49.6 % seen of 49.6 %. It is for a
/// thread that works for some microseconds at a time: one that does not sleep would take its CPU from everybody.
#[derive(Debug)]
pub struct Precedence {
    raised: bool,
}

impl Precedence {
    /// Gives this thread precedence until the result is dropped.
    #[must_use]
    pub fn take() -> Self {
        // SAFETY: the policy of this thread (0) is asked for; no memory is touched.
        let ordinary = unsafe { libc::sched_getscheduler(0) } == libc::SCHED_OTHER;
        Self { raised: ordinary && set_policy(libc::SCHED_RR | libc::SCHED_RESET_ON_FORK, 1) }
    }
}

impl Drop for Precedence {
    fn drop(&mut self) {
        if self.raised {
            set_policy(libc::SCHED_OTHER, 0);
        }
    }
}

fn set_policy(policy: libc::c_int, priority: libc::c_int) -> bool {
    let parameters = libc::sched_param { sched_priority: priority };
    // SAFETY: `parameters` is a valid structure that the call reads; 0 is this thread.
    unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) == 0 }
}

/// The most resident memory that this process has had, in bytes.
#[must_use]
pub fn own_peak_memory() -> u64 {
    // SAFETY: an all-zero rusage is a valid value of that plain structure.
    let mut usage: libc::rusage = unsafe { mem::zeroed() };
    // SAFETY: `usage` is a valid structure that the call fills.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
    u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024
}

/// Raises the soft limit of open files to the hard one: two descriptors a thread are kept open, and 1,024, the usual
/// limit, is too few for a program of 600 threads. Only this process is affected.
pub fn raise_file_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid structure that the first call fills and the second reads.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 && limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_sleep_ends_at_its_deadline_and_not_before() {
        let deadline = super::now() + 2_000_000;
        super::sleep_until(deadline);
        assert!(super::now() >= deadline);
        super::sleep_until(0);
    }

    #[test]
    fn the_own_cost_is_known() {
        assert!(super::own_cpu_time().0 > 0);
        assert!(super::own_peak_memory() > 100_000);
        assert!(super::since_epoch() > 1_600_000_000_000_000_000);
    }
}
