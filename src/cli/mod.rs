//! The command line: what was typed, what it means, one call into the engine, and printing.
//!
//! Only this layer prints, reads the environment or looks at the terminal.

mod arguments;
mod artifact;
mod attach;
mod clone;
pub mod completion;
mod configuration;
mod container;
mod context;
mod descriptors;
mod diff;
mod doctor;
mod engines;
mod events;
mod exec;
mod export;
mod foreground;
mod format;
mod healthcheck;
pub mod hello;
mod history;
mod image;
mod images;
mod import;
mod info;
mod init;
mod inspect;
mod kill;
mod lenders;
mod limits;
mod load;
mod login;
mod logs;
mod manifest;
mod mistakes;
mod mount;
mod options;
mod origin;
mod output;
mod pause;
mod port;
mod progress;
mod ps;
mod pull;
mod push;
mod referrers;
mod registry;
mod rename;
mod report;
mod resolve;
mod restart;
mod rm;
mod rmi;
mod run;
mod runtime;
mod save;
mod search;
mod select;
mod settings;
mod share;
mod signing;
mod start;
mod stats;
mod stop;
mod storage;
mod system;
mod table;
mod tag;
pub mod template;
mod terminal;
mod timing;
mod top;
mod tree;
mod trust;
mod unshare;
pub mod unsupported;
mod untag;
mod update;
mod values;
mod version;
mod view;
mod volume;
mod wait;
mod why;

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};

use arguments::{Flags, Parsed};
use context::Context;

/// Runs containers, without a daemon
///
/// Takes the commands and options of Docker and Podman. Every command does its work itself: there is no server.
#[derive(Parser, Debug)]
#[command(
    name = "coracle",
    version,
    args_override_self = true,
    disable_version_flag = true
)]
#[command(override_usage = "coracle [OPTIONS] COMMAND [ARGUMENT...]")]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options that stand before the command.
#[derive(Args, Debug, Default)]
pub struct Global {
    /// Print the version
    #[arg(short = 'v', long, action = clap::ArgAction::Version)]
    version: Option<bool>,
    /// Directory of the store
    #[arg(long, visible_alias = "data-root", value_name = "DIR")]
    root: Option<OsString>,
    /// Directory for what may vanish when the machine restarts
    #[arg(long, value_name = "DIR")]
    runroot: Option<OsString>,
    /// How much to tell: debug, info, warn or error
    #[arg(short, long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Where it is recorded what happens: file, journald or none
    #[arg(long, value_name = "BACKEND")]
    events_backend: Option<events::Backend>,
    /// Accepted for scripts: there is one kind of store, which is like overlay
    #[arg(long, value_name = "DRIVER")]
    storage_driver: Option<String>,
    /// Option of the store: additionalimagestore=DIR names one whose images are read; what is about Podman's drivers has
    /// no effect
    #[arg(long, value_name = "KEY=VALUE")]
    storage_opt: Vec<String>,
    /// Add a file of options to containers.conf, by its path or its name in containers.conf.modules
    #[arg(long, value_name = "FILE")]
    module: Vec<OsString>,
    /// Write results to this file and not to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<OsString>,
    /// Write no results
    #[arg(long, conflicts_with = "out")]
    noout: bool,
    /// Directory with Docker's config.json, whose credentials are used
    #[arg(long, value_name = "DIR")]
    config: Option<OsString>,
    /// Write how long each phase of the command took to this file, as JSON, when it ends
    #[arg(long, value_name = "FILE")]
    timing: Option<OsString>,
    /// The same as --log-level=debug
    #[arg(short = 'D', long)]
    debug: bool,
}

/// The exit code for a level that there is not, as Podman has it.
const WRONG_LEVEL: u8 = 1;

impl Global {
    fn level(&self) -> Result<report::Level, String> {
        match (&self.log_level, self.debug) {
            (Some(_), true) => Err("Setting --log-level and --debug is not allowed".into()),
            (Some(text), false) => text.parse(),
            (None, true) => Ok(report::Level::Debug),
            (None, false) => Ok(report::Level::default()),
        }
    }
}

#[derive(Subcommand, Debug)]
#[command(defer = true)]
enum Command {
    Artifact(artifact::ArtifactArgs),
    Attach(Flags<attach::AttachArgs>),
    Completion(Flags<completion::CompletionArgs>),
    Container(container::ContainerArgs),
    Create(Flags<run::CreateArgs>),
    Diff(Flags<diff::DiffArgs>),
    Doctor(Flags<doctor::DoctorArgs>),
    Events(Flags<events::EventsArgs>),
    Exec(Flags<exec::ExecArgs>),
    Export(Flags<export::ExportArgs>),
    Healthcheck(healthcheck::HealthcheckArgs),
    History(Flags<history::HistoryArgs>),
    Image(image::ImageArgs),
    Images(Flags<images::ImagesArgs>),
    Import(Flags<import::ImportArgs>),
    Info(Flags<info::InfoArgs>),
    Init(Flags<init::InitArgs>),
    Inspect(Flags<inspect::InspectArgs>),
    Kill(Flags<kill::KillArgs>),
    Load(Flags<load::LoadArgs>),
    Login(Flags<login::LoginArgs>),
    Logout(Flags<login::LogoutArgs>),
    Logs(Flags<logs::LogsArgs>),
    Manifest(manifest::ManifestArgs),
    Pause(Flags<pause::PauseArgs>),
    Port(Flags<port::PortArgs>),
    Ps(Flags<ps::PsArgs>),
    Pull(Flags<pull::PullArgs>),
    Push(Flags<push::PushArgs>),
    Rename(Flags<rename::RenameArgs>),
    Restart(Flags<restart::RestartArgs>),
    Rm(Flags<rm::RmArgs>),
    Rmi(Flags<rmi::RmiArgs>),
    Run(Flags<run::RunArgs>),
    Runtime(Flags<runtime::RuntimeArgs>),
    Save(Flags<save::SaveArgs>),
    Search(Flags<search::SearchArgs>),
    Start(Flags<start::StartArgs>),
    Stats(Flags<stats::StatsArgs>),
    Stop(Flags<stop::StopArgs>),
    System(system::SystemArgs),
    Tag(Flags<tag::TagArgs>),
    Top(Flags<top::TopArgs>),
    Unpause(Flags<pause::UnpauseArgs>),
    Unshare(Flags<unshare::UnshareArgs>),
    Untag(Flags<untag::UntagArgs>),
    Update(Flags<update::UpdateArgs>),
    Version(Flags<version::VersionArgs>),
    Volume(volume::VolumeArgs),
    Wait(Flags<wait::WaitArgs>),
    Why(Flags<why::WhyArgs>),
}

impl Cli {
    /// Reads the commands whose start is felt, if their line is plain: see [`arguments::alone`].
    fn read_quickly(line: &[OsString]) -> Option<Self> {
        let command = match line.get(1)?.to_str()? {
            "create" => Command::Create(arguments::alone(line)?),
            "exec" => Command::Exec(arguments::alone(line)?),
            "ps" => Command::Ps(arguments::alone(line)?),
            "rm" => Command::Rm(arguments::alone(line)?),
            "run" => Command::Run(arguments::alone(line)?),
            "start" => Command::Start(arguments::alone(line)?),
            "stop" => Command::Stop(arguments::alone(line)?),
            "version" => Command::Version(arguments::alone(line)?),
            _ => return None,
        };
        Some(Self {
            global: Global::default(),
            command,
        })
    }
}

/// Runs the command that `line`, whose first word is the program, asks for.
pub fn main(line: Vec<OsString>) -> ExitCode {
    timing::begin(&line);
    let (cli, skipped) = match arguments::parse(line.clone()) {
        Parsed::Command(cli, skipped) => (cli, skipped),
        Parsed::Print(text) => return report::finish(output::print(&text).map(|()| 0).map_err(Into::into)),
        Parsed::Incomplete(help, why) => {
            report::say(&help);
            report::complain(&why);
            return ExitCode::from(report::FAILED);
        }
        Parsed::Refused(why) => {
            report::complain(&why);
            return ExitCode::from(report::FAILED);
        }
    };
    if let Err(why) = cli.global.level().map(report::tell) {
        report::say(&why);
        return ExitCode::from(WRONG_LEVEL);
    }
    for flag in skipped {
        report::info(&format!("{flag} has no effect"));
    }
    if let Some(directory) = &cli.global.config {
        registry::use_config(directory);
    }
    let timing = cli.global.timing.as_deref();
    let outcome = timing::open(timing, &line)
        .and_then(|()| redirect(&cli.global))
        .and_then(|()| Context::new(line, &cli.global))
        .and_then(|context| dispatch(cli.command, &context));
    crate::base::timing::phase("end");
    let code = report::finish(outcome);
    timing::tell();
    code
}

/// `--out` and `--noout`: standard output is another file, for what runs in containers too.
fn redirect(global: &Global) -> anyhow::Result<()> {
    let path = match &global.out {
        Some(path) => Path::new(path),
        None if global.noout => Path::new("/dev/null"),
        None => return Ok(()),
    };
    let file = File::create(path).with_context(|| format!("cannot write --out {}", path.display()))?;
    Ok(rustix::stdio::dup2_stdout(file)?)
}

/// The definition of the whole command line, for the manual and the completions.
pub fn definition() -> clap::Command {
    let mut command = <Cli as clap::CommandFactory>::command();
    command.build();
    command
}

fn dispatch(command: Command, context: &Context) -> report::Outcome {
    use Command as C;
    match command {
        C::Artifact(args) => artifact::run(args, context),
        C::Attach(args) => attach::run(args.0, context),
        C::Completion(args) => completion::run(args.0, context),
        C::Container(args) => container::run(args, context),
        C::Create(args) => run::create(args.0, context),
        C::Diff(args) => diff::run(args.0, context),
        C::Doctor(args) => doctor::run(args.0, context),
        C::Events(args) => events::run(args.0, context),
        C::Exec(args) => exec::run(args.0, context),
        C::Export(args) => export::run(args.0, context),
        C::Healthcheck(args) => healthcheck::run(args, context),
        C::History(args) => history::run(args.0, context),
        C::Image(args) => image::run(args, context),
        C::Images(args) => images::run(args.0, context),
        C::Import(args) => import::run(args.0, context),
        C::Info(args) => info::run(args.0, context),
        C::Init(args) => init::run(args.0, context),
        C::Inspect(args) => inspect::run(args.0, context),
        C::Kill(args) => kill::run(args.0, context),
        C::Load(args) => load::run(args.0, context),
        C::Login(args) => login::login(args.0, context),
        C::Logout(args) => login::logout(args.0, context),
        C::Logs(args) => logs::run(args.0, context),
        C::Manifest(args) => manifest::run(args, context),
        C::Pause(args) => pause::pause(args.0, context),
        C::Port(args) => port::run(args.0, context),
        C::Ps(args) => ps::run(args.0, context),
        C::Pull(args) => pull::run(args.0, context),
        C::Push(args) => push::run(args.0, context),
        C::Rename(args) => rename::run(args.0, context),
        C::Restart(args) => restart::run(args.0, context),
        C::Rm(args) => rm::run(args.0, context),
        C::Rmi(args) => rmi::run(args.0, context),
        C::Run(args) => run::run(args.0, context),
        C::Runtime(args) => runtime::run(args.0, context),
        C::Save(args) => save::run(args.0, context),
        C::Search(args) => search::run(args.0, context),
        C::Start(args) => start::run(args.0, context),
        C::Stats(args) => stats::run(args.0, context),
        C::Stop(args) => stop::run(args.0, context),
        C::System(args) => system::run(args, context),
        C::Tag(args) => tag::run(args.0, context),
        C::Top(args) => top::run(args.0, context),
        C::Unpause(args) => pause::unpause(args.0, context),
        C::Unshare(args) => unshare::run(args.0, context),
        C::Untag(args) => untag::run(args.0, context),
        C::Update(args) => update::run(args.0, context),
        C::Version(args) => version::run(args.0, context),
        C::Volume(args) => volume::run(args, context),
        C::Wait(args) => wait::run(args.0, context),
        C::Why(args) => why::run(args.0, context),
    }
}
