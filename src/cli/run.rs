//! `run` and `create`: make a container, and start it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::context::{Context, adopt, unpack_options, variable};
use super::engines::{self, Asked};
use super::foreground::{Foreground, Streams};
use super::options::{Boolean, Connection, ContainerOptions, Process};
use super::output::print;
use super::progress::Progress;
use super::pull::load_and_tell;
use super::registry::{Candidate, Remote, find_first, pull_first};
use super::report::{self, Outcome};
use super::resolve::{Inputs, Resolved, resolve};
use super::values::names;
use crate::base::id;
use crate::engine::create::{Born, Naming};
use crate::engine::protocol::Wishes;
use crate::engine::remove::Removal;
use crate::engine::{Engine, EngineError, relay, state};
use crate::image::find::{FindError, Found, find, find_any, find_own};
use crate::image::lists::{self, Chosen};
use crate::image::publish::Published;
use crate::image::reference::Reference;
use crate::image::transport::{self, Archive, Transport};
use crate::image::{embedded, platform, share};
use crate::oci::config::ContainerConfig;
use crate::oci::image::Platform;
use crate::store::Store;
use crate::store::container::{Container, Root, VERSION};

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
    let (mut engine, looked) = open(options, &args.image, context)?;
    engine.guards = is_guarded;
    let made = make(
        &engine,
        options,
        &args.image,
        looked,
        context,
        Use::Start { rmi: args.rmi },
    )?;
    let wishes = foreground
        .as_ref()
        .map_or_else(Wishes::default, |_| streams.wishes(true));
    let started = engine.launch(&made.id, &made.log, wishes)?;
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
    let (engine, looked) = open(&args.options, &args.image, context)?;
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
    let (root, image) = root(engine, options, first, looked)?;
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
    container.config.is_named_host = context.settings()?.containers.container_name_as_hostname;
    container.config.remove_image = purpose == Use::Start { rmi: true };
    let cidfile = reserve_cidfile(&container)?;
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
    if let Some(mut file) = cidfile {
        file.write_all(born.id.as_bytes())
            .context("cannot write --cidfile")?;
    }
    Ok(born)
}

/// The file of `--cidfile`, which must not exist yet: it would be another container's.
fn reserve_cidfile(container: &Container) -> Result<Option<File>> {
    let Some(path) = &container.config.cidfile else {
        return Ok(None);
    };
    let path = path.as_path();
    let file = File::options().write(true).create_new(true).open(path);
    file.map(Some)
        .with_context(|| format!("cannot make {} for --cidfile", path.display()))
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

/// Where the root file system comes from, and what its image says.
fn root(
    engine: &Engine,
    options: &ContainerOptions,
    first: &OsStr,
    looked: Option<Looked>,
) -> Result<(Root, ContainerConfig)> {
    if options.image.rootfs {
        return Ok((root_directory(first)?, ContainerConfig::default()));
    }
    let wanted = options.image.platform.wanted()?;
    let looked = match looked {
        Some(looked) => looked,
        None => look(Some(&engine.store), options, first)?,
    };
    let mut found = provide(engine, options, looked, &wanted)?;
    found.image = adopt(engine, found.image)?;
    let name = first.to_string_lossy();
    let have = found.image.platform();
    if !platform::satisfies(&have, &wanted) {
        bail!(
            "image {name} is for {}, and {} is wanted: load it for that platform",
            platform::display(&have),
            platform::display(&wanted)
        );
    }
    let root = Root::Image {
        id: found.image.id.hex(),
        name: found
            .name
            .map_or_else(|| name.into_owned(), |name| name.to_string()),
        digest: found
            .image
            .manifests
            .first()
            .map(|manifest| manifest.digest.to_string()),
        lowers: found.image.lowers(),
        data: found.image.data(),
    };
    Ok((root, found.image.config))
}

/// What was found out about the image that is wanted.
enum Looked {
    Here(Found),
    /// It is the one that we carry.
    Hello,
    Load(Archive),
    /// Another engine was asked for it.
    Asked(Asked),
    Fetch {
        written: Reference,
        candidates: Vec<Candidate>,
        /// What serves if no registry can be asked.
        old: Option<Found>,
    },
}

/// The engine, and what is known of the image. Stores of others are opened only where our own does not have it.
///
/// An ordinary user looks for it before entering its user namespace: helper programs for credentials would not know their
/// user in there. The superuser enters none, and looks when the store is open anyway.
fn open(
    options: &ContainerOptions,
    words: &[OsString],
    context: &Context,
) -> Result<(Engine, Option<Looked>)> {
    if options.image.rootfs {
        return Ok((context.act_alone()?, None));
    }
    let first = words.first().context("name an image")?;
    if rustix::process::geteuid().is_root() {
        let mut engine = context.act_alone()?;
        let looked = look_at_own(&engine.store, options, first)?;
        if looked.is_none() {
            context.add_shared(&mut engine.store)?;
        }
        return Ok((engine, looked));
    }
    if let Some(store) = context.look_alone()?
        && let Some(looked) = look_at_own(&store, options, first)?
    {
        return Ok((context.act_alone()?, Some(looked)));
    }
    let looked = look(context.look()?.as_ref(), options, first)?;
    Ok((context.act()?, Some(looked)))
}

/// The image, where it is here under that name and nothing else can be meant.
fn look_at_own(store: &Store, options: &ContainerOptions, word: &OsStr) -> Result<Option<Looked>> {
    let policy = policy(options)?;
    let Transport::Name(name) = transport::parse(word)? else {
        return Ok(None);
    };
    let Some(found) = name.to_str().and_then(|name| find_own(store, name)) else {
        return Ok(None);
    };
    let asked = options.image.platform.asked()?;
    let fits = asked.is_none_or(|wanted| platform::satisfies(&found.image.platform(), &wanted));
    let serves = policy == Policy::Never || policy == Policy::Missing && fits;
    let is_whole = found.image.list.is_none() && share::is_usable(&found.image);
    Ok((serves && is_whole).then_some(Looked::Here(found)))
}

fn policy(options: &ContainerOptions) -> Result<Policy> {
    Ok(match options.image.pull.as_deref() {
        None | Some("" | "missing" | "ifnotpresent" | "false") => Policy::Missing,
        Some("always" | "true") => Policy::Always,
        Some("newer" | "ifnewer") => Policy::Newer,
        Some("never") => Policy::Never,
        Some(other) => bail!("invalid --pull {other:?}: there are always, missing, never and newer"),
    })
}

fn look(store: Option<&Store>, options: &ContainerOptions, word: &OsStr) -> Result<Looked> {
    let policy = policy(options)?;
    let name = match transport::parse(word)? {
        Transport::Archive(archive) => return Ok(Looked::Load(archive)),
        Transport::Engine(which, name) => return Ok(Looked::Asked(engines::ask(which, name)?)),
        Transport::Name(name) => name
            .to_str()
            .with_context(|| format!("{name:?} is not the name of an image"))?,
    };
    let missing = || FindError::Missing(name.to_owned());
    let mut is_other = false;
    let found = match store.map_or_else(|| Err(missing()), |store| find_any(store, name)) {
        Ok(found) if found.image.list.is_some() => return look_in_list(store, options, name, found, policy),
        Ok(found) => {
            // Of another platform than the one that is asked for, it is not the image that is meant.
            let asked = options.image.platform.asked()?;
            let fits = asked.is_none_or(|wanted| platform::satisfies(&found.image.platform(), &wanted));
            if policy == Policy::Never || (policy == Policy::Missing && fits) {
                return Ok(Looked::Here(found));
            }
            is_other = !fits;
            Some(found)
        }
        Err(FindError::Missing(_)) if embedded::is_hello(name) => return Ok(Looked::Hello),
        Err(error @ FindError::Missing(_)) if policy == Policy::Never => return Err(error.into()),
        Err(FindError::Missing(_)) => None,
        Err(error) => return Err(error.into()),
    };
    // An image of ours alone is found by a short name, and no registry is to be asked for it.
    let written = match found.as_ref().and_then(|found| found.name.clone()) {
        Some(name) => name,
        None => name.parse::<Reference>().map_err(|_| missing())?.or_latest(),
    };
    let remote = Remote::new(&options.image.transfer)?;
    // What a short name stands for by the configuration may be here.
    if let (Some(store), true, None) = (store, policy == Policy::Missing, &found)
        && let Some(found) = find_first(store, remote.names(&written)?.iter())?
    {
        return Ok(Looked::Here(found));
    }
    if (found.is_none() || is_other) && !options.identity.quiet {
        let platform = match is_other {
            true => format!(" for {}", platform::display(&options.image.platform.wanted()?)),
            false => String::new(),
        };
        report::say(&format!(
            "Unable to find image '{}'{platform} locally",
            written.familiar()
        ));
    }
    Ok(Looked::Fetch {
        candidates: remote.candidates(&written)?,
        written,
        old: found.filter(|_| policy == Policy::Newer && !is_other),
    })
}

/// The member of a list for the platform that is wanted.
fn look_in_list(
    store: Option<&Store>,
    options: &ContainerOptions,
    name: &str,
    list: Found,
    policy: Policy,
) -> Result<Looked> {
    let wanted = options.image.platform.wanted()?;
    let store = store.context("a list is in a store")?;
    let written = match lists::choose(store, &list.image, &wanted)? {
        Some(Chosen::Here(image)) => {
            let name = list.name;
            return Ok(Looked::Here(Found { image: *image, name }));
        }
        Some(Chosen::At(written)) if policy != Policy::Never => written,
        _ => {
            let (list, platform) = (name.to_owned(), platform::display(&wanted));
            return Err(FindError::NoMember { list, platform }.into());
        }
    };
    Ok(Looked::Fetch {
        candidates: Remote::new(&options.image.transfer)?.candidates(&written)?,
        written,
        old: None,
    })
}

/// The image, from a registry if it has to be.
fn provide(engine: &Engine, options: &ContainerOptions, looked: Looked, wanted: &Platform) -> Result<Found> {
    let quiet = options.identity.quiet;
    let policy = options.image.transfer.signature_policy.as_deref();
    let (written, candidates, old) = match looked {
        Looked::Here(found) => return Ok(found),
        Looked::Hello => {
            let program = Path::new("/proc/self/exe");
            embedded::hello(&engine.store, program, &unpack_options(engine))?;
            return Ok(find(&engine.store, embedded::HELLO)?);
        }
        Looked::Load(archive) => {
            let asked = options.image.platform.asked()?;
            return loaded(engine, load_and_tell(engine, archive, asked, policy, quiet)?);
        }
        Looked::Asked(other) => {
            let asked = options.image.platform.asked()?;
            return loaded(engine, other.load(engine, asked, policy, quiet)?);
        }
        Looked::Fetch {
            written,
            candidates,
            old,
        } => (written, candidates, old),
    };
    let unpack = unpack_options(engine);
    let pulled = pull_first(
        &engine.store,
        &unpack,
        &candidates,
        &written,
        wanted,
        Progress::Auto,
        quiet,
    );
    match (pulled, old) {
        (Ok((name, _)), _) => Ok(find(&engine.store, &name.to_string())?),
        // What is here serves, where only a newer one was asked for.
        (Err(error), Some(old)) => {
            report::warn(&report::sentence(&error));
            Ok(old)
        }
        (Err(error), None) => Err(error),
    }
}

/// The image that was loaded, by the last of its names.
fn loaded(engine: &Engine, mut published: Published) -> Result<Found> {
    let mut found = find(&engine.store, &published.id.to_string())?;
    found.name = published.names.pop().map(|named| named.reference);
    Ok(found)
}

/// When a registry is asked for an image.
#[derive(Clone, Copy, PartialEq)]
enum Policy {
    Always,
    Missing,
    Newer,
    Never,
}

/// `DIR`, or `DIR:O`, which keeps changes apart.
fn root_directory(word: &OsStr) -> Result<Root> {
    let bytes = word.as_bytes();
    let (path, overlay) = match bytes.strip_suffix(b":O") {
        Some(path) => (OsStr::from_bytes(path), true),
        None => (word, false),
    };
    let path =
        std::fs::canonicalize(path).with_context(|| format!("cannot use {path:?} as a root file system"))?;
    if !path.is_dir() {
        bail!("cannot use {path:?} as a root file system: it is not a directory");
    }
    Ok(Root::Directory {
        path: path.as_path().into(),
        overlay,
    })
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
