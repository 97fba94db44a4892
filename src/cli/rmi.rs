//! `rmi`: remove images.

use clap::Args;

use super::context::Context;
use super::report::{self, Outcome};

/// Remove images
#[derive(Args, Debug)]
pub struct RmiArgs {
    /// All images
    #[arg(short, long)]
    all: bool,
    /// Remove an image even if it has several names or containers of it exist
    #[arg(short, long)]
    force: bool,
    /// Say nothing of images that are not there
    #[arg(short, long)]
    ignore: bool,
    /// Accepted for compatibility: images have no parents
    #[arg(long)]
    no_prune: bool,
    /// Images
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
}

pub fn run(_args: RmiArgs, _context: &Context) -> Outcome {
    report::unwired("rmi")
}
