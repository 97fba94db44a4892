//! Sets of Linux capabilities: names, numbers, the default set, and what `--cap-add` and `--cap-drop` make of it.

use std::fmt;

use caps::Capability;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};
use thiserror::Error;

/// A set of capabilities, one bit per capability number as in `/proc/PID/status`.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CapabilitySet(u64);

/// Why a list of capabilities could not be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CapabilityError {
    #[error("unknown capability \"{0}\"")]
    Unknown(String),
    #[error("capability {0} is not known to this kernel")]
    NotInKernel(Capability),
    #[error("capability {0} is both added and dropped")]
    AddedAndDropped(Capability),
    #[error("all capabilities are both added and dropped")]
    AllAddedAndDropped,
}

impl CapabilitySet {
    pub const EMPTY: CapabilitySet = CapabilitySet(0);

    /// Every capability this program knows by name.
    pub const ALL: CapabilitySet = CapabilitySet::up_to(Capability::CAP_CHECKPOINT_RESTORE as u8);

    /// What a container gets when nothing is asked for: Podman's default.
    pub const DEFAULT: CapabilitySet = CapabilitySet::of(&[
        Capability::CAP_CHOWN,
        Capability::CAP_DAC_OVERRIDE,
        Capability::CAP_FOWNER,
        Capability::CAP_FSETID,
        Capability::CAP_KILL,
        Capability::CAP_NET_BIND_SERVICE,
        Capability::CAP_SETFCAP,
        Capability::CAP_SETGID,
        Capability::CAP_SETPCAP,
        Capability::CAP_SETUID,
        Capability::CAP_SYS_CHROOT,
    ]);

    /// The set of the listed capabilities.
    pub const fn of(list: &[Capability]) -> CapabilitySet {
        let mut bits = 0;
        let mut index = 0;
        while index < list.len() {
            bits |= 1 << list[index] as u8;
            index += 1;
        }
        CapabilitySet(bits)
    }

    /// Every number from 0 to `last`, which is the content of `/proc/sys/kernel/cap_last_cap`.
    pub const fn up_to(last: u8) -> CapabilitySet {
        if last >= 63 {
            CapabilitySet(u64::MAX)
        } else {
            CapabilitySet((1 << (last + 1)) - 1)
        }
    }

    /// The set with these bits; bits without a name are kept, so that a kernel's own sets survive.
    pub const fn from_bits(bits: u64) -> CapabilitySet {
        CapabilitySet(bits)
    }

    pub const fn bits(self) -> u64 {
        self.0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn insert(&mut self, capability: Capability) {
        self.0 |= capability.bitmask();
    }

    pub fn remove(&mut self, capability: Capability) {
        self.0 &= !capability.bitmask();
    }

    pub const fn contains(self, capability: Capability) -> bool {
        self.0 & (1 << capability as u8) != 0
    }

    pub const fn is_superset(self, other: CapabilitySet) -> bool {
        self.0 & other.0 == other.0
    }

    pub const fn union(self, other: CapabilitySet) -> CapabilitySet {
        CapabilitySet(self.0 | other.0)
    }

    pub const fn intersection(self, other: CapabilitySet) -> CapabilitySet {
        CapabilitySet(self.0 & other.0)
    }

    pub const fn difference(self, other: CapabilitySet) -> CapabilitySet {
        CapabilitySet(self.0 & !other.0)
    }

    /// The named capabilities of the set, by number.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        let mut named: Vec<Capability> = caps::all()
            .into_iter()
            .filter(|one| self.contains(*one))
            .collect();
        named.sort_by_key(Capability::index);
        named.into_iter()
    }
}

/// `CAP_CHOWN`, `chown` and `cap_chown` are the same capability.
pub fn parse(name: &str) -> Result<Capability, CapabilityError> {
    caps::to_canonical(name)
        .parse()
        .map_err(|_| CapabilityError::Unknown(name.to_owned()))
}

/// What `--cap-add` and `--cap-drop` make of `base`, by the rules of the containers project.
///
/// Dropping `all` leaves just what is added; adding `all` starts from `known`, every capability of this kernel.
/// Naming one on both sides is refused. A privileged container has all of them, and its lists are only checked, as in
/// Docker and Podman. The result never exceeds `known`; the caller limits it further to its own bounding set.
pub fn resolve(
    base: CapabilitySet,
    add: &[String],
    drop: &[String],
    privileged: bool,
    known: CapabilitySet,
) -> Result<CapabilitySet, CapabilityError> {
    let add = List::parse(add, known)?;
    let drop = List::parse(drop, known)?;
    if privileged {
        return Ok(known);
    }
    if add.all && drop.all {
        return Err(CapabilityError::AllAddedAndDropped);
    }
    if drop.all {
        return Ok(add.named);
    }
    if add.all {
        return Ok(known.difference(drop.named));
    }
    if let Some(both) = add.named.intersection(drop.named).iter().next() {
        return Err(CapabilityError::AddedAndDropped(both));
    }
    Ok(base.difference(drop.named).union(add.named).intersection(known))
}

struct List {
    all: bool,
    named: CapabilitySet,
}

impl List {
    fn parse(names: &[String], known: CapabilitySet) -> Result<List, CapabilityError> {
        let mut list = List {
            all: false,
            named: CapabilitySet::EMPTY,
        };
        for name in names {
            if name.eq_ignore_ascii_case("all") {
                list.all = true;
                continue;
            }
            let capability = parse(name)?;
            if !known.contains(capability) {
                return Err(CapabilityError::NotInKernel(capability));
            }
            list.named.insert(capability);
        }
        Ok(list)
    }
}

impl fmt::Display for CapabilitySet {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (index, capability) in self.iter().enumerate() {
            write!(f, "{}{capability}", if index > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for CapabilitySet {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

impl Serialize for CapabilitySet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(|one| one.to_string()))
    }
}

impl<'de> Deserialize<'de> for CapabilitySet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut set = CapabilitySet::EMPTY;
        for name in Vec::<String>::deserialize(deserializer)? {
            set.insert(parse(&name).map_err(D::Error::custom)?);
        }
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caps::Capability::*;

    fn strings(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn resolved(add: &str, drop: &str) -> Result<CapabilitySet, CapabilityError> {
        resolve(
            CapabilitySet::DEFAULT,
            &strings(add),
            &strings(drop),
            false,
            CapabilitySet::ALL,
        )
    }

    #[test]
    fn the_constants_have_the_kernel_s_bits() {
        assert_eq!(CapabilitySet::ALL.bits(), 0x1ff_ffff_ffff);
        assert_eq!(CapabilitySet::ALL.iter().count(), 41);
        // CapBnd of a rootless Podman container.
        assert_eq!(CapabilitySet::DEFAULT.bits(), 0x8004_05fb);
        assert_eq!(CapabilitySet::up_to(63).bits(), u64::MAX);
        assert_eq!(CapabilitySet::up_to(0).bits(), 1);
    }

    #[test]
    fn names_are_read_in_every_spelling() {
        for name in [
            "CAP_SYS_ADMIN",
            "SYS_ADMIN",
            "sys_admin",
            "cap_sys_admin",
            "Cap_Sys_Admin",
        ] {
            assert_eq!(parse(name), Ok(CAP_SYS_ADMIN), "{name}");
        }
        for name in [
            "",
            "CAP_",
            "CAP_NOPE",
            "ALL",
            "CAP_ALL",
            " CHOWN",
            "CAP_CAP_CHOWN",
            "chown\0",
            "chöwn",
        ] {
            assert_eq!(
                parse(name),
                Err(CapabilityError::Unknown(name.to_owned())),
                "{name}"
            );
        }
    }

    #[test]
    fn additions_and_drops_follow_the_containers_project() {
        let default = CapabilitySet::DEFAULT;
        let without_chown = default.difference(CapabilitySet::of(&[CAP_CHOWN]));
        let table: &[(&str, &str, CapabilitySet)] = &[
            ("", "", default),
            (
                "net_admin",
                "",
                default.union(CapabilitySet::of(&[CAP_NET_ADMIN])),
            ),
            ("CHOWN", "", default),
            ("", "cap_chown", without_chown),
            ("", "NET_ADMIN", default),
            (
                "SYS_TIME",
                "CHOWN",
                without_chown.union(CapabilitySet::of(&[CAP_SYS_TIME])),
            ),
            ("", "all", CapabilitySet::EMPTY),
            (
                "SYS_TIME chown",
                "ALL",
                CapabilitySet::of(&[CAP_SYS_TIME, CAP_CHOWN]),
            ),
            // With "all" on one side a name may stand on both.
            ("CHOWN", "ALL CHOWN", CapabilitySet::of(&[CAP_CHOWN])),
            ("All", "", CapabilitySet::ALL),
            (
                "all",
                "SYS_ADMIN",
                CapabilitySet::ALL.difference(CapabilitySet::of(&[CAP_SYS_ADMIN])),
            ),
            (
                "all CHOWN",
                "CHOWN",
                CapabilitySet::ALL.difference(CapabilitySet::of(&[CAP_CHOWN])),
            ),
        ];
        for (add, drop, expected) in table {
            assert_eq!(
                resolved(add, drop).as_ref(),
                Ok(expected),
                "add {add:?} drop {drop:?}"
            );
        }
    }

    #[test]
    fn contradictions_and_unknown_names_are_refused() {
        assert_eq!(resolved("ALL", "all"), Err(CapabilityError::AllAddedAndDropped));
        assert_eq!(
            resolved("chown", "CAP_CHOWN"),
            Err(CapabilityError::AddedAndDropped(CAP_CHOWN))
        );
        assert_eq!(
            resolved("ALLL", ""),
            Err(CapabilityError::Unknown("ALLL".to_owned()))
        );
        assert_eq!(
            resolved("", "ALL nope"),
            Err(CapabilityError::Unknown("nope".to_owned()))
        );
    }

    #[test]
    fn the_kernel_s_last_capability_limits_everything() {
        let known = CapabilitySet::up_to(CAP_AUDIT_READ as u8);
        let base = CapabilitySet::of(&[CAP_CHOWN, CAP_BPF]);
        assert_eq!(
            resolve(base, &[], &[], false, known),
            Ok(CapabilitySet::of(&[CAP_CHOWN]))
        );
        assert_eq!(resolve(base, &strings("all"), &[], false, known), Ok(known));
        assert_eq!(
            resolve(base, &strings("bpf"), &[], false, known),
            Err(CapabilityError::NotInKernel(CAP_BPF))
        );
    }

    #[test]
    fn a_privileged_container_has_all_of_them_but_names_are_still_checked() {
        let known = CapabilitySet::ALL;
        let base = CapabilitySet::DEFAULT;
        assert_eq!(resolve(base, &[], &strings("all"), true, known), Ok(known));
        assert!(resolve(base, &strings("nope"), &[], true, known).is_err());
    }

    #[test]
    fn sets_are_printed_and_stored_as_names() {
        let set = CapabilitySet::of(&[CAP_SETUID, CAP_CHOWN]);
        assert_eq!(set.to_string(), "CAP_CHOWN,CAP_SETUID");
        let json = serde_json::to_string(&set).unwrap();
        assert_eq!(json, r#"["CAP_CHOWN","CAP_SETUID"]"#);
        assert_eq!(serde_json::from_str::<CapabilitySet>(&json).unwrap(), set);
        assert!(serde_json::from_str::<CapabilitySet>(r#"["CAP_NOPE"]"#).is_err());
        assert!(set.is_superset(CapabilitySet::of(&[CAP_CHOWN])));
        assert!(!set.is_superset(CapabilitySet::of(&[CAP_CHOWN, CAP_KILL])));
    }
}
