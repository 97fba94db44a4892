//! Which machine this is, and which of its boots.

/// The identifier of this installation (`machine-id(5)`); empty where there is none.
pub fn machine() -> String {
    read("/etc/machine-id")
}

/// The identifier of this boot (`random(4)`).
pub fn boot() -> String {
    read("/proc/sys/kernel/random/boot_id")
}

fn read(path: &str) -> String {
    let content = super::file::read_proc(path).unwrap_or_default();
    String::from_utf8_lossy(&content).trim().to_owned()
}
