//! `manifest inspect`: what lies behind the name of an image, for one platform or for several.

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::Args;
use serde_json::{Value, json};

use super::edit::RemoteOptions;
use crate::base::digest::Digest;
use crate::cli::context::Context;
use crate::cli::format::pretty;
use crate::cli::output::print_line;
use crate::cli::registry::{Remote, first_of};
use crate::cli::report::Outcome;
use crate::image::find::{FindError, Found, find_any};
use crate::image::lists;
use crate::image::manifest::{is_index, media_type_of};
use crate::image::reference::Reference;
use crate::image::registry::{Client, Fetched};
use crate::image::transport;
use crate::oci::config::ImageConfig;
use crate::oci::image::{CONFIG_LIMIT, Descriptor, Document, MANIFEST_LIMIT, Platform, media_type};
use crate::store::Store;

/// Most manifests that are fetched for one index.
const MANIFESTS: usize = 500;

/// Print the manifest of an image, or the index of all its platforms
///
/// What is in the store is not asked for at a registry, and a list that was made here is shown first.
#[derive(Args, Debug)]
pub struct InspectArgs {
    /// Print every manifest, with its digest and platform
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    remote: RemoteOptions,
    /// The image; with docker:// before it the registry is asked in any case
    #[arg(value_name = "NAME")]
    name: String,
}

pub fn run(args: InspectArgs, context: &Context) -> Outcome {
    let document = match transport::at_registry(&args.name) {
        Some(name) => remote(&args, name)?,
        None => match local(&args, context)? {
            Some(document) => document,
            None => remote(&args, &args.name)?,
        },
    };
    print_line(&pretty(&document))?;
    Ok(0)
}

/// What the store has of an image. `None`: nothing.
fn local(args: &InspectArgs, context: &Context) -> anyhow::Result<Option<Value>> {
    let Some(store) = context.look()? else {
        return Ok(None);
    };
    let found = match find_any(&store, &args.name) {
        Ok(found) => found,
        Err(FindError::Missing(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if found.image.list.is_some() && args.verbose {
        return Ok(Some(described_members(&store, &found, args)?));
    }
    let named = args.name.parse::<Reference>().ok().and_then(|name| name.digest());
    let records = &found.image.manifests;
    let is_wanted = |digest: &Digest, kind: &str| match named {
        Some(named) => *digest == named,
        None => is_index(kind) && !args.verbose,
    };
    let wanted = records
        .iter()
        .find(|record| is_wanted(&record.digest, &record.media_type))
        .or_else(|| records.iter().find(|record| !is_index(&record.media_type)));
    let Some(record) = wanted else { return Ok(None) };
    let bytes = store.blob(&record.digest, MANIFEST_LIMIT)?;
    if !args.verbose {
        return Ok(Some(parsed(&bytes)?));
    }
    let fetched = Fetched {
        bytes,
        media_type: record.media_type.clone(),
        digest: record.digest,
    };
    let name = found
        .name
        .map_or_else(|| args.name.clone(), |name| name.to_string());
    Ok(Some(described(&Source::Store(&store), &name, fetched, None)?))
}

/// The members of a list that was made here.
fn described_members(store: &Store, list: &Found, args: &InspectArgs) -> anyhow::Result<Value> {
    let name = list
        .name
        .as_ref()
        .map_or_else(|| args.name.clone(), Reference::name);
    let mut documents = Vec::new();
    for entry in lists::index(store, &list.image)?.manifests {
        let fetched = Fetched {
            bytes: store.blob(&entry.digest, MANIFEST_LIMIT)?,
            media_type: entry.media_type,
            digest: entry.digest,
        };
        let name = format!("{name}@{}", entry.digest);
        let platform = entry.platform.unwrap_or_default();
        documents.push(described(&Source::Store(store), &name, fetched, Some(platform))?);
    }
    Ok(documents.into())
}

fn remote(args: &InspectArgs, name: &str) -> anyhow::Result<Value> {
    let reference = name.parse::<Reference>()?.or_latest();
    let candidates = Remote::new(&args.remote.transfer())?.candidates(&reference)?;
    first_of(&candidates, |candidate| {
        let own = candidate.own()?;
        at_registry(&own.client, &own.reference, args.verbose)
    })
}

fn at_registry(client: &Client, reference: &Reference, verbose: bool) -> anyhow::Result<Value> {
    let top = client.manifest(reference.tag(), reference.digest().as_ref())?;
    if !verbose {
        return parsed(&top.bytes);
    }
    let source = Source::Registry(client);
    let kind = top.media_type.clone();
    let Document::Index(index) = Document::parse(&top.bytes, &kind)? else {
        return described(&source, &reference.to_string(), top, None);
    };
    if index.manifests.len() > MANIFESTS {
        bail!("the index has more than {MANIFESTS} manifests");
    }
    let mut documents = Vec::new();
    for entry in &index.manifests {
        let fetched = client.manifest(None, Some(&entry.digest))?;
        let name = format!("{}@{}", reference.name(), entry.digest);
        documents.push(described(&source, &name, fetched, entry.platform.clone())?);
    }
    Ok(documents.into())
}

fn parsed(bytes: &[u8]) -> anyhow::Result<Value> {
    serde_json::from_slice(bytes).context("the manifest is no JSON")
}

/// Where the configuration of an image is read.
enum Source<'a> {
    Store(&'a Store),
    Registry(&'a Client),
}

impl Source<'_> {
    fn config(&self, descriptor: &Descriptor) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Store(store) => Ok(store.blob(&descriptor.digest, CONFIG_LIMIT)?),
            Self::Registry(client) => client.document(descriptor),
        }
    }
}

/// A manifest as `docker manifest inspect --verbose` tells of it.
fn described(
    source: &Source<'_>,
    name: &str,
    fetched: Fetched,
    platform: Option<Platform>,
) -> anyhow::Result<Value> {
    let mut descriptor = Descriptor::new(&fetched.media_type, fetched.digest, fetched.bytes.len() as u64);
    descriptor.platform = platform;
    let mut key = "OCIManifest";
    if let Document::Manifest(manifest) = Document::parse(&fetched.bytes, &fetched.media_type)? {
        descriptor.media_type = media_type_of(&manifest, &fetched.media_type);
        if descriptor.media_type == media_type::DOCKER_MANIFEST {
            key = "SchemaV2Manifest";
        }
        if descriptor.platform.is_none() && crate::image::manifest::is_image(&manifest) {
            let config = ImageConfig::parse(&source.config(&manifest.config)?)?;
            descriptor.platform = Some(config.platform());
        }
    } else {
        key = "OCIIndex";
    }
    Ok(json!({
        "Ref": name,
        "Descriptor": descriptor,
        "Raw": BASE64.encode(&fetched.bytes),
        key: parsed(&fetched.bytes)?,
    }))
}
