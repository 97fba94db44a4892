# coracle as an OCI runtime: limits of a bundle, below a group that the caller names.
r() { coracle runtime "$@"; }
root_file_system
# The container keeps the streams of create, for which nobody should wait.
create() { r create --bundle . --pid-file pid "$1" </dev/null >/dev/null 2>errors || { cat errors; return 1; }; }
# bundle JQ: a bundle with busybox, its configuration changed.
bundle() {
	rm -f config.json
	r spec --bundle . && mkdir -p rootfs && cp -r root/. rootfs/ &&
		jq '.process.terminal = false | .root.path = "rootfs"
			| .linux.resources = {memory: {limit: 67108864, swap: 67108864}, pids: {limit: 20}, cpu: {quota: 50000, period: 100000, shares: 512, cpus: "0"}}
			| '"$1" config.json >edited && mv edited config.json
}
status() { r state "$1" | jq -r .status; }

path=$groups/suite.slice/one.scope
bundle '.process.args = ["sleep", "301"] | .linux.cgroupsPath = "/suite.slice/one.scope"'
created() { create one && is "$(status one)" created && is "$(cat "$path/cgroup.procs")" "$(cat pid)"; }
t "create makes the group" created
values() {
	is "$(cat "$path"/{memory.max,memory.swap.max,pids.max,cpu.max,cpu.weight,cpuset.cpus} | tr '\n' ' ')" \
		"67108864 0 20 50000 100000 20 0 "
}
t "with the bundle's limits" values
t "start" r start one
t "runs" is "$(status one)" running
t "kill" r kill one KILL
ended() { is "$(status one)" stopped; }
t "ends" eventually ended
t "delete" r delete one
t "the group is gone" fails test -e "$path"

bundle '.process.args = ["tail", "/dev/zero"] | .linux.cgroupsPath = "suite.slice:test:two" | .linux.resources.memory = {limit: 16777216, swap: 16777216}'
t "names as systemd has them" create two
two=$groups/suite.slice/test-two.scope
oom() { r start two && eventually two_ended && grep -x 'oom_kill [1-9]*' "$two/memory.events"; }
two_ended() { is "$(status two)" stopped; }
t "memory limit kills" oom
t "delete of it" r delete two

# The first process shares the host's pid namespace: its children outlive it.
bundle '.process.args = ["sh", "-c", "sleep 302 & sleep 302 & exit 0"] | .linux.namespaces |= map(select(.type != "pid"))'
orphans() {
	create three && r start three && eventually three_ended && pgrep -f 'sleep 302' &&
		r delete three && eventually fails pgrep -f 'sleep 302' && fails test -e "$groups/coracle-three"
}
three_ended() { is "$(status three)" stopped; }
t "delete ends what is left in the group" orphans

bundle '.process.args = ["true"] | .linux.resources.unified = {"memory.high": "lots"}'
bad() { fails create four && fails test -e "$groups/coracle-four" && fails r state four; }
t "a value that the kernel refuses leaves nothing behind" bad
rmdir "$groups/suite.slice" 2>/dev/null
finish
