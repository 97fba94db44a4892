//! Times as lists show them.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::base::time::NEVER;
use crate::base::units::rough_duration;

/// What turns records' times into what people read.
pub struct Clock {
    now: Timestamp,
    zone: TimeZone,
}

impl Clock {
    /// The present, in the caller's time zone.
    pub fn new() -> Self {
        Self {
            now: Timestamp::now(),
            zone: TimeZone::system(),
        }
    }

    /// A clock that stands still, for tests.
    #[cfg(test)]
    pub fn at(now: &str) -> Self {
        Self {
            now: now.parse().unwrap(),
            zone: TimeZone::UTC,
        }
    }

    /// "3 hours", as in "3 hours ago". Times to come are "Less than a second".
    pub fn since(&self, time: &str) -> String {
        rough_duration(self.seconds_since(time))
    }

    /// "3 hours ago".
    pub fn ago(&self, time: &str) -> String {
        if time == NEVER {
            return "N/A".into();
        }
        format!("{} ago", self.since(time))
    }

    /// How much time has passed; none of a time to come.
    pub fn age(&self, time: &str) -> Duration {
        let begin = time.parse::<Timestamp>().unwrap_or(self.now);
        Duration::try_from(self.now.duration_since(begin)).unwrap_or(Duration::ZERO)
    }

    fn seconds_since(&self, time: &str) -> u64 {
        let seconds = self.now.as_second().saturating_sub(seconds(time));
        u64::try_from(seconds).unwrap_or(0)
    }

    /// As Go prints a time: `2026-11-22 10:04:34 +0000 UTC`.
    pub fn go_text(&self, time: &str) -> String {
        let Ok(timestamp) = time.parse::<Timestamp>() else {
            return time.to_owned();
        };
        timestamp
            .to_zoned(self.zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S %z %Z")
            .to_string()
    }
}

/// Seconds since 1970 of a time in RFC 3339; one that cannot be read is Go's zero time.
pub fn seconds(time: &str) -> i64 {
    const ZERO: i64 = -62_135_596_800;
    time.parse::<Timestamp>().map_or(ZERO, Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let clock = Clock::at("2026-11-22T10:00:00Z");
        assert_eq!(clock.ago("2026-11-22T07:00:00.5Z"), "3 hours ago");
        assert_eq!(clock.ago("2026-11-22T11:00:00Z"), "Less than a second ago");
        assert_eq!(
            clock.go_text("2026-11-22T09:00:00.123Z"),
            "2026-11-22 09:00:00 +0000 UTC"
        );
        assert_eq!(seconds("1970-01-01T00:01:00Z"), 60);
        assert_eq!(seconds("nonsense"), seconds("0001-01-01T00:00:00Z"));
    }
}
