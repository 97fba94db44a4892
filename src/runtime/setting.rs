//! What is written into the files of a control group, and whether the kernel has taken it
//! (Documentation/admin-guide/cgroup-v2.rst).

use std::collections::BTreeSet;

/// Weights of groups that nobody has given one, in version 2.
const WEIGHT: u64 = 100;
/// The files in which each device has a line of its own, and those lines for none.
const BY_DEVICE: [(&str, &str); 3] = [
    ("io.max", "rbps=max wbps=max riops=max wiops=max"),
    ("io.bfq.weight", "default"),
    ("io.weight", "default"),
];
/// More processors or memory nodes than any kernel is built for.
const LIST_MAX: u32 = 1 << 16;

/// A file of a group and what is written to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub controller: &'static str,
    pub file: String,
    pub value: String,
    pub keeping: Keeping,
}

/// How a value is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// As it stands, or not at all.
    Exactly,
    /// As it stands; where the kernel has no such file, there is nothing to limit.
    IfThere,
    /// As it stands; where the kernel has no such file, by another one.
    OrIn { file: &'static str, value: String },
    /// As the kernel understands it: a file and a value that we know nothing of.
    Unread,
}

impl Setting {
    /// A value of a file that begins with the name of its controller.
    pub fn new(file: &str, value: impl ToString) -> Self {
        Self {
            controller: controller(file).expect("the file is one of a controller's"),
            file: file.to_owned(),
            value: value.to_string(),
            keeping: Keeping::Exactly,
        }
    }

    pub fn keeping(self, keeping: Keeping) -> Self {
        Self { keeping, ..self }
    }

    /// What it sets: a file, and in a file with a line for each device which of them.
    pub fn target(&self) -> (&str, Option<&str>) {
        (&self.file, self.key())
    }

    /// The line that it is about, of files that have several.
    fn key(&self) -> Option<&str> {
        let has_lines = BY_DEVICE.iter().any(|(file, _)| *file == self.file);
        let (key, _) = self.value.split_once(' ').filter(|_| has_lines)?;
        Some(key)
    }

    /// The setting that undoes this one.
    pub fn reset(&self) -> Self {
        let value = match (self.file.as_str(), self.key()) {
            (file, Some(key)) => no_line(file, key),
            ("cpu.max", _) => format!("max {CPU_PERIOD}"),
            ("cpu.weight", _) => WEIGHT.to_string(),
            ("memory.low", _) => "0".into(),
            ("cpuset.cpus" | "cpuset.mems", _) => String::new(),
            _ => "max".into(),
        };
        let keeping = match &self.keeping {
            Keeping::OrIn { file, value } => {
                let key = value.split_once(' ').map_or("default", |(key, _)| key);
                Keeping::OrIn {
                    file,
                    value: no_line(file, key),
                }
            }
            _ => Keeping::IfThere,
        };
        Self {
            value,
            keeping,
            ..self.clone()
        }
    }

    /// The setting that gives `text` back to the file, which it had.
    pub fn restore(&self, text: &str) -> Self {
        let value = match self.key() {
            Some(key) => match line(text, key) {
                Some(rest) => format!("{key} {rest}"),
                None => no_line(&self.file, key),
            },
            None => text.trim().to_owned(),
        };
        Self {
            value,
            ..self.clone()
        }
    }

    /// Whether the file with this text holds the value.
    pub fn is_in(&self, text: &str) -> bool {
        if self.keeping == Keeping::Unread {
            return true;
        }
        if let Some(key) = self.key() {
            // A device without limits has no line.
            return match line(text, key) {
                Some(rest) => self.value[key.len()..].trim_start() == rest,
                None => self.value == no_line(&self.file, key),
            };
        }
        let text = text.trim();
        match self.controller {
            "cpuset" => list(text) == list(&self.value),
            "memory" => is_in_pages(&self.value, text),
            _ => self.value == text,
        }
    }
}

/// One period of processor time, in microseconds, as Docker has it.
pub const CPU_PERIOD: u64 = 100_000;

/// The controller whose file this is, if it can be one's.
pub fn controller(file: &str) -> Option<&'static str> {
    let is_plain = file
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    let (name, _) = file.split_once('.')?;
    ["cpu", "cpuset", "hugetlb", "io", "memory", "misc", "pids", "rdma"]
        .into_iter()
        .find(|known| is_plain && *known == name)
}

/// The processors or memory nodes of a list such as `0-2,4`; none if it is no list.
pub fn list(text: &str) -> Option<BTreeSet<u32>> {
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse::<u32>().ok().filter(|_| is_number);
        number.filter(|number| *number < LIST_MAX)
    };
    let mut found = BTreeSet::new();
    for part in text.split(',').filter(|_| !text.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return None;
        }
        found.extend(first..=last);
    }
    Some(found)
}

/// The weight of version 2 (1 to 10000) for shares of version 1 (2 to 262144).
pub fn cpu_weight(shares: u64) -> u64 {
    1 + (shares.clamp(2, 262_144) - 2) * 9_999 / 262_142
}

/// The weight of io.weight (1 to 10000) for one of BFQ's (10 to 1000).
pub fn io_weight(weight: u64) -> u64 {
    1 + (weight.clamp(10, 1000) - 10) * 9_999 / 990
}

/// The line of a device that has no limit.
fn no_line(file: &str, key: &str) -> String {
    match BY_DEVICE.iter().find(|(name, _)| *name == file) {
        Some(_) if key == "default" => format!("default {WEIGHT}"),
        Some((_, rest)) => format!("{key} {rest}"),
        None => String::new(),
    }
}

/// What stands behind `key` in the line that begins with it.
fn line<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut lines = text.lines();
    lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))
}

/// Whether the kernel has a number as it was written: memory it counts in whole pages.
fn is_in_pages(asked: &str, found: &str) -> bool {
    let page = rustix::param::page_size() as u64;
    match (asked.parse::<u64>(), found.parse::<u64>()) {
        (Ok(asked), Ok(found)) => found <= asked && asked - found < page,
        _ => asked == found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_has_taken() {
        let devices =
            "8:16 rbps=2097152 wbps=max riops=max wiops=120\n8:0 rbps=1 wbps=max riops=max wiops=max\n";
        for (file, asked, found, expected) in [
            ("memory.max", "max", "max\n", true),
            ("memory.max", "4096", "max", false),
            ("memory.max", "max", "4096", false),
            ("memory.max", "67108865", "67108864", true),
            ("memory.max", "67108864", "67108865", false),
            ("memory.max", "67108864", "33554432", false),
            ("pids.max", "7", "7", true),
            ("pids.max", "7", "6", false),
            ("pids.max", "7", "", false),
            ("cpu.max", "50000 100000", "50000 100000", true),
            ("cpu.max", "50000 100000", "60000 100000", false),
            ("cpuset.cpus", "2,0-1", "0-2\n", true),
            ("cpuset.cpus", "0", "0-1", false),
            ("cpuset.cpus", "", "\n", true),
            (
                "io.max",
                "8:16 rbps=2097152 wbps=max riops=max wiops=120",
                devices,
                true,
            ),
            (
                "io.max",
                "8:16 rbps=2097152 wbps=max riops=max wiops=max",
                devices,
                false,
            ),
            (
                "io.max",
                "8:1 rbps=1 wbps=max riops=max wiops=max",
                devices,
                false,
            ),
            (
                "io.max",
                "8:1 rbps=max wbps=max riops=max wiops=max",
                devices,
                true,
            ),
            (
                "io.max",
                "8:0 rbps=max wbps=max riops=max wiops=max",
                devices,
                false,
            ),
            ("io.bfq.weight", "default 321", "default 321\n8:0 98\n", true),
            ("io.bfq.weight", "8:0 98", "default 321\n8:0 98\n", true),
            ("io.bfq.weight", "8:0 98", "default 321\n8:0 99\n", false),
            ("io.weight", "8:0 default", "default 321\n", true),
            ("io.weight", "default 100", "default 100\n", true),
        ] {
            let setting = Setting::new(file, asked);
            assert_eq!(setting.is_in(found), expected, "{file} {asked} {found}");
        }
        let unread = Setting::new("memory.high", "1G").keeping(Keeping::Unread);
        assert!(unread.is_in("1073741824\n"));
    }

    #[test]
    fn what_undoes_and_what_restores() {
        for (file, value, undone, before, restored) in [
            ("memory.max", "4096", "max", "8192\n", "8192"),
            ("memory.low", "4096", "0", "0\n", "0"),
            ("cpu.max", "1 2", "max 100000", "max 100000\n", "max 100000"),
            ("cpu.weight", "39", "100", "100\n", "100"),
            ("cpuset.cpus", "0", "", "\n", ""),
            (
                "io.max",
                "8:0 rbps=1 wbps=max riops=max wiops=max",
                "8:0 rbps=max wbps=max riops=max wiops=max",
                "8:1 x\n8:0 rbps=5 wbps=max riops=max wiops=max\n",
                "8:0 rbps=5 wbps=max riops=max wiops=max",
            ),
            (
                "io.bfq.weight",
                "default 5",
                "default 100",
                "default 7\n8:0 9\n",
                "default 7",
            ),
            (
                "io.bfq.weight",
                "8:0 5",
                "8:0 default",
                "default 7\n",
                "8:0 default",
            ),
        ] {
            let setting = Setting::new(file, value);
            assert_eq!(setting.reset().value, undone, "{file}");
            assert_eq!(setting.restore(before).value, restored, "{file}");
        }
        let weight = Setting::new("io.bfq.weight", "8:0 98").keeping(Keeping::OrIn {
            file: "io.weight",
            value: "8:0 889".into(),
        });
        let expected = Keeping::OrIn {
            file: "io.weight",
            value: "8:0 default".into(),
        };
        assert_eq!(weight.reset().keeping, expected);
        assert_eq!(weight.target(), ("io.bfq.weight", Some("8:0")));
    }

    #[test]
    fn lists_of_processors() {
        let numbers = |text: &str| list(text).map(|found| found.into_iter().collect::<Vec<_>>());
        for (text, expected) in [
            ("", Some(&[][..])),
            ("0", Some(&[0])),
            ("0-2,4", Some(&[0, 1, 2, 4])),
            ("4,0-1,1", Some(&[0, 1, 4])),
            ("2-1", None),
            ("-1", None),
            ("1-", None),
            ("+1", None),
            ("a", None),
            ("0,", None),
            ("0-4294967295", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(numbers(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn weights() {
        for (shares, expected) in [(0, 1), (2, 1), (123, 5), (512, 20), (1024, 39), (262_144, 10_000)] {
            assert_eq!(cpu_weight(shares), expected, "{shares}");
        }
        for (weight, expected) in [(10, 1), (321, 3142), (1000, 10_000)] {
            assert_eq!(io_weight(weight), expected, "{weight}");
        }
    }

    #[test]
    fn files_of_controllers() {
        for (file, expected) in [
            ("memory.high", Some("memory")),
            ("cpuset.cpus", Some("cpuset")),
            ("cgroup.procs", None),
            ("memory", None),
            ("memory./../../x", None),
            ("../x", None),
        ] {
            assert_eq!(controller(file), expected, "{file}");
        }
    }
}
