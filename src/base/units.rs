//! Sizes and durations as Docker and Podman print and parse them.

use std::time::Duration;

/// `bytes` in decimal units with three significant digits: `0B`, `999B`, `1.02GB` (docker/go-units, `HumanSize`).
pub fn size(bytes: u64) -> String {
    size_with_digits(bytes, 3)
}

/// The same with so many significant digits (docker/go-units, `HumanSizeWithPrecision`).
pub fn size_with_digits(bytes: u64, significant: usize) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = four_significant(value, significant);
    format!("{digits}{}", UNITS[unit])
}

/// `bytes` in powers of 1024 with four significant digits: `1.5MiB` (docker/go-units, `BytesSize`).
pub fn binary_size(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{}{}", four_significant(value, 4), UNITS[unit])
}

/// A time as Go writes it (time.Duration, `String`): `0s`, `1.5ms`, `1h2m3.25s`.
pub fn go_duration(time: Duration) -> String {
    let fraction = |value: f64, digits: usize| {
        let text = format!("{value:.digits$}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let nanoseconds = time.as_nanos();
    match nanoseconds {
        0 => return "0s".into(),
        1..1_000 => return format!("{nanoseconds}ns"),
        1_000..1_000_000 => return format!("{}µs", fraction(nanoseconds as f64 / 1e3, 3)),
        1_000_000..1_000_000_000 => return format!("{}ms", fraction(nanoseconds as f64 / 1e6, 6)),
        _ => {}
    }
    let (hours, minutes, seconds) = (
        time.as_secs() / 3600,
        time.as_secs() / 60 % 60,
        time.as_secs() % 60,
    );
    let rest = format!("{seconds}.{:09}", time.subsec_nanos());
    let rest = rest.trim_end_matches('0').trim_end_matches('.');
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) => format!("{minutes}m{rest}s"),
        _ => format!("{hours}h{minutes}m{rest}s"),
    }
}

/// As C's `%.{precision}g` for values from 0 to 9999: significant digits, no trailing zeros.
fn four_significant(value: f64, precision: usize) -> String {
    let whole = (value.trunc() as u64).to_string().len();
    let text = format!("{value:.*}", precision.saturating_sub(whole));
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A number of bytes as flags take it: digits, an optional fraction and a unit of `b`, `k`, `m`, `g`, `t` or `p`
/// with an optional `b` or `ib`. All units are powers of 1024, as in docker/go-units, `RAMInBytes`.
pub fn parse_size(text: &str) -> Option<u64> {
    parse_scaled(text, 1024)
}

/// The same in powers of 1000, as in docker/go-units, `FromHumanSize`.
pub fn parse_decimal_size(text: &str) -> Option<u64> {
    parse_scaled(text, 1000)
}

fn parse_scaled(text: &str, base: u64) -> Option<u64> {
    let lower = text.trim().to_ascii_lowercase();
    let end = lower
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(lower.len());
    let (number, unit) = (&lower[..end], lower[end..].trim_start());
    let power = match unit
        .strip_suffix("ib")
        .or_else(|| unit.strip_suffix('b'))
        .unwrap_or(unit)
    {
        "" if unit.len() < 2 => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return None,
    };
    let factor = base.pow(power);
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor);
    }
    let value = number.parse::<f64>().ok()? * factor as f64;
    (value >= 0.0 && value < u64::MAX as f64).then_some(value as u64)
}

/// A rough duration in words, as `docker ps` shows it (docker/go-units, `HumanDuration`).
pub fn rough_duration(seconds: u64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    match seconds {
        0 => "Less than a second".into(),
        1 => "1 second".into(),
        _ if seconds < MINUTE => format!("{seconds} seconds"),
        _ if seconds < 2 * MINUTE => "About a minute".into(),
        _ if seconds < HOUR => format!("{} minutes", seconds / MINUTE),
        // Hours are rounded to the nearest, minutes and days are cut.
        _ if (seconds + HOUR / 2) / HOUR == 1 => "About an hour".into(),
        _ if (seconds + HOUR / 2) / HOUR < 48 => format!("{} hours", (seconds + HOUR / 2) / HOUR),
        _ if seconds < 14 * DAY => format!("{} days", seconds / DAY),
        _ if seconds < 60 * DAY => format!("{} weeks", seconds / DAY / 7),
        _ if seconds < 2 * 365 * DAY => format!("{} months", seconds / DAY / 30),
        _ => format!("{} years", seconds / DAY / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (bytes, text) in [
            (0, "0B"),
            (999, "999B"),
            (1000, "1kB"),
            (1_234, "1.23kB"),
            (13_300, "13.3kB"),
            (141_000_000, "141MB"),
            (1_020_000_000, "1.02GB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn binary_sizes() {
        for (bytes, text) in [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1KiB"),
            (3 << 19, "1.5MiB"),
            (67_000_000, "63.9MiB"),
            (u64::MAX, "16EiB"),
        ] {
            assert_eq!(binary_size(bytes), text);
        }
    }

    #[test]
    fn durations_of_go() {
        for (nanoseconds, text) in [
            (0, "0s"),
            (7, "7ns"),
            (1_500, "1.5µs"),
            (2_034_000, "2.034ms"),
            (999_999_999, "999.999999ms"),
            (1_000_000_000, "1s"),
            (10_000_000_000, "10s"),
            (60_000_000_000, "1m0s"),
            (3_723_250_000_000, "1h2m3.25s"),
        ] {
            assert_eq!(go_duration(Duration::from_nanos(nanoseconds)), text);
        }
    }

    #[test]
    fn parsed_sizes() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("512", Some(512)),
            ("64m", Some(64 << 20)),
            ("64MB", Some(64 << 20)),
            ("1.5g", Some(3 << 29)),
            ("1GiB", Some(1 << 30)),
            ("7b", Some(7)),
            ("", None),
            ("-1", None),
            ("1x", None),
            ("1ib", None),
            ("k", None),
            ("99999999999999g", None),
        ] {
            assert_eq!(parse_size(text), bytes, "{text}");
        }
    }

    #[test]
    fn parsed_decimal_sizes() {
        for (text, bytes) in [
            ("1024", Some(1024)),
            ("3.089m", Some(3_089_000)),
            ("10MB", Some(10_000_000)),
            ("1.5KiB", Some(1500)),
            ("2p", Some(2_000_000_000_000_000)),
            ("-1", None),
            ("1x", None),
        ] {
            assert_eq!(parse_decimal_size(text), bytes, "{text}");
        }
    }

    #[test]
    fn durations() {
        for (seconds, text) in [
            (0, "Less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "About a minute"),
            (150, "2 minutes"),
            (3_600, "About an hour"),
            (3_600 * 3, "3 hours"),
            (86_400 * 3, "3 days"),
            (86_400 * 21, "3 weeks"),
            (86_400 * 90, "3 months"),
            (86_400 * 800, "2 years"),
        ] {
            assert_eq!(rough_duration(seconds), text);
        }
    }
}
