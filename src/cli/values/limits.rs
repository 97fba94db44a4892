//! Limits: `--ulimit`, `--memory`, `--cpus`, `--pids-limit`, `--blkio-weight` and others of control groups, `--shm-size`,
//! `--umask`, `--sysctl`.

use super::{Result, invalid};
use crate::base::units::parse_size;
use crate::runtime::setting;
use crate::store::container::Ulimit;

const LIMITS: [&str; 16] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
    "as",
];

/// `NAME=SOFT[:HARD]`, where -1 and `unlimited` are no limit.
pub fn ulimit(text: &str) -> Result<Ulimit> {
    let Some((name, values)) = text.split_once('=') else {
        return invalid("expected NAME=SOFT[:HARD]");
    };
    let lower = name.to_ascii_lowercase();
    let name = lower.strip_prefix("rlimit_").unwrap_or(&lower);
    if !LIMITS.contains(&name) {
        return invalid(format!(
            "there is no limit {name:?}; there are {}",
            LIMITS.join(", ")
        ));
    }
    let (soft, hard) = values.split_once(':').unwrap_or((values, values));
    let (soft, hard) = (limit(soft)?, limit(hard)?);
    let above = match (soft, hard) {
        (Some(soft), Some(hard)) => soft > hard,
        (None, Some(_)) => true,
        (_, None) => false,
    };
    if above {
        let number = |limit: Option<u64>| match limit {
            Some(number) => number.to_string(),
            None => "-1 (unlimited)".to_owned(),
        };
        return invalid(format!(
            "ulimit soft limit must be less than or equal to hard limit: soft: {}, hard: {}",
            number(soft),
            number(hard)
        ));
    }
    Ok(Ulimit {
        name: name.to_owned(),
        soft,
        hard,
    })
}

fn limit(text: &str) -> Result<Option<u64>> {
    match text {
        "-1" | "unlimited" => Ok(None),
        _ => text
            .parse()
            .map(Some)
            .or_else(|_| invalid(format!("{text:?} is not a number"))),
    }
}

/// A number of bytes with a unit, `None` for 0, which is no limit.
pub fn memory(text: &str) -> Result<Option<u64>> {
    /// Docker's lower bound: with less, no container starts.
    const LEAST: u64 = 6 << 20;
    match reservation(text)? {
        Some(bytes) if bytes < LEAST => invalid("the least memory limit is 6 MiB"),
        bytes => Ok(bytes),
    }
}

/// The same without a lower bound.
pub fn reservation(text: &str) -> Result<Option<u64>> {
    Ok(Some(size(text)?).filter(|bytes| *bytes > 0))
}

/// A number of bytes, or -1 for no limit; `None` for 0, which is what it is by itself.
pub fn swap(text: &str) -> Result<Option<i64>> {
    match text {
        "-1" => Ok(Some(-1)),
        _ => match i64::try_from(size(text)?) {
            Ok(bytes) => Ok(Some(bytes).filter(|bytes| *bytes > 0)),
            Err(_) => invalid("there is not that much"),
        },
    }
}

/// Microseconds, as the kernel bounds them; `None` for 0.
pub fn period(microseconds: u64) -> Result<Option<u64>> {
    match microseconds {
        0 => Ok(None),
        1_000..=1_000_000 => Ok(Some(microseconds)),
        _ => invalid("CPU cfs period cannot be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"),
    }
}

/// Microseconds; `None` for 0 and below, which are no limit.
pub fn quota(microseconds: i64) -> Result<Option<u64>> {
    match u64::try_from(microseconds).unwrap_or(0) {
        0 => Ok(None),
        1..1_000 => invalid("CPU cfs quota cannot be less than 1ms (i.e. 1000)"),
        quota => Ok(Some(quota)),
    }
}

/// A list of processors or memory nodes such as `0-2,4`; `None` for the empty one.
pub fn cpuset(text: &str) -> Result<Option<String>> {
    match setting::list(text) {
        None => invalid("expected numbers and ranges such as 0-2,4"),
        Some(_) => Ok(Some(text.to_owned()).filter(|text| !text.is_empty())),
    }
}

/// `None` for 0.
pub fn block_weight(weight: u16) -> Result<Option<u16>> {
    match weight {
        0 => Ok(None),
        10..=1000 => Ok(Some(weight)),
        _ => invalid("range of blkio weight is from 10 to 1000"),
    }
}

/// `DEVICE:WEIGHT`, 0 for no weight.
pub fn device_weight(text: &str) -> Result<(&str, u64)> {
    let (path, weight) = device(text)?;
    match weight.parse() {
        Ok(weight) if matches!(weight, 0 | 10..=1000) => Ok((path, weight)),
        _ => invalid(format!("invalid weight for device: {text}")),
    }
}

/// `DEVICE:SIZE`, 0 for no limit.
pub fn device_bytes(text: &str) -> Result<(&str, u64)> {
    let (path, rate) = device(text)?;
    match size(rate) {
        Ok(rate) => Ok((path, rate)),
        Err(_) => invalid(format!(
            "invalid rate for device: {text}. The correct format is <device-path>:<number>[<unit>]. Number must be a \
             positive integer. Unit is optional and can be kb, mb, or gb"
        )),
    }
}

/// `DEVICE:NUMBER`, 0 for no limit.
pub fn device_operations(text: &str) -> Result<(&str, u64)> {
    let (path, rate) = device(text)?;
    match rate.parse() {
        Ok(rate) => Ok((path, rate)),
        Err(_) => invalid(format!(
            "invalid rate for device: {text}. The correct format is <device-path>:<number>. Number must be a positive \
             integer"
        )),
    }
}

fn device(text: &str) -> Result<(&str, &str)> {
    match text.split_once(':') {
        None => invalid(format!("bad format: {text}")),
        Some((path, _)) if !path.starts_with("/dev/") => {
            invalid(format!("bad format for device path: {text}"))
        }
        Some(parts) => Ok(parts),
    }
}

/// `FILE=VALUE` of a control group.
pub fn group_file(text: &str) -> Result<(String, String)> {
    let (file, value) = super::pair(text)?;
    match setting::controller(&file) {
        Some(_) => Ok((file, value)),
        None => invalid(format!(
            "{file:?} is not a file of a controller, such as memory.high"
        )),
    }
}

/// A number of bytes with a unit.
pub fn size(text: &str) -> Result<u64> {
    parse_size(text).map_or_else(|| invalid("expected a size such as 512k, 64m or 1.5g"), Ok)
}

/// A number of processors with up to nine decimals, in billionths; `None` for 0, which is no limit.
pub fn cpus(text: &str) -> Result<Option<u64>> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return invalid("expected a number of processors such as 2 or 0.5");
    }
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().unwrap_or(u64::MAX)
    };
    let billionths: u64 = format!("{fraction:0<9}").parse().unwrap_or(0);
    match whole
        .checked_mul(1_000_000_000)
        .and_then(|whole| whole.checked_add(billionths))
    {
        None => invalid("there are not that many processors"),
        Some(0) => Ok(None),
        Some(count) if count < 10_000_000 => invalid("the least share of a processor is 0.01"),
        Some(count) => Ok(Some(count)),
    }
}

/// 0 and below are no limit.
pub fn pids(limit: i64) -> Option<u64> {
    u64::try_from(limit).ok().filter(|limit| *limit > 0)
}

/// An octal file mode creation mask.
pub fn umask(text: &str) -> Result<u32> {
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mask| *mask <= 0o777 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or_else(|| invalid("expected an octal number up to 0777"), Ok)
}

/// Kernel parameters that belong to a namespace of the container; others are the host's.
pub fn sysctl(text: &str) -> Result<(String, String)> {
    const OF_IPC: [&str; 8] = [
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
        "kernel.sem",
        "kernel.shmall",
        "kernel.shmmax",
        "kernel.shmmni",
        "kernel.shm_rmid_forced",
    ];
    let Some((name, value)) = text.split_once('=') else {
        return invalid("expected NAME=VALUE");
    };
    let name = name.trim().replace('/', ".");
    let valid = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    if !valid || name.split('.').any(str::is_empty) {
        return invalid(format!("{name:?} is not the name of a kernel parameter"));
    }
    let of_namespace = OF_IPC.contains(&name.as_str())
        || name.starts_with("net.")
        || name.starts_with("fs.mqueue.")
        || matches!(name.as_str(), "kernel.domainname" | "kernel.hostname");
    if !of_namespace {
        return invalid(format!(
            "{name} belongs to the host, not to a namespace of the container"
        ));
    }
    Ok((name, value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ulimits() {
        for (text, expected) in [
            ("nofile=1024", Some(("nofile", Some(1024), Some(1024)))),
            ("nofile=1024:2048", Some(("nofile", Some(1024), Some(2048)))),
            ("RLIMIT_NPROC=5", Some(("nproc", Some(5), Some(5)))),
            ("core=-1", Some(("core", None, None))),
            ("core=0:unlimited", Some(("core", Some(0), None))),
            ("core=unlimited:5", None),
            ("nofile=2:1", None),
            ("nofile", None),
            ("nofile=", None),
            ("bogus=1", None),
            ("nofile=1:2:3", None),
        ] {
            let result = ulimit(text)
                .ok()
                .map(|limit| (limit.name, limit.soft, limit.hard));
            assert_eq!(
                result,
                expected.map(|(name, soft, hard)| (name.to_owned(), soft, hard)),
                "{text}"
            );
        }
    }

    #[test]
    fn processors_and_memory() {
        for (text, expected) in [
            ("1", Ok(Some(1_000_000_000))),
            ("1.5", Ok(Some(1_500_000_000))),
            (".25", Ok(Some(250_000_000))),
            ("0", Ok(None)),
            ("0.001", Err(())),
            ("", Err(())),
            (".", Err(())),
            ("-1", Err(())),
            ("1e3", Err(())),
            ("99999999999999", Err(())),
        ] {
            assert_eq!(cpus(text).map_err(|_| ()), expected, "{text}");
        }
        for (text, expected) in [
            ("64m", Ok(Some(64 << 20))),
            ("0", Ok(None)),
            ("1k", Err(())),
            ("x", Err(())),
        ] {
            assert_eq!(memory(text).map_err(|_| ()), expected, "{text}");
        }
        assert_eq!((pids(-1), pids(0), pids(5)), (None, None, Some(5)));
        assert_eq!((umask("0022"), umask("27")), (Ok(0o22), Ok(0o27)));
        assert!(umask("8").is_err() && umask("1000").is_err() && umask("+7").is_err() && umask("").is_err());
    }

    #[test]
    fn swap_and_quotas() {
        for (text, expected) in [
            ("-1", Ok(Some(-1))),
            ("3G", Ok(Some(3 << 30))),
            ("0", Ok(None)),
            ("-2", Err(())),
            ("", Err(())),
        ] {
            assert_eq!(swap(text).map_err(|_| ()), expected, "{text}");
        }
        assert_eq!(reservation("1k"), Ok(Some(1024)));
        for (number, expected) in [
            (0, Ok(None)),
            (1000, Ok(Some(1000))),
            (999, Err(())),
            (1_000_001, Err(())),
        ] {
            assert_eq!(period(number).map_err(|_| ()), expected, "{number}");
        }
        for (number, expected) in [
            (0, Ok(None)),
            (-1, Ok(None)),
            (1000, Ok(Some(1000))),
            (999, Err(())),
        ] {
            assert_eq!(quota(number).map_err(|_| ()), expected, "{number}");
        }
        assert_eq!(cpuset("0-1"), Ok(Some("0-1".into())));
        assert_eq!(cpuset(""), Ok(None));
        assert!(cpuset("all").is_err());
    }

    #[test]
    fn block_devices() {
        for (number, expected) in [(0, Ok(None)), (10, Ok(Some(10))), (9, Err(())), (1001, Err(()))] {
            assert_eq!(block_weight(number).map_err(|_| ()), expected, "{number}");
        }
        for (read, text, expected) in [
            (
                device_weight as fn(&str) -> Result<(&str, u64)>,
                "/dev/a:98",
                Ok(("/dev/a", 98)),
            ),
            (device_weight, "/dev/a:0", Ok(("/dev/a", 0))),
            (
                device_weight,
                "/dev/a:9",
                Err("invalid weight for device: /dev/a:9"),
            ),
            (device_weight, "/dev/a", Err("bad format: /dev/a")),
            (device_weight, "a:98", Err("bad format for device path: a:98")),
            (device_bytes, "/dev/a:10mb", Ok(("/dev/a", 10 << 20))),
            (
                device_bytes,
                "/dev/a:-1",
                Err("invalid rate for device: /dev/a:-1. "),
            ),
            (device_operations, "/dev/a:2000", Ok(("/dev/a", 2000))),
            (
                device_operations,
                "/dev/a:2k",
                Err("invalid rate for device: /dev/a:2k. "),
            ),
        ] {
            match (read(text), expected) {
                (Err(error), Err(expected)) => assert!(error.0.starts_with(expected), "{error}"),
                (found, expected) => assert_eq!(found.ok(), expected.ok(), "{text}"),
            }
        }
        let file = |text| group_file(text).ok();
        assert_eq!(file("memory.high=1G"), Some(("memory.high".into(), "1G".into())));
        assert_eq!(file("cgroup.freeze=1"), None);
        assert_eq!(file("memory.high"), None);
    }

    #[test]
    fn sysctls() {
        for (text, good) in [
            ("net.ipv4.ip_forward=1", true),
            ("net/ipv4/conf/eth0/rp_filter=0", true),
            ("kernel.shmmax=5", true),
            ("fs.mqueue.msg_max=5", true),
            ("kernel.panic=1", false),
            ("net..x=1", false),
            ("net.../x=1", false),
            ("../../x=1", false),
            ("net.x", false),
        ] {
            assert_eq!(sysctl(text).is_ok(), good, "{text}");
        }
    }
}
