//! What running containers use: by their control groups, and where a controller is missing by what /proc tells of their
//! processes. Nothing is executed in a container, and no lock is taken.

use std::time::{Duration, Instant};

use super::pause::group;
use super::state::Found;
use super::top::of_same_namespace;
use crate::runtime::usage::{Processor, Usage};
use crate::store::container::{Network, Sharing, State};

/// What a container used at one moment; none: it cannot be known.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub at: Instant,
    pub usage: Usage,
    /// Bytes of memory that it can have.
    pub memory_limit: u64,
    /// Bytes received and sent by its own network.
    pub network: Option<(u64, u64)>,
}

/// What a container uses; none when it does not run.
pub fn sample(found: &Found) -> Option<Sample> {
    if !found.condition.runs() {
        return None;
    }
    let (state, config) = (&found.state, &found.container.config);
    let group = group(state);
    let at = Instant::now();
    let mut usage = group.as_ref().map(|group| group.usage()).unwrap_or_default();
    if usage.processor.is_none() || usage.memory.is_none() || usage.tasks.is_none() {
        let processes = match &group {
            Some(group) => group.all_processes(),
            None if config.pid == Sharing::Private => of_same_namespace(state.pid),
            None => Vec::new(),
        };
        // It has a first process at least, if its processes can be told from others.
        if !processes.is_empty() {
            let sum = processes.iter().filter_map(|pid| Task::read(*pid)).sum::<Task>();
            usage.processor = usage.processor.or(Some(sum.processor()));
            usage.memory = usage.memory.or(Some(sum.resident));
            usage.tasks = usage.tasks.or(Some(sum.threads));
        }
    }
    let own_limit = group.as_ref().and_then(|group| group.memory_limit());
    let all = total_memory(&std::fs::read_to_string("/proc/meminfo").unwrap_or_default());
    Some(Sample {
        at,
        usage,
        memory_limit: own_limit.map_or(all, |limit| limit.min(all)),
        network: match config.network {
            Network::None => network(state),
            // All traffic of the host is nobody's.
            Network::Host => None,
        },
    })
}

impl Sample {
    /// How much of one processor was used since an earlier sample, 1 being all of it.
    pub fn share_since(&self, before: &Self) -> Option<f64> {
        let (now, then) = (self.usage.processor?, before.usage.processor?);
        // Processes that have ended take their share of /proc along.
        let used = now.total.saturating_sub(then.total);
        let passed = self.at.saturating_duration_since(before.at);
        (!passed.is_zero()).then(|| used.as_secs_f64() / passed.as_secs_f64())
    }
}

/// What the host has, by `/proc/meminfo`.
fn total_memory(text: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0).saturating_mul(1024)
}

/// The traffic of a container's network, loopback left out.
fn network(state: &State) -> Option<(u64, u64)> {
    let text = std::fs::read_to_string(format!("/proc/{}/net/dev", state.pid)).ok()?;
    Some(traffic(&text))
}

/// The sums of `/proc/PID/net/dev`: after two lines of headings a line for each interface, bytes received in the first
/// column and bytes sent in the ninth.
fn traffic(text: &str) -> (u64, u64) {
    let mut sum = (0_u64, 0_u64);
    for line in text.lines().skip(2) {
        let Some((name, columns)) = line.rsplit_once(':') else {
            continue;
        };
        if name.trim() == "lo" {
            continue;
        }
        let columns: Vec<u64> = columns
            .split_whitespace()
            .map(|column| column.parse().unwrap_or(0))
            .collect();
        sum.0 = sum.0.saturating_add(columns.first().copied().unwrap_or(0));
        sum.1 = sum.1.saturating_add(columns.get(8).copied().unwrap_or(0));
    }
    sum
}

/// What `/proc/PID/stat` tells of one process, or of several together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Task {
    /// Clock ticks, with those of ended children that it has waited for.
    ticks: u64,
    kernel_ticks: u64,
    threads: u64,
    /// Bytes in memory; pages of several processes count for each.
    resident: u64,
}

impl Task {
    fn read(pid: i32) -> Option<Self> {
        Self::parse(&std::fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(stat: &[u8]) -> Option<Self> {
        // The command's name may hold spaces and parentheses; the last one ends it. Field 3 follows.
        let end = stat.iter().rposition(|byte| *byte == b')')?;
        let text = std::str::from_utf8(&stat[end + 1..]).ok()?;
        let fields: Vec<u64> = text
            .split_whitespace()
            .map(|field| field.parse().unwrap_or(0))
            .collect();
        let number = |index: usize| fields.get(index - 3).copied();
        let (user, kernel) = (number(14)?, number(15)?);
        let (children_user, children_kernel) = (number(16)?, number(17)?);
        let kernel_ticks = kernel.saturating_add(children_kernel);
        Some(Self {
            ticks: kernel_ticks.saturating_add(user).saturating_add(children_user),
            kernel_ticks,
            threads: number(20)?,
            resident: number(24)?.saturating_mul(rustix::param::page_size() as u64),
        })
    }

    fn processor(self) -> Processor {
        let time =
            |ticks: u64| Duration::from_secs(ticks) / rustix::param::clock_ticks_per_second().max(1) as u32;
        Processor {
            total: time(self.ticks),
            kernel: time(self.kernel_ticks),
        }
    }
}

impl std::iter::Sum for Task {
    fn sum<I: Iterator<Item = Self>>(tasks: I) -> Self {
        tasks.fold(Self::default(), |sum, task| Self {
            ticks: sum.ticks.saturating_add(task.ticks),
            kernel_ticks: sum.kernel_ticks.saturating_add(task.kernel_ticks),
            threads: sum.threads.saturating_add(task.threads),
            resident: sum.resident.saturating_add(task.resident),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes() {
        let stat = b"7 (a) b) S 1 7 7 0 -1 0 1 2 3 4 100 50 20 10 20 0 3 0 999 4096 5 18446744073709551615 1";
        let task = Task::parse(stat).unwrap();
        let expected = Task {
            ticks: 180,
            kernel_ticks: 60,
            threads: 3,
            resident: 5 * rustix::param::page_size() as u64,
        };
        assert_eq!(task, expected);
        let sum: Task = [task, task].into_iter().sum();
        assert_eq!((sum.threads, sum.ticks), (6, 360));
        for odd in [&b""[..], b"7 (a", b"7 (a) S 1 2", b")"] {
            assert_eq!(Task::parse(odd), None);
        }
        let own = Task::read(std::process::id() as i32).unwrap();
        assert!(own.threads > 0 && own.resident > 0);
    }

    #[test]
    fn interfaces() {
        let heading = "Inter-|   Receive                                                |  Transmit\n \
                       face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n";
        for (lines, expected) in [
            ("", (0, 0)),
            ("    lo: 5 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n", (0, 0)),
            (
                "  eth0: 10 1 0 0 0 0 0 0 20 1 0 0 0 0 0 0\n  eth0:1: 1 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0\n",
                (11, 22),
            ),
            ("  eth0: 10\nodd\n", (10, 0)),
        ] {
            assert_eq!(traffic(&format!("{heading}{lines}")), expected, "{lines}");
        }
        assert_eq!(total_memory("MemFree: 1 kB\nMemTotal:   2048 kB\n"), 2 << 20);
    }

    #[test]
    fn shares() {
        let sample = |at, micros| Sample {
            at,
            usage: Usage {
                processor: Some(Processor {
                    total: Duration::from_micros(micros),
                    ..Processor::default()
                }),
                ..Usage::default()
            },
            memory_limit: 0,
            network: None,
        };
        let begin = Instant::now();
        let before = sample(begin, 1_000_000);
        let later = begin + Duration::from_secs(2);
        assert_eq!(sample(later, 4_000_000).share_since(&before), Some(1.5));
        assert_eq!(sample(later, 500_000).share_since(&before), Some(0.0));
        assert_eq!(sample(begin, 2_000_000).share_since(&before), None);
    }
}
