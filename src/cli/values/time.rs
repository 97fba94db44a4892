//! Points in time and durations as `--since`, `--until` and filters take them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Result, invalid};

/// A duration as Go writes it: `1h2m3.5s`, `300ms`.
pub fn duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let unit_end = rest[number..]
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .map_or(rest.len(), |end| number + end);
        let seconds = match &rest[number..unit_end] {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        let value: f64 = rest[..number].parse().ok()?;
        total = total.checked_add(Duration::try_from_secs_f64(value * seconds).ok()?)?;
        rest = &rest[unit_end..];
    }
    (!text.is_empty()).then_some(total)
}

/// The end of a time. A duration is one ago, as with Docker, or where `is_ahead` to come, as with Podman. One with a minus
/// sign is to come in any case.
pub fn end(text: &str, is_ahead: bool, now: SystemTime) -> Result<SystemTime> {
    let is_number = text.parse::<f64>().is_ok();
    let ahead = duration(text).filter(|_| is_ahead && !is_number);
    match ahead.and_then(|ahead| now.checked_add(ahead)) {
        Some(time) => Ok(time),
        None => moment(text, now),
    }
}

/// A point in time: RFC 3339 with or without its end, in local time where no zone is given; a number of seconds since
/// 1970; or a duration before `now`.
pub fn moment(text: &str, now: SystemTime) -> Result<SystemTime> {
    if let Some(ago) = duration(text).filter(|_| text.parse::<f64>().is_err()) {
        return Ok(now.checked_sub(ago).unwrap_or(UNIX_EPOCH));
    }
    if let Some(ahead) = text.strip_prefix('-').and_then(duration) {
        return Ok(now.checked_add(ahead).unwrap_or(now));
    }
    if let Ok(seconds) = text.parse::<f64>() {
        let since = Duration::try_from_secs_f64(seconds)
            .ok()
            .and_then(|since| UNIX_EPOCH.checked_add(since));
        return since.map_or_else(|| invalid("that is not a time that can be"), Ok);
    }
    if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
        return Ok(timestamp.into());
    }
    let civil = text
        .parse::<jiff::civil::DateTime>()
        .or_else(|_| jiff::civil::DateTime::strptime("%Y-%m-%dT%H:%M", text))
        .ok()
        .and_then(|civil| civil.to_zoned(jiff::tz::TimeZone::system()).ok());
    match civil {
        Some(zoned) => Ok(zoned.timestamp().into()),
        None => invalid("expected a date and time, a number of seconds, or a time ago such as 10m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, seconds) in [
            ("1h2m3.5s", Some(3723.5)),
            ("300ms", Some(0.3)),
            ("2us", Some(2e-6)),
            ("0", Some(0.0)),
            ("10", None),
            ("1x", None),
            ("s", None),
            ("", None),
            ("1.2.3s", None),
            ("-1s", None),
            ("99999999999999999999h", None),
        ] {
            assert_eq!(duration(text), seconds.map(Duration::from_secs_f64), "{text}");
        }
    }

    #[test]
    fn moments() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        for (text, seconds) in [
            ("10m", Some(999_400.0)),
            ("1970-01-02T00:00:00Z", Some(86_400.0)),
            ("1970-01-02T01:00:00.5+01:00", Some(86_400.5)),
            ("86400", Some(86_400.0)),
            ("86400.25", Some(86_400.25)),
            ("yesterday", None),
            ("-5", None),
            ("1e400", None),
        ] {
            let expected = seconds.map(|seconds| UNIX_EPOCH + Duration::from_secs_f64(seconds));
            assert_eq!(moment(text, now).ok(), expected, "{text}");
        }
        for text in [
            "1970-01-02",
            "1970-01-02T03:04",
            "1970-01-02T03:04:05",
            "1970-01-02 03:04:05",
        ] {
            assert!(moment(text, now).is_ok(), "{text}");
        }
    }

    #[test]
    fn ends() {
        let now = UNIX_EPOCH + Duration::from_secs(1000);
        for (text, is_ahead, seconds) in [
            ("10s", false, Some(990)),
            ("10s", true, Some(1010)),
            ("-10s", false, Some(1010)),
            ("-10s", true, Some(1010)),
            ("500", true, Some(500)),
            ("1970-01-01T00:00:07Z", true, Some(7)),
            ("soon", true, None),
            ("-", true, None),
        ] {
            let expected = seconds.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(end(text, is_ahead, now).ok(), expected, "{text} {is_ahead}");
        }
    }
}
