//! `--volume`, `--mount` and `--tmpfs`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{Result, invalid};
use crate::base::bytes::ByteString;
use crate::cli::options::parse_bool;
use crate::store::container::{Mount, MountSource};

/// A mount, and what `-v` and `--mount` disagree about.
#[derive(Clone, Debug)]
pub struct Requested {
    pub mount: Mount,
    /// A directory of the host that is not there is made, as Docker does for `-v`.
    pub make_source: bool,
}

/// What mounts without a name or with a relative path need to know.
pub struct Surroundings<'a> {
    /// The current directory, in which relative paths start.
    pub directory: &'a Path,
    /// Makes up the name of an anonymous volume.
    pub anonymous: &'a mut dyn FnMut() -> String,
}

/// `[SOURCE:]TARGET[:OPTIONS]` of `--volume`.
pub fn volume(word: &OsStr, surroundings: &mut Surroundings<'_>) -> Result<Requested> {
    let parts: Vec<&[u8]> = word.as_bytes().split(|byte| *byte == b':').collect();
    let (source, target_path, options) = match parts.as_slice() {
        [target] => (None, *target, &b""[..]),
        [source, target] => (Some(*source), *target, &b""[..]),
        [source, target, options] => (Some(*source), *target, *options),
        _ => return invalid("expected SOURCE:TARGET[:OPTIONS]"),
    };
    let mut flags = Flags::default();
    for option in text(options)?.split(',').filter(|option| !option.is_empty()) {
        flags.take(option)?;
    }
    let target = target(target_path)?;
    let (source, make_source) = match source {
        None => (anonymous_volume(surroundings, &flags), false),
        Some(b"") => return invalid("the source is empty"),
        Some(path) if path.starts_with(b"/") || path.starts_with(b".") => {
            (bind(path, &flags, surroundings.directory)?, true)
        }
        Some(name) => (named_volume(text(name)?, &flags)?, false),
    };
    Ok(Requested {
        mount: flags.mount(source, target),
        make_source,
    })
}

/// `type=TYPE,key=value,…` of `--mount`.
pub fn mount(word: &OsStr, surroundings: &mut Surroundings<'_>) -> Result<Requested> {
    let mut kind = None;
    let (mut source, mut target_path) = (None, None);
    let mut flags = Flags::default();
    for field in comma_separated(word.as_bytes())? {
        let (key, value) = match field.iter().position(|byte| *byte == b'=') {
            Some(place) => (
                text(&field[..place])?.to_ascii_lowercase(),
                Some(&field[place + 1..]),
            ),
            None => (text(&field)?.to_ascii_lowercase(), None),
        };
        match (key.as_str(), value) {
            ("type", Some(value)) => kind = Some(text(value)?.to_owned()),
            ("source" | "src", Some(value)) => source = Some(value.to_vec()),
            ("target" | "dst" | "destination", Some(value)) => target_path = Some(value.to_vec()),
            (key, value) => flags.take_key(key, value.map(text).transpose()?)?,
        }
    }
    let Some(target_path) = target_path else {
        return invalid("the target is missing: add target=PATH");
    };
    let target = target(&target_path)?;
    let kind = kind.as_deref().unwrap_or("volume");
    let source = match (kind, source.filter(|source| !source.is_empty())) {
        ("bind", Some(path)) => bind(&path, &flags, surroundings.directory)?,
        ("bind", None) => return invalid("the source is missing: add source=PATH"),
        ("volume", Some(name)) => named_volume(text(&name)?, &flags)?,
        ("volume", None) => anonymous_volume(surroundings, &flags),
        ("tmpfs", None) => MountSource::Tmpfs,
        ("tmpfs", Some(_)) => return invalid("a tmpfs has no source"),
        ("image" | "devpts" | "glob" | "ramfs" | "artifact", _) => {
            return invalid(format!(
                "type={kind} is not supported yet; there are bind, volume and tmpfs"
            ));
        }
        ("npipe" | "cluster", _) => return invalid(format!("type={kind} is not supported")),
        _ => {
            return invalid(format!(
                "there is no type {kind:?}; there are bind, volume and tmpfs"
            ));
        }
    };
    flags.check_fit(&source)?;
    if matches!(source, MountSource::Tmpfs) {
        flags.harden_tmpfs();
    }
    Ok(Requested {
        mount: flags.mount(source, target),
        make_source: false,
    })
}

/// `TARGET[:OPTIONS]` of `--tmpfs`.
pub fn tmpfs(word: &OsStr) -> Result<Mount> {
    let bytes = word.as_bytes();
    let place = bytes.iter().position(|byte| *byte == b':').unwrap_or(bytes.len());
    let mut flags = Flags::default();
    for option in text(bytes.get(place + 1..).unwrap_or_default())?
        .split(',')
        .filter(|option| !option.is_empty())
    {
        match option.split_once('=') {
            Some((key @ ("size" | "mode" | "uid" | "gid" | "nr_inodes" | "nr_blocks"), value)) => {
                flags.options.push(tmpfs_option(key, value)?);
            }
            Some(_) => return invalid(format!("there is no option {option:?} for a tmpfs")),
            None => flags.take(option)?,
        }
    }
    flags.harden_tmpfs();
    Ok(flags.mount(MountSource::Tmpfs, target(&bytes[..place])?))
}

/// What options of all spellings come to.
#[derive(Default)]
struct Flags {
    read_only: Option<bool>,
    recursive: Option<bool>,
    copy: Option<bool>,
    propagation: Option<String>,
    options: Vec<String>,
    /// Keys that fit one type only, and that type.
    particular: Vec<(&'static str, &'static str)>,
}

impl Flags {
    /// A word of `-v` or `--tmpfs`.
    fn take(&mut self, option: &str) -> Result<()> {
        match option {
            "rw" => set(&mut self.read_only, false, "ro and rw")?,
            "ro" => set(&mut self.read_only, true, "ro and rw")?,
            "bind" => set(&mut self.recursive, false, "bind and rbind")?,
            "rbind" => set(&mut self.recursive, true, "bind and rbind")?,
            "copy" => set(&mut self.copy, true, "copy and nocopy")?,
            "nocopy" => set(&mut self.copy, false, "copy and nocopy")?,
            "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave" | "unbindable"
            | "runbindable" => {
                if self.propagation.replace(option.to_owned()).is_some() {
                    return invalid("more than one kind of propagation");
                }
            }
            "exec" | "noexec" | "suid" | "nosuid" | "dev" | "nodev" => {
                let opposite = option
                    .strip_prefix("no")
                    .map_or_else(|| format!("no{option}"), str::to_owned);
                if self.options.contains(&opposite) {
                    return invalid(format!("both {option} and {opposite}"));
                }
                self.options.push(option.to_owned());
            }
            "atime" | "noatime" | "diratime" | "nodiratime" | "relatime" | "norelatime" | "strictatime" => {
                self.options.push(option.to_owned());
            }
            // Labels of SELinux, of which there are none here; hints for macOS; and what is the case anyway.
            "z" | "Z" | "consistent" | "cached" | "delegated" | "notmpcopyup" | "norecursive-ro" => {}
            "U" => return invalid("U, which changes owners, is not supported yet"),
            "tmpcopyup" => return invalid("tmpcopyup is not supported yet"),
            _ if option == "O" || option.starts_with("upperdir=") || option.starts_with("workdir=") => {
                return invalid("O, which keeps changes apart, is not supported yet");
            }
            _ if option.starts_with("idmap") => return invalid("idmap is not supported yet"),
            _ => return invalid(format!("there is no option {option:?}")),
        }
        Ok(())
    }

    /// A key of `--mount`.
    fn take_key(&mut self, key: &str, value: Option<&str>) -> Result<()> {
        let truth = |value: Option<&str>| match value {
            None => Ok(true),
            Some(value) => parse_bool(value).map_or_else(|| invalid(format!("{key} is true or false")), Ok),
        };
        match (key, value) {
            ("readonly" | "ro", value) => self.read_only = Some(truth(value)?),
            ("rw", value) => self.read_only = Some(!truth(value)?),
            ("bind-propagation", Some(value)) => {
                self.particular.push(("bind-propagation", "bind"));
                match value {
                    "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave" => {
                        self.propagation = Some(value.to_owned());
                    }
                    _ => return invalid(format!("there is no propagation {value:?}")),
                }
            }
            ("bind-nonrecursive", value) => {
                self.particular.push(("bind-nonrecursive", "bind"));
                self.recursive = Some(!truth(value)?);
            }
            ("bind-recursive", Some(value)) => {
                self.particular.push(("bind-recursive", "bind"));
                match value {
                    "enabled" | "writable" => self.recursive = Some(true),
                    "disabled" => self.recursive = Some(false),
                    "readonly" => return invalid("bind-recursive=readonly is not supported yet"),
                    _ => return invalid(format!("bind-recursive is not {value:?}")),
                }
            }
            ("volume-nocopy", value) => {
                self.particular.push(("volume-nocopy", "volume"));
                self.copy = Some(!truth(value)?);
            }
            ("tmpfs-size" | "size", Some(value)) => {
                self.particular.push(("tmpfs-size", "tmpfs"));
                self.options.push(tmpfs_option("size", value)?);
            }
            ("tmpfs-mode" | "mode", Some(value)) => {
                self.particular.push(("tmpfs-mode", "tmpfs"));
                self.options.push(tmpfs_option("mode", value)?);
            }
            ("consistency" | "relabel", _) => {}
            ("chown" | "u", value) => {
                if truth(value)? {
                    return invalid("chown is not supported yet");
                }
            }
            (
                "idmap" | "subpath" | "volume-subpath" | "volume-opt" | "volume-label" | "bind-create-src",
                _,
            ) => {
                return invalid(format!("{key} is not supported yet"));
            }
            ("volume-driver", Some("local")) => {}
            ("volume-driver", _) => return invalid("there is only the driver local"),
            (_, None) => self.take(key)?,
            _ => return invalid(format!("there is no key {key:?}")),
        }
        Ok(())
    }

    /// A key that is for another type is a mistake.
    fn check_fit(&self, source: &MountSource) -> Result<()> {
        let kind = match source {
            MountSource::Bind { .. } => "bind",
            MountSource::Volume { .. } => "volume",
            MountSource::Tmpfs => "tmpfs",
        };
        match self.particular.iter().find(|(_, wanted)| *wanted != kind) {
            Some((key, wanted)) => invalid(format!("{key} is for type={wanted}, not for type={kind}")),
            None => Ok(()),
        }
    }

    /// Nobody needs programs or devices on a tmpfs unless they say so.
    fn harden_tmpfs(&mut self) {
        for option in ["noexec", "nosuid", "nodev"] {
            let opposite = &option[2..];
            if !self
                .options
                .iter()
                .any(|given| given == option || given == opposite)
            {
                self.options.push(option.to_owned());
            }
        }
    }

    fn mount(self, source: MountSource, target: ByteString) -> Mount {
        let mut options = self.options;
        options.extend(self.propagation);
        Mount {
            source,
            target,
            read_only: self.read_only.unwrap_or(false),
            options,
        }
    }
}

fn set(slot: &mut Option<bool>, value: bool, both: &str) -> Result<()> {
    match slot.replace(value) {
        Some(before) if before != value => invalid(format!("both {both}")),
        _ => Ok(()),
    }
}

fn tmpfs_option(key: &str, value: &str) -> Result<String> {
    let good = match key {
        "size" => {
            let percent = value
                .strip_suffix('%')
                .is_some_and(|number| number.parse::<u32>().is_ok());
            percent || crate::base::units::parse_size(value).is_some()
        }
        "mode" => u32::from_str_radix(value, 8).is_ok_and(|mode| mode <= 0o7777),
        _ => value.parse::<u64>().is_ok(),
    };
    if !good {
        return invalid(format!("{key}={value} makes no sense"));
    }
    match crate::base::units::parse_size(value) {
        Some(bytes) if key == "size" => Ok(format!("size={bytes}")),
        _ => Ok(format!("{key}={value}")),
    }
}

fn bind(path: &[u8], flags: &Flags, directory: &Path) -> Result<MountSource> {
    let path = directory.join(OsStr::from_bytes(path));
    let path = ByteString::from(clean(path.as_os_str().as_bytes()));
    Ok(MountSource::Bind {
        path,
        recursive: flags.recursive.unwrap_or(true),
    })
}

fn anonymous_volume(surroundings: &mut Surroundings<'_>, flags: &Flags) -> MountSource {
    let name = (surroundings.anonymous)();
    MountSource::Volume {
        name,
        anonymous: true,
        copy: flags.copy.unwrap_or(true),
    }
}

fn named_volume(name: &str, flags: &Flags) -> Result<MountSource> {
    check_volume_name(name)?;
    Ok(MountSource::Volume {
        name: name.to_owned(),
        anonymous: false,
        copy: flags.copy.unwrap_or(true),
    })
}

/// A volume's name begins with a letter or digit and goes on with those, `_`, `.` and `-`.
pub fn check_volume_name(name: &str) -> Result<()> {
    if crate::store::names::is_valid(name) {
        Ok(())
    } else {
        invalid(format!(
            "{name:?} cannot be the name of a volume; a directory begins with / or ."
        ))
    }
}

/// An absolute path in the container, without `.`, `..` and doubled slashes, that is not the root.
fn target(path: &[u8]) -> Result<ByteString> {
    if !path.starts_with(b"/") {
        return invalid(format!(
            "the target {:?} is not an absolute path",
            String::from_utf8_lossy(path)
        ));
    }
    match clean(path) {
        cleaned if cleaned == b"/" => invalid("the target is the root directory"),
        cleaned => Ok(ByteString::from(cleaned)),
    }
}

/// An absolute path with `.`, `..` and doubled slashes resolved by their letters.
pub fn clean(path: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    let mut cleaned = vec![b'/'];
    cleaned.extend(parts.join(&b'/'));
    cleaned
}

fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).or_else(|_| invalid("is not valid UTF-8"))
}

/// One line of comma-separated values, where a field in double quotes may hold commas.
fn comma_separated(line: &[u8]) -> Result<Vec<Vec<u8>>> {
    let mut fields = vec![Vec::new()];
    let (mut quoted, mut bytes) = (false, line.iter().peekable());
    while let Some(byte) = bytes.next() {
        let field = fields.last_mut().expect("there is always a field");
        match byte {
            b'"' if quoted && bytes.peek() == Some(&&b'"') => {
                bytes.next();
                field.push(b'"');
            }
            b'"' if quoted || field.is_empty() => quoted = !quoted,
            b',' if !quoted => fields.push(Vec::new()),
            _ => field.push(*byte),
        }
    }
    if quoted {
        return invalid("a quotation mark is missing");
    }
    fields.retain(|field| !field.is_empty());
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `source -> target flags`, or the error.
    fn show(result: Result<Requested>) -> String {
        let Requested { mount, make_source } = match result {
            Ok(requested) => requested,
            Err(error) => return format!("error: {error}"),
        };
        let source = match mount.source {
            MountSource::Bind { path, recursive } => {
                format!("{}{}", path.lossy(), if recursive { "" } else { " flat" })
            }
            MountSource::Volume {
                name,
                anonymous,
                copy,
            } => {
                format!(
                    "volume {name}{}{}",
                    if anonymous { " anonymous" } else { "" },
                    if copy { "" } else { " nocopy" }
                )
            }
            MountSource::Tmpfs => "tmpfs".into(),
        };
        let read_only = if mount.read_only { " ro" } else { "" };
        let make = if make_source { " make" } else { "" };
        let options = if mount.options.is_empty() {
            String::new()
        } else {
            format!(" {}", mount.options.join(","))
        };
        format!("{source} -> {}{read_only}{make}{options}", mount.target.lossy())
    }

    fn with_surroundings<T>(body: impl FnOnce(&mut Surroundings<'_>) -> T) -> T {
        body(&mut Surroundings {
            directory: Path::new("/work/dir"),
            anonymous: &mut || "anon".into(),
        })
    }

    #[test]
    fn volumes() {
        for (word, expected) in [
            ("/a:/b", "/a -> /b make"),
            ("/a/:/b/../c//d/", "/a -> /c/d make"),
            ("./x:/b", "/work/dir/x -> /b make"),
            ("../x:/b", "/work/x -> /b make"),
            (".:/b:ro", "/work/dir -> /b ro make"),
            ("name:/b", "volume name -> /b"),
            ("name:/b:ro,nocopy", "volume name nocopy -> /b ro"),
            ("/b", "volume anon anonymous -> /b"),
            ("/a:/b:ro,z,rslave,noexec", "/a -> /b ro make noexec,rslave"),
            ("/a:/b:bind,rshared", "/a flat -> /b make rshared"),
            ("/a:/b:", "/a -> /b make"),
            ("/a:b", "error: the target \"b\" is not an absolute path"),
            ("/a:/", "error: the target is the root directory"),
            ("/a:/x/..", "error: the target is the root directory"),
            (":/b", "error: the source is empty"),
            (
                "a b:/b",
                "error: \"a b\" cannot be the name of a volume; a directory begins with / or .",
            ),
            ("/a:/b:ro,rw", "error: both ro and rw"),
            ("/a:/b:exec,noexec", "error: both noexec and exec"),
            ("/a:/b:rw:x", "error: expected SOURCE:TARGET[:OPTIONS]"),
            ("/a:/b:U", "error: U, which changes owners, is not supported yet"),
            (
                "/a:/b:O",
                "error: O, which keeps changes apart, is not supported yet",
            ),
            ("/a:/b:bogus", "error: there is no option \"bogus\""),
            ("", "error: the target \"\" is not an absolute path"),
        ] {
            assert_eq!(
                show(with_surroundings(|s| volume(OsStr::new(word), s))),
                expected,
                "{word}"
            );
        }
    }

    #[test]
    fn mounts() {
        for (word, expected) in [
            ("type=bind,source=/a,target=/b", "/a -> /b"),
            ("type=bind,src=./a,dst=/b,readonly", "/work/dir/a -> /b ro"),
            (
                "type=bind,src=/a,destination=/b,ro=false,bind-propagation=rslave",
                "/a -> /b rslave",
            ),
            ("type=bind,src=/a,dst=/b,bind-nonrecursive=true", "/a flat -> /b"),
            ("type=bind,\"src=/a,b\",dst=/b", "/a,b -> /b"),
            ("source=vol,target=/data", "volume vol -> /data"),
            (
                "type=volume,target=/data,volume-nocopy",
                "volume anon anonymous nocopy -> /data",
            ),
            (
                "type=tmpfs,target=/t,tmpfs-size=64m,tmpfs-mode=1777",
                "tmpfs -> /t size=67108864,mode=1777,noexec,nosuid,nodev",
            ),
            ("type=tmpfs,target=/t,exec", "tmpfs -> /t exec,nosuid,nodev"),
            ("type=tmpfs,source=x,target=/t", "error: a tmpfs has no source"),
            (
                "type=bind,target=/b",
                "error: the source is missing: add source=PATH",
            ),
            (
                "type=bind,source=/a",
                "error: the target is missing: add target=PATH",
            ),
            (
                "type=bind,source=/a,target=/b,tmpfs-size=1m",
                "error: tmpfs-size is for type=tmpfs, not for type=bind",
            ),
            (
                "type=image,source=a,target=/b",
                "error: type=image is not supported yet; there are bind, volume and tmpfs",
            ),
            (
                "type=bogus,target=/b",
                "error: there is no type \"bogus\"; there are bind, volume and tmpfs",
            ),
            (
                "type=bind,source=/a,target=/b,ro=perhaps",
                "error: ro is true or false",
            ),
            (
                "type=bind,source=/a,target=/b,bogus=1",
                "error: there is no key \"bogus\"",
            ),
            (
                "type=tmpfs,target=/t,tmpfs-mode=9",
                "error: mode=9 makes no sense",
            ),
            (
                "type=bind,source=/a,target=/b,\"x",
                "error: a quotation mark is missing",
            ),
            (
                "type=volume,source=/a,target=/b",
                "error: \"/a\" cannot be the name of a volume; a directory begins with / or .",
            ),
        ] {
            assert_eq!(
                show(with_surroundings(|s| mount(OsStr::new(word), s))),
                expected,
                "{word}"
            );
        }
    }

    #[test]
    fn temporary_file_systems() {
        for (word, expected) in [
            ("/t", "tmpfs -> /t noexec,nosuid,nodev"),
            (
                "/t:rw,size=1g,mode=755,exec",
                "tmpfs -> /t size=1073741824,mode=755,exec,nosuid,nodev",
            ),
            ("/t:ro,size=50%", "tmpfs -> /t ro size=50%,noexec,nosuid,nodev"),
            ("/t:size=x", "error: size=x makes no sense"),
            ("/t:bogus=1", "error: there is no option \"bogus=1\" for a tmpfs"),
            ("t", "error: the target \"t\" is not an absolute path"),
        ] {
            let result = tmpfs(OsStr::new(word)).map(|mount| Requested {
                mount,
                make_source: false,
            });
            assert_eq!(show(result), expected, "{word}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_targets_are_clean(word in proptest::collection::vec(any::<u8>(), 0..60)) {
            let word = OsStr::from_bytes(&word);
            let results = [with_surroundings(|s| volume(word, s)), with_surroundings(|s| mount(word, s))];
            for requested in results.into_iter().flatten() {
                let target = requested.mount.target.as_bytes().to_vec();
                prop_assert!(target.starts_with(b"/") && target != b"/");
                prop_assert_eq!(clean(&target), target);
            }
            let _ = tmpfs(word);
        }
    }
}
