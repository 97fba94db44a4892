//! Seccomp filters (the real module lands beside this).
pub use crate::sys::seccomp::Instruction;
/// A compiled filter.
pub struct Filter {
    pub program: std::borrow::Cow<'static, [Instruction]>,
    pub flags: u32,
}
