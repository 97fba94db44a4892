//! `save`: write images to an archive.

use std::ffi::OsString;

use clap::Args;

use super::context::Context;
use super::report::{self, Outcome};

/// Save images to an archive
#[derive(Args, Debug)]
pub struct SaveArgs {
    /// File to write instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<OsString>,
    /// Format: docker-archive, oci-archive or oci-dir
    #[arg(long, value_name = "FORMAT", default_value = "docker-archive")]
    format: String,
    /// Accepted for compatibility: several images may always be saved to one archive
    #[arg(short, long)]
    multi_image_archive: bool,
    /// Print no progress
    #[arg(short, long)]
    quiet: bool,
    /// Images
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
}

pub fn run(_args: SaveArgs, _context: &Context) -> Outcome {
    report::unwired("save")
}
