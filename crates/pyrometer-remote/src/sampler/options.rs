//! What the user chose.

use pyrometer_model::Nanoseconds;

/// How to sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Mean time between two samples; zero means as fast as possible.
    pub interval: Nanoseconds,
    /// Draw each instant at random within its period, instead of keeping to its middle.
    pub jitter: bool,
    /// Follow the processes that the target starts.
    pub subprocesses: bool,
    /// Stop the running threads for each sample.
    pub pause: bool,
    /// The share of one CPU that the sampler may use (0.01 is 1 %): the rate is lowered to keep to it.
    pub budget: Option<f64>,
    /// Show the C function that a Python frame was calling as a frame of its own.
    pub native: bool,
    /// Stop after this time.
    pub duration: Option<Nanoseconds>,
    /// How long to wait for the root process to become a Python; none means for as long as it lives. Zero is right for a
    /// process that should be one already.
    pub patience: Option<Nanoseconds>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            interval: Nanoseconds::from_millis(1),
            jitter: true,
            subprocesses: false,
            pause: false,
            budget: None,
            native: true,
            duration: None,
            patience: None,
        }
    }
}
