//! `tag`: give an image further names.

use clap::Args;

use super::context::Context;
use super::report::Outcome;
use crate::image::remove;

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

pub fn run(args: TagArgs, context: &Context) -> Outcome {
    remove::tag(&context.act()?.store, &args.image, &args.names)?;
    Ok(0)
}
