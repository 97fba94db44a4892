//! `logs`: print what containers wrote.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Write};
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use clap::Args;

use super::context::{Context, variable};
use super::output::Unwritten;
use super::report::Outcome;
use super::select::Wanted;
use super::values::time::end;
use crate::base::id::short;
use crate::base::time::rfc3339;
use crate::engine::EngineError;
use crate::engine::log_lines::Line;
use crate::engine::read_log::{LogReader, wait_any, watch_log};

/// Print the output of containers
#[derive(Args, Debug)]
pub struct LogsArgs {
    /// Go on with what the container writes
    #[arg(short, long)]
    follow: bool,
    /// Only lines after this time: a date, a number of seconds, or a time ago such as 10m
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only lines before this time; with --follow, 10m is in ten minutes
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only the last lines; -n without a number prints the names of the containers
    #[arg(short = 'n', long, value_name = "NUMBER", allow_negative_numbers = true)]
    tail: Option<String>,
    /// Put the time before each line
    #[arg(short, long)]
    timestamps: bool,
    /// Put what the log says of the container before each line: its tag, labels and variables, by --log-opt
    #[arg(long)]
    details: bool,
    /// Put the name of the container before each line; of several containers it is else the identifier
    #[arg(long)]
    names: bool,
    /// Give each container a colour of its own
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
    /// The same for a clock.
    end: Option<SystemTime>,
    timestamps: bool,
    details: bool,
}

/// One of the logs that are printed.
struct Source {
    reader: LogReader,
    /// What stands before each line.
    prefix: Vec<u8>,
    color: Option<&'static str>,
    /// The line that comes next of each stream goes on with one that was begun.
    goes_on: [bool; 2],
    is_over: bool,
}

/// Colours of the containers, in turn.
const COLORS: [&str; 6] = [
    "\x1b[36m", "\x1b[33m", "\x1b[32m", "\x1b[35m", "\x1b[34m", "\x1b[31m",
];
const NO_COLOR: &[u8] = b"\x1b[0m";
/// So much output is written at once.
const OUTPUT: usize = 64 << 10;

/// Bytes that wait for a slow reader.
const PIPE: usize = 256 << 10;

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
    let mut printer = Printer::default();
    // Where output is a pipe, so much fits into it at once. It may stay smaller; of what a user's pipes may have together
    // (pipe(7)) those that stay open for long take no more than usual.
    if !args.follow {
        let _ = rustix::pipe::fcntl_setpipe_size(io::stdout(), PIPE);
    }
    let (mut sources, mut watches) = (Vec::new(), Vec::new());
    let several = meant.len() > 1;
    let has_colors = args.color && variable("NO_COLOR").is_none();
    for (number, meant) in meant.into_iter().enumerate() {
        let id = meant.id.ok_or(EngineError::NoSuchContainer(meant.word))?;
        let container = store.container(&id)?;
        let mut prefix = match (args.names, several) {
            (true, _) => container.name.clone().into_bytes(),
            (false, true) => short(&id).into(),
            (false, false) => Vec::new(),
        };
        if !prefix.is_empty() {
            prefix.push(b' ');
        }
        // Before the first line is read, so that nothing falls in between.
        if args.follow {
            watches.push(watch_log(&store, &container)?);
        }
        sources.push(Source {
            reader: LogReader::open(&store, &container)?,
            prefix,
            color: has_colors.then(|| COLORS[number % COLORS.len()]),
            goes_on: [false; 2],
            is_over: false,
        });
    }
    for source in &mut sources {
        plan.begin(source, &mut printer)?;
    }
    printer.flush()?;
    while !watches.is_empty() && wait_any(&mut watches, plan.end, rustix::stdio::stdout())? {
        let mut place = 0;
        while let Some(watch) = watches.get_mut(place) {
            let source = &mut sources[place];
            if std::mem::take(&mut watch.is_due) {
                plan.print_all(source, &mut printer)?;
            }
            if watch.is_over() || source.is_over {
                watches.remove(place);
                sources.remove(place);
            } else {
                place += 1;
            }
        }
        printer.flush()?;
    }
    // What was written until the end of the time.
    for source in &mut sources[..watches.len()] {
        plan.print_all(source, &mut printer)?;
    }
    printer.flush()?;
    Ok(0)
}

fn plan(args: &mut LogsArgs) -> anyhow::Result<Plan> {
    let now = SystemTime::now();
    let time = |option: &str, text: &Option<String>, is_ahead: bool| {
        text.as_ref()
            .map(|text| end(text, is_ahead, now).with_context(|| format!("invalid {option} {text:?}")))
            .transpose()
    };
    let since = time("--since", &args.since, false)?;
    // Nobody follows until a time that has passed.
    let until = time("--until", &args.until, args.follow)?;
    let tail = match args.tail.take() {
        None => None,
        Some(text) if text == "all" => None,
        Some(text) => match text.parse::<i64>() {
            Ok(number) => usize::try_from(number).ok(),
            // Podman's -n takes no number: what follows is a container.
            Err(_) => {
                args.containers.insert(0, text);
                args.names = true;
                None
            }
        },
    };
    Ok(Plan {
        tail,
        since: since.map(rfc3339),
        until: until.map(rfc3339),
        end: until,
        timestamps: args.timestamps,
        details: args.details,
    })
}

impl Plan {
    /// Prints what a log has so far.
    fn begin(&self, source: &mut Source, printer: &mut Printer) -> anyhow::Result<()> {
        let Some(count) = self.tail else {
            return self.print_all(source, printer);
        };
        if self.since.is_none() && self.until.is_none() {
            source.reader.skip_to_last(count)?;
            return self.print_all(source, printer);
        }
        let (mut last, mut lines, mut begins) = (VecDeque::<Line<'_>>::new(), 0, true);
        while let Some(line) = source.reader.read()? {
            if !self.has(&line) {
                continue;
            }
            lines += usize::from(std::mem::replace(&mut begins, line.is_whole));
            last.push_back(Line {
                text: line.text.into_owned().into(),
                time: line.time.into_owned().into(),
                ..line
            });
            while lines > count {
                let first = last.pop_front();
                lines -= usize::from(first.is_none_or(|line| line.is_whole));
            }
        }
        last.iter()
            .try_for_each(|line| self.print(line, &source.prefix, source.color, &mut source.goes_on, printer))
    }

    /// Prints what there is.
    fn print_all(&self, source: &mut Source, printer: &mut Printer) -> anyhow::Result<()> {
        while let Some(line) = source.reader.read()? {
            if self.is_late(&line) {
                source.is_over = true;
            } else if self.has(&line) {
                self.print(&line, &source.prefix, source.color, &mut source.goes_on, printer)?;
            }
        }
        Ok(())
    }

    fn has(&self, line: &Line<'_>) -> bool {
        self.since.as_ref().is_none_or(|since| *line.time >= **since) && !self.is_late(line)
    }

    fn is_late(&self, line: &Line<'_>) -> bool {
        self.until.as_ref().is_some_and(|until| *line.time > **until)
    }

    /// Prints a line where the container wrote it: to standard output or to standard error. What was cut because it was
    /// long is put together again.
    fn print(
        &self,
        line: &Line<'_>,
        prefix: &[u8],
        color: Option<&str>,
        goes_on: &mut [bool; 2],
        printer: &mut Printer,
    ) -> anyhow::Result<()> {
        let output = printer.output(line.is_error)?;
        if let Some(color) = color {
            output.extend_from_slice(color.as_bytes());
        }
        if !std::mem::replace(&mut goes_on[usize::from(line.is_error)], !line.is_whole) {
            output.extend_from_slice(prefix);
            if self.timestamps {
                output.extend_from_slice(line.time.as_bytes());
                output.push(b' ');
            }
            if self.details && !line.details.is_empty() {
                output.extend_from_slice(written(&line.details).as_bytes());
                output.push(b' ');
            }
        }
        output.extend_from_slice(&line.text);
        if color.is_some() {
            output.extend_from_slice(NO_COLOR);
        }
        if line.is_whole {
            output.push(b'\n');
        }
        printer.end_line()
    }
}

/// Details as Docker prints them: `key=value,…`, each as in the query of a URL.
fn written(details: &BTreeMap<String, String>) -> String {
    let escaped = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b' ' => "+".to_owned(),
                b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
                _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
                _ => format!("%{byte:02X}"),
            })
            .collect()
    };
    let pairs: Vec<String> = details
        .iter()
        .map(|(key, value)| format!("{}={}", escaped(key), escaped(value)))
        .collect();
    pairs.join(",")
}

/// Gathers output, so that many lines are one write.
#[derive(Default)]
struct Printer {
    gathered: Vec<u8>,
    is_error: bool,
}

impl Printer {
    /// Where output of that kind is gathered, behind what is.
    fn output(&mut self, is_error: bool) -> anyhow::Result<&mut Vec<u8>> {
        if self.is_error != is_error {
            self.flush()?;
            self.is_error = is_error;
        }
        Ok(&mut self.gathered)
    }

    fn end_line(&mut self) -> anyhow::Result<()> {
        match self.gathered.len() {
            0..OUTPUT => Ok(()),
            _ => self.flush(),
        }
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        let written = match self.is_error {
            true => io::stderr().write_all(&self.gathered),
            false => {
                let mut output = io::stdout().lock();
                output.write_all(&self.gathered).and_then(|()| output.flush())
            }
        };
        self.gathered.clear();
        Ok(written.map_err(Unwritten)?)
    }
}
