//! `run` and `create`: make a container, and start it.

use std::ffi::OsString;

use clap::Args;

use super::context::Context;
use super::options::{Connection, ContainerOptions};
use super::report::{self, Outcome};

/// Run a command in a new container
///
/// Makes a container of an image, starts it, and stays connected to it until it ends. The exit status is that of the
/// command; 125 means that coracle failed, 126 that the command cannot be executed, 127 that it is not there.
#[derive(Args, Debug)]
#[command(
    disable_help_flag = true,
    override_usage = "coracle run [OPTIONS] IMAGE [COMMAND [ARGUMENT...]]"
)]
pub struct RunArgs {
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
    /// Start in the background and print the identifier
    #[arg(short, long)]
    detach: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    options: ContainerOptions,
    /// The image, and the command with its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "IMAGE")]
    image: Vec<OsString>,
}

/// Make a container without starting it
///
/// Prints the identifier of the new container.
#[derive(Args, Debug)]
#[command(
    disable_help_flag = true,
    override_usage = "coracle create [OPTIONS] IMAGE [COMMAND [ARGUMENT...]]"
)]
pub struct CreateArgs {
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
    #[command(flatten)]
    options: ContainerOptions,
    /// The image, and the command with its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "IMAGE")]
    image: Vec<OsString>,
}

pub fn run(_args: RunArgs, _context: &Context) -> Outcome {
    report::unwired("run")
}

pub fn create(_args: CreateArgs, _context: &Context) -> Outcome {
    report::unwired("create")
}
