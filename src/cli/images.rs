//! `images`: list images.

use clap::Args;

use super::context::Context;
use super::report::{self, Outcome};

/// List images
#[derive(Args, Debug)]
pub struct ImagesArgs {
    /// Show images without a name that others are made of, too
    #[arg(short, long)]
    all: bool,
    /// Show digests
    #[arg(long)]
    digests: bool,
    /// Only images that fit
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Print by a Go template, as "table TEMPLATE", or as "json"
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Do not shorten identifiers
    #[arg(long)]
    no_trunc: bool,
    /// Print no heading
    #[arg(short, long)]
    noheading: bool,
    /// Print identifiers only
    #[arg(short, long)]
    quiet: bool,
    /// Order by created, id, repository, size or tag
    #[arg(long, value_name = "KEY")]
    sort: Option<String>,
    /// Only images of this name
    #[arg(value_name = "NAME[:TAG]")]
    reference: Option<String>,
}

pub fn run(_args: ImagesArgs, _context: &Context) -> Outcome {
    report::unwired("images")
}
