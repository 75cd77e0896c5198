//! `pyrometer top`: the live terminal screen. [`live`] sums what the sampler hands over, [`state`] is what the keys change,
//! [`screen`] draws; none of them knows where samples come from.

pub mod live;
pub mod screen;
pub mod state;
