# A place to measure in, sourced by the benchmarks: compiled payloads, a root file system, a function to be the user.
#
# CORACLE   the binaries to measure, separated by spaces (target/coracle)
# RUNS      how often each command runs
# PEERS     whom to compare with (bwrap crun runc podman skopeo)
# PRIORITY  what puts a measurement before the machine's other work (nice -n -15)
# Results are printed and kept in target/bench/.

repository=$(cd "$(dirname "$0")/.." && pwd)
binaries=${CORACLE:-$repository/target/coracle}
results=$repository/target/bench
PEERS=${PEERS-bwrap crun runc podman skopeo}
PRIORITY=${PRIORITY-nice -n -15}
user=coracle-test
mkdir -p "$results"

# The peers want one cgroup tree, of version 2. Where a machine has both kinds, root measures under a mount of its own.
if [ "$(id -u)" = 0 ] && [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ] && [ -z "${BENCH_INSIDE:-}" ]; then
	export BENCH_INSIDE=1
	exec unshare --mount sh -c 'mount -t cgroup2 none /sys/fs/cgroup && exec "$@"' sh "$0" "$@"
fi

place=
run_as=
keepers=
trap 'clean_up' EXIT
trap 'exit 130' INT TERM

# Keepers are ended by their own pids; each place is removed as whoever owns what lies in it.
clean_up() {
	[ "$place" ] || return 0
	for keeper in $keepers; do kill "$keeper" 2>/dev/null || true; done
	# Podman's process that holds its user namespace outlives its commands.
	[ ! -e "$place/run/libpod/tmp/pause.pid" ] || kill "$(cat "$place/run/libpod/tmp/pause.pid")" || true
	for binary in "$place"/bin/coracle*; do
		[ -e "$binary" ] || continue
		$run_as "$binary" $(store_of "$binary") rm --force --all >/dev/null 2>&1 || true
	done
	if [ "$(id -u)" = 0 ]; then
		if [ -d "/sys/fs/cgroup/coracle-bench-$$" ]; then
			echo $$ >/sys/fs/cgroup/cgroup.procs
			find "/sys/fs/cgroup/coracle-bench-$$" -depth -type d -exec rmdir {} \; 2>/dev/null || true
		fi
		# What a peer that was interrupted left mounted.
		awk -v place="$place/" 'index($2, place) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r -n1 umount -l
		rm -rf "$place"
	else
		unshare --user --map-root-user --map-auto rm -rf "$place" 2>/dev/null || rm -rf "$place"
	fi
	place=
	keepers=
}

say() { echo "bench: $*" >&2; }
have() {
	case $1 in
	bwrap | crun | runc | podman | skopeo) case " $PEERS " in *" $1 "*) ;; *) return 1 ;; esac ;;
	esac
	PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null
}

# Global options that give a binary a store of its own below the place.
store_of() { echo "--root $place/store/$(basename "$1") --runroot $place/run/$(basename "$1")"; }

# compile OUTPUT SOURCE: a static program, with musl where its compiler is there.
compile() {
	if have musl-gcc; then
		musl-gcc -static -O2 -idirafter /usr/include -idirafter "/usr/include/$(uname -m)-linux-gnu" -o "$1" "$2"
	else
		cc -static -O2 -o "$1" "$2"
	fi
}

# Everything is below one directory, on a disk where /tmp may not be one, and readable for an ordinary user.
make_place() {
	place=$(mktemp -d "${BENCH_TMP:-/var/tmp}/coracle-bench-XXXXXX")
	chmod 755 "$place"
	mkdir -p "$place/bin" "$place/root/bin" "$place/root/dev" "$place/root/proc" "$place/root/sys" \
		"$place/root/etc" "$place/root/tmp" "$place/scratch" "$place/store" "$place/run" "$place/tmp"
	compile "$place/root/bin/true" "$repository/benches/payload/true.c"
	compile "$place/root/bin/idle" "$repository/benches/payload/idle.c"
	compile "$place/bin/floor" "$repository/benches/floor.c"
	cc -static -O2 -o "$place/bin/empty-gnu" "$repository/benches/payload/true.c"
	rustc --edition 2024 -O -o "$place/bin/turns" "$repository/benches/turns.rs"
	echo 'root:x:0:0:root:/root:/bin/true' >"$place/root/etc/passwd"
	echo 'root:x:0:' >"$place/root/etc/group"
	tar -C "$place/root" --owner=0 --group=0 --numeric-owner -cf "$place/root.tar" .
	number=0
	for binary in $binaries; do
		# Named by the C library it says it has, so that two builds stand apart in the tables.
		name=coracle-$("$binary" version --format '{{.Client.CLibrary}}' 2>/dev/null || basename "$(dirname "$binary")")
		[ ! -e "$place/bin/$name" ] || name=$name-$number
		cp "$binary" "$place/bin/$name"
		number=$((number + 1))
	done
}

# be root|user: makes a place and says, by $run_as, who what follows runs as. Root can be the ordinary user too.
be() {
	make_place
	if [ "$1" = user ] && [ "$(id -u)" = 0 ]; then
		"$repository/.ci/user" >&2
		chown -R "$user:" "$place"
		# A cgroup of the user's own, as a login session gives one; the measuring shell is in it from here on.
		group=/sys/fs/cgroup/coracle-bench-$$
		mkdir -p "$group/session"
		chown -R "$user:" "$group"
		echo $$ >"$group/session/cgroup.procs"
		run_as="setpriv --reuid $user --regid $user --init-groups env -u SUDO_USER USER=$user HOME=$place XDG_RUNTIME_DIR=$place/run XDG_DATA_HOME=$place/store TMPDIR=$place/tmp CI=true"
	else
		run_as=
	fi
	export USER="${USER:-$(id -un)}" TMPDIR="$place/tmp" CI=true
	unset RUST_BACKTRACE
}

# turns OPTIONS: run the list on standard input; before other programs, where the caller may ask for that.
turns() {
	cat >"$place/list"
	first=$PRIORITY
	$first true 2>/dev/null || first=
	$first $run_as "$place/bin/turns" "$@" "$place/list"
}

machine() {
	echo "$(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n1), Linux $(uname -r), load $(cut -d' ' -f1 /proc/loadavg)"
}
