# Limits where systemd has delegated the unit: sourced by the suites root and alice.

own=$groups$(sed -n 's/^0:://p' /proc/self/cgroup)

t "says which it is" coracle version
t "runs the image inside the binary" run hello
t "imports a root file system" import
t "runs it" run busybox true

t "memory limit kills" exits 137 run --memory 32m busybox tail /dev/zero
pids() { ! run --pids-limit 5 busybox sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; echo all' | grep all; }
t "pids limit holds" pids
limit() { is "$(run --memory 64m busybox cat /sys/fs/cgroup/memory.max)" 67108864; }
t "a container sees its own limit" limit
cpus() { is "$(run --cpus 0.5 busybox head -n1 /sys/fs/cgroup/cpu.max)" "50000 100000"; }
t "cpu limit is set" cpus
default() { is "$(run busybox cat /sys/fs/cgroup/pids.max)" 2048; }
t "processes are limited without being asked" default

oom() {
	exits 137 coracle run --name oom --network none --memory 32m busybox tail /dev/zero &&
		is "$(show oom '{{.State.OOMKilled}} {{.State.ExitCode}}')" "true 137"
}
t "out of memory is recorded" oom
why_oom() { is "$(coracle why --format '{{.cause}}' oom)" out-of-memory; }
t "and told as the cause" why_oom
not_oom() {
	detached --name killed --memory 32m busybox sleep 1000 && coracle kill killed && is "$(coracle wait killed)" 137 &&
		is "$(show killed '{{.State.OOMKilled}}')" false
}
t "killed otherwise is not out of memory" not_oom
again() { exits 137 coracle start --attach oom && is "$(show oom '{{.State.OOMKilled}}')" true; }
t "the limit holds after another start" again
coracle rm --force oom killed >/dev/null

# One container for what can be asked of a running one.
t "runs in the background with all limits" detached --name it --memory 64m --cpus 0.5 --pids-limit 20 busybox sleep 1000
it=$(group it)
# Her service manager marks no unit as delegated, so that hers lie beside it.
[ "$suite" = root ] || own=$(dirname "$own")
in_unit() { case $it in "$own"/*) ;; *) echo "$it is not below $own"; return 1 ;; esac; }
t "the group lies where it was delegated" in_unit
values() { is "$(cat "$it"/{memory.max,memory.swap.max,cpu.max,pids.max} | tr '\n' ' ')" "67108864 67108864 50000 100000 20 "; }
t "the limits are written as they were asked for" values
joins() {
	coracle exec -d it sleep 999 && local pid && pid=$(pgrep -nx sleep -a | sed -n 's/ sleep 999$//p') && grep -x "$pid" "$it/cgroup.procs"
}
t "exec joins the group" joins
bomb() { ! coracle exec it sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 5 & done; echo all' | grep all; }
t "exec counts to the limit" bomb
namespaced() { is "$(coracle exec it cat /proc/self/cgroup)" 0::/ && coracle exec it cat /sys/fs/cgroup/memory.max | grep -x 67108864; }
t "the container's own group is its root" namespaced
read_only() { fails coracle exec it mkdir /sys/fs/cgroup/inner && fails coracle exec it sh -c 'echo max >/sys/fs/cgroup/memory.max' && values; }
t "a container cannot change its limits" read_only
updated() {
	coracle update --memory 96m --cpus 0.25 --pids-limit 30 it >/dev/null &&
		is "$(cat "$it"/{memory.max,memory.swap.max,cpu.max,pids.max} | tr '\n' ' ')" "100663296 100663296 25000 100000 30 " &&
		is "$(show it '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}')" "100663296 250000000 30"
}
t "update changes limits of what runs" updated
in_use() {
	detached --name big --memory 64m busybox sh -c 'mkdir -p /dev/shm && head -c 30000000 /dev/zero >/dev/shm/x && : >/full && sleep 1000' &&
		eventually coracle exec big ls /full && fails coracle update --memory 8m big &&
		is "$(cat "$(group big)/memory.max")" 67108864 && is "$(show big '{{.State.Status}} {{.HostConfig.Memory}}')" "running 67108864" &&
		coracle rm --force big
}
t "update refuses a limit below what is in use" in_use
stats() {
	local line
	line=$(coracle stats --no-stream --format '{{.MemUsage}} {{.PIDs}} {{.BlockIO}} {{.CPUPerc}}' it) && echo "$line" &&
		case $line in [0-9]*' / 96MiB '[0-9]*%) ;; *) return 1 ;; esac
}
t "stats reads the controllers" stats
freezes() {
	coracle pause it && grep -x 'frozen 1' "$it/cgroup.events" && fails coracle exec it true && coracle unpause it && coracle exec it true
}
t "pauses" freezes
t "stops" coracle stop --time 1 it
t "the group is gone with it" eventually fails test -e "$it"
t "starts again" coracle start it
t "removes it" coracle rm --force it

orphan() {
	detached --name orphan --memory 64m busybox sh -c 'sleep 1001 & sleep 1002' || return
	local path init monitor
	path=$(group orphan)
	init=$(show orphan '{{.State.Pid}}')
	monitor=$(awk '/^PPid:/ { print $2 }' "/proc/$init/status")
	kill -KILL "$monitor" && eventually fails test -e "/proc/$init" || return
	is "$(coracle ps -a --filter name=orphan --format '{{.State}}')" exited && is "$(show orphan '{{.State.ExitCode}}')" 137 && coracle start orphan && is "$(show orphan '{{.State.Status}}')" running &&
		coracle rm --force orphan && fails test -e "$path" && fails pgrep -f 'sleep 100[12]'
}
t "nothing is left of one whose monitor was killed" orphan

shared() {
	run --pid host --memory 64m busybox sh -c 'sleep 1003 >/dev/null 2>&1 & true' && eventually fails pgrep -f 'sleep 1003'
}
t "processes of a shared pid namespace end with the group" shared
inner() {
	detached --name inner --privileged busybox sh -c 'mkdir -p /sys/fs/cgroup/a/b; sleep 1000' || return
	local path
	path=$(group inner)
	eventually test -e "$path/a/b" && coracle rm --force inner && fails test -e "$path"
}
t "groups made inside go as well" inner
many() {
	local n pids=
	for n in 1 2 3 4; do run --memory 32m busybox true & pids="$pids $!"; done
	for n in $pids; do wait "$n" || return; done
}
t "several at once" many
