//! `--security-opt`.

use super::{Result, invalid};

/// What one `--security-opt` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecurityOption {
    NoNewPrivileges(bool),
    SeccompUnconfined,
    /// A file that holds a profile.
    SeccompFile(String),
    Mask(Vec<String>),
    Unmask(Vec<String>),
    /// What we do not confine with is not confined.
    Nothing,
}

pub fn parse(text: &str) -> Result<SecurityOption> {
    use SecurityOption as S;
    // Docker took a colon once.
    let (key, value) = match text.split_once('=').or_else(|| text.split_once(':')) {
        Some((key, value)) => (key, Some(value)),
        None => (text, None),
    };
    Ok(match (key, value) {
        ("no-new-privileges", None | Some("true")) => S::NoNewPrivileges(true),
        ("no-new-privileges", Some("false")) => S::NoNewPrivileges(false),
        ("seccomp", Some("unconfined")) => S::SeccompUnconfined,
        ("seccomp", Some("")) | ("seccomp", None) => {
            return invalid("expected seccomp=FILE or seccomp=unconfined");
        }
        ("seccomp", Some(file)) => S::SeccompFile(file.to_owned()),
        ("apparmor", Some("unconfined")) => S::Nothing,
        ("apparmor", _) => return invalid("AppArmor profiles are not supported yet"),
        ("label", Some("disable")) => S::Nothing,
        ("label", _) => return invalid("SELinux labels are not supported yet"),
        ("mask", Some(paths)) => S::Mask(absolute(paths)?),
        ("unmask", Some(paths)) if paths.eq_ignore_ascii_case("all") => S::Unmask(vec!["ALL".into()]),
        ("unmask", Some(paths)) => S::Unmask(absolute(paths)?),
        ("systempaths", Some("unconfined")) => S::Unmask(vec!["ALL".into()]),
        ("proc-opts", _) => return invalid("options for /proc are not supported yet"),
        ("writable-cgroups" | "privileged-without-host-devices", _) => {
            return invalid(format!("{key} is not supported yet"));
        }
        ("credentialspec", _) => return invalid("it exists for Windows only"),
        _ => return invalid("there is no such option"),
    })
}

/// Absolute paths between colons.
fn absolute(paths: &str) -> Result<Vec<String>> {
    paths
        .split(':')
        .map(|path| {
            if path.starts_with('/') {
                Ok(path.to_owned())
            } else {
                invalid(format!("{path:?} is not an absolute path"))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        use SecurityOption as S;
        for (text, expected) in [
            ("no-new-privileges", Some(S::NoNewPrivileges(true))),
            ("no-new-privileges:true", Some(S::NoNewPrivileges(true))),
            ("no-new-privileges=false", Some(S::NoNewPrivileges(false))),
            ("no-new-privileges=maybe", None),
            ("seccomp=unconfined", Some(S::SeccompUnconfined)),
            ("seccomp:unconfined", Some(S::SeccompUnconfined)),
            ("seccomp=a:b=c.json", Some(S::SeccompFile("a:b=c.json".into()))),
            ("seccomp", None),
            ("apparmor=unconfined", Some(S::Nothing)),
            ("apparmor=docker-default", None),
            ("label=disable", Some(S::Nothing)),
            ("label=type:x_t", None),
            ("mask=/a:/b", Some(S::Mask(vec!["/a".into(), "/b".into()]))),
            ("mask=a", None),
            ("unmask=ALL", Some(S::Unmask(vec!["ALL".into()]))),
            ("unmask=/proc/acpi", Some(S::Unmask(vec!["/proc/acpi".into()]))),
            ("systempaths=unconfined", Some(S::Unmask(vec!["ALL".into()]))),
            ("proc-opts=nosuid", None),
            ("credentialspec=x", None),
            ("", None),
        ] {
            assert_eq!(parse(text).ok(), expected, "{text}");
        }
    }
}
