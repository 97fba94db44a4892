//! Seccomp profiles in JSON: those of Docker and the containers project, and `linux.seccomp` of the OCI runtime
//! specification, whose keys are a part of the former.
//!
//! A key, action, operator, architecture, flag or errno that is not known is an error: what it would have forbidden
//! is not known either. Names of calls are the exception, since profiles name the calls of all architectures and of
//! newer kernels; but a profile that permits what it does not name cannot refuse a call whose number is not known.

use serde::Deserialize;
use thiserror::Error;

use super::abi::{Abi, Numbers};
use super::compile::TooLong;
use super::policy::{Action, Condition, Policy, Rule, Test};
use crate::runtime::capabilities::{self, CapabilityError, CapabilitySet};
use crate::sys::seccomp::{FLAG_LOG, FLAG_NEW_LISTENER, FLAG_SPEC_ALLOW, FLAG_WAIT_KILLABLE_RECV};

/// The largest profile that is read; the default one of the containers project has 18 KB.
pub const MAX_SIZE: usize = 1 << 20;

/// `MAX_ERRNO` of `linux/err.h`: the kernel cuts what is higher down to it.
const MAX_ERRNO: u32 = 4095;

/// Why a profile cannot be used.
#[derive(Debug, Error)]
pub enum ProfileError {
    #[error("the profile has {0} bytes, more than {MAX_SIZE}")]
    TooLarge(usize),
    #[error("the profile is not valid: {0}")]
    Json(#[from] serde_json::Error),
    #[error("unknown {what} \"{value}\" in the profile")]
    Unknown { what: &'static str, value: String },
    #[error("the profile has both \"{0}\" and \"{1}\"")]
    Both(&'static str, &'static str),
    #[error("rule {rule} of the profile: {error}")]
    Rule { rule: usize, error: Box<ProfileError> },
    #[error("no system call is named")]
    NoNames,
    #[error("action {0} takes no errno")]
    NoErrno(String),
    #[error("errno {0} is out of range")]
    ErrnoRange(u32),
    #[error("a system call has no argument {0}")]
    Argument(u32),
    #[error(
        "cannot refuse \"{0}\": no call of this name is known, and the profile permits what it does not name"
    )]
    CannotRefuse(String),
    #[error("action SCMP_ACT_NOTIFY cannot be {0}")]
    Notify(&'static str),
    #[error(transparent)]
    Capability(#[from] CapabilityError),
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

fn unknown(what: &'static str, value: &str) -> ProfileError {
    ProfileError::Unknown {
        what,
        value: value.to_owned(),
    }
}

/// A profile as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Profile {
    default_action: String,
    default_errno_ret: Option<u32>,
    default_errno: Option<String>,
    architectures: Option<Vec<String>>,
    arch_map: Option<Vec<Architecture>>,
    flags: Option<Vec<String>>,
    syscalls: Option<Vec<Block>>,
    /// For whoever receives the notifications; no part of the filter.
    #[serde(rename = "listenerPath")]
    _listener_path: Option<String>,
    #[serde(rename = "listenerMetadata")]
    _listener_metadata: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Architecture {
    architecture: String,
    sub_architectures: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Block {
    name: Option<String>,
    names: Option<Vec<String>>,
    action: String,
    errno_ret: Option<u32>,
    errno: Option<String>,
    args: Option<Vec<Argument>>,
    includes: Option<Selector>,
    excludes: Option<Selector>,
    #[serde(rename = "comment")]
    _comment: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Argument {
    index: u32,
    value: u64,
    value_two: Option<u64>,
    op: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Selector {
    caps: Option<Vec<String>>,
    arches: Option<Vec<String>>,
    min_kernel: Option<String>,
}

/// What decides which rules of a profile are in force.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    pub capabilities: CapabilitySet,
    pub abi: Abi,
    /// Version and patch level: `(6, 1)`.
    pub kernel: (u32, u32),
}

impl Profile {
    pub fn parse(json: &[u8]) -> Result<Profile, ProfileError> {
        if json.len() > MAX_SIZE {
            return Err(ProfileError::TooLarge(json.len()));
        }
        Ok(serde_json::from_slice(json)?)
    }

    /// The rules in force on `machine`.
    pub fn policy(&self, machine: &Machine) -> Result<Policy<'_>, ProfileError> {
        let default = action(
            &self.default_action,
            errno(&self.default_errno, self.default_errno_ret)?,
        )?;
        if default == Action::Notify {
            return Err(ProfileError::Notify("the default"));
        }
        let mut rules = Vec::new();
        for (index, block) in self.syscalls.iter().flatten().enumerate() {
            block
                .rules(machine, &mut rules)
                .map_err(|error| ProfileError::Rule {
                    rule: index + 1,
                    error: Box::new(error),
                })?;
        }
        let policy = Policy {
            default,
            rules,
            abis: self.abis(machine.abi)?,
        };
        check_refusals(&policy)?;
        Ok(policy)
    }

    /// The native interface is always there, and those of 32-bit programs where the profile lists them.
    fn abis(&self, native: Abi) -> Result<Vec<Abi>, ProfileError> {
        let mut listed = Vec::new();
        match (&self.architectures, &self.arch_map) {
            (Some(_), Some(_)) => return Err(ProfileError::Both("architectures", "archMap")),
            (Some(names), None) => {
                for name in names {
                    listed.push(architecture(name, native)?);
                }
            }
            (None, Some(entries)) => {
                for entry in entries {
                    let owner = architecture(&entry.architecture, native)?;
                    for name in entry.sub_architectures.iter().flatten() {
                        let below = architecture(name, native)?;
                        listed.push(below.filter(|_| owner == Some(native)));
                    }
                }
            }
            (None, None) => {}
        }
        let compatible = native.compatible().filter(|abi| listed.contains(&Some(*abi)));
        Ok([native].into_iter().chain(compatible).collect())
    }

    /// Flags for the kernel. Without any, speculation is left as it is, as runc and crun do.
    pub fn flags(&self, notifies: bool) -> Result<u32, ProfileError> {
        let Some(names) = &self.flags else {
            return Ok(FLAG_SPEC_ALLOW | if notifies { FLAG_NEW_LISTENER } else { 0 });
        };
        let mut flags = if notifies { FLAG_NEW_LISTENER } else { 0 };
        for name in names {
            flags |= match name.as_str() {
                "SECCOMP_FILTER_FLAG_LOG" => FLAG_LOG,
                "SECCOMP_FILTER_FLAG_SPEC_ALLOW" => FLAG_SPEC_ALLOW,
                // The kernel refuses it without a listener.
                "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" if notifies => FLAG_WAIT_KILLABLE_RECV,
                "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" => 0,
                // For all threads; the process that loads the filter has one.
                "SECCOMP_FILTER_FLAG_TSYNC" => 0,
                _ => return Err(unknown("flag", name)),
            };
        }
        Ok(flags)
    }
}

impl Block {
    fn rules<'a>(&'a self, machine: &Machine, rules: &mut Vec<Rule<'a>>) -> Result<(), ProfileError> {
        let names: Vec<&str> = match (&self.name, &self.names) {
            (Some(name), None) => vec![name],
            (Some(name), Some(names)) if name.is_empty() || names.is_empty() => names
                .iter()
                .chain([name])
                .map(String::as_str)
                .filter(|name| !name.is_empty())
                .collect(),
            (Some(_), Some(_)) => return Err(ProfileError::Both("name", "names")),
            (None, names) => names.iter().flatten().map(String::as_str).collect(),
        };
        if names.is_empty() {
            return Err(ProfileError::NoNames);
        }
        let action = action(&self.action, errno(&self.errno, self.errno_ret)?)?;
        if action == Action::Notify && names.contains(&"write") {
            return Err(ProfileError::Notify("used for \"write\""));
        }
        let mut conditions = Vec::new();
        for argument in self.args.iter().flatten() {
            conditions.push(argument.condition()?);
        }
        // Everything is checked above, in force or not: a mistake shows on every machine.
        if !self.in_force(machine)? {
            return Ok(());
        }
        // As in runc and crun: conditions on one argument are each a rule of their own.
        let twice = |one: &Condition| {
            conditions
                .iter()
                .filter(|other| other.argument == one.argument)
                .count()
                > 1
        };
        if conditions.iter().any(twice) {
            rules.extend(conditions.iter().map(|one| Rule {
                names: names.clone(),
                conditions: vec![*one],
                action,
            }));
        } else {
            rules.push(Rule {
                names,
                conditions,
                action,
            });
        }
        Ok(())
    }

    fn in_force(&self, machine: &Machine) -> Result<bool, ProfileError> {
        let none = Selector::default();
        let includes = self.includes.as_ref().unwrap_or(&none).matches(machine)?;
        let excludes = self.excludes.as_ref().unwrap_or(&none).matches(machine)?;
        let included = includes.capabilities.iter().all(|held| *held)
            && includes.architecture != Some(false)
            && includes.kernel != Some(false);
        let excluded = excludes.capabilities.contains(&true)
            || excludes.architecture == Some(true)
            || excludes.kernel == Some(true);
        Ok(included && !excluded)
    }
}

/// What of a selector holds; `None` and empty where it does not ask.
struct Matches {
    capabilities: Vec<bool>,
    architecture: Option<bool>,
    kernel: Option<bool>,
}

impl Selector {
    fn matches(&self, machine: &Machine) -> Result<Matches, ProfileError> {
        let mut capabilities = Vec::new();
        for name in self.caps.iter().flatten() {
            capabilities.push(machine.capabilities.contains(capabilities::parse(name)?));
        }
        let mut architecture = None;
        for name in self.arches.iter().flatten() {
            if !ARCHITECTURE_NAMES.contains(&name.as_str()) {
                return Err(unknown("architecture", name));
            }
            architecture = Some(architecture == Some(true) || name == machine.abi.name());
        }
        let kernel = match self.min_kernel.as_deref() {
            None | Some("") => None,
            Some(text) => {
                Some(machine.kernel >= kernel(text).ok_or_else(|| unknown("kernel version", text))?)
            }
        };
        Ok(Matches {
            capabilities,
            architecture,
            kernel,
        })
    }
}

impl Argument {
    fn condition(&self) -> Result<Condition, ProfileError> {
        let value = self.value;
        let test = match self.op.as_str() {
            "SCMP_CMP_EQ" => Test::Equal(value),
            "SCMP_CMP_NE" => Test::NotEqual(value),
            "SCMP_CMP_LT" => Test::Less(value),
            "SCMP_CMP_LE" => Test::LessEqual(value),
            "SCMP_CMP_GT" => Test::Greater(value),
            "SCMP_CMP_GE" => Test::GreaterEqual(value),
            // The mask is cut out of both sides, as by libseccomp.
            "SCMP_CMP_MASKED_EQ" => Test::Masked {
                mask: value,
                value: self.value_two.unwrap_or(0) & value,
            },
            _ => return Err(unknown("operator", &self.op)),
        };
        match u8::try_from(self.index) {
            Ok(argument @ 0..=5) => Ok(Condition { argument, test }),
            _ => Err(ProfileError::Argument(self.index)),
        }
    }
}

/// Where unnamed calls run, a call that cannot be found would run in spite of being named.
fn check_refusals(policy: &Policy) -> Result<(), ProfileError> {
    if !policy.default.permits() {
        return Ok(());
    }
    let tables = [Abi::X86_64, Abi::X86, Abi::Aarch64, Abi::Arm].map(Numbers::of);
    let refusals = policy.rules.iter().filter(|rule| !rule.action.permits());
    for name in refusals.flat_map(|rule| &rule.names) {
        let multiplexed = super::abi::multiplexed(Abi::X86, name).is_some();
        if !multiplexed && tables.iter().all(|table| table.get(name).is_none()) {
            return Err(ProfileError::CannotRefuse((*name).to_owned()));
        }
    }
    Ok(())
}

fn action(name: &str, errno: Option<u32>) -> Result<Action, ProfileError> {
    let action = match name {
        // The kernel's EPERM, where no other is given.
        "SCMP_ACT_ERRNO" => match errno.unwrap_or(1) {
            errno @ 0..=MAX_ERRNO => return Ok(Action::Errno(errno as u16)),
            errno => return Err(ProfileError::ErrnoRange(errno)),
        },
        "SCMP_ACT_TRACE" => {
            let data = errno.unwrap_or(1);
            return Ok(Action::Trace(
                u16::try_from(data).map_err(|_| ProfileError::ErrnoRange(data))?,
            ));
        }
        "SCMP_ACT_ALLOW" => Action::Allow,
        "SCMP_ACT_LOG" => Action::Log,
        "SCMP_ACT_NOTIFY" => Action::Notify,
        "SCMP_ACT_TRAP" => Action::Trap,
        "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => Action::KillThread,
        "SCMP_ACT_KILL_PROCESS" => Action::KillProcess,
        _ => return Err(unknown("action", name)),
    };
    // The runtime specification wants this refused.
    if errno.is_some() {
        Err(ProfileError::NoErrno(name.to_owned()))
    } else {
        Ok(action)
    }
}

/// The name of an errno, or its number as text, before the number.
fn errno(name: &Option<String>, number: Option<u32>) -> Result<Option<u32>, ProfileError> {
    let Some(name) = name.as_deref().filter(|name| !name.is_empty()) else {
        return Ok(number);
    };
    if let Ok(number) = name.parse() {
        return Ok(Some(number));
    }
    let known = (1..=133).find(|number| syscalls::Errno::new(*number).name() == Some(name));
    match (known, name) {
        (Some(number), _) => Ok(Some(number as u32)),
        (None, "EWOULDBLOCK") => Ok(Some(11)),
        (None, "EDEADLOCK") => Ok(Some(35)),
        (None, "ENOTSUP") => Ok(Some(95)),
        _ => Err(unknown("errno", name)),
    }
}

/// `4.8`.
fn kernel(text: &str) -> Option<(u32, u32)> {
    let (version, patch_level) = text.split_once('.')?;
    Some((version.parse().ok()?, patch_level.parse().ok()?))
}

/// libseccomp's names, which `includes` and `excludes` use.
const ARCHITECTURE_NAMES: [&str; 26] = [
    "amd64",
    "x86",
    "x32",
    "arm",
    "arm64",
    "loong64",
    "loongarch64",
    "m68k",
    "mips",
    "mips64",
    "mips64n32",
    "mipsel",
    "mipsel64",
    "mipsel64n32",
    "mipsle",
    "mips3l64n32",
    "parisc",
    "parisc64",
    "ppc",
    "ppc64",
    "ppc64le",
    "riscv64",
    "s390",
    "s390x",
    "sh",
    "sheb",
];

/// The interface of this name where we can filter for it. x32 has none: it is refused whatever the profile says.
fn architecture(name: &str, native: Abi) -> Result<Option<Abi>, ProfileError> {
    const OTHERS: [&str; 20] = [
        "X32",
        "LOONGARCH64",
        "M68K",
        "MIPS",
        "MIPS64",
        "MIPS64N32",
        "MIPSEL",
        "MIPSEL64",
        "MIPSEL64N32",
        "PARISC",
        "PARISC64",
        "PPC",
        "PPC64",
        "PPC64LE",
        "RISCV64",
        "S390",
        "S390X",
        "SH",
        "SHEB",
        "SPARC64",
    ];
    match name.strip_prefix("SCMP_ARCH_") {
        Some("NATIVE") => Ok(Some(native)),
        Some("X86_64") => Ok(Some(Abi::X86_64)),
        Some("X86") => Ok(Some(Abi::X86)),
        Some("AARCH64") => Ok(Some(Abi::Aarch64)),
        Some("ARM") => Ok(Some(Abi::Arm)),
        Some(other) if OTHERS.contains(&other) => Ok(None),
        _ => Err(unknown("architecture", name)),
    }
}
