//! `import`: make an image of an archive of files.

use std::ffi::OsString;

use clap::Args;

use super::context::Context;
use super::report::{self, Outcome};

/// Make an image of an archive of files
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// Change the configuration by an instruction of a Dockerfile, such as CMD ["sh"]
    #[arg(short, long, value_name = "INSTRUCTION")]
    change: Vec<String>,
    /// Message for the history of the image
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    /// Platform of the files
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<String>,
    /// Architecture of the files
    #[arg(long, value_name = "ARCH")]
    arch: Option<String>,
    /// Operating system of the files
    #[arg(long, value_name = "OS")]
    os: Option<String>,
    /// Variant of the architecture
    #[arg(long, value_name = "VARIANT")]
    variant: Option<String>,
    /// Print no progress
    #[arg(short, long)]
    quiet: bool,
    /// Archive, or - for standard input
    #[arg(value_name = "FILE")]
    file: OsString,
    /// Name of the new image
    #[arg(value_name = "NAME[:TAG]")]
    reference: Option<String>,
}

pub fn run(_args: ImportArgs, _context: &Context) -> Outcome {
    report::unwired("import")
}
