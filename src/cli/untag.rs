//! `untag`: take names from an image.

use clap::Args;

use super::context::Context;
use super::report::Outcome;
use crate::image::remove;

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

pub fn run(args: UntagArgs, context: &Context) -> Outcome {
    remove::untag(&context.act()?.store, &args.image, &args.names)?;
    Ok(0)
}
