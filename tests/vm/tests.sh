# Runs inside the VM, once as root and once as an ordinary user: one "ok NAME" or "FAIL NAME: output" a line.
who=$1
work=$(mktemp -d)
cd "$work" || exit 1

# t NAME COMMAND...: the command must succeed.
t() {
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then echo "ok $who: $name"; else echo "FAIL $who: $name: $output"; fi
}

# exits CODE COMMAND...
exits() {
	local code=$1 found
	shift
	"$@"
	found=$?
	[ "$found" = "$code" ] || { echo "exit code $found, wanted $code"; return 1; }
}

mkdir -p root/bin root/etc root/tmp
cp /bin/busybox root/bin/
for applet in sh cat head tail sleep true id ls; do ln -s busybox "root/bin/$applet"; done
echo 'root:x:0:0:root:/root:/bin/sh' >root/etc/passwd
tar -C root --owner=0 --group=0 -cf root.tar .
run() { coracle run --rm --network none "$@"; }

t "says which it is" coracle version
t "runs the image inside the binary" run hello
t "imports a root file system" coracle import root.tar busybox
t "runs it" run busybox true
memory() { exits 137 run --memory 32m busybox tail /dev/zero; }
t "memory limit kills" memory
pids() { ! run --pids-limit 5 busybox sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; echo all' | grep all; }
t "pids limit holds" pids
limit() { [ "$(run --memory 64m busybox cat /sys/fs/cgroup/memory.max)" = 67108864 ]; }
t "a container sees its own limit" limit
cpus() { [ "$(run --cpus 0.5 busybox head -n1 /sys/fs/cgroup/cpu.max)" = "50000 100000" ]; }
t "cpu limit is set" cpus
gone() { run busybox true && ! find /sys/fs/cgroup -type d -name '*coracle*' 2>/dev/null | xargs -r -I{} find {} -name cgroup.events -exec grep -l 'populated 1' {} + | grep .; }
t "no populated cgroup stays" gone
t "the store is clean" coracle system check
coracle rmi --all --force >/dev/null 2>&1
rm -rf "$work"
