//! What a control group uses, as the kernel counts it (Documentation/admin-guide/cgroup-v2.rst). Processor time is counted
//! in every group; the rest only where the controller is.

use std::path::Path;
use std::time::Duration;

use super::cgroup::Cgroup;
use super::hierarchy::mount_point;

/// How deep groups below a container's are followed.
const DEPTH: u32 = 16;

/// What is known of a group's use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub processor: Option<Processor>,
    /// Bytes, without what the kernel can drop at once (the page cache that nobody has touched lately), as Docker counts.
    pub memory: Option<u64>,
    /// Threads.
    pub tasks: Option<u64>,
    /// Bytes read from block devices and written to them.
    pub blocks: Option<(u64, u64)>,
}

/// Time on processors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Processor {
    pub total: Duration,
    /// Of that, in the kernel.
    pub kernel: Duration,
}

impl Cgroup {
    /// What the group and those below it use now.
    pub fn usage(&self) -> Usage {
        let read = |file: &str| std::fs::read_to_string(self.path().join(file)).ok();
        let memory = || {
            let current = read("memory.current")?.trim().parse::<u64>().ok()?;
            let inactive = read("memory.stat").and_then(|text| field(&text, "inactive_file"));
            Some(current.saturating_sub(inactive.unwrap_or(0)))
        };
        Usage {
            processor: read("cpu.stat").and_then(|text| processor(&text)),
            memory: memory(),
            tasks: read("pids.current").and_then(|text| text.trim().parse().ok()),
            blocks: read("io.stat").map(|text| blocks(&text)),
        }
    }

    /// The least limit of memory, of the group and of those above it that can be seen.
    pub fn memory_limit(&self) -> Option<u64> {
        let top = mount_point()?;
        let levels = self
            .path()
            .ancestors()
            .take_while(|level| level.starts_with(&top));
        let limit = |level: &Path| {
            let text = std::fs::read_to_string(level.join("memory.max")).ok()?;
            text.trim().parse::<u64>().ok()
        };
        levels.filter_map(limit).min()
    }

    /// The processes in the group and below.
    pub fn all_processes(&self) -> Vec<i32> {
        let mut found = Vec::new();
        gather(self.path(), 0, &mut found);
        found
    }
}

fn gather(path: &Path, depth: u32, found: &mut Vec<i32>) {
    found.extend(Cgroup::at(path).processes());
    let Ok(entries) = std::fs::read_dir(path) else {
        return;
    };
    for entry in entries.flatten().filter(|_| depth < DEPTH) {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            gather(&entry.path(), depth + 1, found);
        }
    }
}

/// A number of a file with a name and a number on each line.
fn field(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    let (_, value) = lines.find(|(key, _)| *key == name)?;
    value.trim().parse().ok()
}

fn processor(text: &str) -> Option<Processor> {
    Some(Processor {
        total: Duration::from_micros(field(text, "usage_usec")?),
        kernel: Duration::from_micros(field(text, "system_usec").unwrap_or(0)),
    })
}

/// The sums of `io.stat`: a line for each device, `8:0 rbytes=1 wbytes=2 rios=…`.
fn blocks(text: &str) -> (u64, u64) {
    let sum = |name: &str| {
        let values = text.split_whitespace().filter_map(|word| word.strip_prefix(name));
        let numbers = values.filter_map(|value| value.parse::<u64>().ok());
        numbers.fold(0, u64::saturating_add)
    };
    (sum("rbytes="), sum("wbytes="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_groups() {
        let text = "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\nnice_usec 0\n";
        let expected = Processor {
            total: Duration::from_millis(1500),
            kernel: Duration::from_millis(500),
        };
        assert_eq!(processor(text), Some(expected));
        for odd in ["", "usage_usec\n", "usage_usec x\n", "xusage_usec 1\n"] {
            assert_eq!(processor(odd), None, "{odd}");
        }
        for (text, expected) in [
            ("", (0, 0)),
            (
                "8:0 rbytes=10 wbytes=20 rios=1 wios=1 dbytes=5 dios=0\n",
                (10, 20),
            ),
            (
                "8:0 rbytes=10 wbytes=20\n8:16 \n254:0 rbytes=1 wbytes=2\n",
                (11, 22),
            ),
            (
                "8:0 rbytes=18446744073709551615\n8:1 rbytes=1 wbytes=x\n",
                (u64::MAX, 0),
            ),
        ] {
            assert_eq!(blocks(text), expected, "{text}");
        }
    }

    #[test]
    fn of_a_group_that_is_gone_nothing_is_known() {
        let gone = Cgroup::at(Path::new("/no/such/group"));
        assert_eq!(gone.usage(), Usage::default());
        assert!(gone.memory_limit().is_none() && gone.all_processes().is_empty());
    }
}
