//! How sure a sampled share is: 95 % confidence intervals.
//!
//! Two intervals are made and the wider is taken, end by end:
//!
//! - **Wilson's score interval** on the effective number of samples `(Σw)² / Σw²`, where w is a sample's weight. It is what
//!   independent samples would give, and stays sensible for shares of 0 and 1 and for few samples.
//! - **Batch means**: the capture is cut into 64 to 128 spans of equal length. In each the part's time minus `share ×` all
//!   time is a residual; half the mean square of the *successive differences* of the residuals (von Neumann's estimator) is
//!   their variance, from which the ratio's standard error follows, with Student's t. Samples that depend on one another
//!   within a span (work that takes many intervals, threads that are sampled at one instant) widen it as they must. Where
//!   work reaches over the border of two spans, neighbours are alike and differ too little, so the differences of every
//!   other span are taken too, and the larger variance counts.
//!
//! Differences of neighbours are used, and not deviations from the mean, since most programs have phases (load, then
//! compute). A phase is a fact about this run and no noise: it makes one large difference, where it would make every
//! deviation large. So the interval speaks of this program's behaviour in such a run, phases included.

/// The normal quantile of a two-sided 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

/// Fewer batches than this give no batch interval: the variance's own error would be too large.
const FEWEST_BATCHES: usize = 20;

/// A 95 % confidence interval of a share: `0 ≤ low ≤ high ≤ 1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Wilson's score interval of a `share` seen in `samples` independent samples; everything from 0 to 1 without samples.
#[must_use]
pub fn wilson_interval(share: f64, samples: f64) -> Interval {
    if samples <= 0.0 || !share.is_finite() {
        return Interval { low: 0.0, high: 1.0 };
    }
    let share = share.clamp(0.0, 1.0);
    let z2 = Z * Z;
    let middle = (share + z2 / (2.0 * samples)) / (1.0 + z2 / samples);
    let half = Z / (1.0 + z2 / samples) * (share * (1.0 - share) / samples + z2 / (4.0 * samples * samples)).sqrt();
    Interval { low: (middle - half).clamp(0.0, share), high: (middle + half).clamp(share, 1.0) }
}

/// The batch-means interval of `Σpart / Σwhole`, from the weights in each span of time; none with fewer than 20 spans in
/// which there is anything. The slices have one length.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn batch_interval(part: &[f64], whole: &[f64]) -> Option<Interval> {
    let total: f64 = whole.iter().sum();
    if total <= 0.0 {
        return None;
    }
    let share = part.iter().sum::<f64>() / total;
    let residuals: Vec<f64> =
        part.iter().zip(whole).filter(|(_, whole)| **whole > 0.0).map(|(part, whole)| part - share * whole).collect();
    if residuals.len() < FEWEST_BATCHES {
        return None;
    }
    let count = residuals.len() as f64;
    let variance = successive_variance(&residuals, 1).max(successive_variance(&residuals, 2));
    // Differences share their ends, so there are fewer free ones than spans: two thirds (von Neumann et al., 1941).
    let half = student_quantile((count - 1.0) / 1.5) * (variance * count).sqrt() / total;
    Some(Interval { low: (share - half).max(0.0), high: (share + half).min(1.0) })
}

/// Half the mean square of the differences of values that are `lag` apart.
fn successive_variance(values: &[f64], lag: usize) -> f64 {
    let squares: f64 = values.windows(lag + 1).map(|window| (window[lag] - window[0]).powi(2)).sum();
    squares / (2.0 * values.len().saturating_sub(lag).max(1) as f64)
}

/// The wider of both intervals, end by end. `samples` is the effective number.
#[must_use]
pub fn interval(part: &[f64], whole: &[f64], share: f64, samples: f64) -> Interval {
    let wilson = wilson_interval(share, samples);
    match batch_interval(part, whole) {
        Some(batches) => Interval { low: wilson.low.min(batches.low), high: wilson.high.max(batches.high) },
        None => wilson,
    }
}

/// Student's t at 97.5 % by the Cornish-Fisher expansion, which at 19 degrees of freedom is right to 0.001.
fn student_quantile(freedom: f64) -> f64 {
    let (z3, z5) = (Z.powi(3), Z.powi(5));
    Z + (z3 + Z) / (4.0 * freedom) + (5.0 * z5 + 16.0 * z3 + 3.0 * Z) / (96.0 * freedom * freedom)
}

#[cfg(test)]
mod tests {
    use super::{Interval, interval, student_quantile, wilson_interval};

    /// A small generator (xorshift64*), so that the simulation is the same everywhere.
    struct Random(u64);

    impl Random {
        fn uniform(&mut self) -> f64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    const BATCHES: usize = 100;

    fn interval_of(samples: &[bool]) -> Interval {
        let size = samples.len() / BATCHES;
        let part: Vec<f64> =
            samples.chunks(size).map(|batch| batch.iter().filter(|hit| **hit).count() as f64).collect();
        let whole: Vec<f64> = samples.chunks(size).map(|batch| batch.len() as f64).collect();
        let share = part.iter().sum::<f64>() / samples.len() as f64;
        interval(&part, &whole, share, samples.len() as f64)
    }

    /// The share of 2,000 simulated captures whose interval holds the true share, and the mean width.
    fn coverage(share: f64, mean_stay: f64, samples: usize) -> (f64, f64) {
        let (mut covered, mut width) = (0, 0.0);
        let seeds = 2000;
        for seed in 1..=seeds {
            let mut random = Random(u64::wrapping_mul(seed, 0x9E37_79B9_7F4A_7C15));
            for _ in 0..20 {
                random.uniform();
            }
            // At each sample the thread stays where it is, or with a chance of 1/mean_stay is sent to a new place.
            let mut inside = random.uniform() < share;
            let hits: Vec<bool> = (0..samples)
                .map(|_| {
                    if random.uniform() < 1.0 / mean_stay {
                        inside = random.uniform() < share;
                    }
                    inside
                })
                .collect();
            let found = interval_of(&hits);
            covered += u32::from(found.low <= share && share <= found.high);
            width += found.high - found.low;
        }
        (f64::from(covered) / seeds as f64, width / seeds as f64)
    }

    #[test]
    fn intervals_of_independent_samples_cover_the_truth() {
        for share in [0.02, 0.1, 0.5, 0.9] {
            let (covered, width) = coverage(share, 1.0, 5000);
            assert!(covered >= 0.93, "{share}: {covered}");
            let ideal = 2.0 * 1.96 * (share * (1.0 - share) / 5000.0).sqrt();
            assert!(width < 1.25 * ideal, "{share}: {width} is no better than {ideal}");
        }
    }

    #[test]
    fn intervals_of_samples_that_depend_on_one_another_cover_the_truth() {
        for share in [0.1, 0.5, 0.89] {
            for mean_stay in [3.0, 10.0] {
                let (covered, _) = coverage(share, mean_stay, 20_000);
                assert!(covered >= 0.93, "share {share}, stay {mean_stay}: {covered}");
            }
        }
    }

    #[test]
    fn a_phase_is_no_noise() {
        let samples: Vec<bool> = (0..10_000).map(|at| at < 5000).collect();
        let found = interval_of(&samples);
        assert!(found.high - found.low < 0.05, "{found:?}");
    }

    #[test]
    fn wilson_is_right_at_the_ends() {
        let none = wilson_interval(0.0, 100.0);
        assert!(none.low == 0.0 && (none.high - 0.036_99).abs() < 1e-4, "{none:?}");
        let all = wilson_interval(1.0, 100.0);
        assert!(all.high == 1.0 && (all.low - 0.963_01).abs() < 1e-4, "{all:?}");
        assert_eq!(wilson_interval(0.5, 0.0), Interval { low: 0.0, high: 1.0 });
    }

    #[test]
    fn students_quantiles_agree_with_the_tables() {
        for (freedom, quantile) in [(19.0, 2.0930), (30.0, 2.0423), (120.0, 1.9799)] {
            assert!((student_quantile(freedom) - quantile).abs() < 1e-3, "{freedom}");
        }
    }
}
