//! `pull`: fetch images from registries.

use anyhow::{Context as _, bail};
use clap::Args;

use super::context::{Context, unpack_options};
use super::options::PlatformOptions;
use super::output::print;
use super::registry::{
    Candidate, Remote, TransferOptions, find_first, first_of, pull_and_tell, tell_resolved,
};
use super::report::{self, Outcome};
use crate::engine::Engine;
use crate::image::find::FindError;
use crate::image::pull::Wish;
use crate::image::reference::Reference;
use crate::oci::image::Platform;

/// Most tags that --all-tags takes.
const TAGS: usize = 10_000;

/// Fetch images from registries
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
    /// Print no progress
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    platform: PlatformOptions,
    #[command(flatten)]
    transfer: TransferOptions,
    /// Images
    #[arg(required = true, value_name = "NAME[:TAG|@DIGEST]")]
    images: Vec<String>,
}

pub fn run(args: PullArgs, context: &Context) -> Outcome {
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
    report::each(&args.images, |text| pull(&args, &remote, text, context))
}

fn pull(args: &PullArgs, remote: &Remote<'_>, text: &str, context: &Context) -> anyhow::Result<()> {
    let platform = args.platform.wanted()?;
    let reference: Reference = text.strip_prefix("docker://").unwrap_or(text).parse()?;
    if args.all_tags && (reference.tag().is_some() || reference.digest().is_some()) {
        bail!("{text}: --all-tags takes a name without tag and digest");
    }
    if !args.all_tags {
        let reference = reference.or_latest();
        let candidates = remote.candidates(&reference)?;
        return take(args, &candidates, &reference, &platform, &context.act()?);
    }
    let mut candidates = remote.candidates(&reference)?;
    let (name, tags) = first_of(&candidates, |candidate| {
        let own = candidate.sources.last().context("an image has a registry")?;
        Ok((candidate.reference.clone(), own.client.tags(TAGS)?))
    })?;
    candidates.retain(|candidate| candidate.reference == name);
    let engine = context.act()?;
    for tag in &tags {
        for candidate in &mut candidates {
            candidate.retag(tag, remote)?;
        }
        take(args, &candidates, &reference, &platform, &engine)?;
    }
    Ok(())
}

/// Pulls the first of the candidates that there is, if it has to be.
fn take(
    args: &PullArgs,
    candidates: &[Candidate],
    written: &Reference,
    platform: &Platform,
    engine: &Engine,
) -> anyhow::Result<()> {
    if matches!(args.policy.as_str(), "missing" | "ifnotpresent" | "never") {
        let names = candidates.iter().map(|candidate| &candidate.reference);
        match find_first(&engine.store, names)? {
            Some(found) => {
                print(&format!("{}\n", found.image.id.hex()))?;
                return Ok(());
            }
            None if args.policy == "never" => {
                return Err(FindError::Missing(written.familiar()).into());
            }
            None => {}
        }
    }
    let pulled = first_of(candidates, |candidate| {
        if !args.quiet {
            tell_resolved(written, &candidate.reference);
        }
        let wish = Wish {
            reference: &candidate.reference,
            platform,
            unpack: unpack_options(engine),
        };
        pull_and_tell(&engine.store, &candidate.sources, &wish, args.quiet)
    })?;
    print(&format!("{}\n", pulled.id.hex()))?;
    Ok(())
}
