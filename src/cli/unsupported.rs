//! Commands and options of Docker, Podman and nerdctl that we know and do not have: refused by name with the reason,
//! or skipped where leaving them out changes nothing.

/// What to do with an option that a command does not have.
#[derive(Debug, PartialEq, Eq)]
pub enum Treatment {
    Refuse(String),
    /// Leave it out, with its value if it has one.
    Skip {
        value: bool,
    },
}

/// Whether something is missing for now or on purpose.
#[derive(Clone, Copy)]
enum When {
    Yet,
    Never,
}

use When::{Never, Yet};

/// Options of some commands that share a reason.
struct Group {
    /// The commands under their short names; empty for all.
    commands: &'static [&'static str],
    when: When,
    reason: &'static str,
    /// Separated by white space; a short form stands before its long one.
    flags: &'static str,
}

const RUN: &[&str] = &["run", "create"];

const REFUSED: &[Group] = &[
    Group {
        commands: RUN,
        when: Yet,
        reason: "coracle has no container networks yet; there are --network=none and --network=host",
        flags: "-p --publish -P --publish-all --ip --ip6 --mac-address --network-alias --hosts-file --no-hostname \
                --link-local-ip --egress",
    },
    Group {
        commands: &["run", "create", "pull"],
        when: Yet,
        reason: "policy.json says what must be signed (image trust set), and encrypted layers are not read",
        flags: "--decryption-key --verify --cosign-key --cosign-certificate-identity --cosign-certificate-identity-regexp \
                --cosign-certificate-oidc-issuer --cosign-certificate-oidc-issuer-regexp",
    },
    Group {
        commands: RUN,
        when: Yet,
        reason: "there are no lock files of images",
        flags: "--locked",
    },
    Group {
        commands: &["push"],
        when: Yet,
        reason: "signatures are made with --sign-by-sigstore-private-key, and layers are not encrypted",
        flags: "--sign-by --sign-by-sq-fingerprint --encrypt-layer --encryption-key --sign --cosign-key --notation-key-name",
    },
    Group {
        commands: &["pull", "push"],
        when: Yet,
        reason: "an image here is for one platform",
        flags: "--all-platforms",
    },
    Group {
        commands: &["pull", "push"],
        when: Never,
        reason: "IPFS and SOCI are not spoken",
        flags: "--ipfs-address --soci-index-digest --soci-span-size --soci-min-layer-size",
    },
    Group {
        commands: &["login"],
        when: Yet,
        reason: "there are no secrets",
        flags: "--secret",
    },
    Group {
        commands: RUN,
        when: Yet,
        reason: "containers lie where limits hold: in the unit that was delegated, else beside the caller",
        flags: "--cgroup-parent",
    },
    Group {
        commands: RUN,
        when: Yet,
        reason: "the resctrl file system is not written: do that for the pid that inspect tells",
        flags: "--rdt-class",
    },
    Group {
        commands: &["update"],
        when: Yet,
        reason: "what concerns single processes is set when a container is made",
        flags: "--ulimit",
    },
    Group {
        commands: &["container clone"],
        when: Yet,
        reason: "there are no pods",
        flags: "--pod",
    },
    Group {
        commands: RUN,
        when: Yet,
        reason: "devices cannot be given to containers one by one",
        flags: "--device --device-cgroup-rule --gpus",
    },
    Group {
        commands: RUN,
        when: Yet,
        reason: "there are no other user id maps than that of the user",
        flags: "--uidmap --gidmap --subuidname --subgidname --hostuser --passwd --passwd-entry --group-entry",
    },
    Group {
        commands: RUN,
        when: Yet,
        reason: "there are no pods",
        flags: "--pod --pod-id-file --init-ctr",
    },
    Group {
        commands: RUN,
        when: Yet,
        reason: "there are no secrets",
        flags: "--secret",
    },
    Group {
        commands: RUN,
        when: Yet,
        reason: "containers do not share volumes by the name of another",
        flags: "--volumes-from",
    },
    Group {
        commands: RUN,
        when: Yet,
        reason: "all containers run under the built-in runtime",
        flags: "--runtime --chrootdirs --personality --seccomp-policy",
    },
    Group {
        commands: RUN,
        when: Yet,
        reason: "containers work the same without it where they can",
        flags: "--storage-opt --volume-driver --copy-in --explain",
    },
    Group {
        commands: RUN,
        when: Never,
        reason: "it exists for Windows only",
        flags: "--cpu-count --cpu-percent --io-maxbandwidth --io-maxiops --isolation",
    },
    Group {
        commands: RUN,
        when: Never,
        reason: "there is no server whose socket could be mounted",
        flags: "--use-api-socket",
    },
    Group {
        commands: RUN,
        when: Never,
        reason: "IPFS is not spoken",
        flags: "--ipfs-address",
    },
    Group {
        commands: &["exec"],
        when: Yet,
        reason: "commands get standard input, output and error",
        flags: "--session --debug-image --cap-add --ulimit",
    },
    Group {
        commands: &["start"],
        when: Yet,
        reason: "containers cannot be checkpointed",
        flags: "--checkpoint --checkpoint-dir",
    },
    Group {
        commands: &["ps"],
        when: Yet,
        reason: "there are no pods",
        flags: "-p --pod",
    },
    Group {
        commands: &["manifest push", "artifact push"],
        when: Yet,
        reason: "signatures are made with --sign-by-sigstore-private-key",
        flags: "--sign-by --sign-by-sq-fingerprint",
    },
    Group {
        commands: &["artifact pull"],
        when: Yet,
        reason: "encrypted artifacts are not read",
        flags: "--decryption-key",
    },
    Group {
        commands: &["rmi", "save", "history", "inspect"],
        when: Yet,
        reason: "an image in the store is for one platform",
        flags: "--all-platforms",
    },
    Group {
        commands: &["image prune", "system prune"],
        when: Yet,
        reason: "there is no build cache",
        flags: "--build-cache --build --external --keep-bytes",
    },
    Group {
        commands: &["volume ls", "volume inspect"],
        when: Yet,
        reason: "sizes of volumes are shown by system df -v",
        flags: "--size",
    },
    Group {
        commands: &["volume create", "volume ls"],
        when: Never,
        reason: "coracle works on one machine, without a cluster",
        flags: "--availability --group --limit-bytes --required-bytes --scope --secret --sharing --topology-preferred \
                --topology-required --type --cluster",
    },
    Group {
        commands: &["unshare"],
        when: Yet,
        reason: "coracle has no container networks yet",
        flags: "--rootless-netns",
    },
    Group {
        commands: &[""],
        when: Never,
        reason: "there is no server to talk to",
        flags: "-H --host --context --tls --tlscacert --tlscert --tlskey --tlsverify",
    },
    Group {
        commands: &[""],
        when: Yet,
        reason: "commands work on this machine alone",
        flags: "-c --connection -r --remote --url --ssh --identity --tls-ca --tls-cert --tls-key --tls-details",
    },
    Group {
        commands: &[""],
        when: Yet,
        reason: "containers.conf says what there is of it",
        flags: "--volumepath --network-config-dir --insecure-registry --selinux-enabled",
    },
    Group {
        commands: &[""],
        when: Never,
        reason: "containers run under the built-in runtime: leave it out, or give other engines coracle as theirs by the name \
                 coracle-runtime",
        flags: "--runtime",
    },
    Group {
        commands: &[""],
        when: Never,
        reason: "the runtime is built in and takes no flags of its own: give --log-level=debug to see what it does",
        flags: "--runtime-flag",
    },
    Group {
        commands: &[""],
        when: Yet,
        reason: "no hooks run around containers here: run what they do before and after the command, or in a systemd unit",
        flags: "--hooks-dir",
    },
    Group {
        commands: &[""],
        when: Yet,
        reason: "devices are not given by CDI here: mount what a container needs with --volume",
        flags: "--cdi-spec-dir",
    },
    Group {
        commands: &[""],
        when: Never,
        reason: "images and containers lie in one store: --root names it, and --storage-opt additionalimagestore=DIR one \
                 whose images are read as well",
        flags: "--imagestore",
    },
    Group {
        commands: &[""],
        when: Never,
        reason: "what is known of containers lies with them: --root names a place that does not last, --rm removes them",
        flags: "--transient-store",
    },
    Group {
        commands: &[""],
        when: Never,
        reason: "its work is done inside coracle",
        flags: "--address -a --namespace -n --snapshotter --cni-path --cni-netconfpath --host-gateway-ip --userns-remap",
    },
];

/// Options without effect: the commands, those that take no value, and those that take one.
const SKIPPED: &[(&[&str], &str, &str)] = &[
    (
        RUN,
        "--disable-content-trust --oom-kill-disable",
        "--memory-swappiness --cpu-rt-period --cpu-rt-runtime --kernel-memory --link",
    ),
    (
        &["update", "container clone"],
        "",
        "--memory-swappiness --cpu-rt-period --cpu-rt-runtime --kernel-memory",
    ),
    (&["exec"], "--no-session", ""),
    (&["pull"], "--disable-content-trust --unpack", ""),
    (
        &["push"],
        "--compress --disable-content-trust --remove-signatures --allow-nondistributable-artifacts",
        "",
    ),
    (&["manifest push"], "--remove-signatures", ""),
    (&["ps"], "--external --sync", ""),
    (&["rm"], "--link", ""),
    (&["images"], "--names", ""),
    (&["rmi"], "--async", ""),
    (&["save"], "--compress --uncompressed", ""),
    (&["inspect", "info"], "", "--mode"),
    (
        &[""],
        "--syslog",
        "--conmon --network-cmd-path --cgroup-manager --tmpdir --pull-option --db-backend --default-mounts-file",
    ),
];

/// Commands that are not there: the group they belong to, why, and their names.
const COMMANDS: &[(&str, When, &str, &str)] = &[
    (
        "",
        Yet,
        "images are made by import and load",
        "build builder buildx bake commit",
    ),
    ("", Yet, "coracle has no container networks yet", "network"),
    ("", Yet, "there are no pods", "pod kube play generate compose"),
    ("", Yet, "there are no secrets", "secret"),
    ("", Yet, "containers cannot be checkpointed", "checkpoint"),
    ("", Yet, "nothing is recorded for it", "auto-update quadlet"),
    (
        "",
        Yet,
        "the files of containers are reached by exec",
        "cp mount unmount umount",
    ),
    ("", Never, "coracle manages no virtual machines", "machine"),
    ("", Never, "coracle has no farms of machines", "farm"),
    ("", Never, "there is no server to talk to", "context plugin"),
    (
        "",
        Never,
        "coracle works on one machine, without a cluster",
        "swarm node service stack config",
    ),
    ("", Never, "it is gone upstream too", "trust"),
    ("", Never, "IPFS is not spoken", "ipfs"),
    ("", Never, "--root gives each store of its own", "namespace"),
    (
        "container",
        Yet,
        "of the commands for containers, coracle container --help lists those there are",
        "checkpoint restore commit cp mount unmount umount runlabel",
    ),
    ("image", Yet, "images are made by import and load", "build"),
    (
        "image",
        Yet,
        "of the commands for images, coracle image --help lists those there are",
        "scp sign convert encrypt decrypt",
    ),
    (
        "volume",
        Yet,
        "of the commands for volumes, coracle volume --help lists those there are",
        "export import mount unmount",
    ),
    ("volume", Never, "there are no plugins", "reload"),
    (
        "volume",
        Never,
        "coracle works on one machine, without a cluster",
        "update",
    ),
    (
        "system",
        Yet,
        "of the commands for the system, coracle system --help lists those there are",
        "service connection locks dial-stdio",
    ),
    ("system", Never, "it exists for Windows only", "hyperv-prep"),
    (
        "runtime",
        Yet,
        "of the commands of a runtime, coracle runtime --help lists those there are",
        "run exec ps pause resume update events list checkpoint restore",
    ),
];

/// What to do with `flag`, such as `--publish` or `-p`, which the command at `path` does not have.
pub fn flag(path: &[String], flag: &str) -> Option<Treatment> {
    let name = short_name(path);
    let concerns = |commands: &[&str]| commands.iter().any(|command| *command == name);
    for (commands, plain, valued) in SKIPPED {
        if concerns(commands) && has_word(plain, flag) {
            return Some(Treatment::Skip { value: false });
        }
        if concerns(commands) && has_word(valued, flag) {
            return Some(Treatment::Skip { value: true });
        }
    }
    let group = REFUSED
        .iter()
        .find(|group| concerns(group.commands) && has_word(group.flags, flag))?;
    // A short form is named by its long one.
    let long = group
        .flags
        .split_whitespace()
        .skip_while(|word| *word != flag)
        .find(|word| word.starts_with("--"));
    Some(Treatment::Refuse(refusal(
        long.unwrap_or(flag),
        group.when,
        group.reason,
    )))
}

/// Why the command `word` below `path` is refused, if it is a known one.
pub fn command(path: &[String], word: &str) -> Option<String> {
    let group = path.join(" ");
    let found = COMMANDS
        .iter()
        .find(|(of, _, _, names)| *of == group && has_word(names, word));
    found.map(|(_, when, reason, _)| {
        let full = if group.is_empty() {
            word.to_owned()
        } else {
            format!("{group} {word}")
        };
        refusal(&full, *when, reason)
    })
}

fn refusal(name: &str, when: When, reason: &str) -> String {
    let yet = match when {
        Yet => " yet",
        Never => "",
    };
    format!("{name} is not supported{yet}: {reason}")
}

fn has_word(words: &str, wanted: &str) -> bool {
    words.split_whitespace().any(|word| word == wanted)
}

/// The name under which the tables know a command: `container run` is `run`, `image ls` is `images`.
fn short_name(path: &[String]) -> String {
    let words: Vec<&str> = path.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["container", "ls" | "list"] => "ps".into(),
        ["image", "ls" | "list"] => "images".into(),
        ["image", "rm" | "remove"] => "rmi".into(),
        ["container", "remove"] => "rm".into(),
        ["container" | "image", "prune" | "exists" | "clone"] => words.join(" "),
        ["container" | "image" | "system", only] if !matches!(*only, "prune" | "df" | "check" | "reset") => {
            (*only).into()
        }
        _ => words.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(words: &str) -> Vec<String> {
        words.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn flags_are_refused_by_their_long_name() {
        for (command, given, why) in [
            (
                "run",
                "-p",
                "--publish is not supported yet: coracle has no container networks yet",
            ),
            (
                "container run",
                "--publish-all",
                "--publish-all is not supported yet: coracle has no container networks",
            ),
            (
                "create",
                "--cpu-count",
                "--cpu-count is not supported: it exists for Windows only",
            ),
            ("container ls", "--pod", "--pod is not supported yet: "),
            (
                "image rm",
                "--all-platforms",
                "--all-platforms is not supported yet: ",
            ),
            ("", "-H", "--host is not supported: there is no server to talk to"),
        ] {
            match flag(&path(command), given) {
                Some(Treatment::Refuse(text)) => assert!(text.starts_with(why), "{text}"),
                other => panic!("{command} {given}: {other:?}"),
            }
        }
        assert_eq!(
            flag(&path("run"), "--link"),
            Some(Treatment::Skip { value: true })
        );
        assert_eq!(
            flag(&path("rm"), "--link"),
            Some(Treatment::Skip { value: false })
        );
        assert_eq!(flag(&path("ps"), "--publish"), None);
    }

    #[test]
    fn commands_are_refused_by_name() {
        assert_eq!(
            command(&[], "network").unwrap(),
            "network is not supported yet: coracle has no container networks yet"
        );
        assert_eq!(command(&[], "nonsense"), None);
    }

    /// What is refused must not exist: a table that is out of date would hide an option from nobody, but mislead
    /// whoever reads it.
    #[test]
    fn nothing_that_exists_is_refused() {
        let definition = crate::cli::definition();
        for group in REFUSED {
            for name in group.commands {
                let mut found = &definition;
                for word in name.split_whitespace() {
                    found = found
                        .find_subcommand(word)
                        .unwrap_or_else(|| panic!("there is no command {name}"));
                }
                for flag in group.flags.split_whitespace() {
                    let exists = found.get_arguments().any(|argument| {
                        argument
                            .get_long()
                            .is_some_and(|long| flag == format!("--{long}"))
                            || argument
                                .get_short()
                                .is_some_and(|short| flag == format!("-{short}"))
                    });
                    assert!(!exists, "{name} {flag} exists and is refused");
                }
            }
        }
        for (group, _, _, names) in COMMANDS {
            let parent = if group.is_empty() {
                &definition
            } else {
                definition.find_subcommand(group).unwrap()
            };
            for name in names.split_whitespace() {
                assert!(
                    parent.find_subcommand(name).is_none(),
                    "{group} {name} exists and is refused"
                );
            }
        }
    }
}
