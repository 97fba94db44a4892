# Runs inside the VM: bash tests.sh SUITE. One "ok SUITE: NAME" or "FAIL SUITE: NAME: output" a line.
#
# Forks are dear here (10 to 45 ms each), so nothing polls tightly.
suite=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
chmod 755 "$work"
cd "$work" || exit 1
groups=/sys/fs/cgroup

# t NAME COMMAND...: the command must succeed.
t() {
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then echo "ok $suite: $name"; else echo "FAIL $suite: $name: $output"; fi
}

# exits CODE COMMAND...
exits() {
	local code=$1 found
	shift
	"$@"
	found=$?
	[ "$found" = "$code" ] || { echo "exit code $found, wanted $code"; return 1; }
}

# is FOUND WANTED
is() { [ "$1" = "$2" ] || { echo "found '$1', wanted '$2'"; return 1; }; }

# eventually COMMAND...: it succeeds within 30 seconds.
eventually() {
	local tries=0
	until "$@" >eventual 2>&1; do
		tries=$((tries + 1))
		[ "$tries" -lt 60 ] || { echo "still not: $*"; cat eventual; return 1; }
		sleep 0.5
	done
}

fails() { ! "$@"; }

run() { coracle run --rm --network none "$@"; }
detached() { coracle run -d --network none "$@" >/dev/null; }
show() { coracle inspect --format "$2" "$1"; }
# The group of a container as the host sees it.
group() { show "$1" '{{.State.CgroupPath}}'; }
# Groups of containers, whoever's.
left() { find "$groups" -type d -regex '.*/coracle-[0-9a-f].*' | grep .; }
no_group() { fails left; }

root_file_system() {
	mkdir -p root/bin root/etc root/tmp
	cp /bin/busybox root/bin/
	local applet
	for applet in sh cat head tail sleep true id ls mkdir kill nproc dd; do ln -s busybox "root/bin/$applet"; done
	printf 'root:x:0:0:root:/root:/bin/sh\n' >root/etc/passwd
	tar -C root --owner=0 --group=0 -cf root.tar .
}

import() {
	[ -e root.tar ] || root_file_system
	coracle import root.tar busybox
}

# Ends the suite.
finish() {
	t "no control group stays" eventually no_group
	t "the store is clean" coracle system check
	cd /
	rm -rf "$work"
}

. "$here/suites/$suite.sh"
