//! `top`: list the processes of a container.

use anyhow::{Result, bail};
use clap::Args;

use super::context::Context;
use super::output::print;
use super::report::Outcome;
use super::select::one;
use super::table::align;
use crate::engine::top::Task;

/// List the processes of a container
///
/// Columns are named by descriptors such as pid, user or args. Arguments that begin with a hyphen are taken for options
/// of ps and give its usual columns. Nothing is executed in the container.
#[derive(Args, Debug)]
#[command(override_usage = "coracle top [OPTIONS] CONTAINER [DESCRIPTOR...]")]
pub struct TopArgs {
    /// The container made last; all arguments are descriptors
    #[arg(short, long)]
    latest: bool,
    /// The container, and what to show of its processes
    #[arg(trailing_var_arg = true, value_name = "CONTAINER")]
    arguments: Vec<String>,
}

/// What Podman shows by itself.
const COLUMNS: &str = "user,pid,ppid,pcpu,etime,tty,time,args";
/// What `ps -ef` and `ps aux` show, with pids of the host as in Docker.
const FULL_COLUMNS: &str = "account,ps-pid,ps-ppid,c,stime,tty,ctime,args";
const BSD_COLUMNS: &str = "user,ps-pid,pcpu,vsz,rss,tty,state,stime,ctime,args";

pub fn run(args: TopArgs, context: &Context) -> Outcome {
    let engine = context.act_alone()?;
    let (word, descriptors) = match args.arguments.split_first() {
        Some((first, rest)) if !args.latest => (Some(first.as_str()), rest),
        _ => (None, args.arguments.as_slice()),
    };
    let id = one(&engine.store, word, args.latest)?;
    let columns = columns(descriptors)?;
    let tasks = engine.tasks(&id)?;
    let clock = Clock::now();
    let mut lines: Vec<String> = vec![
        columns
            .iter()
            .map(|column| column.heading)
            .collect::<Vec<_>>()
            .join("\t"),
    ];
    for task in &tasks {
        let cells: Vec<String> = columns
            .iter()
            .map(|column| (column.cell)(task, &tasks, &clock))
            .collect();
        lines.push(cells.join("\t"));
    }
    print(&align(&lines.join("\n")))?;
    Ok(0)
}

/// What times are counted from.
struct Clock {
    /// Seconds since the boot.
    uptime: f64,
    ticks_per_second: f64,
}

impl Clock {
    fn now() -> Self {
        let text = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
        let uptime = text
            .split_whitespace()
            .next()
            .and_then(|seconds| seconds.parse().ok())
            .unwrap_or(0.0);
        Self {
            uptime,
            ticks_per_second: rustix::param::clock_ticks_per_second() as f64,
        }
    }

    fn elapsed(&self, task: &Task) -> f64 {
        (self.uptime - task.start_time as f64 / self.ticks_per_second).max(0.0)
    }

    fn used(&self, task: &Task) -> f64 {
        task.ticks as f64 / self.ticks_per_second
    }
}

struct Column {
    names: &'static [&'static str],
    heading: &'static str,
    cell: fn(&Task, &[Task], &Clock) -> String,
}

const ALL: &[Column] = &[
    Column {
        names: &["user", "%U", "euser"],
        heading: "USER",
        cell: |task, _, _| task.user.clone(),
    },
    Column {
        names: &["account"],
        heading: "UID",
        cell: |task, _, _| task.user.clone(),
    },
    Column {
        names: &["uid"],
        heading: "UID",
        cell: |task, _, _| task.uid.to_string(),
    },
    Column {
        names: &["pid", "%p"],
        heading: "PID",
        cell: |task, _, _| task.pid.to_string(),
    },
    Column {
        names: &["ppid", "%P"],
        heading: "PPID",
        cell: |task, tasks, _| parent(task, tasks).to_string(),
    },
    Column {
        names: &["ps-pid"],
        heading: "PID",
        cell: |task, _, _| task.host_pid.to_string(),
    },
    Column {
        names: &["ps-ppid"],
        heading: "PPID",
        cell: |task, _, _| task.parent.to_string(),
    },
    Column {
        names: &["hpid"],
        heading: "HPID",
        cell: |task, _, _| task.host_pid.to_string(),
    },
    Column {
        names: &["hppid"],
        heading: "HPPID",
        cell: |task, _, _| task.parent.to_string(),
    },
    Column {
        names: &["pcpu", "%C", "%cpu"],
        heading: "%CPU",
        cell: |task, _, clock| format!("{:.3}", share(task, clock)),
    },
    Column {
        names: &["c"],
        heading: "C",
        cell: |task, _, clock| format!("{:.0}", share(task, clock)),
    },
    Column {
        names: &["etime", "%t"],
        heading: "ELAPSED",
        cell: |task, _, clock| duration(clock.elapsed(task)),
    },
    Column {
        names: &["time", "%x"],
        heading: "TIME",
        cell: |task, _, clock| duration(clock.used(task)),
    },
    Column {
        names: &["ctime"],
        heading: "TIME",
        cell: |task, _, clock| hours(clock.used(task)),
    },
    Column {
        names: &["stime"],
        heading: "STIME",
        cell: |task, _, clock| hours(clock.elapsed(task)),
    },
    Column {
        names: &["tty", "%y"],
        heading: "TTY",
        cell: |task, _, _| terminal(task.terminal),
    },
    Column {
        names: &["comm", "%c"],
        heading: "COMMAND",
        cell: |task, _, _| task.name.clone(),
    },
    Column {
        names: &["args", "%a", "cmd", "command"],
        heading: "COMMAND",
        cell: |task, _, _| task.command.clone(),
    },
    Column {
        names: &["state"],
        heading: "STATE",
        cell: |task, _, _| task.state.to_string(),
    },
    Column {
        names: &["vsz", "%z"],
        heading: "VSZ",
        cell: |task, _, _| (task.virtual_size / 1024).to_string(),
    },
    Column {
        names: &["rss"],
        heading: "RSS",
        cell: |task, _, _| (task.resident / 1024).to_string(),
    },
];

/// The columns that are asked for.
fn columns(descriptors: &[String]) -> Result<Vec<&'static Column>> {
    let asked = match descriptors {
        [] => COLUMNS.to_owned(),
        [first, ..] if first.starts_with('-') => ps_columns(descriptors),
        [only] if only.contains('a') && only.chars().all(|letter| "auxw".contains(letter)) => {
            BSD_COLUMNS.to_owned()
        }
        _ => descriptors.join(","),
    };
    asked
        .split([',', ' '])
        .filter(|name| !name.is_empty())
        .map(|name| {
            ALL.iter()
                .find(|column| column.names.contains(&name))
                .ok_or_else(|| {
                    let names: Vec<&str> = ALL.iter().map(|column| column.names[0]).collect();
                    anyhow::anyhow!("there is no descriptor {name:?}; there are {}", names.join(", "))
                })
        })
        .collect::<Result<Vec<_>>>()
        .and_then(|columns| {
            if columns.is_empty() {
                bail!("name at least one descriptor")
            } else {
                Ok(columns)
            }
        })
}

/// The columns that options of ps ask for: those behind `-o`, which may stand at the end of other letters, or the usual.
fn ps_columns(words: &[String]) -> String {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some((_, rest)) = word.strip_prefix('-').and_then(|letters| letters.split_once('o')) else {
            continue;
        };
        let asked = if rest.is_empty() {
            words.as_slice().join(",")
        } else {
            rest.to_owned()
        };
        let of_host = |name: &str| match name {
            "pid" => "ps-pid".to_owned(),
            "ppid" => "ps-ppid".to_owned(),
            name => name.to_owned(),
        };
        return asked.split(',').map(of_host).collect::<Vec<_>>().join(",");
    }
    FULL_COLUMNS.to_owned()
}

/// The parent's pid in the container, 0 if it is outside.
fn parent(task: &Task, tasks: &[Task]) -> i32 {
    tasks
        .iter()
        .find(|other| other.host_pid == task.parent)
        .map_or(0, |parent| parent.pid)
}

/// Percent of one processor, over the whole life.
fn share(task: &Task, clock: &Clock) -> f64 {
    let elapsed = clock.elapsed(task);
    if elapsed > 0.0 {
        100.0 * clock.used(task) / elapsed
    } else {
        0.0
    }
}

/// As Go writes durations: `1h2m3.5s`, with milliseconds.
fn duration(seconds: f64) -> String {
    let whole = seconds as u64;
    let (hours, minutes) = (whole / 3600, whole / 60 % 60);
    let rest = format!("{:.3}", seconds - (whole / 60 * 60) as f64);
    let rest = rest.trim_end_matches('0').trim_end_matches('.');
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, minutes) => format!("{minutes}m{rest}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{rest}s"),
    }
}

/// `00:01:02`.
fn hours(seconds: f64) -> String {
    let whole = seconds as u64;
    format!("{:02}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
}

/// The name of a terminal by its device number: minors 136 to 143 are `/dev/pts`.
fn terminal(device: i32) -> String {
    let device = device as u32;
    let (major, minor) = (device >> 8 & 0xfff, device & 0xff | device >> 12 & 0xfff00);
    match major {
        0 => "?".into(),
        136..=143 => format!("pts/{}", (major - 136) * 256 + minor),
        4 => format!("tty{minor}"),
        _ => format!("{major}:{minor}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_by_descriptors() {
        for (words, headings) in [
            (&[][..], "USER PID PPID %CPU ELAPSED TTY TIME COMMAND"),
            (&["pid", "comm"], "PID COMMAND"),
            (&["pid,args", "user"], "PID COMMAND USER"),
            (&["-ef"], "UID PID PPID C STIME TTY TIME COMMAND"),
            (&["aux"], "USER PID %CPU VSZ RSS TTY STATE STIME TIME COMMAND"),
            (&["-o", "pid,rss"], "PID RSS"),
            (&["-eo", "pid,comm"], "PID COMMAND"),
            (&["-e", "-opid,args"], "PID COMMAND"),
        ] {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let found: Vec<&str> = columns(&words)
                .unwrap()
                .iter()
                .map(|column| column.heading)
                .collect();
            assert_eq!(found.join(" "), headings);
        }
        assert!(columns(&["bogus".into()]).is_err() && columns(&[",".into()]).is_err());
    }

    #[test]
    fn times_and_terminals() {
        assert_eq!(duration(0.0), "0s");
        assert_eq!(duration(3723.5), "1h2m3.5s");
        assert_eq!(duration(62.25), "1m2.25s");
        assert_eq!(hours(3723.5), "01:02:03");
        assert_eq!(
            (terminal(0), terminal(0x8803), terminal(0x0401)),
            ("?".into(), "pts/3".into(), "tty1".into())
        );
    }
}
