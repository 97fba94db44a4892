//! `manifest create`, `add`, `annotate` and `remove`: lists of manifests.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::cli::context::Context;
use crate::cli::output::print_line;
use crate::cli::registry::{Remote, TransferOptions, first_of};
use crate::cli::report::{self, Outcome};
use crate::cli::values;
use crate::image::find::{FindError, find_any};
use crate::image::list_members::{self, ArtifactOptions};
use crate::image::lists::{self, Addition, Annotation};
use crate::image::platform;
use crate::image::reference::Reference;
use crate::image::registry::Sources;
use crate::image::transport::{self, Engine, Transport};
use crate::oci::image::Descriptor;
use crate::store::Store;

/// Make a list of manifests
///
/// It holds the images that are named. Those that are not here are looked for at their registries, and only their
/// manifests are fetched. Prints the identifier of the list.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// Of an image that is a list, take all images
    #[arg(long)]
    all: bool,
    /// Add to the list if there is one of the name
    #[arg(short, long)]
    amend: bool,
    /// Add an annotation to the list
    #[arg(long, value_name = "KEY=VALUE")]
    annotation: Vec<String>,
    #[command(flatten)]
    remote: RemoteOptions,
    /// Name of the list
    #[arg(value_name = "LIST")]
    list: String,
    /// Images
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
}

/// How registries are reached by commands that Docker gave an option of its own.
#[derive(Args, Clone, Debug)]
pub struct RemoteOptions {
    /// The same as --tls-verify=false
    #[arg(long)]
    insecure: bool,
    #[command(flatten)]
    transfer: TransferOptions,
}

impl RemoteOptions {
    /// The same in the words that every command has.
    pub fn transfer(&self) -> TransferOptions {
        let mut transfer = self.transfer.clone();
        if self.insecure {
            transfer.registry.tls_verify = Some(false);
        }
        transfer
    }
}

/// What is said of one member.
#[derive(Args, Clone, Debug)]
pub struct MemberOptions {
    /// Add an annotation
    #[arg(long, value_name = "KEY=VALUE")]
    annotation: Vec<String>,
    /// Architecture that it is for
    #[arg(long, value_name = "ARCH")]
    arch: Option<String>,
    /// Features of the processor that it needs
    #[arg(long, value_name = "FEATURE", value_delimiter = ',')]
    features: Vec<String>,
    /// Operating system that it is for
    #[arg(long, value_name = "OS")]
    os: Option<String>,
    /// Version of the operating system
    #[arg(long, value_name = "VERSION")]
    os_version: Option<String>,
    /// Variant of the architecture
    #[arg(long, value_name = "VARIANT")]
    variant: Option<String>,
}

impl MemberOptions {
    fn annotation(&self) -> anyhow::Result<Annotation> {
        Ok(Annotation {
            architecture: self.arch.clone(),
            os: self.os.clone(),
            os_version: self.os_version.clone(),
            variant: self.variant.clone(),
            features: self.features.clone(),
            os_features: Vec::new(),
            annotations: pairs("--annotation", &self.annotation)?,
        })
    }
}

/// How files become an artifact.
#[derive(Args, Clone, Debug)]
pub struct FileOptions {
    /// Add an artifact that is made of files
    #[arg(long)]
    artifact: bool,
    /// Add an annotation to the artifact
    #[arg(long, value_name = "KEY=VALUE", requires = "artifact")]
    artifact_annotation: Vec<String>,
    /// File with its configuration
    #[arg(long, value_name = "FILE", requires = "artifact")]
    artifact_config: Option<PathBuf>,
    /// Type of its configuration
    #[arg(long, value_name = "TYPE", requires = "artifact")]
    artifact_config_type: Option<String>,
    /// Leave the names of the files out
    #[arg(long, requires = "artifact")]
    artifact_exclude_titles: bool,
    /// Type of the files, instead of what they seem to be
    #[arg(long, value_name = "TYPE", requires = "artifact")]
    artifact_layer_type: Option<String>,
    /// Image that the artifact is about
    #[arg(long, value_name = "IMAGE", requires = "artifact")]
    artifact_subject: Option<String>,
    /// Type of the artifact
    #[arg(long, value_name = "TYPE", requires = "artifact")]
    artifact_type: Option<String>,
}

impl FileOptions {
    fn options(&self, context: &Context, transfer: &TransferOptions) -> anyhow::Result<ArtifactOptions> {
        let subject = match &self.artifact_subject {
            Some(subject) => Some(described(context, transfer, subject)?),
            None => None,
        };
        Ok(ArtifactOptions {
            artifact_type: self.artifact_type.clone(),
            config: self.artifact_config.clone(),
            config_type: self.artifact_config_type.clone(),
            layer_type: self.artifact_layer_type.clone(),
            exclude_titles: self.artifact_exclude_titles,
            annotations: pairs("--artifact-annotation", &self.artifact_annotation)?,
            subject,
        })
    }
}

/// Add images to a list
///
/// What is not here is looked for at its registry, and only its manifest is fetched. Prints the identifier of the list.
#[derive(Args, Debug)]
pub struct AddArgs {
    /// Of an image that is a list, take all images
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    member: MemberOptions,
    #[command(flatten)]
    artifact: FileOptions,
    #[command(flatten)]
    remote: RemoteOptions,
    /// The list
    #[arg(value_name = "LIST")]
    list: String,
    /// Images, with docker:// before them to ask their registries in any case, with containers-storage: to ask none; with
    /// --artifact files
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
}

/// Say more of a member of a list, or of a list
///
/// Prints the identifier of the list.
#[derive(Args, Debug)]
pub struct AnnotateArgs {
    #[command(flatten)]
    member: MemberOptions,
    /// Annotate the list itself
    #[arg(long)]
    index: bool,
    /// Features of the operating system that it needs
    #[arg(long, value_name = "FEATURE", value_delimiter = ',')]
    os_features: Vec<String>,
    /// Image that the list is about
    #[arg(long, value_name = "IMAGE")]
    subject: Option<String>,
    /// The list
    #[arg(value_name = "LIST")]
    list: String,
    /// The member: the digest of its manifest, or an image
    #[arg(value_name = "DIGEST|IMAGE")]
    image: Option<String>,
}

/// Take members from a list
///
/// Prints the identifier of the list.
#[derive(Args, Debug)]
pub struct RemoveArgs {
    /// The list
    #[arg(value_name = "LIST")]
    list: String,
    /// The members: digests of their manifests, or images
    #[arg(required = true, value_name = "DIGEST|IMAGE")]
    images: Vec<String>,
}

pub fn create(args: &CreateArgs, context: &Context) -> Outcome {
    let reference: Reference = args.list.parse()?;
    let Some(name) = reference.for_local() else {
        bail!("{}: a list gets its digest from what it holds", args.list);
    };
    let annotations = pairs("--annotation", &args.annotation)?;
    let additions = additions(&args.remote.transfer(), context, &args.images, args.all)?;
    let engine = context.act()?;
    let id = lists::create(&engine.store, &name, additions, annotations, args.amend)?;
    print_line(&id.hex())?;
    Ok(0)
}

pub fn add(args: &AddArgs, context: &Context) -> Outcome {
    let annotation = args.member.annotation()?;
    if args.artifact.artifact {
        return add_files(args, &annotation, context);
    }
    let mut additions = additions(&args.remote.transfer(), context, &args.images, args.all)?;
    for addition in &mut additions {
        annotation.apply(&mut addition.descriptor);
    }
    let engine = context.act()?;
    let id = lists::add(&engine.store, &args.list, additions, None)?;
    print_line(&id.hex())?;
    Ok(0)
}

/// Adds an artifact that is made of files.
fn add_files(args: &AddArgs, annotation: &Annotation, context: &Context) -> Outcome {
    let options = args.artifact.options(context, &args.remote.transfer())?;
    let paths: Vec<PathBuf> = args.images.iter().map(PathBuf::from).collect();
    let engine = context.act()?;
    lists::find_list(&engine.store, &args.list)?;
    let (mut addition, files) = list_members::file_addition(&engine.store, &paths, &options)?;
    annotation.apply(&mut addition.descriptor);
    let id = lists::add(&engine.store, &args.list, vec![addition], Some(&files))?;
    print_line(&id.hex())?;
    Ok(0)
}

pub fn annotate(args: &AnnotateArgs, context: &Context) -> Outcome {
    let mut annotation = args.member.annotation()?;
    annotation.os_features.clone_from(&args.os_features);
    let member = match (&args.image, args.index || args.subject.is_some()) {
        (Some(image), _) if !args.index => Some(image.as_str()),
        (_, true) => None,
        _ => bail!(
            "name a member of {}, or use --index for the list itself",
            args.list
        ),
    };
    let of_platform = Annotation {
        annotations: BTreeMap::new(),
        ..annotation.clone()
    };
    if member.is_none() && !of_platform.is_empty() {
        bail!("--index and --subject are about the list: only --annotation goes with them");
    }
    let subject = match &args.subject {
        Some(subject) => Some(described(context, &TransferOptions::default(), subject)?),
        None => None,
    };
    let engine = context.act()?;
    let id = lists::annotate(&engine.store, &args.list, member, &annotation, subject)?;
    print_line(&id.hex())?;
    Ok(0)
}

pub fn remove(args: &RemoveArgs, context: &Context) -> Outcome {
    let engine = context.act()?;
    let id = lists::remove(&engine.store, &args.list, &args.images)?;
    print_line(&id.hex())?;
    Ok(0)
}

/// The descriptor of what a name leads to, as a subject has it.
fn described(context: &Context, transfer: &TransferOptions, name: &str) -> anyhow::Result<Descriptor> {
    let mut found = additions(transfer, context, &[name.to_owned()], false)?;
    let mut descriptor = found
        .pop()
        .with_context(|| format!("{name} is nothing"))?
        .descriptor;
    descriptor.platform = None;
    descriptor.annotations.clear();
    Ok(descriptor)
}

/// Reads each `KEY=VALUE` of an option.
pub fn pairs(option: &str, given: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    let pair = |text: &String| values::pair(text).with_context(|| format!("invalid {option} {text:?}"));
    given.iter().map(pair).collect()
}

/// What images are as members, from here or from their registries. Called before the user namespace is entered.
fn additions(
    transfer: &TransferOptions,
    context: &Context,
    names: &[String],
    all: bool,
) -> anyhow::Result<Vec<Addition>> {
    let lookup = Lookup {
        store: context.look()?,
        transfer,
        remote: OnceCell::new(),
        all,
    };
    let mut additions = Vec::new();
    for name in names {
        let found = match transport::at_registry(name) {
            Some(name) => lookup.remote(name),
            None => lookup.anywhere(name),
        };
        additions.extend(found.with_context(|| format!("cannot add {name}"))?);
    }
    Ok(additions)
}

/// Where images are looked for.
struct Lookup<'a> {
    store: Option<Store>,
    transfer: &'a TransferOptions,
    /// Made where a registry is asked.
    remote: OnceCell<Remote<'a>>,
    /// Of lists all members are meant.
    all: bool,
}

impl Lookup<'_> {
    /// What is here, else what a registry has.
    fn anywhere(&self, name: &str) -> anyhow::Result<Vec<Addition>> {
        let (name, is_local) = match transport::parse(OsStr::new(name))? {
            Transport::Name(_) => (name, false),
            // For this command as Podman has it, the word means the store that the list is in.
            Transport::Engine(Engine::Podman, name) => (name, true),
            Transport::Engine(Engine::Docker, _) => {
                bail!("images of Docker are not supported here: pull it first, and add the image")
            }
            Transport::Archive(_) => {
                bail!("archives are not supported here: load it first, and add the image")
            }
        };
        let found = match &self.store {
            Some(store) => find_any(store, name).map(|found| (store, found.image)),
            None => Err(FindError::Missing(name.to_owned())),
        };
        match found {
            Ok((store, list)) if list.list.is_some() => {
                list_members::members(store, &list, self.all, &platform::host())
            }
            Ok((store, image)) => Ok(vec![list_members::local_addition(store, &image)?]),
            Err(FindError::Missing(_)) if !is_local => self.remote(name),
            Err(error) => Err(error.into()),
        }
    }

    fn remote(&self, name: &str) -> anyhow::Result<Vec<Addition>> {
        let reference = name.parse::<Reference>()?.or_latest();
        let remote = match self.remote.get() {
            Some(remote) => remote,
            None => {
                let remote = Remote::new(self.transfer)?;
                self.remote.get_or_init(|| remote)
            }
        };
        let candidates = remote.candidates(&reference)?;
        let failed = |host: &str, reason: &str| {
            report::warn(&format!("the mirror {host} is passed over: {reason}"));
        };
        first_of(&candidates, |candidate| {
            Sources::new(&candidate.sources, &failed).ask(|source| {
                list_members::remote_additions(
                    &source.client,
                    &source.reference,
                    &candidate.reference,
                    self.all,
                    &platform::host(),
                )
            })
        })
    }
}
