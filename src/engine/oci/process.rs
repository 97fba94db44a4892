//! The process of a bundle (runtime-spec, config.md, "Process").

use std::os::fd::RawFd;

use oci_spec::runtime::{Capabilities as Names, PosixRlimit, PosixRlimitType, Process as Listed};
use rustix::process::{Resource, Rlimit};

use super::{Result, refuse};
use crate::engine::spec::resource;
use crate::runtime::capabilities::{self, CapabilitySet};
use crate::runtime::seccomp::Filter;
use crate::runtime::spec::{Capabilities, Process, User};

/// What the process depends on beside itself.
pub struct Surroundings {
    pub seccomp: Option<Filter>,
    /// Capabilities that can be had: ours, or all in a new user namespace.
    pub available: CapabilitySet,
    pub descriptors: Vec<RawFd>,
}

pub fn process(listed: &Listed, surroundings: Surroundings) -> Result<Process> {
    let user = listed.user();
    let arguments = listed.args().iter().flatten();
    let environment = listed.env().iter().flatten();
    let terminal = listed.terminal().unwrap_or(false).then(|| {
        let side = |cells: u64| u16::try_from(cells).unwrap_or(u16::MAX);
        listed
            .console_size()
            .map_or((0, 0), |size| (side(size.height()), side(size.width())))
    });
    if let Some(adjustment) = listed.oom_score_adj()
        && !(-1_000..=1_000).contains(&adjustment)
    {
        return refuse(format!(
            "config.json: process.oomScoreAdj {adjustment} is not within -1000 and 1000"
        ));
    }
    Ok(Process {
        arguments: arguments.map(|text| text.as_str().into()).collect(),
        environment: environment.map(|text| text.as_str().into()).collect(),
        working_directory: listed.cwd().as_path().into(),
        user: User::Ids {
            uid: user.uid(),
            gid: user.gid(),
            groups: user.additional_gids().clone().unwrap_or_default(),
        },
        capabilities: sets(listed, surroundings.available)?,
        no_new_privileges: listed.no_new_privileges().unwrap_or(false),
        seccomp: surroundings.seccomp,
        limits: limits(listed.rlimits().as_deref().unwrap_or_default())?,
        oom_score_adj: listed.oom_score_adj(),
        umask: user.umask().unwrap_or(0o022) & 0o777,
        terminal,
        descriptors: surroundings.descriptors,
        is_listener: false,
    })
}

/// The five sets. What cannot be granted is left out, as the specification wants it; none are listed, none are given.
fn sets(listed: &Listed, available: CapabilitySet) -> Result<Capabilities> {
    let listed = listed.capabilities().as_ref();
    let set = |names: Option<&Option<Names>>| -> Result<CapabilitySet> {
        let mut set = CapabilitySet::EMPTY;
        for name in names.and_then(Option::as_ref).into_iter().flatten() {
            match capabilities::parse(&name.to_string()) {
                Ok(capability) => set.insert(capability),
                Err(error) => return refuse(format!("config.json: {error}")),
            }
        }
        Ok(set.intersection(available))
    };
    let bounding = set(listed.map(|sets| sets.bounding()))?;
    let permitted = set(listed.map(|sets| sets.permitted()))?;
    // The kernel takes no more than these (capabilities(7)).
    let inheritable = set(listed.map(|sets| sets.inheritable()))?.intersection(bounding);
    Ok(Capabilities {
        bounding,
        permitted,
        inheritable,
        effective: set(listed.map(|sets| sets.effective()))?.intersection(permitted),
        ambient: set(listed.map(|sets| sets.ambient()))?
            .intersection(permitted)
            .intersection(inheritable),
        superuser_only: false,
    })
}

fn limits(listed: &[PosixRlimit]) -> Result<Vec<(Resource, Rlimit)>> {
    let mut seen: Vec<PosixRlimitType> = Vec::new();
    let mut limits = Vec::new();
    for limit in listed {
        let name = limit.typ().to_string();
        if seen.contains(&limit.typ()) {
            return refuse(format!("config.json: {name} is listed twice"));
        }
        seen.push(limit.typ());
        let short = name.trim_start_matches("RLIMIT_").to_ascii_lowercase();
        let Some(resource) = resource(&short) else {
            return refuse(format!("config.json: unknown resource limit {name:?}"));
        };
        // RLIM_INFINITY is the greatest number.
        let bound = |value: u64| (value != u64::MAX).then_some(value);
        limits.push((
            resource,
            Rlimit {
                current: bound(limit.soft()),
                maximum: bound(limit.hard()),
            },
        ));
    }
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(json: &str, available: CapabilitySet) -> Result<Process> {
        let surroundings = Surroundings {
            seccomp: None,
            available,
            descriptors: Vec::new(),
        };
        process(&serde_json::from_str(json).unwrap(), surroundings)
    }

    #[test]
    fn capabilities_are_what_is_listed_and_available() {
        let json = r#"{"user":{"uid":7,"gid":8,"umask":63},"cwd":"/x","args":["a"],"capabilities":{
            "bounding":["CAP_KILL","CAP_CHOWN"],"permitted":["CAP_KILL","CAP_CHOWN"],"effective":["CAP_KILL"],
            "inheritable":["CAP_KILL","CAP_SYS_ADMIN"],"ambient":["CAP_KILL","CAP_CHOWN"]}}"#;
        let made = convert(json, CapabilitySet::ALL).unwrap();
        let kill = CapabilitySet::of(&[caps::Capability::CAP_KILL]);
        assert_eq!(made.capabilities.effective.bits(), kill.bits());
        assert_eq!(made.capabilities.inheritable.bits(), kill.bits());
        assert_eq!(made.capabilities.ambient.bits(), kill.bits());
        assert_eq!(made.umask, 0o77);
        assert!(convert(json, kill).unwrap().capabilities.bounding.bits() == kill.bits());
        let none = convert(r#"{"user":{},"cwd":"/"}"#, CapabilitySet::ALL).unwrap();
        assert!(none.capabilities.bounding.is_empty() && none.capabilities.permitted.is_empty());
    }

    #[test]
    fn limits_are_listed_once() {
        let with = |limits: &str| {
            let json = format!(r#"{{"user":{{}},"cwd":"/","rlimits":[{limits}]}}"#);
            convert(&json, CapabilitySet::EMPTY).map(|process| process.limits)
        };
        let nofile = r#"{"type":"RLIMIT_NOFILE","soft":1,"hard":18446744073709551615}"#;
        let found = with(nofile).unwrap();
        assert_eq!(found[0].0, Resource::Nofile);
        assert_eq!((found[0].1.current, found[0].1.maximum), (Some(1), None));
        assert!(with(&format!("{nofile},{nofile}")).is_err());
    }
}
