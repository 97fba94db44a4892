//! Points in time as records keep them: RFC 3339 in UTC with nanoseconds.
//!
//! Written by hand for the start-up path; whatever reads time zones or durations uses `jiff`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What Docker writes for "never": the zero value of Go's `time.Time`.
pub const NEVER: &str = "0001-01-01T00:00:00Z";

/// The present moment, for example `2026-11-22T10:04:34.123456789Z`.
pub fn now() -> String {
    rfc3339(SystemTime::now())
}

/// `time` in UTC with nanoseconds. Times before 1970 are given as 1970.
pub fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (year, month, day) = civil(since.as_secs() / 86_400);
    let second = since.as_secs() % 86_400;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:09}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        since.subsec_nanos()
    )
}

/// Year, month and day of the proleptic Gregorian calendar, `days` days after 1970-01-01.
/// The year is counted from March, so that the leap day is its last.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468; // days since 0000-03-01
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000007Z"),
            (951_782_399, "2000-02-28T23:59:59.000000007Z"),
            (951_782_400, "2000-02-29T00:00:00.000000007Z"),
            (1_795_341_874, "2026-11-22T10:04:34.000000007Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000007Z"),
        ] {
            assert_eq!(rfc3339(UNIX_EPOCH + Duration::new(seconds, 7)), text);
        }
    }

    #[test]
    fn agrees_with_jiff_on_every_day_until_2200() {
        for day in 0..84_000 {
            let time = UNIX_EPOCH + Duration::from_secs(day * 86_400);
            let expected = jiff::Timestamp::try_from(time)
                .unwrap()
                .strftime("%Y-%m-%d")
                .to_string();
            assert_eq!(&rfc3339(time)[..10], expected);
        }
    }
}
