# A home on NFS that two machines have. Server and client are this kernel's; the second machine is a mount namespace with
# a /var/tmp, a run directory and a machine id of its own.

serve() {
	modprobe nfsd && modprobe nfsv4 && mount -t nfsd nfsd /proc/fs/nfsd || return
	mkdir -p /srv/homes/alice /var/lib/nfs/v4recovery /mnt/homes
	chown alice: /srv/homes/alice
	# What rpc.mountd would answer: this machine may have /srv/homes as the root, synchronous or not.
	echo 'nfsd 127.0.0.1 2147483647 local' >/proc/net/rpc/auth.unix.ip/channel
	echo "local /srv/homes 2147483647 $((0x2 | 0x10 | 0x400 | 0x2000)) 65534 65534 0" >/proc/net/rpc/nfsd.export/channel
	printf 'local 1 \\x00000000 2147483647 /srv/homes\n' >/proc/net/rpc/nfsd.fh/channel
	# Version 4 alone needs no rpcbind.
	echo '-3 +4 +4.1 +4.2' >/proc/fs/nfsd/versions
	echo 10 >/proc/fs/nfsd/nfsv4leasetime
	echo 10 >/proc/fs/nfsd/nfsv4gracetime
	echo 'tcp 2049' >/proc/fs/nfsd/portlist && echo 2 >/proc/fs/nfsd/threads || return
	mount -i -t nfs4 -o addr=127.0.0.1,clientaddr=127.0.0.1,vers=4.2,sec=sys 127.0.0.1:/ /mnt/homes
}
ip link set lo up
t "a home is on NFS" serve
is_remote() { is "$(stat -f -c %T /mnt/homes/alice)" nfs; }
t "it is" is_remote

root_file_system
chmod 644 root.tar
# on MACHINE SH: as alice, whose home is on NFS.
on() {
	local inside="export HOME=/mnt/homes/alice; $2"
	case $1 in
	one) su -s /bin/bash alice -c "$inside" ;;
	two) unshare -m sh -c 'mkdir -p /srv/two && chmod 1777 /srv/two && mount --bind /srv/two /var/tmp &&
		echo 00000000000000000000000000000002 >/srv/machine-id && mount --bind /srv/machine-id /etc/machine-id &&
		exec su -s /bin/bash alice -c "$0"' "$inside" ;;
	esac </dev/null
}
for machine in one two; do
	said() {
		on $machine "coracle import --message x $work/root.tar busybox" 2>&1 | tee said |
			grep -q '/mnt/homes/alice/.local/share/coracle is on NFS, so images and containers of this machine are kept in /var/tmp/coracle-1000' ||
			{ cat said; return 1; }
	}
	t "machine $machine: it is told where the store is" said
	silent() { is "$(on $machine 'coracle run --rm --network none busybox sh -c "chown 5:6 /bin; stat -c %u:%g /bin"' 2>&1)" 5:6; }
	t "machine $machine: runs with owners, and it is told once" silent
	stays() { on $machine 'coracle create --name stays --network none busybox sh -c "echo started"'; }
	t "machine $machine: a container stays" stays
done
sweeps() { on two 'coracle rm stays && coracle system prune --all --force && coracle system check --repair'; }
t "machine two sweeps its own" sweeps
kept() { is "$(on one 'coracle start --attach stays')" started; }
t "machine one has what is its own" kept
nothing() { is "$(find /mnt/homes/alice -path '*coracle*' | head -5)" ''; }
t "no store is in the home" nothing
asked() { on one 'coracle --root /mnt/homes/alice/store run --rm busybox true' 2>&1 | grep -q 'a store cannot lie on NFS.*--root'; }
t "one that is asked for there is refused" asked
hijacked() {
	rm -rf /var/tmp/coracle-1000
	mkdir -m 755 /var/tmp/coracle-1000
	on one 'coracle images' 2>&1 | grep -q 'it belongs to user 0' && rmdir /var/tmp/coracle-1000
}
t "a store of somebody else in its place is not believed" hijacked
t "the store is removed" on two 'coracle system reset --force'
