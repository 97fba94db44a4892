//! `container clone`: a new container with the configuration of another one.

use std::ffi::OsString;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;

use super::context::Context;
use super::limits::LimitOptions;
use super::options::ContainerOptions;
use super::origin;
use super::output::print;
use super::report::{self, Outcome};
use crate::engine::clone::{configuration, names};
use crate::engine::create::Naming;
use crate::engine::descriptors::Descriptors;
use crate::engine::protocol::Wishes;
use crate::engine::remove::Removal;
use crate::engine::state::{Condition, find, look};
use crate::engine::{Engine, EngineError};
use crate::store::container::{Container, VERSION};

/// Make a container with the configuration of another one
///
/// Prints the identifier of the new container, whose files are those of the image. It is called like the other one, with -clone
/// behind it.
#[derive(Args, Debug)]
#[command(override_usage = "coracle container clone [OPTIONS] CONTAINER [NAME] [IMAGE]")]
pub struct CloneArgs {
    /// Remove the other container
    #[arg(long)]
    destroy: bool,
    /// With --destroy: kill it first if it runs
    #[arg(short, long)]
    force: bool,
    /// Name of the new container
    #[arg(long = "name", value_name = "NAME")]
    given: Option<String>,
    /// Start the new container in the background
    #[arg(long)]
    run: bool,
    /// The container, by name, identifier or its beginning
    #[arg(value_name = "CONTAINER")]
    container: String,
    /// Name of the new container
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Image of the new container; that of the other one if none is given
    #[arg(value_name = "IMAGE")]
    image: Option<OsString>,
    #[command(flatten)]
    limits: LimitOptions,
}

pub fn run(args: CloneArgs, context: &Context) -> Outcome {
    if args.force && !args.destroy {
        bail!("cannot set --force without --destroy: invalid argument");
    }
    let changes = args.limits.changes()?;
    let mut options = ContainerOptions::default();
    context.settings()?.fill(&mut options);
    let (engine, looked) = match &args.image {
        Some(image) => origin::open(&options, std::slice::from_ref(image), context)?,
        None => (context.act_alone()?, None),
    };
    let id = find(&engine.store, &args.container)?;
    let original = original(&engine, &id, args.destroy && !args.force)?;
    let root = match &args.image {
        Some(image) => origin::root(&engine, &options, image, looked)?.0,
        None => original.root.clone(),
    };
    let mut container = Container {
        version: VERSION,
        id: String::new(),
        name: String::new(),
        created: String::new(),
        root,
        config: configuration(&original),
        first: None,
        create_command: original.create_command,
        extra: serde_json::Map::new(),
    };
    let resources = &mut container.config.resources;
    changes.apply(resources).map_err(|why| anyhow!(why))?;
    let mut names = names(&original.name);
    let mut next = || names.next().expect("numbers do not end");
    let naming = match args.name.as_ref().or(args.given.as_ref()) {
        Some(name) => Naming::Given(name.strip_prefix('/').unwrap_or(name)),
        None => Naming::Generated(&mut next),
    };
    let clone = engine.create(&mut container, naming, false)?.id;
    let mut waiting = || report::say("waiting for another command");
    if args.destroy {
        let removal = Removal {
            force: args.force,
            ..Removal::default()
        };
        if let Err(error) = engine.remove(&id, removal, &mut waiting) {
            // As if nothing had been asked for.
            engine.remove(&clone, removal, &mut waiting)?;
            return Err(error).with_context(|| format!("cannot remove container {}", original.name));
        }
    }
    if args.run {
        // Standard output is for its identifier.
        engine
            .start(&clone, Wishes::default(), Descriptors::none(), &mut waiting)
            .map_err(|error| report::coded(report::FAILED, error))?;
    }
    print(&format!("{clone}\n"))?;
    Ok(0)
}

/// The container to clone; `ended`: it is to be removed, which it cannot be while it runs.
fn original(engine: &Engine, id: &str, ended: bool) -> anyhow::Result<Container> {
    let missing = || EngineError::NoSuchContainer(id.to_owned());
    let found = look(&engine.store, id)?.ok_or_else(missing)?;
    let is_spare = matches!(
        found.condition,
        Condition::Created | Condition::Exited | Condition::Lost
    );
    if ended && !is_spare {
        let word = found.condition.word();
        bail!(
            "cannot remove container {id} as it is {word} - running or paused containers cannot be removed without force: \
             container state improper"
        );
    }
    Ok(found.container)
}
