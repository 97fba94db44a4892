//! `image referrers`: what a registry has attached to an image.

use clap::Args;
use serde_json::{Value, json};

use super::context::Context;
use super::format::{self, Columns, ListFormat};
use super::output::print;
use super::registry::{Remote, TransferOptions, first_of};
use super::report::Outcome;
use crate::base::digest::Digest;
use crate::base::units::size;
use crate::image::reference::Reference;
use crate::image::transport;
use crate::oci::image::Descriptor;

/// List what is attached to an image at its registry: signatures, bills of materials and the like
#[derive(Args, Debug)]
pub struct ReferrersArgs {
    /// Only those of this type
    #[arg(long, value_name = "TYPE")]
    artifact_type: Option<String>,
    /// Print by a Go template, as "table TEMPLATE", or as "json"
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Print no heading
    #[arg(short, long)]
    noheading: bool,
    #[command(flatten)]
    transfer: TransferOptions,
    /// The image or artifact
    #[arg(value_name = "NAME")]
    name: String,
}

const COLUMNS: Columns = Columns {
    name: "image referrers",
    template: "{{.Digest}}\t{{.ArtifactType}}\t{{.Size}}",
    headings: &[("ArtifactType", "TYPE"), ("MediaType", "MEDIA TYPE")],
};

pub fn run(args: &ReferrersArgs, _context: &Context) -> Outcome {
    let reference = transport::name(&args.name).parse::<Reference>()?.or_latest();
    let candidates = Remote::new(&args.transfer)?.candidates(&reference)?;
    let (mut found, repository) = first_of(&candidates, |candidate| {
        // What others say of an image, its own registry tells.
        let own = candidate.own()?;
        let asked = &own.reference;
        let subject = match asked.digest() {
            Some(digest) => digest,
            None => own.client.manifest(asked.tag(), None)?.digest,
        };
        let wanted = args.artifact_type.as_deref();
        Ok((
            own.client.referrers(&subject, wanted)?,
            candidate.reference.name(),
        ))
    })?;
    if let Some(wanted) = &args.artifact_type {
        found.retain(|found| found.artifact_type.as_ref() == Some(wanted));
    }
    let rows: Vec<Value> = found.iter().map(|found| row(found, &repository)).collect();
    let format = ListFormat {
        format: args.format.as_deref(),
        no_heading: args.noheading,
    };
    let documents = || found.iter().map(|found| json!(found)).collect();
    print(&format::list(&COLUMNS, format, &rows, documents)?)?;
    Ok(0)
}

fn row(found: &Descriptor, repository: &str) -> Value {
    let digest: &Digest = &found.digest;
    json!({
        "Digest": digest,
        "ArtifactType": printable(found.artifact_type.as_deref().unwrap_or_default()),
        "MediaType": printable(&found.media_type),
        "Size": size(found.size),
        "Name": format!("{repository}@{digest}"),
        "Annotations": found.annotations,
    })
}

/// What a stranger wrote, in a table.
fn printable(text: &str) -> String {
    let is_plain = |letter: &char| letter.is_ascii_graphic();
    text.chars().filter(is_plain).take(100).collect()
}
