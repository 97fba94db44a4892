//! How much a layer may ask of us. A layer comes from strangers: every number here bounds time, memory or disk,
//! and lies far above what images that people use need.

/// Longest path, without the closing NUL: the kernel's PATH_MAX less one.
pub const PATH_BYTES: usize = 4095;
/// Longest name of one component: NAME_MAX of every file system we can stand on.
pub const NAME_BYTES: usize = 255;
/// Deepest path. Removal and resolution cost a step each level.
pub const DEPTH: usize = 1024;
/// Largest extended header (pax `x` and `g`). It must hold a few attribute values of 64 KiB, coded in base 64.
pub const PAX_BYTES: u64 = 1 << 20;
/// Largest GNU long name or long link: a path and its closing NUL, with room for doubled slashes.
pub const LONG_NAME_BYTES: u64 = 2 * 4096;
/// Extended attributes of one entry.
pub const XATTRS: usize = 128;
/// Longest value of an extended attribute: the kernel's XATTR_SIZE_MAX.
pub const XATTR_VALUE_BYTES: usize = 64 << 10;
/// Longest name of an extended attribute: the kernel's XATTR_NAME_MAX.
pub const XATTR_NAME_BYTES: usize = 255;
/// Segments of one sparse file: 16 MiB of memory.
pub const SPARSE_SEGMENTS: usize = 1 << 20;
/// Longest sparse file: what ext4 holds with blocks of 4 KiB.
pub const SPARSE_LENGTH: u64 = 1 << 44;
/// Entries of one layer, with the directories they imply: an hour of file creation on a slow disk.
pub const ENTRIES: u64 = 5_000_000;
/// Uncompressed bytes of one layer, unless the caller says otherwise.
pub const LAYER_BYTES: u64 = 256 << 30;
/// Bytes of paths held in memory until the end of a layer (directories, whiteouts, links into lower layers).
pub const HELD_BYTES: usize = 256 << 20;
/// Links followed to find the directory of one entry: the kernel's own bound.
pub const LINKS: usize = 40;
