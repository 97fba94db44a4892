//! `tag`: give an image further names.

use clap::Args;

use super::context::Context;
use super::report::{self, Outcome};

/// Give an image further names
#[derive(Args, Debug)]
pub struct TagArgs {
    /// The image
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Its new names
    #[arg(required = true, value_name = "NAME[:TAG]")]
    names: Vec<String>,
}

pub fn run(_args: TagArgs, _context: &Context) -> Outcome {
    report::unwired("tag")
}
