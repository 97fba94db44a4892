//! `version`: which coracle this is.

use clap::Args;
use serde_json::{Value, json};

use super::context::Context;
use super::format;
use super::output::print;
use super::report::Outcome;
use crate::image::platform;

/// Print the version
#[derive(Args, Debug)]
pub struct VersionArgs {
    /// Print by a Go template, or as "json"
    #[arg(short, long, value_name = "TEMPLATE")]
    format: Option<String>,
}

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Which C library is linked in; how fast programs start depends on it.
pub const C_LIBRARY: &str = if cfg!(target_env = "musl") {
    "musl"
} else {
    "glibc"
};

pub fn run(args: VersionArgs, _context: &Context) -> Outcome {
    let text = format::document("version", args.format.as_deref(), &document(), plain)?;
    print(&text)?;
    Ok(0)
}

/// Lines as Podman has them, which scripts take apart.
fn plain() -> String {
    let platform = platform::display(&platform::host());
    format!(
        "Client:       Coracle\n\
         Version:      {VERSION}\n\
         API Version:  {VERSION}\n\
         OS/Arch:      {platform}\n\
         C Library:    {C_LIBRARY}, static\n"
    )
}

/// There is no server, but scripts ask for its version.
fn document() -> Value {
    let platform = platform::host();
    let one = json!({
        "Version": VERSION,
        "APIVersion": VERSION,
        "ApiVersion": VERSION,
        "GitCommit": "",
        "GoVersion": "",
        "BuiltTime": "",
        "Built": 0,
        "OsArch": platform::display(&platform),
        "Os": platform.os,
        "Arch": platform.architecture,
        "CLibrary": C_LIBRARY,
    });
    json!({"Client": one, "Server": one})
}
