//! Commands where a user has no inotify instance left.

use crate::death::IMAGE;
use crate::support::Sandbox;
use crate::support::requires::{is_root, requires};

/// In a user namespace whose user may have none at all. What is followed is followed before it happens.
const SCRIPT: &str = r#"
set -e
echo 0 >/proc/sys/user/max_inotify_instances
until_has() { until grep -q "$1" "$2"; do sleep 0.05; done; }
image=$1; shift
"$@" run -d --name one "$image" sh -c 'echo begun; while [ ! -e /go ]; do sleep 0.05; done; echo over' >id
"$@" logs --follow one >followed &
logs=$!
"$@" events --since 1h --filter container=one --format '{{.Status}}' >events &
events=$!
trap 'kill $events' EXIT
until_has begun followed
until_has start events
"$@" ps --format '{{.Names}} {{.State}}'
"$@" exec one touch /go
test "$("$@" wait one)" = 0
wait $logs
cat followed
"$@" start one >/dev/null
"$@" restart -t 0 one >/dev/null
"$@" stop -t 0 one >/dev/null
"$@" inspect -f '{{.State.Status}}' one
"$@" top one 2>/dev/null || :
"$@" diff one | grep -c /go
"$@" run --rm --name two -v data:/data "$image" true
"$@" volume ls -q
"$@" volume rm data >/dev/null
"$@" tag "$image" other
"$@" images -q other | wc -l
"$@" rmi other >/dev/null
"$@" rm one >/dev/null
until_has remove events
"$@" system df >/dev/null
"$@" system prune -f >/dev/null
"$@" info >/dev/null
"#;

#[test]
fn everything_works_without_inotify() {
    requires!("user-namespaces", "dnotify");
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let place = sandbox.path("tmp");
    // The superuser of the namespace would have its store elsewhere.
    let roots = [("--root", sandbox.data_root()), ("--runroot", sandbox.run_root())];
    let roots = roots.iter().filter(|_| !is_root());
    let roots = roots.flat_map(|(option, path)| [(*option).into(), path.clone().into_os_string()]);
    let line = format!(
        "cd {} && exec unshare --user --map-root-user sh -c '{}' sh {IMAGE} \"$0\" \"$@\"",
        place.display(),
        SCRIPT.replace('\'', r"'\''"),
    );
    let commands = sandbox.coracle(roots).through_shell(&line).run().succeeds();
    let expected = "one running\nbegun\nover\nexited\n1\ndata\n1";
    assert_eq!(commands.text(), expected, "{commands}");
}
