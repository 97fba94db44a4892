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

# All other limits, on a device that is there.
disk=$(lsblk -dnpo NAME,TYPE | awk '$2 == "disk" { print $1; exit }')
number=$(lsblk -dno MAJ:MIN "$disk" | tr -d ' ')
# Of the file of weights there are two kinds, by the kernel's schedulers, and neither where it has none of them.
bfq=$(find "$groups" -name io.bfq.weight -print -quit)
iocost=$(find "$groups" -mindepth 2 -name io.weight -print -quit)
# has GROUP FILE=VALUE...: the files of a group have these values.
has() {
	local path=$1 pair
	shift
	for pair; do is "$(cat "$path/${pair%%=*}" | tr '\n' ' ')" "${pair#*=} " || { echo "in ${pair%%=*}"; return 1; }; done
}
others() {
	detached --name others -m 64m --memory-swap 96m --memory-reservation 32m -c 512 --cpu-period 50000 --cpu-quota 20000 --cpuset-cpus 0 \
		--cpuset-mems 0 --device-read-bps "$disk:10mb" --device-write-iops "$disk:4000" --cgroup-conf memory.high=48M \
		--cgroup-conf pids.max=50 busybox sleep 1000
}
t "runs with all other limits" others
limited=$(group others)
written() {
	has "$limited" memory.max=67108864 memory.swap.max=33554432 memory.low=33554432 cpu.weight=20 'cpu.max=20000 50000' cpuset.cpus=0 \
		cpuset.cpus.effective=0 cpuset.mems=0 memory.high=50331648 pids.max=50 "io.max=$number rbps=10485760 wbps=max riops=max wiops=4000"
}
t "they are written as they were asked for" written
t "a container on one processor sees one" is "$(coracle exec others nproc)" 1
changed() {
	coracle update --memory 80m --memory-swap -1 --memory-reservation 0 --cpu-shares 1024 --cpus 0.5 --cpuset-cpus 1 \
		--device-read-bps "$disk:0" --device-write-bps "$disk:30mb" --cgroup-conf memory.high=max others >/dev/null &&
		has "$limited" memory.max=83886080 memory.swap.max=max memory.low=0 cpu.weight=39 'cpu.max=50000 100000' cpuset.cpus=1 \
			cpuset.cpus.effective=1 cpuset.mems=0 memory.high=max pids.max=50 \
			"io.max=$number rbps=max wbps=31457280 riops=max wiops=4000" &&
		is "$(show others '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCpus}} {{.HostConfig.CpuQuota}} {{.HostConfig.CpusetCpus}}')" \
			'83886080 -1 500000000 0 1' &&
		is "$(show others '{{json .HostConfig.BlkioDeviceWriteBps}} {{json .HostConfig.BlkioDeviceReadBps}}')" "[{\"Path\":\"$disk\",\"Rate\":31457280}] []"
}
t "update changes each of them" changed
untouched() {
	local option
	for option in --cpuset-cpus=7 --cpuset-cpus=99999 --cpuset-mems=1 "--device-read-bps=/dev/null:1m" --memory-swap=8m; do
		fails coracle update --cpu-shares 2 "$option" others || { echo "$option"; return 1; }
	done
	has "$limited" cpu.weight=39 cpuset.cpus=1 cpuset.mems=0 memory.swap.max=max && is "$(show others '{{.HostConfig.CpuShares}}')" 1024
}
t "update changes all or nothing" untouched
unavailable() {
	local found
	found=$(run --cpuset-cpus 0-7 busybox true 2>&1)
	case $found in *'requested CPUs are not available - requested 0-7, available: 0-1'*) ;; *) echo "$found"; return 1 ;; esac
}
t "processors that are not there are refused" unavailable
again_all() {
	coracle restart --time 0 others && limited=$(group others) &&
		has "$limited" memory.max=83886080 memory.swap.max=max memory.low=0 cpu.weight=39 'cpu.max=50000 100000' cpuset.cpus=1 memory.high=max \
			pids.max=50 "io.max=$number rbps=max wbps=31457280 riops=max wiops=4000"
}
t "a restart keeps them" again_all
removed() {
	limited=$(group others)
	coracle update --memory 0 --cpu-shares 0 --cpus 0 --cpuset-cpus= --cpuset-mems= --device-write-bps "$disk:0" --device-write-iops "$disk:0" \
		others && has "$limited" memory.max=max memory.swap.max=max cpu.weight=100 'cpu.max=max 100000' cpuset.cpus.effective=0-1 && is "$(cat "$limited/io.max")" '' &&
		coracle rm --force others
}
t "update takes them away" removed
no_swap() { is "$(run --memory 32m --memory-swap 32m busybox cat /sys/fs/cgroup/memory.swap.max)" 0; }
t "no swap beside the memory" no_swap
weight() {
	local file expected device
	if [ -n "$bfq" ]; then
		file=io.bfq.weight expected='default 321'
	elif [ -n "$iocost" ]; then
		file=io.weight expected='default 3142'
	else
		fails run --blkio-weight 321 busybox true
		return
	fi
	detached --name weight --blkio-weight 321 busybox sleep 1000 && has "$(group weight)" "$file=$expected" &&
		coracle update --blkio-weight 0 weight && has "$(group weight)" "$file=default 100" && coracle rm --force weight
}
t "weight for block devices" weight
# A read of the whole disk's beginning past its cache: a second and more for each such part.
throttled() {
	[ "$suite" = root ] || return 0
	local begin end
	begin=$(date +%s)
	run --device-read-bps "$disk:1mb" -v "$disk:/disk" --privileged busybox sh -c 'dd if=/disk of=/full bs=1M count=3 iflag=direct' || return
	end=$(date +%s)
	[ $((end - begin)) -ge 2 ] || { echo "took $((end - begin)) seconds"; return 1; }
}
t "reads are slowed down" throttled
groupless() {
	is "$(run --cgroups disabled --cgroupns host busybox cat /proc/self/cgroup)" "$(cat /proc/self/cgroup)" && fails run --cgroups disabled -m 64m busybox true
}
t "runs without a group of its own" groupless

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
