//! `system …`: the store as a whole.

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use super::arguments::Flags;
use super::context::Context;
use super::format::{self, ListFormat};
use super::image::until;
use super::output::{print, print_line};
use super::report::{self, Outcome};
use super::values::filter::Filters;
use super::view::moment::{Clock, seconds};
use super::view::usage as view;
use super::{container, events, info, rmi, share, unshare, volume};
use crate::base::time::NEVER;
use crate::base::units::size;
use crate::engine::system::check::Checking;
use crate::engine::system::usage::usage;
use crate::image::list::Listed;
use crate::image::remove;

/// Manage the store as a whole
#[derive(Args, Debug)]
pub struct SystemArgs {
    #[command(subcommand)]
    command: SystemCommand,
}

#[derive(Subcommand, Debug)]
#[command(defer = true)]
enum SystemCommand {
    Check(Flags<CheckArgs>),
    Df(Flags<DfArgs>),
    Events(Flags<events::EventsArgs>),
    Info(Flags<info::InfoArgs>),
    Migrate(Flags<MigrateArgs>),
    Prune(Flags<PruneArgs>),
    Renumber(Flags<RenumberArgs>),
    Reset(Flags<ResetArgs>),
    Share(Flags<share::ShareArgs>),
    #[command(hide = true)]
    Unshare(Flags<unshare::UnshareArgs>),
}

/// Accepted for compatibility: new versions find the store as it is
#[derive(Args, Debug)]
struct MigrateArgs {
    /// Accepted for compatibility: there is no database
    #[arg(long)]
    migrate_db: bool,
    /// Accepted for compatibility: the runtime is part of this program
    #[arg(long, value_name = "NAME")]
    new_runtime: Option<String>,
}

/// Accepted for compatibility: locks have no numbers
#[derive(Args, Debug)]
struct RenumberArgs {}

/// Look for damage in the store
///
/// Ends with a status other than 0 when damage remains.
#[derive(Args, Debug)]
struct CheckArgs {
    /// Repair what can be repaired, and remove the rest
    #[arg(short, long)]
    repair: bool,
    /// With --repair: remove damaged containers too
    #[arg(short, long)]
    force: bool,
    /// How old leftovers must be to be called damage
    #[arg(short, long, value_name = "TIME")]
    max: Option<String>,
    /// Do not read all data
    #[arg(short, long)]
    quick: bool,
}

/// Show what uses the disk
#[derive(Args, Debug)]
struct DfArgs {
    /// Print by a Go template, as "table TEMPLATE", or as "json"
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Show every image, container and volume
    #[arg(short, long)]
    verbose: bool,
}

/// Remove what is not in use
///
/// Removes containers that do not run, and images that have no name.
#[derive(Args, Debug)]
struct PruneArgs {
    /// Remove all images without containers, named or not
    #[arg(short, long)]
    all: bool,
    /// Do not ask
    #[arg(short, long)]
    force: bool,
    /// Only what fits: label, label! or until
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Remove volumes without containers too
    #[arg(long)]
    volumes: bool,
    /// Only print what would be removed
    #[arg(long)]
    dry_run: bool,
}

/// Remove everything: containers, images, volumes
#[derive(Args, Debug)]
struct ResetArgs {
    /// Do not ask
    #[arg(short, long)]
    force: bool,
}

pub fn run(args: SystemArgs, context: &Context) -> Outcome {
    match args.command {
        SystemCommand::Check(args) => check(&args.0, context),
        SystemCommand::Df(args) => df(&args.0, context),
        SystemCommand::Events(args) => events::run(args.0, context),
        SystemCommand::Info(args) => info::run(args.0, context),
        // There is nothing to do.
        SystemCommand::Migrate(_) | SystemCommand::Renumber(_) => Ok(0),
        SystemCommand::Prune(args) => prune(&args.0, context),
        SystemCommand::Reset(args) => reset(&args.0, context),
        SystemCommand::Share(args) => share::run(args.0, context),
        SystemCommand::Unshare(args) => unshare::run(args.0, context),
    }
}

fn check(args: &CheckArgs, context: &Context) -> Outcome {
    if context.look()?.is_none() {
        return Ok(0);
    }
    let problems = context.act()?.check(Checking {
        quick: args.quick,
        repair: args.repair,
        force: args.force,
    })?;
    let mut remain = 0;
    for problem in &problems {
        let done = problem.repair.as_ref().map(|done| format!(": {done}"));
        remain += usize::from(done.is_none());
        print_line(&format!(
            "{}: {}{}",
            problem.object,
            problem.reason,
            done.unwrap_or_default()
        ))?;
    }
    if remain > 0 {
        let hint = if args.repair {
            ""
        } else {
            ": --repair repairs what can be"
        };
        bail!("{remain} damaged or left over{hint}");
    }
    Ok(0)
}

fn df(args: &DfArgs, context: &Context) -> Outcome {
    let usage = match context.look()? {
        // The sizes of other users' files are seen from within the user namespace alone.
        Some(_) => Some(usage(&context.act()?.store)?),
        None => None,
    };
    for damage in usage.iter().flat_map(|usage| &usage.damaged) {
        report::warn(damage);
    }
    if args.verbose {
        if args.format.is_some() {
            bail!("--format and --verbose do not go together");
        }
        print(&view::verbose(usage.as_ref(), &Clock::new())?)?;
        return Ok(0);
    }
    let rows = view::rows(usage.as_ref());
    let format = ListFormat {
        format: args.format.as_deref(),
        no_heading: false,
    };
    print(&format::list(&view::COLUMNS, format, &rows, || {
        rows.clone().into()
    })?)?;
    Ok(0)
}

fn prune(args: &PruneArgs, context: &Context) -> Outcome {
    let filters = Filters::parse(&args.filter, &["label", "label!", "until"]).context("invalid --filter")?;
    let until = until(&filters)?;
    let engine = context.act()?;
    let mut fits = |listed: &Listed| {
        let made = seconds(listed.image.created.as_deref().unwrap_or(NEVER));
        filters.labels(|key| listed.image.config.labels.get(key).map(String::as_str))
            && until.iter().all(|limit| made < *limit)
    };
    let containers = container::prunable(&engine, &args.filter)?;
    if args.dry_run {
        for one in &containers {
            print_line(&one.container.id)?;
        }
        if args.volumes {
            for volume in volume::prunable(&engine, false, &filters)? {
                print_line(&volume.name)?;
            }
        }
        for listed in remove::prunable(&engine.store, args.all, &mut fits)? {
            print_line(&listed.image.id.to_string())?;
        }
        return Ok(0);
    }
    if !args.force && !report::confirm(&question(args))? {
        return Ok(0);
    }
    let (removed, mut reclaimed) = container::remove(&engine, &containers)?;
    let mut text = String::new();
    if !removed.is_empty() {
        text.push_str(&format!("Deleted Containers:\n{removed}\n"));
    }
    if args.volumes {
        let (removed, bytes) = volume::prune_volumes(&engine, false, &filters)?;
        reclaimed += bytes;
        if !removed.is_empty() {
            text.push_str(&format!("Deleted Volumes:\n{}\n\n", removed.join("\n")));
        }
    }
    let pruned = remove::prune(&engine.store, args.all, &mut fits)?;
    reclaimed += pruned.reclaimed;
    let removed: String = pruned.removed.iter().map(rmi::tell).collect();
    if !removed.is_empty() {
        text.push_str(&format!("Deleted Images:\n{removed}\n"));
    }
    engine.store.sweep()?;
    reclaimed += engine.store.sweep_downloads(true)?;
    print(&format!("{text}Total reclaimed space: {}\n", size(reclaimed)))?;
    Ok(0)
}

fn question(args: &PruneArgs) -> String {
    let images = if args.all {
        "all images without containers"
    } else {
        "all images without a name"
    };
    let volumes = if args.volumes {
        ", all anonymous volumes without containers"
    } else {
        ""
    };
    format!("This removes all containers that do not run{volumes}, and {images}. Go on?")
}

fn reset(args: &ResetArgs, context: &Context) -> Outcome {
    if context.look()?.is_none() {
        return Ok(0);
    }
    let path = context.store_path()?;
    let question = format!(
        "This stops all containers and removes everything below {}: containers, images, volumes. Go on?",
        path.display()
    );
    if !args.force && !report::confirm(&question)? {
        return Ok(0);
    }
    // In the user namespace everybody is the superuser.
    let run = context.run_path()?;
    context.act()?.reset()?;
    match std::fs::remove_dir_all(&run) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", run.display()))
        }
        _ => Ok(0),
    }
}
