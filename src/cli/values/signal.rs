//! Signals by name or number.

use super::{Result, invalid};

/// In the order of their numbers, from 1, on all architectures that we support.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// The first real-time signal that programs get, and the last; the C library keeps those below for itself.
const REAL_TIME: (i32, i32) = (34, 64);

/// The number of a signal: `9`, `KILL`, `SIGKILL`, `sigkill`, `RTMIN+3`, `RTMAX-1`.
pub fn parse(text: &str) -> Result<i32> {
    if let Ok(number) = text.parse::<i32>() {
        return if (1..=REAL_TIME.1).contains(&number) {
            Ok(number)
        } else {
            invalid("there are the signals 1 to 64")
        };
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    if let Some(place) = NAMES.iter().position(|known| *known == name) {
        return Ok(place as i32 + 1);
    }
    let alias = match name {
        "IOT" => Some(6),
        "CLD" => Some(17),
        "POLL" => Some(29),
        "UNUSED" => Some(31),
        _ => None,
    };
    match alias.or_else(|| real_time(name)) {
        Some(number) => Ok(number),
        None => invalid("there is no such signal"),
    }
}

fn real_time(name: &str) -> Option<i32> {
    let offset = |text: &str, sign: char| match text {
        "" => Some(0),
        _ => {
            let digits = text
                .strip_prefix(sign)
                .filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
            digits?.parse::<u8>().ok().map(i32::from)
        }
    };
    let number = if let Some(rest) = name.strip_prefix("RTMIN") {
        REAL_TIME.0 + offset(rest, '+')?
    } else {
        REAL_TIME.1 - offset(name.strip_prefix("RTMAX")?, '-')?
    };
    (REAL_TIME.0..=REAL_TIME.1).contains(&number).then_some(number)
}

/// The name of a signal with `SIG`, or its number.
pub fn name(number: i32) -> String {
    let index = usize::try_from(number)
        .ok()
        .and_then(|number| number.checked_sub(1));
    match index.and_then(|index| NAMES.get(index)) {
        Some(name) => format!("SIG{name}"),
        None if (REAL_TIME.0..=REAL_TIME.1).contains(&number) => match number - REAL_TIME.0 {
            0 => "SIGRTMIN".into(),
            offset => format!("SIGRTMIN+{offset}"),
        },
        None => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        for (text, number) in [
            ("9", Some(9)),
            ("KILL", Some(9)),
            ("SIGKILL", Some(9)),
            ("sigterm", Some(15)),
            ("Hup", Some(1)),
            ("CHLD", Some(17)),
            ("SYS", Some(31)),
            ("RTMIN", Some(34)),
            ("SIGRTMIN+3", Some(37)),
            ("RTMAX-1", Some(63)),
            ("64", Some(64)),
            ("RTMIN+31", None),
            ("RTMIN-1", None),
            ("RTMIN++1", None),
            ("0", None),
            ("65", None),
            ("-9", None),
            ("", None),
            ("SIG", None),
            ("SIGSIGKILL", None),
        ] {
            assert_eq!(parse(text).ok(), number, "{text}");
        }
        for number in 1..=64 {
            if number != 32 && number != 33 {
                assert_eq!(parse(&name(number)), Ok(number));
            }
        }
    }
}
