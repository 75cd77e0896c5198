//! When to sample.

/// A jittered clock: time is cut into periods of one interval, and one instant is drawn uniformly in each.
///
/// A fixed interval aliases: a program that works in the first half of every 10 ms is always seen at the same point of its
/// cycle. Drawn within periods, instants are uniform over every cycle, while the number of samples in a span of time
/// stays as even as a fixed clock's. Deadlines are absolute, so that the time a sample takes does not add up.
///
/// The schedule reads no clock: it is told what time it is.
#[derive(Debug, Clone)]
pub struct Schedule {
    interval: u64,
    jitter: bool,
    /// Start of the period that the next instant lies in.
    period: u64,
    next: u64,
    random: Random,
    late: u64,
    missed: u64,
}

impl Schedule {
    /// A schedule that starts at `now` with one instant every `interval` nanoseconds; 0 means as fast as possible.
    #[must_use]
    pub fn new(now: u64, interval: u64, jitter: bool, seed: u64) -> Self {
        let random = Random::new(seed);
        let mut schedule = Self { interval, jitter, period: now, next: now, random, late: 0, missed: 0 };
        schedule.draw();
        schedule
    }

    /// The instant of the next sample.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The interval now in force, in nanoseconds.
    #[must_use]
    pub fn interval(&self) -> u64 {
        self.interval
    }

    /// Samples that came more than half an interval late.
    #[must_use]
    pub fn late(&self) -> u64 {
        self.late
    }

    /// Periods that were left out since it was already later.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Notes that a sample is being taken at `now`, and draws the next instant: in the first period that begins after the
    /// current one and does not lie wholly in the past.
    pub fn advance(&mut self, now: u64) {
        if self.interval == 0 {
            self.next = now;
            return;
        }
        if now > self.next.saturating_add(self.interval / 2) {
            self.late += 1;
        }
        self.period += self.interval;
        let behind = now.saturating_sub(self.period) / self.interval;
        self.missed += behind;
        self.period += behind * self.interval;
        self.draw();
        // In a period that has partly gone by already the instant may be past. It is then drawn again from what is left of
        // the period: sampling at once would put the sample right behind the last one, at a moment that the delay chose.
        if self.next < now {
            let left = self.period + self.interval - now;
            self.next = now + self.random.below(left.max(1));
        }
    }

    /// Begins anew at `now`: nothing was to be sampled until then.
    pub fn restart(&mut self, now: u64) {
        self.period = now;
        self.draw();
    }

    /// Samples every `interval` nanoseconds from the next instant on.
    pub fn set_interval(&mut self, interval: u64, now: u64) {
        if interval != self.interval {
            self.interval = interval;
            self.restart(now);
        }
    }

    fn draw(&mut self) {
        let offset = if self.jitter { self.random.below(self.interval.max(1)) } else { self.interval / 2 };
        self.next = self.period + offset;
    }
}

/// A small generator of pseudo-random numbers (splitmix64). Nothing here needs to be unpredictable.
#[derive(Debug, Clone)]
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number in `0..limit`.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        // The high half of the product is uniform up to one part in 2^64 / limit.
        u64::try_from((u128::from(z) * u128::from(limit)) >> 64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    const MS: u64 = 1_000_000;

    fn instants(schedule: &mut Schedule, count: usize) -> Vec<u64> {
        (0..count)
            .map(|_| {
                let time = schedule.next();
                schedule.advance(time);
                time
            })
            .collect()
    }

    /// The share of the first half of every cycle, with each sample weighted by the middles of its gaps.
    fn weighed(times: &[u64], cycle: u64) -> f64 {
        let (mut inside, mut total) = (0, 0);
        for window in times.windows(3) {
            let weight = (window[2] - window[0]) / 2;
            total += weight;
            inside += if window[1] % cycle < cycle / 2 { weight } else { 0 };
        }
        inside as f64 / total as f64
    }

    #[test]
    fn each_period_has_one_instant() {
        let mut schedule = Schedule::new(7, MS, true, 1);
        for (n, time) in instants(&mut schedule, 10_000).into_iter().enumerate() {
            assert_eq!((time - 7) / MS, n as u64);
        }
        assert_eq!((schedule.late(), schedule.missed()), (0, 0));
    }

    #[test]
    fn work_locked_to_the_interval_is_seen_in_its_true_share() {
        // 20 s at 1 kHz; cycles of the interval itself, a multiple and a fraction of it.
        for cycle in [MS, 10 * MS, MS / 2, MS * 3 / 2] {
            for seed in 0..5 {
                let share = weighed(&instants(&mut Schedule::new(0, MS, true, seed), 20_000), cycle);
                assert!((share - 0.5).abs() < 0.01, "cycle {cycle}, seed {seed}: {share}");
            }
        }
        // Without jitter the same program is misjudged wholly, which is why jitter is there.
        assert!(weighed(&instants(&mut Schedule::new(0, MS, false, 1), 20_000), MS) < 0.01);
    }

    #[test]
    fn weights_by_the_gap_before_would_be_biased() {
        let times = instants(&mut Schedule::new(0, MS, true, 3), 200_000);
        let half = |weight: &dyn Fn(&[u64]) -> u64| {
            let (mut first, mut total) = (0, 0);
            for window in times.windows(3) {
                total += weight(window);
                first += if window[1] % MS < MS / 2 { weight(window) } else { 0 };
            }
            first as f64 / total as f64
        };
        assert!((half(&|w| (w[2] - w[0]) / 2) - 0.5).abs() < 0.005);
        assert!(
            (half(&|w| w[1] - w[0]) - 0.375).abs() < 0.005,
            "the earlier in its period, the shorter the gap before"
        );
    }

    #[test]
    fn a_stall_is_counted_and_not_made_up_for() {
        let mut schedule = Schedule::new(0, MS, true, 9);
        schedule.advance(10 * MS + 400_000);
        assert_eq!((schedule.late(), schedule.missed()), (1, 9));
        assert!((10 * MS + 400_000..11 * MS).contains(&schedule.next()));
        let time = schedule.next();
        schedule.advance(time);
        assert!((11 * MS..12 * MS).contains(&schedule.next()));
        schedule.set_interval(5 * MS, 20 * MS);
        assert!((20 * MS..25 * MS).contains(&schedule.next()));
    }

    #[test]
    fn the_highest_rate_never_waits() {
        let mut schedule = Schedule::new(5, 0, true, 9);
        assert_eq!(schedule.next(), 5);
        schedule.advance(17);
        assert_eq!((schedule.next(), schedule.late(), schedule.missed()), (17, 0, 0));
    }
}
