//! How fast a connection may send: a configured rate, and what the other side asks for while it runs.
//!
//! Pure: the time is an argument. [`Pacer`] joins three limits. The *window* bounds requests without an answer. The
//! *rate* is a token bucket, small, because operators count per second and punish bursts. When the other side asks
//! for less, everything *pauses*; afterwards the window grows from one by one for each success and the rate from half
//! of what was seen by a tenth of it per second, until both are at their settings again.

use std::time::{Duration, Instant};

/// The first pause after a request for less traffic; each further one within [`CALM`] doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// After so long without a further request for less, the next pause is a first one again.
const CALM: Duration = Duration::from_secs(10);
/// The bucket holds what this part of a second allows.
const BURST_SECONDS: f64 = 0.05;

/// Paces one connection.
#[derive(Clone, Debug)]
pub struct Pacer {
    full_window: usize,
    rate: Option<f64>,
    window: usize,
    rate_now: Option<f64>,
    step: f64,
    tokens: f64,
    filled: Instant,
    paused: Option<Instant>,
    last_pause: Duration,
    resumed: Option<Instant>,
    second: Instant,
    sent: u32,
    sent_before: u32,
}

impl Pacer {
    /// At most `window` requests without an answer, and `rate` a second if there is one.
    pub fn new(window: usize, rate: Option<f64>, now: Instant) -> Self {
        let mut pacer = Self {
            full_window: window.max(1),
            rate,
            window: window.max(1),
            rate_now: rate,
            step: 0.0,
            tokens: 0.0,
            filled: now,
            paused: None,
            last_pause: Duration::ZERO,
            resumed: None,
            second: now,
            sent: 0,
            sent_before: 0,
        };
        pacer.tokens = pacer.burst();
        pacer
    }

    /// How many requests may be without an answer.
    pub fn window(&self) -> usize {
        self.window
    }

    /// How many requests may be written now as far as rate and pause go.
    pub fn allowance(&mut self, now: Instant) -> usize {
        if let Some(until) = self.paused {
            if now < until {
                return 0;
            }
            self.paused = None;
            self.resumed = Some(until);
            self.tokens = 1.0;
            self.filled = now;
        }
        self.fill(now);
        match self.rate_now {
            Some(_) => self.tokens as usize,
            None => usize::MAX,
        }
    }

    /// Whether the other side asked for a pause that has not ended.
    pub fn is_paused(&self, now: Instant) -> bool {
        self.paused.is_some_and(|until| now < until)
    }

    /// When [`allowance`](Self::allowance) will next be more than zero, if that is later than now.
    pub fn ready_at(&self, now: Instant) -> Option<Instant> {
        if let Some(until) = self.paused {
            return (now < until).then_some(until);
        }
        let missing = 1.0 - self.tokens;
        match self.rate_now {
            Some(rate) if missing > 0.0 => Some(self.filled + Duration::from_secs_f64(missing / rate)),
            _ => None,
        }
    }

    /// One request was written.
    pub fn wrote(&mut self, now: Instant) {
        if self.rate_now.is_some() {
            self.tokens -= 1.0;
        }
        if now.duration_since(self.second) >= Duration::from_secs(1) {
            let whole = now.duration_since(self.second) < Duration::from_secs(2);
            self.sent_before = if whole { self.sent } else { 0 };
            self.sent = 0;
            self.second = now;
        }
        self.sent += 1;
    }

    /// The other side refused a request for being too many. True when this begins a pause; refusals of requests
    /// that were written before it began are part of it.
    pub fn throttled(&mut self, written: Instant, now: Instant) -> bool {
        let known = self.paused.is_some() || self.resumed.is_some_and(|resumed| written < resumed);
        self.window = 1;
        if known {
            return false;
        }
        let soon = self.resumed.is_some_and(|resumed| now.duration_since(resumed) < CALM);
        self.last_pause = if soon { (self.last_pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE) } else { FIRST_PAUSE };
        self.paused = Some(now + self.last_pause);
        let seen = f64::from(self.sent.max(self.sent_before)).max(2.0);
        let top = self.rate.map_or(seen, |rate| rate.min(seen));
        self.step = self.rate.unwrap_or(seen) / 10.0;
        self.rate_now = Some(top / 2.0);
        true
    }

    /// The other side did not answer in time: one request at a time until it does.
    pub fn stalled(&mut self) {
        self.window = 1;
    }

    /// A request was answered other than by a request for less.
    pub fn answered(&mut self) {
        if self.window < self.full_window && self.paused.is_none() {
            self.window += 1;
        }
    }

    fn fill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = self.filled.max(now);
        let Some(rate) = self.rate_now else { return };
        self.tokens = (self.tokens + rate * elapsed).min(self.burst());
        if self.step > 0.0 {
            let rate = rate + self.step * elapsed;
            // Without a configured rate, twice what was seen when the pause began shows that the limit has gone.
            let top = self.rate.unwrap_or(self.step * 20.0);
            if rate >= top {
                self.step = 0.0;
                self.rate_now = self.rate;
            } else {
                self.rate_now = Some(rate);
            }
        }
    }

    fn burst(&self) -> f64 {
        self.rate_now.map_or(1.0, |rate| (rate * BURST_SECONDS).max(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    /// Writes whatever is allowed from `from` to `to`, looking every 5 ms.
    fn run(pacer: &mut Pacer, start: Instant, from: u64, to: u64) -> u32 {
        let mut count = 0;
        for millis in (from..to).step_by(5) {
            let now = after(start, millis);
            for _ in 0..pacer.allowance(now).min(1_000) {
                pacer.wrote(now);
                count += 1;
            }
        }
        count
    }

    #[test]
    fn the_rate_holds_over_every_second() {
        let start = Instant::now();
        let mut pacer = Pacer::new(10, Some(150.0), start);
        for second in 0..5 {
            let sent = run(&mut pacer, start, second * 1000, second * 1000 + 1000);
            assert!((148..=158).contains(&sent), "{sent} in second {second}");
        }
        // A long silence earns no burst.
        assert!(pacer.allowance(after(start, 60_000)) <= 8);
    }

    #[test]
    fn a_slow_rate_waits_for_whole_messages() {
        let start = Instant::now();
        let mut pacer = Pacer::new(10, Some(0.5), start);
        assert_eq!(pacer.allowance(start), 1);
        pacer.wrote(start);
        assert_eq!(pacer.allowance(after(start, 1_000)), 0);
        assert_eq!(pacer.ready_at(after(start, 1_000)), Some(after(start, 2_000)));
        assert_eq!(pacer.allowance(after(start, 2_000)), 1);
    }

    #[test]
    fn a_pause_stops_everything_and_recovery_is_gradual() {
        let start = Instant::now();
        let mut pacer = Pacer::new(10, Some(100.0), start);
        run(&mut pacer, start, 0, 1_500);
        let now = after(start, 1_500);
        assert!(pacer.throttled(now, now));
        assert!(!pacer.throttled(now, after(start, 1_600)), "the rest of the window is the same pause");
        assert!(pacer.is_paused(after(start, 2_499)));
        assert_eq!(run(&mut pacer, start, 1_600, 2_500), 0);
        assert_eq!(pacer.window(), 1);
        let first = run(&mut pacer, start, 2_500, 3_500);
        assert!((45..=65).contains(&first), "{first}");
        for _ in 0..20 {
            pacer.answered();
        }
        assert_eq!(pacer.window(), 10);
        run(&mut pacer, start, 3_500, 9_500);
        let later = run(&mut pacer, start, 9_500, 10_500);
        assert!((97..=106).contains(&later), "{later}");
    }

    #[test]
    fn repeated_throttling_lengthens_the_pause() {
        let start = Instant::now();
        let mut pacer = Pacer::new(10, None, start);
        let mut now = start;
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            assert!(pacer.allowance(now) > 0);
            assert!(pacer.throttled(now, now));
            let end = pacer.ready_at(now).unwrap();
            assert_eq!(end.duration_since(now), Duration::from_secs(seconds));
            now = end;
        }
        assert!(pacer.allowance(now) > 0);
        now += CALM;
        assert!(pacer.throttled(now, now));
        assert_eq!(pacer.ready_at(now).unwrap().duration_since(now), FIRST_PAUSE);
    }

    #[test]
    fn without_a_configured_rate_the_limit_goes_away_again() {
        let start = Instant::now();
        let mut pacer = Pacer::new(10, None, start);
        assert_eq!(pacer.allowance(start), usize::MAX);
        for _ in 0..200 {
            pacer.wrote(start);
        }
        assert!(pacer.throttled(start, start));
        let resumed = run(&mut pacer, start, 1_000, 2_000);
        assert!((90..=130).contains(&resumed), "{resumed}");
        run(&mut pacer, start, 2_000, 17_000);
        assert_eq!(pacer.allowance(after(start, 17_000)), usize::MAX);
    }
}
