//! Signals while a program is measured: passed on to it when they were meant for it, and an end to the recording when
//! they were meant for us.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::siginfo::Cause;

/// Watches for signals until the process ends.
#[derive(Debug, Clone)]
pub struct Watch {
    stop: Arc<AtomicBool>,
    child: Arc<AtomicU32>,
}

impl Watch {
    /// Begins to watch. Without a child every signal asks for the end of the recording.
    ///
    /// # Errors
    /// When the kernel refuses the handlers.
    pub fn begin() -> Result<Self> {
        let watch = Self { stop: Arc::default(), child: Arc::default() };
        let mut signals = SignalsInfo::<WithOrigin>::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2])
            .context("cannot watch for signals")?;
        let (stop, child) = (Arc::clone(&watch.stop), Arc::clone(&watch.child));
        thread::Builder::new()
            .name("signals".into())
            .stack_size(64 * 1024)
            .spawn(move || {
                for origin in &mut signals {
                    // A ^C at the terminal goes to every process in the foreground, the child too: the kernel sends it.
                    // One sent by a process was sent to us alone, so it is passed on.
                    let from_terminal = matches!(origin.cause, Cause::Kernel);
                    match child.load(Ordering::Acquire) {
                        0 => stop.store(true, Ordering::Release),
                        _ if from_terminal => {}
                        pid => pass_on(pid, origin.signal),
                    }
                }
            })
            .context("cannot start the thread that watches for signals")?;
        Ok(watch)
    }

    /// From now on signals go to this child.
    pub fn pass_to(&self, child: u32) {
        self.child.store(child, Ordering::Release);
    }

    /// The flag that is set when the recording shall end.
    #[must_use]
    pub fn stop_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }
}

fn pass_on(pid: u32, signal: i32) {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return };
    if let Some(signal) = Signal::from_named_raw(signal) {
        // The child may just have ended; then nobody is there to be told.
        let _gone = kill_process(pid, signal);
    }
}

/// Ends this process by the signal that ended the child, so that our caller sees what it would have seen.
pub fn end_by(signal: i32) {
    // Without this a child that dumped core would make us dump one, too.
    let _refused = rustix::process::setrlimit(
        rustix::process::Resource::Core,
        rustix::process::Rlimit { current: Some(0), maximum: Some(0) },
    );
    let _refused = signal_hook::low_level::emulate_default_handler(signal);
    if let Some(signal) = Signal::from_named_raw(signal) {
        let _refused = kill_process(rustix::process::getpid(), signal);
    }
}
