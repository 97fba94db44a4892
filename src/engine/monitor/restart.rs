//! How long a container that has ended waits until it starts again.

use std::time::Duration;

/// The first wait, the longest one, and how long a life must be for the next wait to be the first one again: as Docker.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(60);
const HEALTHY_LIFE: Duration = Duration::from_secs(10);

/// Doubles the wait with each short life.
#[derive(Debug, Default)]
pub struct BackOff(Option<Duration>);

impl BackOff {
    /// The wait after a life of that length.
    pub fn after(&mut self, life: Duration) -> Duration {
        let wait = match self.0 {
            Some(before) if life < HEALTHY_LIFE => (before * 2).min(LONGEST),
            _ => FIRST,
        };
        self.0 = Some(wait);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_until_a_life_was_long() {
        let mut back_off = BackOff::default();
        let mut waits = |life, count: usize| -> Vec<u128> {
            let life = Duration::from_secs(life);
            (0..count).map(|_| back_off.after(life).as_millis()).collect()
        };
        assert_eq!(waits(0, 4), [100, 200, 400, 800]);
        assert_eq!(waits(9, 1), [1600]);
        assert_eq!(waits(10, 2), [100, 100]);
        assert_eq!(waits(1, 12)[8..], [51_200, 60_000, 60_000, 60_000]);
    }
}
