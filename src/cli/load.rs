//! `load`: read images from an archive.

use std::ffi::OsString;

use clap::Args;

use super::context::Context;
use super::report::{self, Outcome};

/// Load images from an archive
///
/// Reads archives of docker save, podman save and skopeo (docker-archive, oci-archive) and OCI layouts, compressed or
/// not.
#[derive(Args, Debug)]
pub struct LoadArgs {
    /// File or directory to read instead of standard input
    #[arg(short, long, value_name = "FILE")]
    input: Option<OsString>,
    /// Print no progress
    #[arg(short, long)]
    quiet: bool,
    /// Platform to take from an archive for several
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Vec<String>,
}

pub fn run(_args: LoadArgs, _context: &Context) -> Outcome {
    report::unwired("load")
}
