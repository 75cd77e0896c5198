//! From a capture to findings: what is slow, where, how sure that is, and what to look at next.
//!
//! [`Profile::read`] goes through the samples once and keeps what every question needs; the questions are functions of a
//! profile: [`Triage::of`] (the verdict and what is red, yellow and green), [`FunctionTable`], [`Neighbours`] (callers and
//! callees), [`LineTable`], [`CallTree`], [`ThreadTable`]. Answers are plain data with `serde::Serialize`; how they look is
//! decided in `pyrometer-view`.
//!
//! This crate does no I/O and reads no clock.
#![forbid(unsafe_code)]

mod attribution;
mod audit;
mod error;
mod figures;
mod functions;
mod interval;
mod lines;
mod lookup;
mod neighbours;
mod once;
mod origin;
mod printable;
mod profile;
mod threads;
mod tree;
mod triage;

pub use audit::AuditReport;
pub use error::{Error, ErrorKind};
pub use figures::{FunctionRef, Place, Share};
pub use functions::{FunctionOptions, FunctionRow, FunctionTable, SortKey};
pub use interval::{Interval, batch_interval, interval, wilson_interval};
pub use lines::{LineCallee, LineRow, LineTable, RangeRow};
pub use lookup::{Found, find_function};
pub use neighbours::{Direction, Neighbour, Neighbours};
pub use origin::Origin;
pub use printable::printable;
pub use profile::{Profile, ThreadFacts, Unit};
pub use threads::{ProcessRow, ThreadRow, ThreadTable, Times};
pub use tree::{CallTree, TreeNode, TreeOptions};
pub use triage::{
    Base, CalleeOf, CallerOf, CaptureSummary, CollectedAt, Collector, Contention, Folded, Heat, Hint, Holder,
    HotFunction, HotLine, REPORT_SCHEMA, Starved, Thresholds, Triage, TriageOptions, Unproven, Verdict, VerdictKind,
    Wait, Waiting,
};
