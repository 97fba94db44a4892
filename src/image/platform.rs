//! Which platform an image is for, and which one of several fits this machine.

use crate::oci::image::{Descriptor, Platform};

/// The platform of this machine, in the words of Go, which images use.
pub fn host() -> Platform {
    let (architecture, variant) = match std::env::consts::ARCH {
        "x86_64" => ("amd64", None),
        "aarch64" => ("arm64", Some("v8")),
        "x86" => ("386", None),
        "arm" => ("arm", Some("v7")),
        "powerpc64" if cfg!(target_endian = "little") => ("ppc64le", None),
        "loongarch64" => ("loong64", None),
        other => (other, None),
    };
    Platform {
        os: "linux".into(),
        architecture: architecture.into(),
        variant: variant.map(str::to_owned),
        ..Platform::default()
    }
}

/// Reads `os/architecture[/variant]`, or an architecture alone, by any of its usual names.
pub fn parse(text: &str) -> Option<Platform> {
    let mut parts = text.split('/');
    let (first, second, third) = (parts.next()?, parts.next(), parts.next());
    if parts.next().is_some() || text.split('/').any(|part| !is_word(part)) {
        return None;
    }
    let (os, architecture, variant) = match (first, second) {
        (os, Some(architecture)) => (os, architecture, third),
        ("linux", None) => return Some(host()),
        (architecture, None) => ("linux", architecture, None),
    };
    let (architecture, implied) = match architecture.to_ascii_lowercase().as_str() {
        "x86_64" | "x86-64" => ("amd64".to_owned(), None),
        "i386" | "i686" => ("386".to_owned(), None),
        "aarch64" => ("arm64".to_owned(), None),
        "armhf" => ("arm".to_owned(), Some("v7")),
        "armel" => ("arm".to_owned(), Some("v6")),
        other => (other.to_owned(), None),
    };
    Some(Platform {
        os: os.to_ascii_lowercase(),
        architecture,
        variant: variant.or(implied).map(str::to_ascii_lowercase),
        ..Platform::default()
    })
}

fn is_word(part: &str) -> bool {
    !part.is_empty()
        && part
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// `os/architecture[/variant]`.
pub fn display(platform: &Platform) -> String {
    let mut text = format!("{}/{}", platform.os, platform.architecture);
    if let Some(variant) = platform.variant.as_deref().filter(|variant| !variant.is_empty()) {
        text = format!("{text}/{variant}");
    }
    text
}

/// Whether an image for `have` is what `wanted` asks for. Only what is asked for must be said and be the same; the
/// variant `v8` of arm64 is the one that is meant when none is said.
pub fn satisfies(have: &Platform, wanted: &Platform) -> bool {
    let variant = |platform: &Platform| match (platform.architecture.as_str(), platform.variant.as_deref()) {
        ("arm64", None | Some("")) => Some("v8".to_owned()),
        (_, variant) => variant.filter(|variant| !variant.is_empty()).map(str::to_owned),
    };
    have.os == wanted.os
        && have.architecture == wanted.architecture
        && (variant(wanted).is_none() || variant(have).is_none() || variant(have) == variant(wanted))
}

/// The manifest of an index that fits `wanted` best: the same variant, else the highest lower one where variants
/// build on each other, else, if none was asked for, the lowest there is.
pub fn select<'a>(manifests: &'a [Descriptor], wanted: &Platform) -> Option<&'a Descriptor> {
    let rank = |descriptor: &Descriptor| -> Option<u32> {
        let have = descriptor.platform.as_ref()?;
        if have.os != wanted.os || have.architecture != wanted.architecture {
            return None;
        }
        match (number(have), number(wanted)) {
            (have, wanted) if have == wanted => Some(100),
            (have, Some(("arm" | "amd64", wanted))) => {
                let have = have.map_or(0, |(_, have)| have);
                (have < wanted).then_some(have + 1)
            }
            (None, _) => Some(1),
            // Asked for without a variant: the lowest is what most machines can run.
            (Some((_, have)), None) => Some(50 - have.min(40)),
            _ => None,
        }
    };
    // The first of equals, as the index has them in order of preference.
    let mut best: Option<(u32, &Descriptor)> = None;
    for descriptor in manifests {
        if let Some(rank) = rank(descriptor).filter(|rank| best.is_none_or(|(best, _)| best < *rank)) {
            best = Some((rank, descriptor));
        }
    }
    best.map(|(_, descriptor)| descriptor)
}

fn number(platform: &Platform) -> Option<(&str, u32)> {
    let architecture = platform.architecture.as_str();
    let variant = match platform.variant.as_deref() {
        None | Some("") if architecture == "arm64" => "v8",
        None => return None,
        Some(variant) => variant,
    };
    Some((architecture, variant.strip_prefix('v')?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;

    #[test]
    fn parsed() {
        for (text, expected) in [
            ("linux/amd64", Some("linux/amd64")),
            ("x86_64", Some("linux/amd64")),
            ("linux/arm/v6", Some("linux/arm/v6")),
            ("linux/armhf", Some("linux/arm/v7")),
            ("Linux/aarch64", Some("linux/arm64")),
            ("windows/amd64", Some("windows/amd64")),
            ("", None),
            ("linux/", None),
            ("a/b/c/d", None),
            ("linux/a b", None),
        ] {
            let parsed = parse(text).map(|platform| display(&platform));
            assert_eq!(parsed.as_deref(), expected, "{text}");
        }
        assert_eq!(parse("linux"), Some(host()));
    }

    #[test]
    fn the_best_fitting_manifest_is_taken() {
        let index = |platforms: &[&str]| -> Vec<Descriptor> {
            let descriptor = |platform: &&str| Descriptor {
                platform: parse(platform),
                ..Descriptor::new("", Digest::of(b""), 0)
            };
            platforms.iter().map(descriptor).collect()
        };
        for (platforms, wanted, expected) in [
            (
                &["linux/amd64", "linux/arm64"][..],
                "linux/arm64/v8",
                Some("linux/arm64"),
            ),
            (&["linux/arm64/v8"], "linux/arm64", Some("linux/arm64/v8")),
            (
                &["linux/arm/v5", "linux/arm/v6"],
                "linux/arm/v7",
                Some("linux/arm/v6"),
            ),
            (
                &["linux/arm/v7", "linux/arm/v6"],
                "linux/arm/v7",
                Some("linux/arm/v7"),
            ),
            (&["linux/arm/v7"], "linux/arm/v6", None),
            (
                &["linux/arm/v7", "linux/arm/v6"],
                "linux/arm",
                Some("linux/arm/v6"),
            ),
            (
                &["linux/amd64", "linux/amd64/v2"],
                "linux/amd64/v3",
                Some("linux/amd64/v2"),
            ),
            (
                &["linux/amd64/v4", "linux/amd64"],
                "linux/amd64/v3",
                Some("linux/amd64"),
            ),
            (
                &["linux/amd64/v3", "linux/amd64"],
                "linux/amd64",
                Some("linux/amd64"),
            ),
            (&["windows/amd64"], "linux/amd64", None),
            (&["unknown/unknown"], "linux/amd64", None),
            (&[], "linux/amd64", None),
        ] {
            let index = index(platforms);
            let found = select(&index, &parse(wanted).unwrap()).and_then(|found| found.platform.as_ref());
            assert_eq!(
                found.map(display).as_deref(),
                expected,
                "{platforms:?} for {wanted}"
            );
        }
    }
}
