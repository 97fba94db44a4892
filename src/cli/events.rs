//! `events`: what happened in the store, and what happens.

use std::io;
use std::os::fd::AsFd;
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use clap::Args;

use super::context::{Context, user};
use super::format::unescape;
use super::options::Boolean;
use super::output::{print, print_line};
use super::report::Outcome;
use super::template::{Shape, Template};
use super::values::filter::Filters;
use super::values::time::{end, moment};
use super::view::events::{KEYS, Zone, document, fits, line, row};
use crate::engine::events::{Follower, Wait, Wanted};
use crate::store::Store;
use crate::store::events::Event;

/// Where it is recorded what happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    #[default]
    File,
    Journald,
    None,
}

impl std::str::FromStr for Backend {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "file" | "logfile" => Ok(Self::File),
            "none" | "null" => Ok(Self::None),
            "journald" => Ok(Self::Journald),
            _ => Err("there are file, journald and none"),
        }
    }
}

/// Print what happened to containers, images and volumes, and what happens
///
/// Without --since, --until and --stream=false only what happens from now on.
#[derive(Args, Debug)]
pub struct EventsArgs {
    /// Only events that fit: container, event, image, label, type, volume and more
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Print by a Go template, or as "json"
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Only events after this time: a date, a number of seconds, or a time ago such as 10m
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only events before this time, which may be to come; without --since, 10m is in ten minutes
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Go on with what happens
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value = "true", default_missing_value = "true", hide_default_value = true)]
    stream: Boolean,
    /// Do not shorten identifiers
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value = "true", default_missing_value = "true", hide_default_value = true)]
    no_trunc: Boolean,
}

/// How an event is printed.
enum Look {
    Line(Zone),
    Json,
    Template(Template),
}

/// Which events are printed, and how.
struct Plan {
    filters: Filters,
    since: Option<SystemTime>,
    until: Option<SystemTime>,
    look: Look,
    no_trunc: bool,
}

pub fn run(args: EventsArgs, context: &Context) -> Outcome {
    if context.events()? == Backend::None {
        bail!("cannot read events with the \"none\" backend");
    }
    let plan = plan(&args)?;
    let path = context.store_path()?;
    let streams = args.stream.0 && plan.until.is_none_or(|until| until > SystemTime::now());
    let mut store = match Store::open_existing(&path)? {
        Some(store) => store,
        // Something may happen yet.
        None if streams => Store::open(&path)?,
        None => return Ok(0),
    };
    let from_start = plan.since.is_some() || plan.until.is_some() || !args.stream.0;
    store.recording = context.recording()?;
    let wanted = Wanted {
        since: plan.since,
        from_start,
        waits: streams,
        user: user(),
    };
    let mut events = Follower::open(&store, wanted)?;
    let output = io::stdout();
    // What has happened may take its time to come.
    let end = plan.until.filter(|_| streams);
    loop {
        while let Some(event) = events.read()? {
            plan.print(&event)?;
        }
        match events.wait(end, output.as_fd())? {
            Wait::More => {}
            Wait::Over => break,
            Wait::Closed => return Ok(0),
        }
    }
    // What came while the time ran out.
    while let Some(event) = events.read()? {
        plan.print(&event)?;
    }
    Ok(0)
}

fn plan(args: &EventsArgs) -> anyhow::Result<Plan> {
    let now = SystemTime::now();
    let since = args
        .since
        .as_deref()
        .map(|text| {
            moment(text, now)
                .with_context(|| format!("failed to parse event filters: invalid --since {text:?}"))
        })
        .transpose()?;
    let until = args
        .until
        .as_deref()
        .map(|text| {
            // With nothing to begin at, what was before would be nothing.
            end(text, since.is_none(), now)
                .with_context(|| format!("failed to parse event filters: invalid --until {text:?}"))
        })
        .transpose()?;
    let look = match args.format.as_deref().map(str::trim) {
        None | Some("") => Look::Line(Zone::new()),
        Some("json" | "{{json .}}" | "{{ json . }}") => Look::Json,
        Some(source) => Look::Template(Template::parse("events", &unescape(source))?),
    };
    Ok(Plan {
        filters: Filters::parse(&args.filter, KEYS).context("invalid --filter")?,
        since,
        until,
        look,
        no_trunc: args.no_trunc.0,
    })
}

impl Plan {
    fn print(&self, event: &Event) -> anyhow::Result<()> {
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_nanos(event.time);
        let is_in_time =
            self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time <= until);
        if !is_in_time || !fits(event, &self.filters) {
            return Ok(());
        }
        match &self.look {
            Look::Line(zone) => print_line(&line(event, zone, self.no_trunc))?,
            Look::Json => print_line(&document(event).to_string())?,
            Look::Template(template) => print(&(template.execute(&row(event), Shape::Struct)? + "\n"))?,
        }
        Ok(())
    }
}
