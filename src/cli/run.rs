//! `run` and `create`: make a container, and start it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::context::{Context, variable};
use super::descriptors::Preserved;
use super::foreground::{Foreground, Streams};
use super::options::{Boolean, Connection, ContainerOptions, Process};
use super::origin::{self, Looked};
use super::output::print;
use super::report::{self, Outcome};
use super::resolve::{Inputs, Resolved, resolve};
use super::values::names;
use crate::base::{file, id, timing};
use crate::engine::create::{Born, Naming};
use crate::engine::protocol::Wishes;
use crate::engine::remove::Removal;
use crate::engine::{Engine, EngineError, relay, state};
use crate::store::container::{Container, VERSION};

/// Run a command in a new container
///
/// Makes a container of an image, starts it, and stays connected to it until it ends. The exit status is that of the
/// command; 125 means that coracle failed, 126 that the command cannot be executed, 127 that it is not there.
#[derive(Args, Debug)]
#[command(
    disable_help_flag = true,
    override_usage = "coracle run [OPTIONS] IMAGE [COMMAND [ARGUMENT...]]"
)]
pub struct RunArgs {
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
    /// Start in the background and print the identifier
    #[arg(short, long)]
    detach: bool,
    /// End the container when this command ends, even if it is killed; the default where $CI is set
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    guard: Option<Boolean>,
    /// Remove the container, and then the image unless something else needs it
    #[arg(long)]
    rmi: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    preserved: Preserved,
    #[command(flatten)]
    options: ContainerOptions,
    /// The image, and the command with its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "IMAGE")]
    image: Vec<OsString>,
}

/// Make a container without starting it
///
/// Prints the identifier of the new container.
#[derive(Args, Debug)]
#[command(
    disable_help_flag = true,
    override_usage = "coracle create [OPTIONS] IMAGE [COMMAND [ARGUMENT...]]"
)]
pub struct CreateArgs {
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
    #[command(flatten)]
    options: ContainerOptions,
    /// The image, and the command with its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "IMAGE")]
    image: Vec<OsString>,
}

pub fn run(mut args: RunArgs, context: &Context) -> Outcome {
    let descriptors = args.preserved.take_or_activated()?;
    context.settings()?.fill(&mut args.options);
    // An image in use cannot go.
    args.options.identity.rm |= args.rmi;
    let is_guarded = is_guarded(&args)?;
    let options = &args.options;
    let attach = attached(&options.process)?;
    if args.detach && !options.process.attach.is_empty() {
        bail!("--attach does not go with --detach");
    }
    // What has our streams itself is not relayed.
    let is_relayed = !matches!(
        options.identity.log_driver.as_deref(),
        Some("passthrough" | "passthrough-tty")
    );
    let streams = Streams {
        input: attach.input && is_relayed,
        output: attach.output && is_relayed,
        error: attach.error && is_relayed,
        terminal: options.process.tty,
        detach_keys: context.detach_keys(args.connection.detach_keys.as_deref())?,
        pass_signals: args.connection.sig_proxy.0,
    };
    let foreground = if args.detach {
        None
    } else {
        Some(Foreground::prepare(streams)?)
    };
    let (mut engine, looked) = origin::open(options, &args.image, context)?;
    let made = make(
        &engine,
        options,
        &args.image,
        looked,
        context,
        Use::Start { rmi: args.rmi },
    )?;
    // What it requires stays.
    engine.guards = is_guarded;
    let wishes = foreground
        .as_ref()
        .map_or_else(Wishes::default, |_| streams.wishes(true));
    let started = engine.launch(&made.id, &made.log, wishes, descriptors)?;
    report::debug(|| {
        format!(
            "container {} ({}) runs as process {}",
            made.id, made.name, started.pid
        )
    });
    drop(made.directory);
    match foreground {
        None => {
            print(&format!("{}\n", made.id))?;
            Ok(0)
        }
        Some(foreground) => {
            if !attach.output && !attach.error {
                print(&format!("{}\n", made.id))?;
            }
            let is_deaf = |signal| engine.is_deaf_to(&made.id, signal);
            foreground.stay(&is_deaf, |caller| relay::relay(&started.connection, caller))
        }
    }
}

pub fn create(mut args: CreateArgs, context: &Context) -> Outcome {
    context.settings()?.fill(&mut args.options);
    attached(&args.options.process)?;
    let (engine, looked) = origin::open(&args.options, &args.image, context)?;
    let made = make(&engine, &args.options, &args.image, looked, context, Use::Keep)?;
    print(&format!("{}\n", made.id))?;
    Ok(0)
}

/// Whether the container ends with us. In CI that is what jobs need, whose processes are killed.
fn is_guarded(args: &RunArgs) -> Result<bool> {
    let restart = args.options.identity.restart.as_deref().unwrap_or("no");
    let restarts = !matches!(restart, "" | "no" | "never");
    match args.guard {
        Some(Boolean(true)) if args.detach => bail!("--guard does not go with --detach"),
        Some(Boolean(true)) if restarts => {
            bail!("--guard does not go with --restart={restart}: this command ends with the first end")
        }
        Some(Boolean(truth)) => Ok(truth),
        None => Ok(!args.detach
            && !restarts
            && variable("CI").is_some_and(|value| value != "false" && value != "0")),
    }
}

/// What a container is made for.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    Keep,
    /// Started at once. `rmi`: its image goes with it.
    Start {
        rmi: bool,
    },
}

/// The streams that `--attach` names; without it output and errors, and input where it is kept open.
struct Attached {
    input: bool,
    output: bool,
    error: bool,
}

fn attached(process: &Process) -> Result<Attached> {
    if process.attach.is_empty() {
        return Ok(Attached {
            input: process.interactive,
            output: true,
            error: true,
        });
    }
    let mut attached = Attached {
        input: false,
        output: false,
        error: false,
    };
    for stream in &process.attach {
        match stream.to_ascii_lowercase().as_str() {
            "stdin" => attached.input = true,
            "stdout" => attached.output = true,
            "stderr" => attached.error = true,
            _ => bail!("invalid --attach {stream:?}: there are stdin, stdout and stderr"),
        }
    }
    Ok(attached)
}

/// Makes the container that the options describe. `words` are the image, or the root directory, and the command.
fn make(
    engine: &Engine,
    options: &ContainerOptions,
    words: &[OsString],
    looked: Option<Looked>,
    context: &Context,
    purpose: Use,
) -> Result<Born> {
    let (first, command) = words.split_first().context("name an image")?;
    options.image.transfer.registry.check_authfile()?;
    let (root, image) = origin::root(engine, options, first, looked)?;
    timing::phase("options");
    let directory = std::env::current_dir().unwrap_or_else(|_| "/".into());
    let environment = context.environment();
    let mut inputs = Inputs {
        command,
        image: &image,
        environment: &environment,
        settings: &context.settings()?.containers,
        directory: &directory,
        read: &read_bounded,
        anonymous: &mut id::random,
    };
    let Resolved { config, directories } = resolve(options, &mut inputs)?;
    for directory in directories {
        match std::fs::create_dir_all(&directory) {
            Err(error) if !directory.exists() => {
                return Err(error)
                    .with_context(|| format!("cannot make {} for --volume", directory.display()));
            }
            _ => {}
        }
    }
    let mut container = Container {
        version: VERSION,
        id: String::new(),
        name: String::new(),
        created: String::new(),
        root,
        config,
        first: None,
        create_command: context
            .command_line
            .iter()
            .map(|word| word.as_os_str().into())
            .collect(),
        extra: serde_json::Map::new(),
    };
    if let Some(score) = &mut container.config.oom_score_adj
        && let Some(least) = engine.least_oom_score()
        && *score < least
    {
        report::warn(&format!(
            "Requested oom_score_adj={score} is lower than the current one, changing to {least}"
        ));
        *score = least;
    }
    container.config.is_named_host = context.settings()?.containers.container_name_as_hostname;
    container.config.remove_image = purpose == Use::Start { rmi: true };
    container.config.requires = required(engine, &options.identity.requires)?;
    if purpose != Use::Keep {
        engine.start_required(&container.config.requires, &mut || {
            report::say("waiting for another command")
        })?;
    }
    let cidfile = container.config.cidfile.clone();
    let reserved = match &cidfile {
        Some(path) => Some(Cidfile::reserve(
            engine,
            path.as_path(),
            options.identity.replace,
        )?),
        None => None,
    };
    // An empty name is none.
    let name = options.identity.name.as_ref().filter(|name| !name.is_empty());
    if let (Some(name), true) = (name, options.identity.replace) {
        replace(engine, name)?;
    }
    let mut generate = || names::name(random());
    let naming = match name {
        // In Docker names begin with a slash.
        Some(name) => Naming::Given(name.strip_prefix('/').unwrap_or(name)),
        None => Naming::Generated(&mut generate),
    };
    let born = engine.create(&mut container, naming, purpose != Use::Keep)?;
    if let (Some(reserved), Some(path)) = (reserved, &cidfile) {
        let written = reserved.write(path.as_path(), &born.id);
        written.context("cannot write --cidfile")?;
    }
    Ok(born)
}

/// The containers that `--requires` names.
fn required(engine: &Engine, words: &[String]) -> Result<Vec<String>> {
    let mut required = Vec::new();
    for word in words {
        let found = state::find(&engine.store, word);
        let id = found
            .with_context(|| format!("{word:?} is not a valid container, cannot be used as a dependency"))?;
        if !required.contains(&id) {
            required.push(id);
        }
    }
    Ok(required)
}

/// The file of `--cidfile`.
enum Cidfile {
    Made(File),
    /// What is left of a container that is gone, as a service finds it that was killed.
    Left,
}

impl Cidfile {
    /// A file that is there is taken over only if it holds nothing, or the identifier of a container that is gone or is to
    /// be replaced: it stays as it is until there is something to write.
    fn reserve(engine: &Engine, path: &Path, replaces: bool) -> Result<Self> {
        /// An identifier and a line's end.
        const LIMIT: u64 = 65;
        match File::options().write(true).create_new(true).open(path) {
            Ok(file) => return Ok(Self::Made(file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot make {} for --cidfile", path.display()));
            }
        }
        let content = file::read_bounded(rustix::fs::CWD, path, LIMIT).unwrap_or_else(|_| b"?".to_vec());
        let text = String::from_utf8_lossy(&content);
        let id = text.trim_end_matches('\n');
        let is_id = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !(id.is_empty() || is_id && (replaces || state::find(&engine.store, id).is_err())) {
            bail!(
                "container ID file found, make sure the other container isn't running or delete {}",
                path.display()
            );
        }
        Ok(Self::Left)
    }

    fn write(self, path: &Path, id: &str) -> io::Result<()> {
        match self {
            Self::Made(mut file) => file.write_all(id.as_bytes()),
            Self::Left => file::replace_by(
                rustix::fs::CWD,
                path,
                id.as_bytes(),
                file::Durability::Transient,
                file::PUBLIC,
            ),
        }
    }
}

/// Removes the container of a name, running or not.
fn replace(engine: &Engine, name: &str) -> Result<()> {
    match state::find(&engine.store, name) {
        Ok(id) => {
            let removal = Removal {
                force: true,
                volumes: false,
                timeout: None,
            };
            engine.remove(&id, removal, &mut || {
                report::say(&format!("waiting for container {name}"))
            })?;
            Ok(())
        }
        Err(EngineError::NoSuchContainer(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A file that an option names, unless it is far too long to be one.
pub fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    const LIMIT: u64 = 16 << 20;
    let mut content = Vec::new();
    File::open(path)?.take(LIMIT + 1).read_to_end(&mut content)?;
    if content.len() as u64 > LIMIT {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("longer than {LIMIT} bytes"),
        ));
    }
    Ok(content)
}

fn random() -> u64 {
    u64::from_ne_bytes(id::random_bytes())
}
