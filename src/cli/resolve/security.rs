//! Rights, and which namespaces are the container's own.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::super::options::{Security, is_on};
use super::super::values::security::{self, SecurityOption};
use super::{Inputs, of};
use crate::runtime::capabilities::{self, CapabilitySet};
use crate::store::container::{Config, Seccomp, Sharing};

pub(super) fn security_options(options: &Security, inputs: &Inputs<'_>, config: &mut Config) -> Result<()> {
    config.privileged = is_on(options.privileged);
    // Several may stand together: CHOWN,KILL.
    let split = |list: &[String]| -> Vec<String> {
        list.iter()
            .flat_map(|word| word.split(','))
            .map(|word| word.trim().to_owned())
            .collect()
    };
    config.cap_add = split(&options.cap_add);
    config.cap_drop = split(&options.cap_drop);
    if let (Some(defaults), false) = (&inputs.settings.default_capabilities, config.privileged) {
        default_capabilities(&defaults.0, config)?;
    }
    for option in &options.security_opt {
        match security::parse(option).with_context(|| of("--security-opt", option))? {
            SecurityOption::NoNewPrivileges(truth) => config.no_new_privileges = truth,
            SecurityOption::SeccompUnconfined => config.seccomp = Seccomp::Unconfined,
            SecurityOption::SeccompFile(file) => {
                let content = (inputs.read)(Path::new(&file))
                    .with_context(|| format!("cannot read seccomp profile {file:?}"))?;
                let text = String::from_utf8(content).with_context(|| format!("seccomp profile {file:?}"))?;
                config.seccomp = Seccomp::Profile(text);
            }
            SecurityOption::Mask(paths) => config.mask.extend(paths),
            SecurityOption::Unmask(paths) => config.unmask.extend(paths),
            SecurityOption::Nothing => {}
        }
    }
    match options.userns.as_deref() {
        None | Some("" | "host") => {}
        Some(mode) => {
            bail!("--userns={mode} is not supported yet: there is --userns=host, which is the default")
        }
    }
    config.pid = sharing("--pid", options.pid.as_deref())?;
    config.ipc = match options.ipc.as_deref() {
        // There is nobody it could be shared with yet.
        Some("shareable") => Sharing::Private,
        mode => sharing("--ipc", mode)?,
    };
    config.uts = sharing("--uts", options.uts.as_deref())?;
    config.cgroup = sharing("--cgroupns", options.cgroupns.as_deref())?;
    Ok(())
}

/// Another set to start from than ours is all dropped and itself added.
fn default_capabilities(names: &[String], config: &mut Config) -> Result<()> {
    let set = |names: &[String]| -> Result<CapabilitySet> {
        let parsed: Result<Vec<_>, _> = names.iter().map(|name| capabilities::parse(name)).collect();
        Ok(CapabilitySet::of(&parsed?))
    };
    let base = set(names).context("invalid default_capabilities of containers.conf")?;
    let is_all = |name: &String| name.eq_ignore_ascii_case("all");
    if base == CapabilitySet::DEFAULT || config.cap_add.iter().chain(&config.cap_drop).any(is_all) {
        return Ok(());
    }
    let (added, dropped) = (set(&config.cap_add)?, set(&config.cap_drop)?);
    if added.intersection(dropped) == CapabilitySet::EMPTY {
        let wanted = base.union(added).difference(dropped);
        config.cap_add = wanted.iter().map(|capability| capability.to_string()).collect();
        config.cap_drop = vec!["ALL".into()];
    }
    Ok(())
}

fn sharing(option: &str, mode: Option<&str>) -> Result<Sharing> {
    match mode {
        None | Some("" | "private") => Ok(Sharing::Private),
        Some("host") => Ok(Sharing::Host),
        Some(mode) => bail!("{option}={mode} is not supported yet: there are private and host"),
    }
}
