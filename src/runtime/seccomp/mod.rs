//! Seccomp filters: which system calls a container may make, compiled to the kernel's BPF without libseccomp.
//!
//! - `policy`: what shall happen, by name, and by number for each system call interface (`abi`)
//! - `profile`: policies from JSON; `default`: the one a container gets when nothing is said
//! - `compile`: the program, and `default_x86_64`, `default_aarch64`: that of the default, made before

mod abi;
mod compile;
mod default;
#[cfg(any(target_arch = "aarch64", test))]
mod default_aarch64;
#[cfg(any(target_arch = "x86_64", test))]
mod default_x86_64;
mod policy;
mod profile;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use oci_spec::runtime::LinuxSeccomp;

use self::abi::Abi;
use self::policy::{Action, Policy};
use self::profile::{Machine, Profile};
use crate::runtime::capabilities::CapabilitySet;
use crate::sys::seccomp::FLAG_SPEC_ALLOW;

pub use self::profile::{MAX_SIZE, ProfileError};
pub use crate::sys::seccomp::Instruction;

/// A program for `sys::seccomp::load`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub program: Cow<'static, [Instruction]>,
    /// `FLAG_*` of `sys::seccomp`. With `FLAG_NEW_LISTENER` loading returns a descriptor that somebody must serve.
    pub flags: u32,
}

#[cfg(target_arch = "aarch64")]
use self::default_aarch64::PROGRAM as DEFAULT;
#[cfg(target_arch = "x86_64")]
use self::default_x86_64::PROGRAM as DEFAULT;

/// The default filter of a container whose bounding set is `capabilities`. That of the default set costs nothing.
pub fn default_filter(capabilities: CapabilitySet) -> Filter {
    let program = if default::class(capabilities) == default::class(CapabilitySet::DEFAULT) {
        Cow::Borrowed(&DEFAULT[..])
    } else {
        let program = compile::compile(&default::policy(capabilities, Abi::NATIVE).tables());
        Cow::Owned(program.expect("the default policy fits for every set of capabilities"))
    };
    Filter {
        program,
        flags: FLAG_SPEC_ALLOW,
    }
}

/// The filter that a profile in Docker's JSON describes for a container whose bounding set is `capabilities`.
pub fn from_profile(json: &[u8], capabilities: CapabilitySet) -> Result<Filter, ProfileError> {
    let profile = Profile::parse(json)?;
    let machine = Machine {
        capabilities,
        abi: Abi::NATIVE,
        kernel: running_kernel(),
    };
    let policy = profile.policy(&machine)?;
    if notifies(&policy) {
        return Err(ProfileError::Notify(
            "used here: only an OCI runtime configuration names a listener",
        ));
    }
    filter(&profile, &policy)
}

/// The filter of an OCI runtime configuration.
pub fn from_oci(seccomp: &LinuxSeccomp) -> Result<Filter, ProfileError> {
    // Written out and read back, so that there is one reader and one set of rules.
    let profile = Profile::parse(&serde_json::to_vec(seccomp)?)?;
    let machine = Machine {
        capabilities: CapabilitySet::EMPTY,
        abi: Abi::NATIVE,
        kernel: running_kernel(),
    };
    filter(&profile, &profile.policy(&machine)?)
}

fn filter(profile: &Profile, policy: &Policy) -> Result<Filter, ProfileError> {
    let program = compile::compile(&policy.tables())?;
    Ok(Filter {
        program: Cow::Owned(program),
        flags: profile.flags(notifies(policy))?,
    })
}

fn notifies(policy: &Policy) -> bool {
    policy.rules.iter().any(|rule| rule.action == Action::Notify)
}

/// The numbers at the head of the kernel's release; distributions add what they like behind them.
fn running_kernel() -> (u32, u32) {
    let name = rustix::system::uname();
    let release = name.release().to_string_lossy();
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(|digits| digits.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}
