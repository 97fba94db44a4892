# coracle as the runtime of Debian's podman.
ln -s coracle /usr/local/bin/coracle-runtime
root_file_system
p() { podman --runtime /usr/local/bin/coracle-runtime --cgroup-manager cgroupfs "$@"; }
r() { p run --rm --network none "$@"; }
t "imports a root file system" p import root.tar busybox
ids() { is "$(r busybox id -u)" 0; }
t "runs" ids
t "exit code" exits 7 r busybox sh -c 'exit 7'
t "memory limit kills" exits 137 r --memory 32m busybox tail /dev/zero
limit() { is "$(r --memory 64m --cpus 0.5 --pids-limit 30 busybox sh -c 'cd /sys/fs/cgroup; cat memory.max cpu.max pids.max' | tr '\n' ' ')" '67108864 50000 100000 30 '; }
t "limits are set" limit
detached() {
	p run -d --name it --network none busybox sleep 401 && is "$(p inspect --format '{{.State.Status}}' it)" running &&
		p stop --time 1 it && p rm it && fails pgrep -f 'sleep 401'
}
t "in the background" detached
t "with systemd's names" podman --runtime /usr/local/bin/coracle-runtime --cgroup-manager systemd run --rm --network none busybox true
finish
