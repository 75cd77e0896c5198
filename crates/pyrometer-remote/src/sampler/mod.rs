//! Sampling: when to look, at whom, and how what is seen becomes runs of samples.

mod ledger;
mod schedule;

pub use ledger::{Ledger, Sample};
pub use schedule::Schedule;
