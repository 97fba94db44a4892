//! `volume …`: data that outlives containers.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::Value;

use super::arguments::Flags;
use super::context::Context;
use super::format::{self, ListFormat};
use super::image::until;
use super::output::{print, print_line};
use super::report::{self, Outcome};
use super::values::filter::Filters;
use super::view::moment::{Clock, seconds};
use super::view::volumes::{self as view, DAMAGED};
use crate::base::units::size;
use crate::engine::remove::Removal;
use crate::engine::system::usage;
use crate::engine::volumes::{NewVolume, Users};
use crate::engine::{Engine, EngineError};
use crate::store::events::Event;
use crate::store::volumes::Volume;
use crate::store::{Kind, Store};

/// Manage volumes
#[derive(Args, Debug)]
pub struct VolumeArgs {
    #[command(subcommand)]
    command: VolumeCommand,
}

#[derive(Subcommand, Debug)]
#[command(defer = true)]
enum VolumeCommand {
    Create(Flags<CreateArgs>),
    Exists(Flags<ExistsArgs>),
    Inspect(Flags<InspectArgs>),
    #[command(visible_alias = "list")]
    Ls(Flags<LsArgs>),
    Prune(Flags<PruneArgs>),
    #[command(visible_alias = "remove")]
    Rm(Flags<RmArgs>),
}

/// Make a volume
#[derive(Args, Debug)]
struct CreateArgs {
    /// Driver; there is only local
    #[arg(short, long, value_name = "DRIVER", default_value = "local")]
    driver: String,
    /// Be content if the volume exists already
    #[arg(long)]
    ignore: bool,
    /// Add a label
    #[arg(short, long, value_name = "KEY=VALUE")]
    label: Vec<String>,
    /// Say how the volume is made: o=uid=UID,gid=GID,nocopy
    #[arg(short, long, value_name = "KEY=VALUE")]
    opt: Vec<String>,
    /// Owner of the volume's directory, as containers see it
    #[arg(long, value_name = "ID")]
    uid: Option<u32>,
    /// Group of the volume's directory, as containers see it
    #[arg(long, value_name = "ID")]
    gid: Option<u32>,
    /// Name of the volume; one is made up if none is given
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

/// End with status 0 if a volume exists, and 1 if it does not
#[derive(Args, Debug)]
struct ExistsArgs {
    /// The volume
    #[arg(value_name = "VOLUME")]
    volume: String,
}

/// Print everything about volumes
#[derive(Args, Debug)]
struct InspectArgs {
    /// All volumes
    #[arg(short, long)]
    all: bool,
    /// Print by a Go template
    #[arg(short, long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Volumes
    #[arg(value_name = "VOLUME")]
    volumes: Vec<String>,
}

/// List volumes
#[derive(Args, Debug)]
struct LsArgs {
    /// Only volumes that fit
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Print by a Go template, as "table TEMPLATE", or as "json"
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Print no heading
    #[arg(short, long)]
    noheading: bool,
    /// Print names only
    #[arg(short, long)]
    quiet: bool,
}

/// Remove volumes without containers
///
/// Removes those that were made without a name; with --all, all.
#[derive(Args, Debug)]
struct PruneArgs {
    /// Remove volumes with a name too
    #[arg(short, long)]
    all: bool,
    /// Do not ask
    #[arg(short, long)]
    force: bool,
    /// Only volumes that fit: label, label!, until or all
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Only print what would be removed
    #[arg(long)]
    dry_run: bool,
}

/// Remove volumes
#[derive(Args, Debug)]
struct RmArgs {
    /// All volumes
    #[arg(short, long)]
    all: bool,
    /// Say nothing of volumes that are not there; ask whether to remove the containers of those in use
    #[arg(short, long)]
    force: bool,
    /// With --force: seconds to wait before killing containers
    #[arg(short = 't', long, value_name = "SECONDS")]
    time: Option<u64>,
    /// Volumes
    #[arg(value_name = "VOLUME")]
    volumes: Vec<String>,
}

/// As Podman: 1 if there is no such volume, 2 if it is in use.
const MISSING: u8 = 1;
const IN_USE: u8 = 2;

pub fn run(args: VolumeArgs, context: &Context) -> Outcome {
    match args.command {
        VolumeCommand::Create(args) => create(args.0, context),
        VolumeCommand::Exists(args) => exists(&args.0, context),
        VolumeCommand::Inspect(args) => inspect(&args.0, context),
        VolumeCommand::Ls(args) => ls(&args.0, context),
        VolumeCommand::Prune(args) => prune(&args.0, context),
        VolumeCommand::Rm(args) => rm(&args.0, context),
    }
}

fn create(args: CreateArgs, context: &Context) -> Outcome {
    if args.driver != "local" {
        bail!("there is no volume driver {:?}: only local", args.driver);
    }
    let mut wish = NewVolume {
        name: args.name.clone().filter(|name| !name.is_empty()),
        labels: pairs(&args.label),
        options: pairs(&args.opt),
        ..NewVolume::default()
    };
    options(&mut wish)?;
    wish.uid = args.uid.or(wish.uid);
    wish.gid = args.gid.or(wish.gid);
    let engine = context.act_alone()?;
    match (engine.create_volume(wish)?, args.name) {
        (Some(volume), _) => print_line(&volume.name)?,
        // As Docker, where making it again is no error; Podman asks for --ignore.
        (None, Some(name)) => print_line(&name)?,
        (None, None) => bail!("a new volume's name was taken already"),
    }
    Ok(0)
}

fn pairs(words: &[String]) -> BTreeMap<String, String> {
    let pair = |word: &String| {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        (key.to_owned(), value.to_owned())
    };
    words.iter().map(pair).collect()
}

/// What `--opt` means; what we cannot do is refused.
fn options(wish: &mut NewVolume) -> anyhow::Result<()> {
    for (key, value) in &wish.options {
        match (key.as_str(), value.as_str()) {
            ("type" | "device", "" | "none") | ("copy", _) => {}
            ("nocopy", _) => wish.no_copy = true,
            ("o", words) => {
                for word in words.split(',').filter(|word| !word.is_empty()) {
                    let id = |value: &str| {
                        value
                            .parse()
                            .with_context(|| format!("invalid --opt o={word}: expected a number"))
                    };
                    match word.split_once('=').unwrap_or((word, "")) {
                        ("uid", value) => wish.uid = Some(id(value)?),
                        ("gid", value) => wish.gid = Some(id(value)?),
                        ("nocopy", "") => wish.no_copy = true,
                        ("copy", "") => {}
                        _ => bail!(
                            "--opt o={word} is not supported yet: there are uid=, gid=, copy and nocopy"
                        ),
                    }
                }
            }
            _ => bail!("--opt {key}={value} is not supported yet: a volume is a directory of the store"),
        }
    }
    Ok(())
}

fn exists(args: &ExistsArgs, context: &Context) -> Outcome {
    let found = match context.look_alone()? {
        Some(store) => store.volume(&args.volume)?.is_some(),
        None => false,
    };
    Ok(u8::from(!found))
}

fn missing(name: &str) -> anyhow::Error {
    report::coded(MISSING, format!("no such volume {name}"))
}

fn inspect(args: &InspectArgs, context: &Context) -> Outcome {
    let store = context.look_alone()?;
    let users = store.as_ref().map(Users::of).transpose()?.unwrap_or_default();
    let names = match &store {
        Some(store) if args.all => sorted(store.names(Kind::Volumes)?),
        _ if args.volumes.is_empty() && !args.all => bail!("name a volume, or use --all"),
        _ => args.volumes.clone(),
    };
    let mut documents = Vec::new();
    let code = report::each(&names, |name| {
        // 125, as of any object that `inspect` does not find.
        let missing = || anyhow::anyhow!("no such volume {name}");
        let store = store.as_ref().ok_or_else(missing)?;
        let volume = store.volume(name)?.ok_or_else(missing)?;
        let count = users.of_volume(name).len();
        documents.push(view::document(&volume, &store.volume_data(name), count));
        Ok(())
    })?;
    print(&format::documents(
        "volume inspect",
        args.format.as_deref(),
        &documents,
    )?)?;
    Ok(code)
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

const FILTERS: &[&str] = &[
    "after",
    "anonymous",
    "dangling",
    "driver",
    "label",
    "label!",
    "name",
    "opt",
    "scope",
    "since",
    "until",
];

fn ls(args: &LsArgs, context: &Context) -> Outcome {
    let filters = Filters::parse(&args.filter, FILTERS).context("invalid --filter")?;
    let clock = Clock::new();
    let (mut rows, mut documents) = (Vec::new(), Vec::new());
    if let Some(store) = context.look_alone()? {
        let users = Users::of(&store)?;
        for volume in listed(&store, &users, &filters)? {
            let (data, count) = (
                store.volume_data(&volume.name),
                users.of_volume(&volume.name).len(),
            );
            rows.push(view::row(&volume, &data, count, &clock));
            documents.push(view::document(&volume, &data, count));
        }
    }
    let format = ListFormat {
        format: match (args.quiet, &args.format) {
            (true, None) => Some("{{.Name}}"),
            (_, format) => format.as_deref(),
        },
        no_heading: args.noheading,
    };
    print(&format::list(&view::COLUMNS, format, &rows, || {
        Value::from(documents.clone())
    })?)?;
    Ok(0)
}

/// The volumes that fit, damaged ones last.
fn listed(store: &Store, users: &Users, filters: &Filters) -> anyhow::Result<Vec<Volume>> {
    let (mut volumes, damaged) = store.volumes()?;
    for damage in damaged {
        report::warn(&format!("volume {}: {}", damage.name, damage.reason));
        volumes.push(Volume {
            driver: DAMAGED.into(),
            fresh: false,
            ..Volume::new(&damage.name, false)
        });
    }
    let dangling = filters.truth("dangling").context("invalid --filter")?;
    let anonymous = filters.truth("anonymous").context("invalid --filter")?;
    let until = until(filters)?;
    let since = filters
        .values("since")
        .chain(filters.values("after"))
        .map(|name| Ok(store.volume(name)?.ok_or_else(|| missing(name))?.created))
        .collect::<anyhow::Result<Vec<String>>>()?;
    volumes.retain(|volume| {
        dangling.is_none_or(|wanted| wanted == users.of_volume(&volume.name).is_empty())
            && anonymous.is_none_or(|wanted| wanted == volume.anonymous)
            && filters.any("driver", |driver| volume.driver == driver)
            && filters.any("scope", |scope| scope == "local")
            && filters.matches("name", &volume.name)
            && filters.any("opt", |option| volume.options.contains_key(option))
            && filters.labels(|key| volume.labels.get(key).map(String::as_str))
            && until.iter().all(|limit| seconds(&volume.created) < *limit)
            && since.iter().all(|limit| volume.created > *limit)
    });
    Ok(volumes)
}

fn rm(args: &RmArgs, context: &Context) -> Outcome {
    let engine = context.act_alone()?;
    let names = if args.all {
        sorted(engine.store.names(Kind::Volumes)?)
    } else if args.volumes.is_empty() {
        bail!("name a volume, or use --all");
    } else {
        args.volumes.clone()
    };
    report::each(&names, |name| match remove(&engine, name, args) {
        Ok(true) => Ok(print_line(name)?),
        Ok(false) if args.force => Ok(()),
        Ok(false) => Err(report::coded(
            MISSING,
            format!("no volume with name {name:?} found: no such volume"),
        )),
        Err(error) => Err(error),
    })
}

fn remove(engine: &Engine, name: &str, args: &RmArgs) -> anyhow::Result<bool> {
    let mut waiting = || report::say(&format!("waiting for another command that uses volume {name}"));
    let error = match engine.remove_volume(name, &mut waiting) {
        Err(error @ EngineError::VolumeInUse { .. }) => error,
        result => return Ok(result?),
    };
    // Podman removes the containers at once; scripts written for Docker do not expect that, so a person is asked, but where
    // --time is given, which Docker does not have.
    let question = format!("{error}. Remove these containers, too?");
    if !args.force || args.time.is_none() && !report::confirm(&question).unwrap_or(false) {
        return Err(report::coded(IN_USE, error));
    }
    for (id, _) in Users::of(&engine.store)?.of_volume(name) {
        let removal = Removal {
            force: true,
            volumes: true,
            timeout: args.time,
        };
        engine.remove(id, removal, &mut || ())?;
    }
    // An anonymous one went with its container.
    engine.remove_volume(name, &mut waiting)?;
    Ok(true)
}

fn prune(args: &PruneArgs, context: &Context) -> Outcome {
    let mut filters = Filters::parse(&args.filter, &["all", "label", "label!", "until"]);
    let filters = filters
        .as_mut()
        .map_err(|error| anyhow::anyhow!("invalid --filter: {error}"))?;
    let all = args.all || filters.truth("all").context("invalid --filter")? == Some(true);
    let engine = context.act_alone()?;
    if args.dry_run {
        for volume in prunable(&engine, all, filters)? {
            print_line(&volume.name)?;
        }
        return Ok(0);
    }
    let which = if all {
        "all volumes"
    } else {
        "all anonymous volumes"
    };
    if !args.force && !report::confirm(&format!("This removes {which} without containers. Go on?"))? {
        return Ok(0);
    }
    let (removed, bytes) = prune_volumes(&engine, all, filters)?;
    if !removed.is_empty() {
        print(&format!("Deleted Volumes:\n{}\n\n", removed.join("\n")))?;
    }
    print(&format!("Total reclaimed space: {}\n", size(bytes)))?;
    Ok(0)
}

/// The unused volumes that fit.
pub fn prunable(engine: &Engine, all: bool, filters: &Filters) -> anyhow::Result<Vec<Volume>> {
    let until = until(filters)?;
    Ok(engine.prunable_volumes(all, &mut |volume| {
        filters.labels(|key| volume.labels.get(key).map(String::as_str))
            && until.iter().all(|limit| seconds(&volume.created) < *limit)
    })?)
}

/// Removes unused volumes; gives their names and the bytes they took. One that is used meanwhile stays.
pub fn prune_volumes(engine: &Engine, all: bool, filters: &Filters) -> anyhow::Result<(Vec<String>, u64)> {
    let (mut removed, mut bytes) = (Vec::new(), 0);
    for volume in prunable(engine, all, filters)? {
        let taken = usage::measure(&engine.store.path_of(Kind::Volumes, &volume.name));
        match engine.remove_volume(&volume.name, &mut || ()) {
            Ok(true) => {
                removed.push(volume.name);
                bytes += taken;
            }
            Ok(false) | Err(EngineError::VolumeInUse { .. }) => {}
            Err(error) => report::complain(&error.to_string()),
        }
    }
    engine.store.tell([Event::prune("volume", bytes)]);
    Ok((removed, bytes))
}
