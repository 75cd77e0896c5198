//! Keeping the sampler's own CPU time within a share.

/// Finds the shortest interval that keeps to a budget.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    share: f64,
    wanted: u64,
    /// Own CPU time and samples at the last adjustment.
    last: (u64, u64),
    /// Smoothed CPU time of one tick, in nanoseconds.
    cost: f64,
}

impl Budget {
    /// A budget of `share` of a CPU for ticks every `wanted` nanoseconds.
    pub(super) fn new(share: f64, wanted: u64) -> Self {
        Self { share: share.clamp(1e-4, 1.0), wanted, last: (0, 0), cost: 0.0 }
    }

    /// The interval that keeps to the budget, given the CPU time used and the ticks made since the start of sampling.
    /// Called every so often; what does not depend on the rate (attaching, writing) is shared out over the ticks, so that
    /// it is paid from the same budget.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(super) fn interval(&mut self, cpu: u64, ticks: u64) -> u64 {
        let (used, made) = (cpu.saturating_sub(self.last.0), ticks.saturating_sub(self.last.1));
        if made > 0 {
            let cost = used as f64 / made as f64;
            self.cost = if self.cost == 0.0 { cost } else { self.cost * 0.7 + cost * 0.3 };
            self.last = (cpu, ticks);
        }
        // A second between samples is the least that is of any use.
        self.wanted.max((self.cost / self.share) as u64).min(1_000_000_000.max(self.wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::Budget;

    #[test]
    fn the_rate_is_lowered_to_keep_to_the_share_and_raised_again() {
        let mut budget = Budget::new(0.01, 1_000_000);
        // 30 µs a tick at 1 % allow one every 3 ms.
        assert_eq!(budget.interval(3_000_000, 100), 3_000_000);
        let mut cpu = 3_000_000;
        for n in 2..50 {
            cpu += 500_000;
            let interval = budget.interval(cpu, n * 100);
            assert!(interval >= 1_000_000);
        }
        assert_eq!(budget.interval(cpu + 500_000, 5000), 1_000_000, "5 µs a tick fit the rate wanted");
        assert_eq!(budget.interval(cpu + 500_000, 5000), 1_000_000, "no tick since: nothing is learnt");
    }
}
