//! Where the root file system of a new container comes from: an image that is here, or is fetched, or a directory.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::context::{Context, adopt, unpack_options};
use super::engines::{self, Asked};
use super::options::ContainerOptions;
use super::progress::Progress;
use super::pull::load_and_tell;
use super::registry::{Candidate, Remote, find_first, pull_first};
use super::report;
use crate::base::timing;
use crate::engine::Engine;
use crate::image::find::{FindError, Found, find, find_any, find_own};
use crate::image::lists::{self, Chosen};
use crate::image::publish::Published;
use crate::image::reference::Reference;
use crate::image::transport::{self, Archive, Transport};
use crate::image::{embedded, platform, share};
use crate::oci::config::ContainerConfig;
use crate::oci::image::Platform;
use crate::store::Store;
use crate::store::container::Root;

/// Where the root file system comes from, and what its image says.
pub fn root(
    engine: &Engine,
    options: &ContainerOptions,
    first: &OsStr,
    looked: Option<Looked>,
) -> Result<(Root, ContainerConfig)> {
    if options.image.rootfs {
        return Ok((root_directory(first)?, ContainerConfig::default()));
    }
    timing::phase("image");
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
pub enum Looked {
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
pub fn open(
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
    timing::phase("image");
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
    timing::phase("image");
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
        None => name.parse::<Reference>().map_err(|_| missing())?,
    };
    let full = written.clone().or_latest();
    let remote = Remote::new(&options.image.transfer)?;
    // What a short name stands for by the configuration may be here.
    if let (Some(store), true, None) = (store, policy == Policy::Missing, &found)
        && let Some(found) = find_first(store, remote.names(&full)?.iter())?
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
            full.familiar()
        ));
    }
    Ok(Looked::Fetch {
        candidates: remote.candidates(&full)?,
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
            timing::phase("load");
            let asked = options.image.platform.asked()?;
            return loaded(engine, load_and_tell(engine, archive, asked, policy, quiet)?);
        }
        Looked::Asked(other) => {
            timing::phase("load");
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
