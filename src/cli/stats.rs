//! `stats`: what containers use, again and again.

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::context::Context;
use super::format::{self, ListFormat};
use super::output::{Unwritten, clean, print};
use super::report::{self, Outcome};
use super::select::{Meant, Wanted};
use super::view::moment::Clock;
use super::view::stats::{COLUMNS, Measured};
use crate::engine::EngineError;
use crate::engine::state::{self, Found};
use crate::engine::stats::{Sample, sample};
use crate::engine::{Engine, list};

/// Show what containers use
///
/// Of processor time, memory, networks and block devices, again and again until it is interrupted. Without names: of all
/// that run.
#[derive(Args, Debug)]
pub struct StatsArgs {
    /// Show all containers, not only those that run
    #[arg(short, long)]
    all: bool,
    /// Print by a Go template, as "table TEMPLATE", or as "json"
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Show it once
    #[arg(long)]
    no_stream: bool,
    /// Do not shorten anything
    #[arg(long)]
    no_trunc: bool,
    /// On a terminal: print below what was printed before, instead of over it
    #[arg(long)]
    no_reset: bool,
    /// Seconds between two looks
    #[arg(short, long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    interval: u32,
    /// The container made last
    #[arg(short, long)]
    latest: bool,
    /// Containers, by name, identifier or its beginning
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

/// How long the first look takes: the share of the processor is that of a while, and not of the container's whole life.
const FIRST: Duration = Duration::from_millis(500);

pub fn run(args: StatsArgs, context: &Context) -> Outcome {
    if u8::from(args.all) + u8::from(args.latest) + u8::from(!args.containers.is_empty()) > 1 {
        bail!("--all, --latest and names of containers go without one another");
    }
    let engine = context.act_alone()?;
    let named = named(&args, &engine)?;
    let mut before = HashMap::new();
    for (_, found) in look(&args, &engine, &named)? {
        before.extend(sample(&found).map(|sample| (found.container.id.clone(), sample)));
    }
    let mut next = Instant::now() + FIRST;
    let mut screen = Screen::new(&args);
    while is_read_until(next) {
        let looked = look(&args, &engine, &named)?;
        if looked.is_empty() && !named.is_empty() {
            // All that were named are gone.
            break;
        }
        screen.show(&show(&args, &looked, &mut before)?)?;
        if args.no_stream {
            break;
        }
        // A machine that was suspended does not catch up.
        next = (next + Duration::from_secs(args.interval.into())).max(Instant::now());
    }
    Ok(0)
}

/// The containers that are named; none: those that run are looked for each time.
fn named(args: &StatsArgs, engine: &Engine) -> anyhow::Result<Vec<Meant>> {
    if args.containers.is_empty() && !args.latest {
        return Ok(Vec::new());
    }
    let wanted = Wanted {
        names: &args.containers,
        latest: args.latest,
        ..Wanted::default()
    };
    let meant = wanted.resolve(&engine.store)?;
    match meant.iter().find(|meant| meant.id.is_none()) {
        Some(missing) => Err(EngineError::NoSuchContainer(missing.word.clone()).into()),
        None => Ok(meant),
    }
}

/// The containers as they are now, each with the word for it.
fn look(args: &StatsArgs, engine: &Engine, named: &[Meant]) -> anyhow::Result<Vec<(String, Found)>> {
    if !named.is_empty() {
        let mut looked = Vec::new();
        for meant in named {
            let id = meant.id.as_deref().unwrap_or_default();
            looked.extend(state::look(&engine.store, id)?.map(|found| (meant.word.clone(), found)));
        }
        return Ok(looked);
    }
    let (mut found, damaged) = match args.all {
        true => list::all(&engine.store)?,
        false => list::active(&engine.store)?,
    };
    for damaged in damaged {
        report::warn(&format!(
            "container {} cannot be read: {}",
            damaged.id, damaged.reason
        ));
    }
    found.retain(|one| args.all || one.condition.runs());
    Ok(found
        .into_iter()
        .map(|found| (crate::base::id::short(&found.container.id).to_owned(), found))
        .collect())
}

/// What is printed of containers, compared with how they were; from here on they were as they are now.
fn show(
    args: &StatsArgs,
    looked: &[(String, Found)],
    before: &mut HashMap<String, Sample>,
) -> anyhow::Result<String> {
    let clock = Clock::new();
    let mut after = HashMap::new();
    let mut measured = Vec::new();
    for (word, found) in looked {
        let id = &found.container.id;
        let now = sample(found);
        measured.push(Measured {
            id,
            name: &found.container.name,
            word,
            now,
            share: now.and_then(|now| now.share_since(before.get(id)?)),
            age: found.state.started.as_deref().map(|started| clock.age(started)),
        });
        after.extend(now.map(|now| (id.clone(), now)));
    }
    *before = after;
    let rows: Vec<_> = measured.iter().map(|one| one.row(args.no_trunc)).collect();
    let format = ListFormat {
        format: args.format.as_deref(),
        no_heading: false,
    };
    format::list(&COLUMNS, format, &rows, || {
        measured.iter().map(|one| one.document(args.no_trunc)).collect()
    })
}

/// Waits; `false`: nobody reads our output any more.
fn is_read_until(time: Instant) -> bool {
    let output = io::stdout();
    loop {
        let left = time.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).ok();
        // What is asked for is nothing: a pipe without a reader, or a terminal that is gone, is told in any case.
        match poll(&mut [PollFd::new(&output, PollFlags::empty())], timeout.as_ref()) {
            Ok(0) => return true,
            Ok(_) => return false,
            Err(_) => {}
        }
    }
}

/// Where it is shown: on a terminal each look in the place of the one before.
struct Screen {
    redraws: bool,
    is_drawn: bool,
}

impl Screen {
    fn new(args: &StatsArgs) -> Self {
        Self {
            redraws: !args.no_stream && !args.no_reset && io::stdout().is_terminal(),
            is_drawn: false,
        }
    }

    fn show(&mut self, text: &str) -> Result<(), Unwritten> {
        if !self.redraws {
            return print(text);
        }
        // From the upper left corner (ECMA-48: CUP); the rest of each line and of the screen is erased (EL, ED) once it is
        // written over, so that nothing flickers.
        let begin = if self.is_drawn {
            "\u{1b}[H"
        } else {
            "\u{1b}[H\u{1b}[2J"
        };
        let lines = clean(text).replace('\n', "\u{1b}[K\n");
        self.is_drawn = true;
        let mut output = io::stdout().lock();
        output
            .write_all(format!("{begin}{lines}\u{1b}[J").as_bytes())
            .and_then(|()| output.flush())
            .map_err(Unwritten)
    }
}
