//! Whether a container is prepared for systemd, as Podman does it.

use anyhow::{Context as _, Result, bail};

use super::super::options::{ContainerOptions, parse_bool};
use super::super::values::limits;
use super::{Inputs, of};
use crate::base::bytes::ByteString;
use crate::store::container::{Config, Systemd};

/// SIGRTMIN+3, by which systemd halts (systemd(1), "Signals").
const HALT: i32 = 37;

/// Sets it, and the signal that ends it where neither the command line nor the image says another. The command is known.
pub(super) fn systemd(options: &ContainerOptions, inputs: &Inputs<'_>, config: &mut Config) -> Result<()> {
    let size = options.process.shm_size_systemd.as_ref();
    let tmpfs_size = match size {
        Some(size) => Some(limits::size(size).with_context(|| of("--shm-size-systemd", size))?),
        None => None,
    };
    let words = config.entrypoint.iter().chain(&config.command);
    let is_wanted = match options.process.systemd.as_deref() {
        None => is_systemd(words),
        Some("always") => true,
        Some(when) => match parse_bool(when) {
            Some(true) => is_systemd(words),
            Some(false) => false,
            None => bail!("{}: there are true, false and always", of("--systemd", when)),
        },
    };
    if !is_wanted {
        return Ok(());
    }
    config.systemd = Some(Systemd { tmpfs_size });
    let of_image = inputs.image.stop_signal.as_deref().unwrap_or_default();
    if options.identity.stop_signal.is_none() && of_image.is_empty() {
        config.stop_signal = HALT;
    }
    Ok(())
}

/// Whether a command is systemd, be it as the line of a shell that a Dockerfile has made of it.
fn is_systemd<'a>(words: impl Iterator<Item = &'a ByteString>) -> bool {
    let words: Vec<&[u8]> = words.take(3).map(ByteString::as_bytes).collect();
    let program = match words.as_slice() {
        [b"/bin/sh", b"-c", program] | [program, ..] => *program,
        [] => return false,
    };
    let name = program.rsplit(|byte| *byte == b'/').next();
    matches!(
        program,
        b"/sbin/init" | b"/usr/sbin/init" | b"/usr/local/sbin/init"
    ) || name == Some(b"systemd")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_is_known_by_its_name() {
        for (line, expected) in [
            ("/sbin/init", true),
            ("/usr/sbin/init --log-level=info", true),
            ("/usr/local/sbin/init", true),
            ("/lib/systemd/systemd --system", true),
            ("systemd", true),
            ("/bin/sh -c /sbin/init", true),
            ("sh /sbin/init", false),
            ("init", false),
            ("/bin/init", false),
            ("/sbin/systemd-x", false),
            ("", false),
        ] {
            let words: Vec<ByteString> = line.split_whitespace().map(ByteString::from).collect();
            assert_eq!(is_systemd(words.iter()), expected, "{line}");
        }
    }
}
