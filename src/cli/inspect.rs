//! `inspect`: everything about containers, images and volumes.

use anyhow::bail;
use clap::Args;
use serde_json::Value;

use super::context::Context;
use super::format;
use super::image;
use super::options::Expected;
use super::output::print;
use super::report::{self, Outcome};
use super::select::one;
use super::view::container::{Inspected, document};
use super::view::containers::Listed;
use super::view::volumes;
use crate::engine::spec::capability_set;
use crate::engine::state::{self, Found};
use crate::engine::volumes::Users;
use crate::engine::{Engine, EngineError};
use crate::image::find::FindError;
use crate::oci::image::Platform;
use crate::store::{Kind, Store};

/// Print everything about containers, images or volumes
#[derive(Args, Debug)]
pub struct InspectArgs {
    /// Print by a Go template
    #[arg(short, long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Add the sizes of a container's files
    #[arg(short, long)]
    size: bool,
    /// What the names mean: container, image, volume or all
    #[arg(short = 't', long = "type", value_name = "KIND", default_value = "all")]
    kind: String,
    #[command(flatten)]
    expected: Expected,
    /// The container made last
    #[arg(short, long)]
    latest: bool,
    /// Containers, images or volumes
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

/// `container inspect`: where nothing else is asked for, names mean containers.
pub fn containers(mut args: InspectArgs, context: &Context) -> Outcome {
    if args.kind == "all" {
        args.kind = "container".into();
    }
    run(args, context)
}

pub fn run(args: InspectArgs, context: &Context) -> Outcome {
    if !matches!(args.kind.as_str(), "all" | "container" | "image" | "volume") {
        bail!(
            "--type={} is not supported yet: there are container, image, volume and all",
            args.kind
        );
    }
    // Sizes are looked at as superuser of the user's ids.
    let engine = if args.size { Some(context.act()?) } else { None };
    let looked = if engine.is_none() { context.look()? } else { None };
    let store = engine.as_ref().map(|engine| &engine.store).or(looked.as_ref());
    let mut names = args.names.clone();
    if args.latest {
        match store {
            Some(store) => names.push(one(store, None, true)?),
            None => bail!("there is no container"),
        }
    }
    if names.is_empty() {
        bail!("name a container, an image or a volume");
    }
    let wanted = Wanted {
        kind: &args.kind,
        platform: args.expected.wanted()?,
    };
    let (mut documents, mut failures) = (Vec::new(), Vec::new());
    for name in &names {
        match object(store, engine.as_ref(), &wanted, name) {
            Ok(document) => documents.push(document),
            Err(error) => failures.push(Err(error)),
        }
    }
    if args.format.is_some() {
        documents.iter_mut().for_each(add_bare_id);
    }
    print(&format::documents("inspect", args.format.as_deref(), &documents)?)?;
    report::conclude(failures.into_iter())
}

/// Templates know an image's identifier as Docker writes it, `.Id`, and as Podman does, `.ID`: without the name of the
/// algorithm.
pub fn add_bare_id(document: &mut Value) {
    let id = document.get("Id").and_then(Value::as_str);
    if let Some(bare) = id.and_then(|id| id.strip_prefix("sha256:")).map(str::to_owned) {
        document["ID"] = bare.into();
    }
}

/// What names may mean.
struct Wanted<'a> {
    kind: &'a str,
    /// What images have to be for.
    platform: Option<Platform>,
}

/// What a name means: a container, else an image, else a volume.
fn object(
    store: Option<&Store>,
    engine: Option<&Engine>,
    wanted: &Wanted<'_>,
    name: &str,
) -> anyhow::Result<Value> {
    let kind = wanted.kind;
    let is_wanted = |wanted: &str| kind == wanted || kind == "all";
    if let Some(store) = store.filter(|_| is_wanted("container")) {
        match state::find(store, name) {
            Ok(id) => {
                if let Some(found) = state::look(store, &id)? {
                    let sizes = engine.map(|engine| engine.sizes(&found)).transpose()?;
                    return container(store, &found, sizes);
                }
            }
            Err(EngineError::NoSuchContainer(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if is_wanted("image") {
        match image::document(store, name, wanted.platform.as_ref()) {
            Err(error) if matches!(error.downcast_ref(), Some(FindError::Missing(_))) => {}
            result => return result,
        }
    }
    if let Some(store) = store.filter(|_| is_wanted("volume"))
        && let Some(volume) = store.volume(name)?
    {
        let users = Users::of(store)?;
        return Ok(volumes::document(
            &volume,
            &store.volume_data(name),
            users.of_volume(name).len(),
        ));
    }
    // In Podman's words, which scripts look for.
    match kind {
        "all" => bail!("no such object: {name:?}"),
        "image" => Err(FindError::Missing(name.to_owned()).into()),
        "volume" => bail!("no such volume {name}"),
        kind => bail!("no such {kind} {name:?}"),
    }
}

fn container(store: &Store, found: &Found, sizes: Option<(u64, u64)>) -> anyhow::Result<Value> {
    let capabilities = capability_set(&found.container.config)?;
    Ok(document(&Inspected {
        listed: Listed {
            container: &found.container,
            state: &found.state,
            word: found.condition.word_for(&found.state),
            sizes,
            health: found.health.as_ref(),
        },
        store: store.path(),
        directory: &store.path_of(Kind::Containers, &found.container.id),
        capabilities: capabilities
            .iter()
            .map(|capability| capability.to_string())
            .collect(),
    }))
}
