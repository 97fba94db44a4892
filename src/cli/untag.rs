//! `untag`: take names from an image.

use clap::Args;

use super::context::Context;
use super::report::{self, Outcome};

/// Take names from an image
#[derive(Args, Debug)]
pub struct UntagArgs {
    /// The image
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Names to take; all if none is given
    #[arg(value_name = "NAME[:TAG]")]
    names: Vec<String>,
}

pub fn run(_args: UntagArgs, _context: &Context) -> Outcome {
    report::unwired("untag")
}
