//! `image …`: the commands for images under their long names, and those that have only a long name.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::arguments::Flags;
use super::context::Context;
use super::options::Expected;
use super::output::print;
use super::report::{self, Outcome};
use super::values::filter::Filters;
use super::values::time;
use super::view::moment::seconds;
use super::{
    diff, format, history, images, import, load, mount, pull, push, referrers, rmi, save, search, tag, tree,
    trust, untag,
};
use crate::base::time::NEVER;
use crate::base::units::size;
use crate::image::find::{FindError, find_any, find_on};
use crate::image::list::Listed;
use crate::image::reference::Reference;
use crate::image::{inspect, remove};
use crate::oci::image::Platform;
use crate::store::Store;

/// Manage images
#[derive(Args, Debug)]
pub struct ImageArgs {
    #[command(subcommand)]
    command: ImageCommand,
}

#[derive(Subcommand, Debug)]
#[command(defer = true)]
enum ImageCommand {
    Diff(Flags<diff::ImageDiffArgs>),
    Exists(Flags<ExistsArgs>),
    History(Flags<history::HistoryArgs>),
    Import(Flags<import::ImportArgs>),
    Inspect(Flags<InspectArgs>),
    Load(Flags<load::LoadArgs>),
    #[command(visible_alias = "list")]
    Ls(Flags<images::ImagesArgs>),
    Mount(Flags<mount::MountArgs>),
    Prune(Flags<PruneArgs>),
    Pull(Flags<pull::PullArgs>),
    Push(Flags<push::PushArgs>),
    Referrers(Flags<referrers::ReferrersArgs>),
    #[command(visible_alias = "remove")]
    Rm(Flags<rmi::RmiArgs>),
    Save(Flags<save::SaveArgs>),
    Search(Flags<search::SearchArgs>),
    Tag(Flags<tag::TagArgs>),
    Tree(Flags<tree::TreeArgs>),
    Trust(trust::TrustArgs),
    #[command(visible_alias = "umount")]
    Unmount(Flags<mount::UnmountArgs>),
    Untag(Flags<untag::UntagArgs>),
}

/// End with status 0 if an image exists, and 1 if it does not
#[derive(Args, Debug)]
pub struct ExistsArgs {
    /// The image
    #[arg(value_name = "IMAGE")]
    image: String,
}

/// Print everything about images
#[derive(Args, Debug)]
pub struct InspectArgs {
    /// Print by a Go template
    #[arg(short, long, value_name = "TEMPLATE")]
    format: Option<String>,
    #[command(flatten)]
    expected: Expected,
    /// Images
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
}

/// Remove images that have no name
#[derive(Args, Debug)]
pub struct PruneArgs {
    /// Remove all images without containers, named or not
    #[arg(short, long)]
    all: bool,
    /// Do not ask
    #[arg(short, long)]
    force: bool,
    /// Only images that fit: label, label! or until
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Only print what would be removed
    #[arg(long)]
    dry_run: bool,
}

pub fn run(args: ImageArgs, context: &Context) -> Outcome {
    use ImageCommand as I;
    match args.command {
        I::Diff(args) => diff::images(args.0, context),
        I::Exists(args) => exists(args.0, context),
        I::History(args) => history::run(args.0, context),
        I::Import(args) => import::run(args.0, context),
        I::Inspect(args) => inspect(args.0, context),
        I::Load(args) => load::run(args.0, context),
        I::Ls(args) => images::run(args.0, context),
        I::Mount(args) => mount::mount(args.0, context),
        I::Prune(args) => prune(args.0, context),
        I::Pull(args) => pull::run(args.0, context),
        I::Push(args) => push::run(args.0, context),
        I::Referrers(args) => referrers::run(&args.0, context),
        I::Rm(args) => rmi::run(args.0, context),
        I::Save(args) => save::run(args.0, context),
        I::Search(args) => search::run(args.0, context),
        I::Tag(args) => tag::run(args.0, context),
        I::Tree(args) => tree::run(args.0, context),
        I::Trust(args) => trust::run(args),
        I::Unmount(args) => mount::unmount(args.0, context),
        I::Untag(args) => untag::run(args.0, context),
    }
}

fn exists(args: ExistsArgs, context: &Context) -> Outcome {
    let Some(store) = context.look()? else {
        return Ok(1);
    };
    match find_any(&store, &args.image) {
        Ok(_) => Ok(0),
        Err(FindError::Missing(_)) => Ok(1),
        Err(error) => Err(error.into()),
    }
}

fn inspect(args: InspectArgs, context: &Context) -> Outcome {
    let store = context.look()?;
    let wanted = args.expected.wanted()?;
    let (mut documents, mut failures) = (Vec::new(), Vec::new());
    for name in &args.images {
        match document(store.as_ref(), name, wanted.as_ref()) {
            Ok(document) => documents.push(document),
            Err(error) => failures.push(Err(error)),
        }
    }
    if args.format.is_some() {
        documents.iter_mut().for_each(super::inspect::add_bare_id);
    }
    print(&format::documents("inspect", args.format.as_deref(), &documents)?)?;
    report::conclude(failures.into_iter())
}

/// Everything about one image, which has to be for a platform if one is given.
pub fn document(store: Option<&Store>, name: &str, wanted: Option<&Platform>) -> anyhow::Result<Value> {
    let store = store.ok_or_else(|| FindError::Missing(name.to_owned()))?;
    let found = find_on(store, name, wanted)?;
    let inspected = inspect::inspect(store, &found.image, &Reference::to_string)?;
    Ok(serde_json::to_value(inspected)?)
}

fn prune(args: PruneArgs, context: &Context) -> Outcome {
    let filters = Filters::parse(&args.filter, &["label", "label!", "until"]).context("invalid --filter")?;
    let until = until(&filters)?;
    let mut fits = |listed: &Listed| {
        let made = seconds(listed.image.created.as_deref().unwrap_or(NEVER));
        filters.labels(|key| listed.image.config.labels.get(key).map(String::as_str))
            && until.iter().all(|limit| made < *limit)
    };
    let engine = context.act()?;
    if args.dry_run {
        for listed in remove::prunable(&engine.store, args.all, &mut fits)? {
            print(&format!("{}\n", listed.image.id))?;
        }
        return Ok(0);
    }
    let which = if args.all {
        "all images without containers"
    } else {
        "all images without a name"
    };
    if !args.force && !report::confirm(&format!("This removes {which}. Go on?"))? {
        return Ok(0);
    }
    let pruned = remove::prune(&engine.store, args.all, &mut fits)?;
    for removal in &pruned.removed {
        print(&rmi::tell(removal))?;
    }
    print(&format!("Total reclaimed space: {}\n", size(pruned.reclaimed)))?;
    Ok(0)
}

/// The times before which things must have been made, in seconds since 1970.
pub fn until(filters: &Filters) -> anyhow::Result<Vec<i64>> {
    let moment = |value: &str| {
        let moment = time::moment(value, SystemTime::now());
        let moment = moment.with_context(|| format!("invalid --filter until={value}"))?;
        Ok(moment
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs() as i64))
    };
    filters.values("until").map(moment).collect()
}
