//! Users and groups by the container's own `/etc/passwd` and `/etc/group`, and sub-ids by the host's.
//!
//! The container's files are hostile: only regular files are read, up to a limit, as bytes, and never through the
//! C library's name service (CVE-2024-9676, CVE-2026-47262).

use std::io::Read;
use std::os::fd::OwnedFd;

use super::spec::User;

/// The most that is read of one file.
const LIMIT: u64 = 16 << 20;
/// As many supplementary groups as the kernel takes (NGROUPS_MAX).
pub const MAX_GROUPS: usize = 65_536;

/// Whom a process runs as, in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub uid: u32,
    pub gid: u32,
    /// Supplementary, without doubles.
    pub groups: Vec<u32>,
    /// From the passwd line, if there is one.
    pub home: Option<Vec<u8>>,
}

/// Why a user cannot be resolved.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AccountError {
    #[error("unable to find user {0}: no matching entries in passwd file")]
    NoUser(String),
    #[error("unable to find group {0}: no matching entries in group file")]
    NoGroup(String),
    #[error("user {0:?} is not a name, a number or user:group")]
    Malformed(String),
    #[error("id {0:?} is not between 0 and 2147483647")]
    OutOfRange(String),
    #[error("the container's /etc/{file}: {reason}")]
    Unreadable { file: &'static str, reason: String },
    #[error("user {0:?} is in more than 65536 groups of the container's /etc/group")]
    TooManyGroups(String),
}

/// Reads an account file that was opened in the container, if there is one.
pub fn read(file: Option<OwnedFd>, name: &'static str) -> Result<Vec<u8>, AccountError> {
    let Some(file) = file else { return Ok(Vec::new()) };
    let unreadable = |reason: String| AccountError::Unreadable { file: name, reason };
    let file = std::fs::File::from(file);
    let metadata = file.metadata().map_err(|error| unreadable(error.to_string()))?;
    if !metadata.is_file() {
        return Err(unreadable("not a regular file".into()));
    }
    if metadata.len() > LIMIT {
        return Err(unreadable(format!("longer than {LIMIT} bytes")));
    }
    let mut content = Vec::with_capacity(metadata.len() as usize + 1);
    file.take(LIMIT + 1)
        .read_to_end(&mut content)
        .map_err(|error| unreadable(error.to_string()))?;
    if content.len() as u64 > LIMIT {
        return Err(unreadable(format!("longer than {LIMIT} bytes")));
    }
    Ok(content)
}

/// Whom `user` means, given the contents of the container's files.
///
/// `user`, `uid`, `user:group`, `uid:gid` in any mixture; a numeric user need not be listed. Supplementary groups
/// come from the group file unless a group was named, as in Docker and Podman; `groups` are added to them.
pub fn resolve(user: &User, passwd: &[u8], group: &[u8]) -> Result<Account, AccountError> {
    let (text, extra) = match user {
        User::Ids { uid, gid, groups } => {
            let home = passwd_line(passwd, |line| line.uid == Some(*uid)).map(|line| line.home.to_vec());
            return Ok(Account {
                uid: *uid,
                gid: *gid,
                groups: groups.clone(),
                home,
            });
        }
        User::Named { user, groups } => (user.as_str(), groups),
    };
    let (user, named_group) = match text.split_once(':') {
        Some((_, group)) if group.is_empty() || group.contains(':') => {
            return Err(AccountError::Malformed(text.into()));
        }
        Some(("", group)) => ("0", Some(group)),
        Some((user, group)) => (user, Some(group)),
        None if text.is_empty() => ("0", None),
        None => (text, None),
    };
    let line = match number(user)? {
        Some(uid) => passwd_line(passwd, |line| line.uid == Some(uid)).unwrap_or(PasswdLine {
            name: b"",
            uid: Some(uid),
            gid: Some(0),
            home: b"",
        }),
        None => passwd_line(passwd, |line| line.name == user.as_bytes())
            .ok_or_else(|| AccountError::NoUser(user.into()))?,
    };
    let uid = line.uid.ok_or_else(|| AccountError::NoUser(user.into()))?;
    let gid = match named_group {
        Some(name) => group_id(group, name)?,
        None => line.gid.unwrap_or(0),
    };
    let mut groups = Vec::new();
    if named_group.is_none() && !line.name.is_empty() {
        groups_of(group, line.name, &mut groups).map_err(|()| AccountError::TooManyGroups(user.into()))?;
    }
    for name in extra {
        groups.push(group_id(group, name)?);
    }
    groups.sort_unstable();
    groups.dedup();
    let home = (!line.home.is_empty()).then(|| line.home.to_vec());
    Ok(Account {
        uid,
        gid,
        groups,
        home,
    })
}

struct PasswdLine<'a> {
    name: &'a [u8],
    uid: Option<u32>,
    gid: Option<u32>,
    home: &'a [u8],
}

fn passwd_line<'a>(
    passwd: &'a [u8],
    mut wanted: impl FnMut(&PasswdLine<'a>) -> bool,
) -> Option<PasswdLine<'a>> {
    passwd.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let line = PasswdLine {
            name,
            uid: fields.nth(1).and_then(id),
            gid: fields.next().and_then(id),
            home: fields.nth(1).unwrap_or(b""),
        };
        wanted(&line).then_some(line)
    })
}

fn group_id(group: &[u8], name: &str) -> Result<u32, AccountError> {
    if let Some(gid) = number(name)? {
        return Ok(gid);
    }
    group
        .split(|byte| *byte == b'\n')
        .find_map(|line| {
            let mut fields = line.split(|byte| *byte == b':');
            (fields.next()? == name.as_bytes()).then(|| fields.nth(1).and_then(id))?
        })
        .ok_or_else(|| AccountError::NoGroup(name.into()))
}

/// Adds the ids of all groups that list `user` as a member.
fn groups_of(group: &[u8], user: &[u8], groups: &mut Vec<u32>) -> Result<(), ()> {
    for line in group.split(|byte| *byte == b'\n') {
        let mut fields = line.splitn(4, |byte| *byte == b':');
        let (Some(gid), Some(members)) = (fields.nth(2).and_then(id), fields.next()) else {
            continue;
        };
        if members
            .split(|byte| *byte == b',')
            .any(|member| member.trim_ascii() == user)
        {
            if groups.len() == MAX_GROUPS {
                return Err(());
            }
            groups.push(gid);
        }
    }
    Ok(())
}

/// An id in a file: plain digits in range, or the line does not count.
fn id(field: &[u8]) -> Option<u32> {
    std::str::from_utf8(field)
        .ok()
        .and_then(|text| number(text).ok().flatten())
}

/// A decimal id; `None` when the text is a name. Ids above 2^31-1 are refused, as by Docker: some programs take them
/// for negative ones (CVE-2024-40635).
fn number(text: &str) -> Result<Option<u32>, AccountError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        // What looks like a number but is none must not be looked up as a name.
        return match text.bytes().next() {
            Some(b'+' | b'-' | b' ') | None => Err(AccountError::Malformed(text.into())),
            _ if text.contains(char::is_whitespace) => Err(AccountError::Malformed(text.into())),
            _ => Ok(None),
        };
    }
    match text.parse::<u32>() {
        Ok(id) if id <= i32::MAX as u32 => Ok(Some(id)),
        _ => Err(AccountError::OutOfRange(text.into())),
    }
}

/// One range of subordinate ids: first and count (`subuid(5)`).
pub type Range = (u32, u32);

/// The ranges that `content` (of /etc/subuid or /etc/subgid) gives to a user known by name or uid. Bad lines are
/// passed over, as newuidmap does.
pub fn subordinate_ids(content: &[u8], name: Option<&[u8]>, uid: u32) -> Vec<Range> {
    let by_number = uid.to_string();
    content
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let mut fields = line.split(|byte| *byte == b':');
            let owner = fields.next()?;
            let first: u32 = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
            let count: u32 = std::str::from_utf8(fields.next()?.trim_ascii())
                .ok()?
                .parse()
                .ok()?;
            let is_ours = Some(owner) == name || owner == by_number.as_bytes();
            (is_ours && count > 0 && first.checked_add(count).is_some()).then_some((first, count))
        })
        .collect()
}

/// The name of `uid` in a passwd file.
pub fn name_of(passwd: &[u8], uid: u32) -> Option<&[u8]> {
    passwd_line(passwd, |line| line.uid == Some(uid)).map(|line| line.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/sh\n\nbroken\nuser:x:1000:100::/home/user:/bin/sh\n99999999999:x:0:0::/:\nbad:x:-1:0::/:\n";
    const GROUP: &[u8] = b"root:x:0:\nwheel:x:10:root,user\ng:x:42:user\nusers:x:100:\nodd:x:x:user\n";

    fn named(user: &str, groups: &[&str]) -> Result<Account, AccountError> {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        resolve(
            &User::Named {
                user: user.into(),
                groups,
            },
            PASSWD,
            GROUP,
        )
    }

    fn ids(user: &str) -> (u32, u32, Vec<u32>) {
        let account = named(user, &[]).unwrap();
        (account.uid, account.gid, account.groups)
    }

    #[test]
    fn users_in_all_spellings() {
        assert_eq!(ids(""), (0, 0, vec![10]));
        assert_eq!(ids("user"), (1000, 100, vec![10, 42]));
        assert_eq!(ids("1000"), (1000, 100, vec![10, 42]));
        assert_eq!(ids("1000:1000"), (1000, 1000, vec![]));
        assert_eq!(ids("user:g"), (1000, 42, vec![]));
        assert_eq!(ids(":1"), (0, 1, vec![]));
        assert_eq!(ids("7"), (7, 0, vec![]));
        assert_eq!(ids("01"), (1, 0, vec![]));
        assert_eq!(named("7", &["g", "5"]).unwrap().groups, [5, 42]);
        assert_eq!(named("user", &[]).unwrap().home.unwrap(), b"/home/user");
        assert_eq!(named("7", &[]).unwrap().home, None);
    }

    /// CVE-2026-30892, CVE-2024-40635, CVE-2026-46680.
    #[test]
    fn what_is_not_exactly_right_is_refused() {
        for user in [
            "1:", "+1", " 1", "1 ", "0x1", "1:1:1", "-1", "nobody:", "no", "bad", "user:no", ":",
        ] {
            assert!(named(user, &[]).is_err(), "{user:?}");
        }
        for user in [
            "2147483648",
            "4294967295",
            "4294967296:4294967296",
            "99999999999",
            "0:4294967296",
        ] {
            assert!(
                matches!(named(user, &[]), Err(AccountError::OutOfRange(_))),
                "{user:?}"
            );
        }
    }

    /// CVE-2026-47262.
    #[test]
    fn too_many_groups_are_an_error() {
        let group: String = (0..70_000).map(|gid| format!("g{gid}:x:{gid}:user\n")).collect();
        let user = User::Named {
            user: "user".into(),
            groups: vec![],
        };
        assert!(matches!(
            resolve(&user, PASSWD, group.as_bytes()),
            Err(AccountError::TooManyGroups(_))
        ));
    }

    /// CVE-2024-9676.
    #[test]
    fn only_short_regular_files_are_read() {
        assert!(read(None, "passwd").unwrap().is_empty());
        let zero = std::fs::File::open("/dev/zero").unwrap();
        assert!(read(Some(zero.into()), "passwd").is_err());
        let sparse = tempfile::tempfile().unwrap();
        sparse.set_len(2 << 30).unwrap();
        assert!(read(Some(sparse.into()), "passwd").is_err());
    }

    #[test]
    fn subordinate_ranges() {
        let content = b"a:100000:65536\n1000:200000:10\nb:1:1\na:x:1\na:4294967295:2\na:5:0\n";
        assert_eq!(
            subordinate_ids(content, Some(b"a"), 1000),
            [(100_000, 65_536), (200_000, 10)]
        );
        assert_eq!(subordinate_ids(content, None, 7), []);
        assert_eq!(name_of(PASSWD, 1000), Some(&b"user"[..]));
    }
}
