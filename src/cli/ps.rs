//! `ps`: list containers.

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use serde_json::Value;

use super::context::Context;
use super::format::{self, ListFormat};
use super::output::print;
use super::report::{self, Outcome};
use super::select::ContainerFilters;
use super::view::containers::{COLUMNS, COLUMNS_OF_NAMESPACES, COLUMNS_WITH_SIZE, Listed};
use super::view::moment::Clock;
use crate::engine::list;
use crate::engine::state::{Condition, Found};
use crate::store::Store;

/// List containers
#[derive(Args, Debug)]
pub struct PsArgs {
    /// Show all containers, not only those that run
    #[arg(short, long)]
    all: bool,
    /// Only containers that fit
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Print by a Go template, as "table TEMPLATE", or as "json"
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Show the containers made last, running or not
    #[arg(short = 'n', long, value_name = "NUMBER", allow_negative_numbers = true)]
    last: Option<i64>,
    /// Show the container made last, running or not
    #[arg(short, long)]
    latest: bool,
    /// Do not shorten anything
    #[arg(long)]
    no_trunc: bool,
    /// Print identifiers only
    #[arg(short, long)]
    quiet: bool,
    /// Show the sizes of the containers' own files
    #[arg(short, long)]
    size: bool,
    /// Print no heading
    #[arg(long)]
    noheading: bool,
    /// Show the namespaces of the containers, by the numbers that /proc has
    #[arg(long, visible_alias = "ns", conflicts_with = "size")]
    namespace: bool,
    /// Print the list anew each so many seconds
    #[arg(short, long, value_name = "SECONDS", conflicts_with = "latest")]
    watch: Option<u64>,
    /// Order by command, created, id, image, names, runningfor, size or status
    #[arg(long, value_name = "KEY")]
    sort: Option<String>,
}

pub fn run(args: PsArgs, context: &Context) -> Outcome {
    let Some(seconds) = args.watch.filter(|seconds| *seconds > 0) else {
        print(&list_once(&args, context)?)?;
        return Ok(0);
    };
    let clear = match std::io::stdout().is_terminal() {
        true => "\x1b[H\x1b[2J",
        false => "",
    };
    loop {
        print(&(clear.to_owned() + &list_once(&args, context)?))?;
        std::thread::sleep(Duration::from_secs(seconds));
    }
}

/// The list, as it is printed.
fn list_once(args: &PsArgs, context: &Context) -> anyhow::Result<String> {
    let mut found = Vec::new();
    let mut sizes = Vec::new();
    // Ancestors are named as images are.
    let needs_images = args.filter.iter().any(|filter| filter.starts_with("ancestor"));
    if args.size {
        // Files of a container may belong to others of the user's ids, so they are looked at as their superuser.
        let engine = match needs_images {
            true => context.act()?,
            false => context.act_alone()?,
        };
        found = wanted(args, &engine.store)?;
        for one in &found {
            sizes.push(Some(engine.sizes(one)?));
        }
    } else {
        let store = match needs_images {
            true => context.look()?,
            false => context.look_alone()?,
        };
        if let Some(store) = store {
            found = wanted(args, &store)?;
        }
    }
    sizes.resize(found.len(), None);
    let mut listed: Vec<Listed<'_>> = found
        .iter()
        .zip(sizes)
        .map(|(one, sizes)| Listed {
            container: &one.container,
            state: &one.state,
            word: one.condition.word_for(&one.state),
            sizes,
            health: one.health.as_ref(),
        })
        .collect();
    sort(&mut listed, args.sort.as_deref())?;
    show(args, &listed)
}

/// The containers that are to be shown, the youngest first.
fn wanted(args: &PsArgs, store: &Store) -> anyhow::Result<Vec<Found>> {
    let filters = ContainerFilters::parse(&args.filter, store)?;
    let all = args.all || args.latest || args.last.is_some() || filters.names_status();
    let is_usual = args.format.is_none() && !args.size && !args.namespace;
    let (mut found, damaged) = match (all, filters.ids(store)?) {
        (true, ids) if is_usual => list::summaries(store, ids)?,
        (true, _) => list::all(store)?,
        (false, _) => list::active(store)?,
    };
    for damaged in damaged {
        report::warn(&format!(
            "container {} cannot be read: {}",
            damaged.id, damaged.reason
        ));
    }
    let last = match args.last {
        Some(number) => usize::try_from(number).ok(),
        None => args.latest.then_some(1),
    };
    // One that was to vanish and has died with its monitor: the next command that acts removes it.
    found.retain(|one| !(one.condition == Condition::Lost && one.container.config.remove));
    // As Docker: what is about to run again counts as running.
    let runs = |one: &Found| one.condition.runs() || one.condition == Condition::Restarting;
    found.retain(|one| (all || runs(one)) && filters.fit(one));
    found.truncate(last.unwrap_or(usize::MAX));
    Ok(found)
}

fn show(args: &PsArgs, listed: &[Listed<'_>]) -> anyhow::Result<String> {
    if args.quiet && args.format.is_none() {
        let id = |listed: &Listed<'_>| {
            let id = &listed.container.id;
            format!(
                "{}\n",
                if args.no_trunc {
                    id
                } else {
                    crate::base::id::short(id)
                }
            )
        };
        return Ok(listed.iter().map(id).collect());
    }
    let clock = Clock::new();
    let rows: Vec<Value> = listed
        .iter()
        .map(|listed| match args.format {
            None if !args.namespace => listed.usual_row(&clock, args.no_trunc),
            _ => listed.row(&clock, args.no_trunc),
        })
        .collect();
    let format = ListFormat {
        format: args.format.as_deref(),
        no_heading: args.noheading,
    };
    let columns = match args {
        PsArgs { size: true, .. } => COLUMNS_WITH_SIZE,
        PsArgs { namespace: true, .. } => COLUMNS_OF_NAMESPACES,
        _ => COLUMNS,
    };
    format::list(&columns, format, &rows, || {
        listed.iter().map(|listed| listed.document(&clock)).collect()
    })
}

fn sort(listed: &mut [Listed<'_>], key: Option<&str>) -> anyhow::Result<()> {
    match key {
        None => {}
        Some("created" | "runningfor") => listed.sort_by_key(|one| one.container.created.clone()),
        Some("id") => listed.sort_by_key(|one| one.container.id.clone()),
        Some("names") => listed.sort_by_key(|one| one.container.name.clone()),
        Some("image") => listed.sort_by_key(Listed::image),
        Some("command") => listed.sort_by_key(Listed::command),
        Some("status") => listed.sort_by_key(|one| one.word.to_owned()),
        Some("size") => listed.sort_by_key(|one| one.sizes),
        Some(key) => bail!(
            "invalid --sort {key:?}: there are command, created, id, image, names, runningfor, size and status"
        ),
    }
    Ok(())
}
