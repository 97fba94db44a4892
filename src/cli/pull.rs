//! `pull`: fetch images from registries, and from archives by their transports.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use anyhow::{Context as _, bail};
use clap::Args;

use super::configuration;
use super::context::{Context, unpack_options};
use super::engines::{self, Asked};
use super::options::PlatformOptions;
use super::output::print;
use super::progress::Progress;
use super::registry::{Candidate, Remote, TransferOptions, find_first, first_of, pull_first, record_pull};
use super::report::{self, Outcome};
use crate::engine::Engine;
use crate::image::archive::load::{Input, LoadOptions, load};
use crate::image::archive::plan::Choice;
use crate::image::find::FindError;
use crate::image::layer::UnpackOptions;
use crate::image::publish::Published;
use crate::image::reference::Reference;
use crate::image::transport::{self, Archive, Transport};
use crate::oci::image::Platform;
use crate::store::Store;

/// Most tags that --all-tags takes.
const TAGS: usize = 10_000;

/// Fetch images from registries and archives
#[derive(Args, Debug)]
pub struct PullArgs {
    /// Every tag of the repository
    #[arg(short, long)]
    all_tags: bool,
    /// When to fetch an image that is here: always, missing, newer or never
    #[arg(
        long,
        value_name = "POLICY",
        default_value = "always",
        hide_default_value = true
    )]
    policy: String,
    /// How progress is shown: auto, plain, tty, json or none
    #[arg(
        long,
        value_name = "KIND",
        value_enum,
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true
    )]
    progress: Progress,
    /// Print no progress
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    platform: PlatformOptions,
    #[command(flatten)]
    transfer: TransferOptions,
    /// Images
    #[arg(required = true, value_name = "[TRANSPORT:]NAME[:TAG|@DIGEST]")]
    images: Vec<OsString>,
}

pub fn run(mut args: PullArgs, context: &Context) -> Outcome {
    context.settings()?.fill_transfer(&mut args.transfer);
    if !matches!(
        args.policy.as_str(),
        "always" | "missing" | "ifnotpresent" | "newer" | "never"
    ) {
        bail!(
            "invalid --policy {:?}: there are always, missing, never and newer",
            args.policy
        );
    }
    let remote = Remote::new(&args.transfer)?;
    // Credentials are looked up and other engines asked before the user namespace is entered, once for all.
    let found: Vec<_> = args
        .images
        .iter()
        .map(|image| find(&args, &remote, image))
        .collect();
    let engine = context.act()?;
    report::conclude(
        found
            .into_iter()
            .map(|found| pull(&args, &remote, found?, &engine)),
    )
}

/// Where an image comes from.
enum Place {
    Engine(Asked),
    Archive(Archive),
    Registry {
        /// As it was typed.
        text: String,
        reference: Reference,
        candidates: Vec<Candidate>,
        /// All of its repository, where those are wanted.
        tags: Option<Vec<String>>,
    },
}

fn find(args: &PullArgs, remote: &Remote<'_>, image: &OsStr) -> anyhow::Result<Place> {
    let name = match transport::parse(image)? {
        Transport::Name(name) => name,
        Transport::Archive(_) | Transport::Engine(..) if args.all_tags => {
            bail!("{}: --all-tags is for registries", image.display())
        }
        Transport::Archive(archive) => return Ok(Place::Archive(archive)),
        Transport::Engine(which, name) => return Ok(Place::Engine(engines::ask(which, name)?)),
    };
    let text = name
        .to_str()
        .with_context(|| format!("{name:?} is not the name of an image"))?;
    let reference: Reference = text.parse()?;
    if !args.all_tags {
        return Ok(Place::Registry {
            candidates: remote.candidates(&reference.clone().or_latest())?,
            text: text.to_owned(),
            reference,
            tags: None,
        });
    }
    if reference.tag().is_some() || reference.digest().is_some() {
        bail!("{text}: --all-tags takes a name without tag and digest");
    }
    let mut candidates = remote.candidates(&reference)?;
    let (name, tags) = first_of(&candidates, |candidate| {
        let own = candidate.own()?;
        Ok((candidate.reference.clone(), own.client.tags(TAGS)?))
    })?;
    candidates.retain(|candidate| candidate.reference == name);
    Ok(Place::Registry {
        text: text.to_owned(),
        reference,
        candidates,
        tags: Some(tags),
    })
}

fn pull(args: &PullArgs, remote: &Remote<'_>, place: Place, engine: &Engine) -> anyhow::Result<()> {
    let (platform, policy) = (args.platform.asked()?, args.transfer.signature_policy.as_deref());
    let is_quiet = args.quiet || args.progress == Progress::None;
    let published = match place {
        Place::Engine(asked) => asked.load(engine, platform, policy, is_quiet)?,
        Place::Archive(archive) => load_and_tell(engine, archive, platform, policy, is_quiet)?,
        Place::Registry {
            text,
            reference,
            mut candidates,
            tags,
        } => {
            let platform = args.platform.wanted()?;
            // Tried out on the kernel, so once for all tags.
            let unpack = unpack_options(engine);
            let take = |candidates: &[Candidate]| {
                let written = (text.as_str(), &reference);
                take(args, candidates, written, &platform, &engine.store, &unpack)
            };
            let Some(tags) = tags else {
                return take(&candidates);
            };
            for tag in &tags {
                for candidate in &mut candidates {
                    candidate.retag(tag, remote)?;
                }
                take(&candidates)?;
            }
            return Ok(());
        }
    };
    Ok(print(&format!("{}\n", published.id.hex()))?)
}

/// Pulls the first of the candidates that there is, if it has to be.
fn take(
    args: &PullArgs,
    candidates: &[Candidate],
    (text, written): (&str, &Reference),
    platform: &Platform,
    store: &Store,
    unpack: &UnpackOptions,
) -> anyhow::Result<()> {
    if matches!(args.policy.as_str(), "missing" | "ifnotpresent" | "never") {
        let names = candidates.iter().map(|candidate| &candidate.reference);
        match find_first(store, names)? {
            Some(found) => {
                print(&format!("{}\n", found.image.id.hex()))?;
                return Ok(());
            }
            None if args.policy == "never" => {
                return Err(FindError::Missing(text.to_owned()).into());
            }
            None => {}
        }
    }
    let (_, pulled) = pull_first(
        store,
        unpack,
        candidates,
        written,
        platform,
        args.progress,
        args.quiet,
    )?;
    print(&format!("{}\n", pulled.id.hex()))?;
    Ok(())
}

/// Loads the image of an archive, and tells on standard error what it is called now.
pub fn load_and_tell(
    engine: &Engine,
    archive: Archive,
    platform: Option<Platform>,
    policy: Option<&Path>,
    quiet: bool,
) -> anyhow::Result<Published> {
    let written = archive.to_string();
    let choice = Choice {
        platform,
        format: Some(archive.format),
        which: archive.which,
    };
    let options = load_options(engine, choice, policy)?;
    let published = load(&engine.store, Input::Path(&archive.path), &options)
        .with_context(|| archive.path.display().to_string())
        .and_then(|published| tell_loaded(published, quiet));
    record_pull(&engine.store, &written, published.as_ref().map(|image| image.id));
    published
}

/// How an image that is chosen so is loaded.
pub fn load_options(engine: &Engine, choice: Choice, policy: Option<&Path>) -> anyhow::Result<LoadOptions> {
    Ok(LoadOptions {
        choice,
        unpack: unpack_options(engine),
        policy: configuration::policy(policy)?,
    })
}

/// Tells what the image of an archive is called now.
pub fn tell_loaded(published: Vec<Published>, quiet: bool) -> anyhow::Result<Published> {
    // The images are one under several names.
    let mut images = published.into_iter();
    let mut image = images.next().context("no image was published")?;
    image.names.extend(images.flat_map(|other| other.names));
    for named in &image.names {
        if let Some(replaced) = named.replaced {
            report::warn(&format!("{} named image {replaced} before", named.reference));
        }
        if !quiet {
            report::say(&format!("Loaded image: {}", named.reference));
        }
    }
    Ok(image)
}
