# Before a reboot: leaves containers running. Run by root as the setup of the suite reboot.
import || exit
detached --name survivor busybox sh -c 'echo kept >/kept; sleep 1000' || exit
detached --name temporary --rm busybox sleep 1000 || exit
as() { systemd-run --quiet --wait --pipe --collect --user --machine alice@ -p Delegate=yes -p KillMode=process "$@" </dev/null; }
chmod 644 root.tar
as coracle import "$work/root.tar" busybox || exit
as coracle run -d --name survivor --network none busybox sleep 1000 || exit
# Its monitor has no time to record its end, as when the power is cut.
detached --name lost busybox sleep 1000 || exit
kill -KILL "$(awk '/^PPid:/ { print $2 }' "/proc/$(show lost '{{.State.Pid}}')/status")"
sync
