//! The corners of layers on which formats and tools are silent or of two minds: the same layers go into podman and into
//! us, and the trees that come out are compared.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::support::image::busybox_entries;
use super::support::run::{Outcome, contains};
use super::support::{Entry, Format, Image, Invocation, Sandbox, requires};

const NAME: &str = "localhost/corner:latest";

/// A file system as `tar` lists it, by name.
type Tree = BTreeMap<String, Listed>;

#[derive(Clone, Debug, Default)]
struct Listed {
    mode: String,
    owner: String,
    size: String,
    time: String,
    target: String,
    /// All names of the file, where it has several.
    names: Vec<String>,
}

impl Listed {
    /// Alike in all but the time of a directory that no entry was for: podman gives it the time of unpacking, and so
    /// to one in which an entry was made later; we give it that of nobody.
    fn is_like(&self, other: &Self) -> bool {
        let is_made_up = self.mode.starts_with('d')
            && (self.time.starts_with("1970-01-01") || other.time.as_str() > "2025");
        (&self.mode, &self.owner, &self.size, &self.target, &self.names)
            == (
                &other.mode,
                &other.owner,
                &other.size,
                &other.target,
                &other.names,
            )
            && (is_made_up || self.time == other.time)
    }
}

/// Podman with a store in the sandbox.
pub fn podman(sandbox: &Sandbox) -> Invocation {
    // An empty storage.conf it does not take.
    sandbox
        .program("podman")
        .without_env("CONTAINERS_STORAGE_CONF")
        .args(podman_options(sandbox))
}

/// Its driver `vfs` applies every layer to a whole copy: no file system has a say in what comes out.
fn podman_options(sandbox: &Sandbox) -> Vec<String> {
    let others = ["--cgroup-manager", "cgroupfs", "--events-backend", "none"];
    let others = others.map(str::to_owned);
    storage_options(sandbox).into_iter().chain(others).collect()
}

fn storage_options(sandbox: &Sandbox) -> [String; 6] {
    let path = |name: &str| sandbox.path(name).display().to_string();
    // Podman refuses a run directory of more than 50 bytes.
    let (root, run) = (path("share/vfs"), path("r"));
    ["--root", &root, "--runroot", &run, "--storage-driver", "vfs"].map(str::to_owned)
}

/// Buildah with the same store.
pub fn buildah(sandbox: &Sandbox, words: &[&str]) -> Outcome {
    let program = || {
        sandbox
            .program("buildah")
            .without_env("CONTAINERS_STORAGE_CONF")
            .args(storage_options(sandbox))
            .args(words)
    };
    unpacks(|| program().run())
}

/// A directory with a program `podman` that is [`podman`], for who looks for one.
pub fn podman_in_path(sandbox: &Sandbox) -> PathBuf {
    let directory = sandbox.path("bin");
    std::fs::create_dir_all(&directory).expect("make a directory of the sandbox");
    let program = directory.join("podman");
    let options = podman_options(sandbox).join(" ");
    let script = format!("#!/bin/sh\nunset CONTAINERS_STORAGE_CONF\nexec /usr/bin/podman {options} \"$@\"\n");
    std::fs::write(&program, script).expect("write a program of the sandbox");
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("our own file");
    directory
}

/// What is in an archive.
fn listed(archive: &Path) -> Tree {
    let listing = Invocation::new("tar")
        .env("TZ", "UTC")
        .args([
            "--list",
            "--verbose",
            "--numeric-owner",
            "--full-time",
            "--quoting-style=escape",
            "--file",
        ])
        .arg(archive)
        .run()
        .succeeds();
    let mut tree = Tree::new();
    let mut links = Vec::new();
    for line in listing.text().lines() {
        let mut words = line.split_whitespace();
        let [mode, owner, size, day, time] = std::array::from_fn(|_| words.next().unwrap_or_default());
        let rest = &line[line.find(time).expect("it is from there") + time.len() + 1..];
        let clean = |name: &str| name.trim_start_matches("./").trim_end_matches('/').to_string();
        if let Some((name, target)) = rest.split_once(" link to ") {
            links.push((clean(name), clean(target)));
            continue;
        }
        let (name, target) = rest.split_once(" -> ").unwrap_or((rest, ""));
        let listed = Listed {
            mode: mode.into(),
            owner: owner.into(),
            size: size.into(),
            time: format!("{day} {time}"),
            target: target.into(),
            names: Vec::new(),
        };
        tree.insert(clean(name), listed);
    }
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, target) in links {
        groups.entry(target).or_default().push(name);
    }
    for (first, mut names) in groups {
        let line = tree.get(&first).cloned().unwrap_or_default();
        names.push(first);
        names.sort();
        for name in &names {
            let names = names.clone();
            tree.insert(
                name.clone(),
                Listed {
                    names,
                    ..line.clone()
                },
            );
        }
    }
    tree
}

fn ours(sandbox: &Sandbox, image: &Image) -> Tree {
    sandbox.load(image);
    let archive = sandbox.path("work/ours.tar");
    let file = std::fs::File::create(&archive).expect("our own directory");
    sandbox
        .coracle(["run", "--rm", NAME, "tar", "-C", "/", "-cf", "-"])
        .args((0..cases().len()).map(place))
        .output_to(file)
        .run()
        .succeeds();
    listed(&archive)
}

fn theirs(sandbox: &Sandbox, image: &Image) -> Tree {
    let archive = sandbox.path("work/image.tar");
    image.write(&archive, Format::OciArchive);
    podman_loads(sandbox, &archive);
    let made = podman(sandbox).args(["create", NAME, "true"]).run().succeeds();
    let out = sandbox.path("work/theirs.tar");
    podman(sandbox)
        .args(["export", "--output"])
        .arg(&out)
        .arg(made.text())
        .run()
        .succeeds();
    podman(sandbox).args(["rm", made.text()]).run().succeeds();
    listed(&out)
}

/// Loads an archive into podman.
pub fn podman_loads(sandbox: &Sandbox, archive: &Path) {
    podman_unpacks(
        sandbox,
        ["load", "--quiet", "--input"]
            .map(OsStr::new)
            .into_iter()
            .chain([archive.as_os_str()]),
    );
}

/// Runs a command of podman that unpacks. Its helper for that asks to die with the thread that made it, which as an
/// ordinary user now and then it does: that is tried again.
pub fn podman_unpacks<'a>(sandbox: &Sandbox, words: impl IntoIterator<Item = &'a OsStr> + Clone) -> Outcome {
    unpacks(|| podman(sandbox).args(words.clone()).run())
}

fn unpacks(run: impl Fn() -> Outcome) -> Outcome {
    let mut done = run();
    for _ in 0..3 {
        if done.code != Some(0) && contains(&done.stderr, b"signal: killed") {
            done = run();
        }
    }
    done.succeeds()
}

/// Its storage holds files of other users, which only its own namespace may remove.
pub fn remove_storage(sandbox: &Sandbox) {
    let _ = podman(sandbox)
        .args(["unshare", "rm", "-rf"])
        .arg(sandbox.path("share/vfs"))
        .run();
}

/// All cases in one image, each in a directory of its own.
fn image() -> Image {
    let mut layers: Vec<Vec<Entry>> = Vec::new();
    for (number, (_, case)) in cases().into_iter().enumerate() {
        layers.resize(layers.len().max(case.len()), Vec::new());
        let moved = |name: &[u8]| match name.strip_prefix(b"t/") {
            Some(rest) => [place(number).as_bytes(), b"/", rest].concat(),
            None => name.to_vec(),
        };
        for (layer, entries) in layers.iter_mut().zip(case) {
            layer.extend(entries.into_iter().map(|entry| Entry {
                name: moved(&entry.name),
                link: moved(&entry.link),
                ..entry
            }));
        }
    }
    let image = Image::new().layer(&busybox_entries()).name(NAME);
    layers.iter().fold(image, |image, layer| image.layer(layer))
}

fn place(number: usize) -> String {
    format!("case{number:02}")
}

fn cases() -> Vec<(&'static str, Vec<Vec<Entry>>)> {
    let directory = |name: &str| Entry::directory(name).mtime(1_500_000_000);
    let file = |name: &str, data: &str| Entry::file(name, data).mtime(1_600_000_000);
    let link = |name: &str, target: &str| Entry::hard_link(name, target).mtime(1_600_000_000);
    let whiteout = |name: &str| Entry::file(name, "").mode(0);
    let t = || directory("t/");
    let full = || {
        vec![
            t(),
            directory("t/d/").mode(0o750).owner(5, 6),
            file("t/d/a", "1"),
            file("t/d/b", "22"),
            directory("t/d/sub/"),
            file("t/d/sub/x", "x"),
        ]
    };
    vec![
        (
            "implied directories",
            vec![
                vec![t(), file("t/a/b/c", "1")],
                vec![directory("t/a/").mode(0o700).owner(3, 4)],
                vec![file("t/a/x", "2")],
            ],
        ),
        (
            "an implied directory over one with attributes",
            vec![
                full(),
                vec![file("t/d/new", "3")],
                vec![file("t/d/sub/deep/er", "3")],
            ],
        ),
        (
            "a hard link into a lower layer",
            vec![
                full(),
                vec![link("t/link", "t/d/a")],
                vec![link("t/d/sub/again", "t/link")],
            ],
        ),
        (
            "a hard link into a lower layer, and its target changed",
            vec![full(), vec![link("t/link", "t/d/a"), file("t/d/a", "changed")]],
        ),
        (
            "hard links in one layer",
            vec![
                full(),
                vec![
                    file("t/one", "1"),
                    link("t/two", "t/one"),
                    link("t/three", "t/two"),
                ],
                vec![whiteout("t/.wh.one")],
            ],
        ),
        (
            "a whiteout, then a directory of the same name",
            vec![
                full(),
                vec![whiteout("t/.wh.d"), directory("t/d/"), file("t/d/c", "new")],
            ],
        ),
        (
            "a whiteout, then a file of the same name",
            vec![full(), vec![whiteout("t/.wh.d"), file("t/d", "new")]],
        ),
        (
            "a whiteout of a file, then a file",
            vec![full(), vec![whiteout("t/d/.wh.a"), file("t/d/a", "new")]],
        ),
        (
            "a whiteout of nothing",
            vec![full(), vec![whiteout("t/.wh.nothing"), whiteout("t/d/.wh.where")]],
        ),
        (
            "a whiteout in an implied directory",
            vec![full(), vec![whiteout("t/d/sub/.wh.x")]],
        ),
        (
            "a whiteout, and back in a later layer",
            vec![
                full(),
                vec![whiteout("t/.wh.d")],
                vec![directory("t/d/"), file("t/d/z", "z")],
            ],
        ),
        (
            "a whiteout, and back by an implied directory",
            vec![full(), vec![whiteout("t/.wh.d")], vec![file("t/d/z", "z")]],
        ),
        (
            "a directory over a symbolic link",
            vec![
                vec![
                    t(),
                    directory("t/real/"),
                    file("t/real/x", "x"),
                    Entry::symlink("t/link", "real"),
                ],
                vec![directory("t/link/"), file("t/link/y", "y")],
            ],
        ),
        (
            "a directory over a file, a file over a directory",
            vec![
                full(),
                vec![
                    directory("t/d/a/"),
                    file("t/d/a/in", "1"),
                    file("t/d/sub", "flat"),
                ],
            ],
        ),
        (
            "a link over a directory, a link over a link",
            vec![
                full(),
                vec![Entry::symlink("t/d", "elsewhere")],
                vec![Entry::symlink("t/d", "other")],
            ],
        ),
        (
            "opaque, first",
            vec![
                full(),
                vec![
                    directory("t/d/"),
                    whiteout("t/d/.wh..wh..opq"),
                    file("t/d/c", "c"),
                ],
            ],
        ),
        (
            "opaque, last",
            vec![
                full(),
                vec![
                    directory("t/d/"),
                    file("t/d/c", "c"),
                    whiteout("t/d/.wh..wh..opq"),
                ],
            ],
        ),
        (
            "opaque, with subdirectories",
            vec![
                full(),
                vec![
                    directory("t/d/"),
                    directory("t/d/sub/"),
                    file("t/d/sub/new", "n"),
                    whiteout("t/d/.wh..wh..opq"),
                ],
            ],
        ),
        (
            "opaque before its directory",
            vec![
                full(),
                vec![
                    whiteout("t/d/.wh..wh..opq"),
                    directory("t/d/").mode(0o711),
                    file("t/d/c", "c"),
                ],
            ],
        ),
        (
            "opaque, implied",
            vec![full(), vec![whiteout("t/d/.wh..wh..opq")]],
        ),
        (
            "opaque twice",
            vec![
                full(),
                vec![
                    directory("t/d/"),
                    whiteout("t/d/.wh..wh..opq"),
                    file("t/d/1", "1"),
                ],
                vec![
                    directory("t/d/"),
                    whiteout("t/d/.wh..wh..opq"),
                    file("t/d/2", "2"),
                ],
            ],
        ),
        (
            "attributes alone",
            vec![
                full(),
                vec![directory("t/d/").mode(0o1777).owner(9, 9).mtime(1_400_000_000)],
            ],
        ),
        (
            "bits, owners and times",
            vec![vec![
                t(),
                file("t/s", "x").mode(0o4755).owner(1, 2),
                file("t/g", "x").mode(0o2755).owner(1000, 1000),
                directory("t/sticky/").mode(0o3777).owner(65534, 1),
                file("t/old", "x").mtime(-5),
                file("t/zero", "").mode(0).mtime(0),
                Entry::fifo("t/fifo").mtime(1_500_000_000),
            ]],
        ),
        (
            "names",
            vec![vec![
                t(),
                file("t/ space ", "1"),
                file(&format!("t/{}", "n".repeat(255)), "2"),
                file("t/\u{e9}", "3"),
                file("t/.whatever", "4"),
                file("t/wh.x", "5"),
            ]],
        ),
    ]
}

#[test]
fn trees_are_those_of_podman() {
    requires!("program:podman", "sub-ids");
    let sandbox = Sandbox::new();
    let image = image();
    let (ours, theirs) = (ours(&sandbox, &image), theirs(&sandbox, &image));
    remove_storage(&sandbox);
    let mut wrong = Vec::new();
    for (number, (what, _)) in cases().into_iter().enumerate() {
        let below = place(number);
        let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        for name in names.into_iter().filter(|name| name.starts_with(&below)) {
            let (ours, theirs) = (ours.get(name), theirs.get(name));
            if !ours
                .zip(theirs)
                .is_some_and(|(ours, theirs)| ours.is_like(theirs))
            {
                wrong.push(format!("{what}: {name}\n  ours   {ours:?}\n  theirs {theirs:?}"));
            }
        }
        assert!(ours.contains_key(&below), "{what}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
