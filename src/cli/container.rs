//! `container …`: the commands for containers under their long names, and those that have only a long name.

use clap::{Args, Subcommand};

use super::arguments::Flags;
use super::context::Context;
use super::report::{self, Outcome};
use super::{attach, exec, inspect, kill, logs, port, ps, rename, restart, rm, run, start, stop, top, wait};

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
    Create(Flags<run::CreateArgs>),
    Exec(Flags<exec::ExecArgs>),
    Exists(Flags<ExistsArgs>),
    Inspect(Flags<inspect::InspectArgs>),
    Kill(Flags<kill::KillArgs>),
    Logs(Flags<logs::LogsArgs>),
    #[command(visible_aliases = ["list", "ps"])]
    Ls(Flags<ps::PsArgs>),
    Port(Flags<port::PortArgs>),
    Prune(Flags<PruneArgs>),
    Rename(Flags<rename::RenameArgs>),
    Restart(Flags<restart::RestartArgs>),
    #[command(visible_alias = "remove")]
    Rm(Flags<rm::RmArgs>),
    Run(Flags<run::RunArgs>),
    Start(Flags<start::StartArgs>),
    Stop(Flags<stop::StopArgs>),
    Top(Flags<top::TopArgs>),
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
        C::Create(args) => run::create(args.0, context),
        C::Exec(args) => exec::run(args.0, context),
        C::Exists(args) => exists(args.0, context),
        C::Inspect(args) => inspect::run(args.0, context),
        C::Kill(args) => kill::run(args.0, context),
        C::Logs(args) => logs::run(args.0, context),
        C::Ls(args) => ps::run(args.0, context),
        C::Port(args) => port::run(args.0, context),
        C::Prune(args) => prune(args.0, context),
        C::Rename(args) => rename::run(args.0, context),
        C::Restart(args) => restart::run(args.0, context),
        C::Rm(args) => rm::run(args.0, context),
        C::Run(args) => run::run(args.0, context),
        C::Start(args) => start::run(args.0, context),
        C::Stop(args) => stop::run(args.0, context),
        C::Top(args) => top::run(args.0, context),
        C::Wait(args) => wait::run(args.0, context),
    }
}

fn exists(_args: ExistsArgs, _context: &Context) -> Outcome {
    report::unwired("container exists")
}

fn prune(_args: PruneArgs, _context: &Context) -> Outcome {
    report::unwired("container prune")
}
