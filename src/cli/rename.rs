//! `rename`: give a container another name.

use clap::Args;

use super::context::Context;
use super::report::{self, Outcome};
use super::select::one;

/// Give a container another name
#[derive(Args, Debug)]
pub struct RenameArgs {
    /// The container, by name, identifier or its beginning
    #[arg(value_name = "CONTAINER")]
    container: String,
    /// The new name
    #[arg(value_name = "NAME")]
    name: String,
}

pub fn run(args: RenameArgs, context: &Context) -> Outcome {
    let engine = context.act_alone()?;
    let id = one(&engine.store, Some(&args.container), false)?;
    engine.rename(&id, &args.name, &mut report::waiting_on(&args.container))?;
    Ok(0)
}
