//! `container …`: the commands for containers under their long names, and those that have only a long name.

use std::collections::VecDeque;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use super::arguments::Flags;
use super::context::Context;
use super::output::print;
use super::report::{self, Outcome};
use super::select::{ContainerFilters, Wanted};
use super::values::filter::Filters;
use super::{
    attach, clone, diff, exec, export, init, inspect, kill, logs, pause, port, ps, rename, restart, rm, run,
    start, stats, stop, top, update, wait,
};
use crate::base::units::size;
use crate::engine::remove::Removal;
use crate::engine::state::{self, Found};
use crate::engine::{Engine, EngineError, list, monitor};
use crate::store::events::Event;

/// Manage containers
#[derive(Args, Debug)]
pub struct ContainerArgs {
    #[command(subcommand)]
    command: ContainerCommand,
}

#[derive(Subcommand, Debug)]
#[command(defer = true)]
enum ContainerCommand {
    Attach(Flags<attach::AttachArgs>),
    Cleanup(Flags<CleanupArgs>),
    Clone(Flags<clone::CloneArgs>),
    Create(Flags<run::CreateArgs>),
    Diff(Flags<diff::DiffArgs>),
    Exec(Flags<exec::ExecArgs>),
    Exists(Flags<ExistsArgs>),
    Export(Flags<export::ExportArgs>),
    Init(Flags<init::InitArgs>),
    Inspect(Flags<inspect::InspectArgs>),
    Kill(Flags<kill::KillArgs>),
    Logs(Flags<logs::LogsArgs>),
    #[command(visible_aliases = ["list", "ps"])]
    Ls(Flags<ps::PsArgs>),
    Pause(Flags<pause::PauseArgs>),
    Port(Flags<port::PortArgs>),
    Prune(Flags<PruneArgs>),
    Rename(Flags<rename::RenameArgs>),
    Restart(Flags<restart::RestartArgs>),
    #[command(visible_alias = "remove")]
    Rm(Flags<rm::RmArgs>),
    Run(Flags<run::RunArgs>),
    Start(Flags<start::StartArgs>),
    Stats(Flags<stats::StatsArgs>),
    Stop(Flags<stop::StopArgs>),
    Top(Flags<top::TopArgs>),
    Unpause(Flags<pause::UnpauseArgs>),
    Update(Flags<update::UpdateArgs>),
    Wait(Flags<wait::WaitArgs>),
}

/// End with status 0 if a container exists, and 1 if it does not
#[derive(Args, Debug)]
pub struct ExistsArgs {
    /// Accepted for compatibility: there are no containers of other programs
    #[arg(long)]
    external: bool,
    /// The container, by name, identifier or its beginning
    #[arg(value_name = "CONTAINER")]
    container: String,
}

/// Settle containers that do not run
///
/// Every command does this for the containers that it meets: what a killed monitor has left is ended and recorded. It is for
/// service managers that ask for it.
#[derive(Args, Debug)]
pub struct CleanupArgs {
    /// All containers that do not run
    #[arg(short, long)]
    all: bool,
    /// The container made last
    #[arg(short, long)]
    latest: bool,
    /// Accepted for compatibility: processes of exec leave nothing behind
    #[arg(long, value_name = "ID")]
    exec: Option<String>,
    /// Remove them too
    #[arg(long)]
    rm: bool,
    /// With --rm: remove their images too, unless others need them
    #[arg(long)]
    rmi: bool,
    /// Containers, by name, identifier or its beginning
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

/// Remove all containers that do not run
#[derive(Args, Debug)]
pub struct PruneArgs {
    /// Do not ask
    #[arg(short, long)]
    force: bool,
    /// Only containers that fit: label, label! or until
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Only print what would be removed
    #[arg(long)]
    dry_run: bool,
}

pub fn run(args: ContainerArgs, context: &Context) -> Outcome {
    use ContainerCommand as C;
    match args.command {
        C::Attach(args) => attach::run(args.0, context),
        C::Cleanup(args) => cleanup(args.0, context),
        C::Clone(args) => clone::run(args.0, context),
        C::Create(args) => run::create(args.0, context),
        C::Diff(args) => diff::run(args.0, context),
        C::Exec(args) => exec::run(args.0, context),
        C::Exists(args) => exists(args.0, context),
        C::Export(args) => export::run(args.0, context),
        C::Init(args) => init::run(args.0, context),
        C::Inspect(args) => inspect::containers(args.0, context),
        C::Kill(args) => kill::run(args.0, context),
        C::Logs(args) => logs::run(args.0, context),
        C::Ls(args) => ps::run(args.0, context),
        C::Pause(args) => pause::pause(args.0, context),
        C::Port(args) => port::run(args.0, context),
        C::Prune(args) => prune(args.0, context),
        C::Rename(args) => rename::run(args.0, context),
        C::Restart(args) => restart::run(args.0, context),
        C::Rm(args) => rm::run(args.0, context),
        C::Run(args) => run::run(args.0, context),
        C::Start(args) => start::run(args.0, context),
        C::Stats(args) => stats::run(args.0, context),
        C::Stop(args) => stop::run(args.0, context),
        C::Top(args) => top::run(args.0, context),
        C::Unpause(args) => pause::unpause(args.0, context),
        C::Update(args) => update::run(args.0, context),
        C::Wait(args) => wait::run(args.0, context),
    }
}

fn exists(args: ExistsArgs, context: &Context) -> Outcome {
    let Some(store) = context.look_alone()? else {
        return Ok(1);
    };
    match state::find(&store, &args.container) {
        Ok(_) => Ok(0),
        Err(EngineError::NoSuchContainer(_)) => Ok(1),
        Err(error) => Err(error.into()),
    }
}

fn cleanup(args: CleanupArgs, context: &Context) -> Outcome {
    for (other, is_set) in [("--all and --exec", args.all), ("--exec and --rmi", args.rmi)] {
        if is_set && args.exec.is_some() {
            bail!("{other} cannot be set together");
        }
    }
    let engine = context.act_alone()?;
    let wanted = Wanted {
        names: &args.containers,
        all: args.all,
        latest: args.latest,
        ..Wanted::default()
    };
    let meant = wanted.resolve(&engine.store)?;
    report::each_meant(&meant, |word, id| {
        let Some(held) = engine.hold(id, &mut report::waiting_on(word))? else {
            return Ok(());
        };
        let lives = held.condition.may_live();
        let root = held.container.root.clone();
        drop(held);
        match lives {
            true if args.all => return Ok(()),
            true => return Err(EngineError::Running(word.to_owned()).into()),
            false if args.rm => {
                engine.remove(id, Removal::default(), &mut report::waiting_on(word))?;
                if args.rmi {
                    monitor::remove_image(&engine.store, &root);
                }
            }
            false => {}
        }
        Ok(print(&format!("{word}\n"))?)
    })
}

fn prune(args: PruneArgs, context: &Context) -> Outcome {
    Filters::parse(&args.filter, &["label", "label!", "until"]).context("invalid --filter")?;
    let engine = context.act_alone()?;
    let found = prunable(&engine, &args.filter)?;
    if args.dry_run {
        for one in &found {
            print(&format!("{}\n", one.container.id))?;
        }
        return Ok(0);
    }
    if !args.force && !report::confirm("This removes all containers that do not run. Go on?")? {
        return Ok(0);
    }
    let (removed, reclaimed) = remove(&engine, &found)?;
    print(&format!("{removed}Total reclaimed space: {}\n", size(reclaimed)))?;
    Ok(0)
}

/// The containers that do not run and fit.
pub fn prunable(engine: &Engine, filters: &[String]) -> anyhow::Result<Vec<Found>> {
    let filters = ContainerFilters::parse(filters, &engine.store)?;
    let (mut found, _damaged) = list::all(&engine.store)?;
    found.retain(|one| one.condition.is_spare() && filters.fit(one));
    Ok(found)
}

/// Removes containers, unless they run by now. Their ids, one a line, and how many bytes they had.
pub fn remove(engine: &Engine, found: &[Found]) -> anyhow::Result<(String, u64)> {
    let (mut removed, mut reclaimed) = (String::new(), 0);
    let mut left: VecDeque<&Found> = found.iter().collect();
    // What others require goes after them.
    let mut put_off = 0;
    while let Some(one) = left.pop_front() {
        let id = &one.container.id;
        let own = engine.sizes(one).map_or(0, |(own, _)| own);
        match engine.remove(id, Removal::default(), &mut || {
            report::say(&format!("waiting for container {id}"))
        }) {
            Ok(true) => {
                removed.push_str(&format!("{id}\n"));
                reclaimed += own;
                put_off = 0;
            }
            Err(EngineError::Required { .. }) if put_off < left.len() => {
                left.push_back(one);
                put_off += 1;
            }
            Err(error @ EngineError::Required { .. }) => report::complain(&error.to_string()),
            Ok(false) | Err(EngineError::Running(_) | EngineError::Paused { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    engine.store.tell([Event::prune("container", reclaimed)]);
    Ok((removed, reclaimed))
}
