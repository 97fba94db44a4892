//! `pull`: fetch images from registries.

use anyhow::bail;
use clap::Args;

use super::context::{Context, unpack_options};
use super::options::PlatformOptions;
use super::output::print;
use super::registry::{TransferOptions, pull_and_tell};
use super::report::{self, Outcome};
use crate::image::find::{FindError, find};
use crate::image::pull::Wish;
use crate::image::reference::Reference;

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
    report::each(&args.images, |text| pull(&args, text, context))
}

fn pull(args: &PullArgs, text: &str, context: &Context) -> anyhow::Result<()> {
    let platform = args.platform.wanted()?;
    let reference: Reference = text.strip_prefix("docker://").unwrap_or(text).parse()?;
    if args.all_tags && (reference.tag().is_some() || reference.digest().is_some()) {
        bail!("{text}: --all-tags takes a name without tag and digest");
    }
    let client = args.transfer.client(&reference)?;
    let references = match args.all_tags {
        true => client
            .tags(TAGS)?
            .iter()
            .map(|tag| Ok(reference.with_tag(tag)?))
            .collect::<anyhow::Result<_>>()?,
        false => vec![reference.or_latest()],
    };
    let engine = context.act()?;
    for reference in &references {
        if matches!(args.policy.as_str(), "missing" | "ifnotpresent" | "never") {
            match find(&engine.store, &reference.to_string()) {
                Ok(found) => {
                    print(&format!("{}\n", found.image.id.hex()))?;
                    continue;
                }
                Err(FindError::Missing(_)) if args.policy != "never" => {}
                Err(error) => return Err(error.into()),
            }
        }
        let wish = Wish {
            reference,
            platform: &platform,
            unpack: unpack_options(&engine),
        };
        let pulled = pull_and_tell(&engine.store, &client, &wish, args.quiet)?;
        print(&format!("{}\n", pulled.id.hex()))?;
    }
    Ok(())
}
