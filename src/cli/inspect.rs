//! `inspect`: everything about containers, images and volumes.

use clap::Args;

use super::context::Context;
use super::report::{self, Outcome};

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
    /// The container made last
    #[arg(short, long)]
    latest: bool,
    /// Containers, images or volumes
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

pub fn run(_args: InspectArgs, _context: &Context) -> Outcome {
    report::unwired("inspect")
}
