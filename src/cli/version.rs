//! `version`: which coracle this is.

use std::ffi::{OsStr, OsString};
use std::path::Path;

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

/// The name by which scripts call us. One that calls us as another tool is told the version of that tool whose command
/// line ours was made after: it asks what it may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Called {
    Coracle,
    Docker,
    Podman,
}

impl Called {
    /// By the first word of a command line.
    pub fn by(line: &[OsString]) -> Self {
        let program = line.first().map(Path::new).and_then(Path::file_name);
        match program.and_then(OsStr::to_str) {
            Some("docker") => Self::Docker,
            Some("podman") => Self::Podman,
            _ => Self::Coracle,
        }
    }

    pub fn version(self) -> &'static str {
        match self {
            Self::Coracle => VERSION,
            Self::Docker => "28.5.2",
            Self::Podman => "5.8.2",
        }
    }

    /// That of the interface between client and server, which Docker numbers apart.
    pub fn api_version(self) -> &'static str {
        match self {
            Self::Docker => "1.51",
            Self::Coracle | Self::Podman => self.version(),
        }
    }

    /// What `--version` prints.
    pub fn line(self) -> String {
        let version = self.version();
        match self {
            Self::Coracle => format!("coracle {version}\n"),
            Self::Docker => format!("Docker version {version}, build coracle-{VERSION}\n"),
            Self::Podman => format!("podman version {version}\n"),
        }
    }
}

pub fn run(args: VersionArgs, context: &Context) -> Outcome {
    let called = Called::by(&context.command_line);
    let text = format::document("version", args.format.as_deref(), &document(called), || {
        plain(called)
    })?;
    print(&text)?;
    Ok(0)
}

/// Lines as Podman has them, which scripts take apart.
fn plain(called: Called) -> String {
    let (version, api) = (called.version(), called.api_version());
    let platform = platform::display(&platform::host());
    let own = match called {
        Called::Coracle => String::new(),
        Called::Docker | Called::Podman => format!("Coracle:      {VERSION}\n"),
    };
    format!(
        "Client:       Coracle\n\
         Version:      {version}\n\
         API Version:  {api}\n\
         {own}\
         Go Version:   none\n\
         OS/Arch:      {platform}\n\
         C Library:    {C_LIBRARY}, static\n"
    )
}

/// There is no server, but scripts ask for its version.
fn document(called: Called) -> Value {
    let platform = platform::host();
    let one = json!({
        "Version": called.version(),
        "APIVersion": called.api_version(),
        "ApiVersion": called.api_version(),
        "Coracle": VERSION,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (program, line) in [
            ("/usr/bin/podman", "podman version 5.8.2\n"),
            (
                "docker",
                &format!("Docker version 28.5.2, build coracle-{VERSION}\n"),
            ),
            ("/podman/coracle", &format!("coracle {VERSION}\n")),
        ] {
            assert_eq!(Called::by(&[program.into()]).line(), line);
        }
    }
}
