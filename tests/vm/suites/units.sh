# coracle as a systemd service.

# unit NAME OPTIONS LINE...: a service that runs a container of its name. OPTIONS are lines of the unit.
unit() {
	local name=$1 options=$2
	shift 2
	printf '%s\n' '[Service]' Type=simple TimeoutStopSec=30 "$options" \
		"ExecStart=/usr/local/bin/coracle run --rm --name $name --network none $*" >"/run/systemd/system/$name.service"
	systemctl daemon-reload
}
property() { systemctl show --value --property "$2" "$1"; }
state() { is "$(property "$1" ActiveState)" "$2"; }
is_running() { [ "$(coracle inspect --format '{{.State.Status}}' "$1" 2>/dev/null)" = running ]; }
gone() { fails coracle inspect "$1" && no_group && fails pgrep -f 'sleep 20[0-9]'; }
up() { systemctl start "$1" && eventually is_running "$1"; }

t "imports a root file system" import

unit plain '' busybox sh -c "'trap \"kill \$\$!; exit 7\" TERM; sleep 200 & echo ready; wait'"
ready() { up plain && eventually journal plain ready; }
journal() { journalctl --quiet --unit "$1" --output cat | grep -qx "$2"; }
t "a unit's container runs" ready
stops() {
	local before=$SECONDS
	systemctl stop plain
	[ $((SECONDS - before)) -lt 20 ] || { echo "took $((SECONDS - before)) s"; return 1; }
	is "$(property plain ExecMainStatus)" 7 && gone plain
}
t "stops by its handler, in time, with its exit code" stops

unit code '' busybox sh -c "'exit 42'"
code() { systemctl start code; eventually state code failed && is "$(property code ExecMainStatus)" 42 && gone code; }
t "the unit's status is the container's" code

unit deaf TimeoutStopSec=3 busybox sleep 201
deaf() {
	up deaf && systemctl stop deaf && fails pgrep -f 'sleep 201' && run busybox true && gone deaf
}
t "one that hears no signal ends with its unit" deaf

unit killed '' busybox sleep 202
killed() {
	up killed && systemctl kill --signal KILL killed && eventually state killed failed || return
	eventually fails pgrep -f 'sleep 202' && up killed && systemctl stop --no-block killed && systemctl kill --signal KILL killed &&
		eventually fails pgrep -f 'sleep 202' && run busybox true && gone killed
}
t "starts again under its name after everything was killed" killed

unit main KillMode=process busybox sleep 203
main() {
	up main && kill -KILL "$(property main MainPID)" && eventually state main failed && coracle rm --force main && gone main
}
t "the container outlives its caller where the unit says so" main

unit bounded "$(printf 'Delegate=yes\nMemoryMax=48M\nMemorySwapMax=0')" busybox tail /dev/zero
bounded() {
	systemctl start bounded
	eventually state bounded failed && gone bounded
}
t "a delegated unit's own limit holds the container" bounded

unit both "$(printf 'Delegate=yes\nExecReload=/bin/true')" --memory 64m busybox sleep 204
both() {
	up both && is "$(cat "$groups"/system.slice/both.service/coracle-[0-9a-f]*/memory.max)" 67108864 && systemctl reload both &&
		is_running both && systemctl kill --signal KILL both && eventually state both failed && run busybox true && gone both &&
		fails test -e "$groups/system.slice/both.service"
}
t "a limit below a delegated unit" both

# As a service of another user, which has no session and sees little of the system.
mkdir -p /var/lib/alice-store
chown alice: /var/lib/alice-store
# Not in /tmp, of which such a unit has its own.
install -m 644 root.tar /srv/root.tar
hardened="User=alice
Delegate=yes
PrivateTmp=yes
ProtectSystem=strict
ReadWritePaths=/var/lib/alice-store
Environment=XDG_DATA_HOME=/var/lib/alice-store
ExecStartPre=/usr/local/bin/coracle import /srv/root.tar busybox"
unit other "$hardened" --memory 64m busybox sh -c "'trap \"exit 8\" TERM; echo ready; while :; do sleep 1; done'"
other() {
	systemctl start other && eventually journal other ready && is "$(cat "$groups"/system.slice/other.service/coracle-[0-9a-f]*/memory.max)" 67108864 &&
		systemctl stop other && is "$(property other ExecMainStatus)" 8 && no_group
}
t "runs for another user, hardened, with a limit" other

plain_user="User=alice
Environment=XDG_DATA_HOME=/var/lib/alice-store"
unit nolimit "$plain_user" busybox sh -c "'exit 9'"
nolimit() { systemctl start nolimit; eventually state nolimit failed && is "$(property nolimit ExecMainStatus)" 9; }
t "runs for another user without delegation" nolimit
unit refused "$plain_user" --memory 64m busybox true
refused() {
	systemctl start refused
	eventually state refused failed && is "$(property refused ExecMainStatus)" 125 &&
		journalctl --quiet --unit refused --output cat | grep 'cannot limit memory: .*Delegate=yes'
}
t "refuses a limit without delegation, and says what helps" refused

# systemd takes controllers away from a slice when none of its units wants them any more.
lasting() {
	coracle create --name lasting --network none --cpus 0.5 busybox sleep 206 &&
		systemd-run --quiet --wait --collect --slice=other.slice -p KillMode=process coracle start lasting || return
	local path
	path=$(group lasting)
	case $path in "$groups"/other.slice/*) ;; *) echo "$path"; return 1 ;; esac
	systemd-run --quiet --wait --collect --slice=other.slice -p CPUWeight=200 true
	is "$(cat "$path/cpu.max")" '50000 100000' && coracle rm --force lasting && fails test -e "$groups/other.slice/coracle"
}
t "a limit outlasts other units of the slice" lasting

t "a container for later" coracle create --name background --network none busybox sleep 205
started() { systemd-run --quiet --wait --collect coracle start background && eventually fails pgrep -f 'sleep 205'; }
t "one started by a unit that has ended ends with it" started
coracle rm --force background >/dev/null
finish
