//! The system call interfaces a filter knows: their audit numbers, and the number of each call in them.

use std::collections::HashMap;

use syscalls::{aarch64, arm, x86, x86_64};

/// One system call interface. A kernel offers its own and that of its 32-bit programs; x32 is never offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Abi {
    X86_64,
    X86,
    Aarch64,
    Arm,
}

/// The first number of x32, which shares x86-64's audit number.
pub const X32_BIT: u32 = 0x4000_0000;

/// No table numbers an ordinary call this high; above lie x32 and the private calls of 32-bit ARM.
const ORDINARY: u32 = 0x1000;

impl Abi {
    #[cfg(target_arch = "x86_64")]
    pub const NATIVE: Abi = Abi::X86_64;
    #[cfg(target_arch = "aarch64")]
    pub const NATIVE: Abi = Abi::Aarch64;

    /// `AUDIT_ARCH_*` of `linux/audit.h`, which `seccomp_data.arch` holds.
    pub const fn audit(self) -> u32 {
        match self {
            Abi::X86_64 => 0xc000_003e,
            Abi::X86 => 0x4000_0003,
            Abi::Aarch64 => 0xc000_00b7,
            Abi::Arm => 0x4000_0028,
        }
    }

    /// What libseccomp calls it, which is how profiles name architectures in `includes` and `excludes`.
    pub const fn name(self) -> &'static str {
        match self {
            Abi::X86_64 => "amd64",
            Abi::X86 => "x86",
            Abi::Aarch64 => "arm64",
            Abi::Arm => "arm",
        }
    }

    /// The interface of 32-bit programs under a kernel of this one.
    pub const fn compatible(self) -> Option<Abi> {
        match self {
            Abi::X86_64 => Some(Abi::X86),
            Abi::Aarch64 => Some(Abi::Arm),
            Abi::X86 | Abi::Arm => None,
        }
    }

    /// The bits an argument can have: the kernel hands those of 32-bit programs to filters with the upper half zero.
    pub const fn argument_mask(self) -> u64 {
        match self {
            Abi::X86_64 | Abi::Aarch64 => u64::MAX,
            Abi::X86 | Abi::Arm => u32::MAX as u64,
        }
    }

    /// The name of call `number` in the tables we have.
    fn call(self, number: usize) -> Option<&'static str> {
        match self {
            Abi::X86_64 => x86_64::Sysno::new(number).map(|call| call.name()),
            Abi::X86 => x86::Sysno::new(number).map(|call| call.name()),
            Abi::Aarch64 => aarch64::Sysno::new(number).map(|call| call.name()),
            Abi::Arm => arm::Sysno::new(number).map(|call| call.name()),
        }
    }

    /// What those tables lack: `__ARM_NR_*`, and names that profiles use beside the kernel's own.
    const fn more_calls(self) -> &'static [(&'static str, u32)] {
        match self {
            Abi::Aarch64 => &[("newfstatat", 79)],
            Abi::Arm => &[
                ("breakpoint", 0xf_0001),
                ("cacheflush", 0xf_0002),
                ("set_tls", 0xf_0005),
                ("sync_file_range2", 341),
            ],
            Abi::X86_64 | Abi::X86 => &[],
        }
    }
}

/// The calls of one interface by name.
pub struct Numbers(HashMap<&'static str, u32>);

impl Numbers {
    pub fn of(abi: Abi) -> Numbers {
        // Every table ends well below: the newest call of Linux 6.17 is 469.
        let ordinary = (0..1024u32).filter_map(|number| Some((abi.call(number as usize)?, number)));
        let mut calls = HashMap::with_capacity(512);
        calls.extend(ordinary.chain(abi.more_calls().iter().copied()));
        Numbers(calls)
    }

    pub fn get(&self, name: &str) -> Option<u32> {
        self.0.get(name).copied()
    }

    #[cfg(test)]
    pub fn name(&self, number: u32) -> Option<&'static str> {
        self.0
            .iter()
            .find(|(_, known)| **known == number)
            .map(|(name, _)| *name)
    }
}

/// Is `number` one of the ordinary calls, which the kernel numbers upward as it gets new ones?
pub const fn is_ordinary(number: u32) -> bool {
    number < ORDINARY
}

/// Where 32-bit x86 also reaches the call `name`: the multiplexer, and what it has in its first argument, of which
/// `mask` are the bits that choose.
pub fn multiplexed(abi: Abi, name: &str) -> Option<Multiplexed> {
    const SOCKETCALL: [&str; 20] = [
        "socket",
        "bind",
        "connect",
        "listen",
        "accept",
        "getsockname",
        "getpeername",
        "socketpair",
        "send",
        "recv",
        "sendto",
        "recvfrom",
        "shutdown",
        "setsockopt",
        "getsockopt",
        "sendmsg",
        "recvmsg",
        "accept4",
        "recvmmsg",
        "sendmmsg",
    ];
    const IPC: [(&str, u64); 12] = [
        ("semop", 1),
        ("semget", 2),
        ("semctl", 3),
        ("semtimedop", 4),
        ("msgsnd", 11),
        ("msgrcv", 12),
        ("msgget", 13),
        ("msgctl", 14),
        ("shmat", 21),
        ("shmdt", 22),
        ("shmget", 23),
        ("shmctl", 24),
    ];
    if abi != Abi::X86 {
        return None;
    }
    if let Some(index) = SOCKETCALL.iter().position(|one| *one == name) {
        return Some(Multiplexed {
            call: x86::Sysno::socketcall as u32,
            value: index as u64 + 1,
            mask: 0xffff_ffff,
        });
    }
    // The upper half of ipc(2)'s first argument is a version.
    let (_, value) = IPC.iter().find(|(one, _)| *one == name)?;
    Some(Multiplexed {
        call: x86::Sysno::ipc as u32,
        value: *value,
        mask: 0xffff,
    })
}

/// One call inside another: see [`multiplexed`].
pub struct Multiplexed {
    pub call: u32,
    pub value: u64,
    pub mask: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_kernel() {
        let table = [
            (Abi::X86_64, "read", Some(0)),
            (Abi::X86_64, "clone3", Some(435)),
            (Abi::X86_64, "file_setattr", Some(469)),
            (Abi::X86_64, "socketcall", None),
            (Abi::X86, "read", Some(3)),
            (Abi::X86, "socketcall", Some(102)),
            (Abi::X86, "socket", Some(359)),
            (Abi::X86, "clock_gettime64", Some(403)),
            (Abi::Aarch64, "read", Some(63)),
            (Abi::Aarch64, "newfstatat", Some(79)),
            (Abi::Aarch64, "open", None),
            (Abi::Arm, "set_tls", Some(0xf0005)),
            (Abi::Arm, "sync_file_range2", Some(341)),
            (Abi::Arm, "nope", None),
        ];
        for (abi, name, number) in table {
            assert_eq!(Numbers::of(abi).get(name), number, "{abi:?} {name}");
        }
    }

    #[test]
    fn the_last_call_of_every_table_is_among_them() {
        for abi in [Abi::X86_64, Abi::X86, Abi::Aarch64, Abi::Arm] {
            assert!(abi.call(469).is_some(), "{abi:?}");
            assert!(
                (470..1 << 16).all(|number| abi.call(number).is_none()),
                "{abi:?} has newer calls"
            );
        }
    }

    #[test]
    fn multiplexed_calls_are_found_for_32_bit_x86_alone() {
        assert!(multiplexed(Abi::X86_64, "socket").is_none());
        let socket = multiplexed(Abi::X86, "socket").unwrap();
        assert_eq!((socket.call, socket.value), (102, 1));
        let last = multiplexed(Abi::X86, "sendmmsg").unwrap();
        assert_eq!((last.call, last.value), (102, 20));
        let shmat = multiplexed(Abi::X86, "shmat").unwrap();
        assert_eq!((shmat.call, shmat.value, shmat.mask), (117, 21, 0xffff));
    }
}
