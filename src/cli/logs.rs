//! `logs`: print what containers wrote.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use clap::Args;

use super::context::Context;
use super::output::Unwritten;
use super::report::Outcome;
use super::select::Wanted;
use super::values::time::moment;
use crate::base::time::rfc3339;
use crate::engine::EngineError;
use crate::engine::log::Entry;
use crate::engine::read_log::{LogReader, watch_log};
use crate::engine::state::look;
use crate::store::Store;
use crate::store::container::Log;

/// Print the output of containers
#[derive(Args, Debug)]
pub struct LogsArgs {
    /// Go on with what the container writes
    #[arg(short, long)]
    follow: bool,
    /// Only lines after this time: a date, a number of seconds, or a time ago such as 10m
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only lines before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only the last lines; -n without a number prints the names of the containers
    #[arg(short = 'n', long, value_name = "NUMBER", allow_negative_numbers = true)]
    tail: Option<String>,
    /// Put the time before each line
    #[arg(short, long)]
    timestamps: bool,
    /// Accepted for compatibility: there are no further details
    #[arg(long)]
    details: bool,
    /// Put the name of the container before each line
    #[arg(long)]
    names: bool,
    /// Give each container a colour
    #[arg(long)]
    color: bool,
    /// The container made last
    #[arg(short, long)]
    latest: bool,
    /// Containers, by name, identifier or its beginning
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

/// Which lines are printed, and how.
struct Plan {
    tail: Option<usize>,
    /// In RFC 3339 in UTC, as the log has them, so that they compare as text.
    since: Option<String>,
    until: Option<String>,
    follow: bool,
    timestamps: bool,
    names: bool,
}

pub fn run(mut args: LogsArgs, context: &Context) -> Outcome {
    let plan = plan(&mut args)?;
    let Some(store) = context.look_alone()? else {
        match args.containers.into_iter().next() {
            Some(name) => return Err(EngineError::NoSuchContainer(name).into()),
            None => bail!("name a container"),
        }
    };
    let wanted = Wanted {
        names: &args.containers,
        latest: args.latest,
        ..Wanted::default()
    };
    let meant = wanted.resolve(&store)?;
    if plan.follow && meant.len() > 1 {
        bail!("--follow is for one container");
    }
    for meant in meant {
        let id = meant.id.ok_or(EngineError::NoSuchContainer(meant.word))?;
        one(&store, &id, &plan)?;
    }
    Ok(0)
}

fn plan(args: &mut LogsArgs) -> anyhow::Result<Plan> {
    let now = SystemTime::now();
    let time = |option: &str, text: &Option<String>| {
        text.as_ref()
            .map(|text| moment(text, now).with_context(|| format!("invalid {option} {text:?}")))
            .transpose()
    };
    let (since, until) = (time("--since", &args.since)?, time("--until", &args.until)?);
    let mut names = args.names;
    let tail = match args.tail.take() {
        None => None,
        Some(text) if text == "all" => None,
        Some(text) => match text.parse::<i64>() {
            Ok(number) => usize::try_from(number).ok(),
            // Podman's -n takes no number: what follows is a container.
            Err(_) => {
                args.containers.insert(0, text);
                names = true;
                None
            }
        },
    };
    Ok(Plan {
        tail,
        since: since.map(rfc3339),
        until: until.map(rfc3339),
        follow: args.follow,
        timestamps: args.timestamps,
        names,
    })
}

fn one(store: &Store, id: &str, plan: &Plan) -> anyhow::Result<()> {
    let found = look(store, id)?.ok_or_else(|| EngineError::NoSuchContainer(id.to_owned()))?;
    if matches!(found.container.config.log, Log::None) {
        bail!(
            "container {} keeps no log (--log-driver=none)",
            found.container.name
        );
    }
    let name = plan.names.then_some(found.container.name.as_str());
    // Before the first line is read, so that nothing falls in between.
    let mut watch = if plan.follow {
        Some(watch_log(store, id)?)
    } else {
        None
    };
    let mut reader = LogReader::open(store, id)?;
    let mut last = VecDeque::new();
    while let Some(entry) = reader.read()? {
        if !plan.has(&entry) {
            continue;
        }
        match plan.tail {
            Some(0) => {}
            Some(count) => {
                if last.len() == count {
                    last.pop_front();
                }
                last.push_back(entry);
            }
            None => plan.print(&entry, name)?,
        }
    }
    for entry in &last {
        plan.print(entry, name)?;
    }
    while let Some(waiting) = &mut watch {
        let goes_on = waiting.wait()?;
        while let Some(entry) = reader.read()? {
            if plan.is_over(&entry) {
                return Ok(());
            }
            if plan.has(&entry) {
                plan.print(&entry, name)?;
            }
        }
        if !goes_on {
            watch = None;
        }
    }
    Ok(())
}

impl Plan {
    fn has(&self, entry: &Entry) -> bool {
        self.since.as_ref().is_none_or(|since| entry.time >= *since) && !self.is_over(entry)
    }

    fn is_over(&self, entry: &Entry) -> bool {
        self.until.as_ref().is_some_and(|until| entry.time > *until)
    }

    /// Prints a line where the container wrote it: to standard output or to standard error.
    fn print(&self, entry: &Entry, name: Option<&str>) -> anyhow::Result<()> {
        let mut line = String::new();
        if let Some(name) = name {
            line.push_str(name);
            line.push(' ');
        }
        if self.timestamps {
            line.push_str(&entry.time);
            line.push(' ');
        }
        line.push_str(&entry.log);
        let written = if entry.stream == "stderr" {
            io::stderr().write_all(line.as_bytes())
        } else {
            let mut output = io::stdout().lock();
            output.write_all(line.as_bytes()).and_then(|()| output.flush())
        };
        Ok(written.map_err(Unwritten)?)
    }
}
