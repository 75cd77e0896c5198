//! Sampling: when to look, at whom, and how what is seen becomes runs of samples.
//!
//! [`Session`] records a process (and its children) into a [`pyrometer_model::Dictionary`] and blocks of runs.

mod attached;
mod budget;
mod gap;
mod interner;
mod ledger;
#[cfg(test)]
mod live_tests;
mod module;
mod options;
mod schedule;
mod session;
mod target;
mod track;

pub use ledger::{Ledger, Sample};
pub use module::module_of;
pub use options::Options;
pub use schedule::Schedule;
pub use session::{End, Outcome, Session, SessionError, Sink};
