//! Rows of `stats`. Sizes of memory are in powers of 1024 as Docker writes them; `json` is Podman's document, in powers of
//! 1000.

use std::time::Duration;

use serde_json::{Value, json};

use crate::base::id::short;
use crate::base::units::{binary_size, go_duration, size};
use crate::cli::format::Columns;
use crate::engine::stats::Sample;

/// What stands where nothing is known.
const UNKNOWN: &str = "--";

/// What `stats` shows by itself: Docker's columns, and two of Podman's.
pub const COLUMNS: Columns = Columns {
    name: "stats",
    template: "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDS}}\t\
               {{.UpTime}}\t{{.AVGCPU}}",
    headings: &[
        ("ID", "CONTAINER ID"),
        ("ContainerID", "CONTAINER ID"),
        ("CPUPerc", "CPU %"),
        ("CPU", "CPU %"),
        ("AVGCPU", "AVG CPU %"),
        ("AvgCPU", "AVG CPU %"),
        ("MemUsage", "MEM USAGE / LIMIT"),
        ("MemUsageBytes", "MEM USAGE / LIMIT"),
        ("MemPerc", "MEM %"),
        ("MemLimit", "MEM LIMIT"),
        ("NetIO", "NET I/O"),
        ("BlockIO", "BLOCK I/O"),
        ("UpTime", "CPU TIME"),
        ("Up", "CPU TIME"),
    ],
};

/// A container and what it uses.
pub struct Measured<'a> {
    pub id: &'a str,
    pub name: &'a str,
    /// As it was named on the command line, or its id.
    pub word: &'a str,
    /// None when it does not run.
    pub now: Option<Sample>,
    /// How much of one processor it used lately.
    pub share: Option<f64>,
    /// For how long it has been running.
    pub age: Option<Duration>,
}

impl Measured<'_> {
    fn processor(&self) -> Option<Duration> {
        Some(self.now?.usage.processor?.total)
    }

    fn average(&self) -> Option<f64> {
        let age = self.age.filter(|age| !age.is_zero())?;
        Some(100.0 * self.processor()?.as_secs_f64() / age.as_secs_f64())
    }

    /// Of the memory that it may have, in percent.
    fn memory_share(&self) -> Option<f64> {
        let now = self.now?;
        let used = now.usage.memory?;
        (now.memory_limit > 0).then(|| 100.0 * used as f64 / now.memory_limit as f64)
    }

    fn memory(&self, write: fn(u64) -> String) -> String {
        let used = self.now.and_then(|now| now.usage.memory);
        let limit = self.now.map(|now| now.memory_limit);
        let text = |value: Option<u64>| value.map_or(UNKNOWN.into(), write);
        format!("{} / {}", text(used), text(limit))
    }

    fn up(&self) -> String {
        self.processor().map_or(UNKNOWN.into(), go_duration)
    }

    fn tasks(&self) -> Option<u64> {
        self.now?.usage.tasks
    }

    fn network(&self) -> Option<(u64, u64)> {
        self.now?.network
    }

    fn blocks(&self) -> Option<(u64, u64)> {
        self.now?.usage.blocks
    }

    /// The row that templates see.
    pub fn row(&self, whole: bool) -> Value {
        let nanoseconds = |time: Option<Duration>| number(time.map(|time| time.as_nanos() as u64));
        let kernel = self.now.and_then(|now| Some(now.usage.processor?.kernel));
        json!({
            "ID": if whole { self.id } else { short(self.id) },
            "ContainerID": self.id,
            "Container": self.word,
            "Name": self.name,
            "CPUPerc": percent(self.share.map(|share| 100.0 * share)),
            "CPU": number(self.share.map(|share| 100.0 * share)),
            "AVGCPU": percent(self.average()),
            "AvgCPU": number(self.average()),
            "CPUNano": nanoseconds(self.processor()),
            "CPUSystemNano": nanoseconds(kernel),
            "Duration": nanoseconds(self.processor()),
            "MemUsage": self.memory(binary_size),
            "MemUsageBytes": self.memory(binary_size),
            "MemPerc": percent(self.memory_share()),
            "MemLimit": number(self.now.map(|now| now.memory_limit)),
            "NetIO": both(self.network()),
            "NetInput": number(self.network().map(|both| both.0)),
            "NetOutput": number(self.network().map(|both| both.1)),
            "BlockIO": both(self.blocks()),
            "BlockInput": number(self.blocks().map(|both| both.0)),
            "BlockOutput": number(self.blocks().map(|both| both.1)),
            "PIDs": number(self.tasks()),
            "PIDS": number(self.tasks()),
            "UpTime": self.up(),
            "Up": self.up(),
        })
    }

    /// What `--format json` writes.
    pub fn document(&self, whole: bool) -> Value {
        json!({
            "id": if whole { self.id } else { short(self.id) },
            "name": self.name,
            "cpu_time": self.up(),
            "cpu_percent": percent(self.share.map(|share| 100.0 * share)),
            "avg_cpu": percent(self.average()),
            "mem_usage": self.memory(size),
            "mem_percent": percent(self.memory_share()),
            "net_io": both(self.network()),
            "block_io": both(self.blocks()),
            "pids": self.tasks().map_or(UNKNOWN.into(), |count| count.to_string()),
        })
    }
}

fn percent(value: Option<f64>) -> String {
    value.map_or(UNKNOWN.into(), |value| format!("{value:.2}%"))
}

fn number<T: Into<Value>>(value: Option<T>) -> Value {
    value.map_or(UNKNOWN.into(), Into::into)
}

fn both(values: Option<(u64, u64)>) -> String {
    match values {
        Some((one, other)) => format!("{} / {}", size(one), size(other)),
        None => format!("{UNKNOWN} / {UNKNOWN}"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::cli::format::{ListFormat, list};
    use crate::runtime::usage::{Processor, Usage};

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn measured(now: Option<Sample>) -> Measured<'static> {
        Measured {
            id: ID,
            name: "web",
            word: "web",
            share: now.map(|_| 1.5),
            age: Some(Duration::from_secs(100)),
            now,
        }
    }

    fn sample() -> Sample {
        Sample {
            at: Instant::now(),
            usage: Usage {
                processor: Some(Processor {
                    total: Duration::from_millis(2500),
                    kernel: Duration::from_millis(500),
                }),
                memory: Some(3 << 20),
                tasks: Some(4),
                blocks: None,
            },
            memory_limit: 64 << 20,
            network: Some((1000, 0)),
        }
    }

    fn render(measured: &Measured<'_>, format: Option<&str>) -> String {
        let format = ListFormat {
            format,
            no_heading: false,
        };
        let rows = [measured.row(false)];
        list(&COLUMNS, format, &rows, || json!([measured.document(false)])).unwrap()
    }

    #[test]
    fn rows() {
        let running = measured(Some(sample()));
        let heading = "CONTAINER ID   NAME      CPU %     MEM USAGE / LIMIT   MEM %     NET I/O    BLOCK I/O   PIDS      \
                       CPU TIME   AVG CPU %\n";
        let line = "0123456789ab   web       150.00%   3MiB / 64MiB        4.69%     1kB / 0B   -- / --     4         \
                    2.5s       2.50%\n";
        assert_eq!(render(&running, None), format!("{heading}{line}"));
        for (format, expected) in [
            (
                "{{.CPU}} {{.AvgCPU}} {{.Duration}} {{.MemLimit}}",
                "150 2.5 2500000000 67108864\n",
            ),
            (
                "{{.BlockInput}} {{.BlockOutput}} {{.PIDs}} {{.Up}}",
                "-- -- 4 2.5s\n",
            ),
            (
                "{{.Container}} {{.MemUsageBytes}} {{.CPUSystemNano}}",
                "web 3MiB / 64MiB 500000000\n",
            ),
        ] {
            assert_eq!(render(&running, Some(format)), expected);
        }
        let document: Value = serde_json::from_str(&render(&running, Some("json"))).unwrap();
        assert_eq!(
            document,
            json!([{
                "id": "0123456789ab", "name": "web", "cpu_time": "2.5s", "cpu_percent": "150.00%", "avg_cpu": "2.50%",
                "mem_usage": "3.15MB / 67.1MB", "mem_percent": "4.69%", "net_io": "1kB / 0B", "block_io": "-- / --",
                "pids": "4",
            }])
        );
    }

    #[test]
    fn of_what_does_not_run_nothing_is_known() {
        let ended = measured(None);
        let format =
            "{{.Name}}|{{.CPUPerc}}|{{.MemUsage}}|{{.MemPerc}}|{{.NetIO}}|{{.BlockIO}}|{{.PIDS}}|{{.UpTime}}";
        assert_eq!(
            render(&ended, Some(format)),
            "web|--|-- / --|--|-- / --|-- / --|--|--\n"
        );
    }
}
