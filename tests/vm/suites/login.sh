# Login sessions, as from ssh, whose groups are not delegated: the superuser's and an ordinary user's.

# as WHO SH: in a session of its own, which ends with it.
as() { XDG_SESSION_CLASS=user su -l "$1" -s /bin/bash -c "$2" </dev/null; }
alice() { as alice "$1"; }

t "imports a root file system" import
chmod 644 root.tar
t "imports it for an ordinary user" alice "coracle import $work/root.tar busybox"

in_session() { alice 'cat /proc/self/cgroup' | grep -E '^0::/user.slice/user-1000.slice/session-'; }
t "a session has a group of its own" in_session
silent() { is "$(alice 'coracle run --rm --network none busybox true' 2>&1)" ''; }
t "runs without a word where nothing is delegated" silent
root_limit() { is "$(as root 'coracle run --rm --network none --memory 64m busybox cat /sys/fs/cgroup/memory.max' 2>&1)" 67108864; }
t "the superuser's limits hold in a session" root_limit

# What is not delegated is asked of the user's service manager.
limits() {
	is "$(alice 'coracle run --rm --network none --memory 64m --pids-limit 20 --cpus 0.5 busybox sh -c "cd /sys/fs/cgroup; cat memory.max pids.max cpu.max"' 2>&1 | tr '\n' ' ')" \
		'67108864 20 50000 100000 '
}
t "an ordinary user's limits hold in a session" limits
t "memory limit kills" exits 137 alice 'coracle run --rm --network none --memory 32m busybox tail /dev/zero'
t "no scope stays" eventually no_group

# At the end of a session.
stays() {
	alice 'coracle run -d --name stays --network none busybox sleep 1000 && coracle run -d --name limited --network none --memory 64m busybox sleep 1000' &&
		is "$(alice 'coracle ps --format "{{.Names}} {{.State}}"' | sort | tr '\n' ' ')" 'limited running stays running '
}
t "containers outlive their session" stays
joins() { is "$(alice 'coracle exec limited cat /sys/fs/cgroup/memory.max')" 67108864; }
t "exec from another session" joins
again() { alice 'coracle stop --time 0 limited && coracle start limited && coracle exec limited cat /sys/fs/cgroup/memory.max' | grep -x 67108864; }
t "starts again with its limit" again
t "are removed from another session" alice 'coracle rm --force stays limited'

mkdir -p /run/systemd/logind.conf.d
printf '[Login]\nKillUserProcesses=yes\n' >/run/systemd/logind.conf.d/kill.conf
systemctl restart systemd-logind
killed() {
	alice 'coracle run -d --name dies --network none busybox sleep 1004 && coracle run -d --name limited --network none --memory 64m busybox sleep 1005' &&
		eventually fails pgrep -f 'sleep 1004' && is "$(alice 'coracle ps --all --format "{{.Names}} {{.State}}"' | sort | tr '\n' ' ')" 'dies exited limited running ' &&
		alice 'coracle start dies && coracle rm --force dies limited'
}
t "where sessions are killed, those without a scope end and can be started again" killed
rm /run/systemd/logind.conf.d/kill.conf
systemctl restart systemd-logind

# A controller that is not delegated to the user.
mkdir -p /run/systemd/system/user@.service.d
printf '[Service]\nDelegate=\nDelegate=memory pids\n' >/run/systemd/system/user@.service.d/zz-test.conf
systemctl daemon-reload
systemctl restart user@1000
t "sessions work again" eventually in_session
missing() {
	local found
	found=$(alice 'coracle run --rm --network none --cpus 0.5 busybox true; echo code $?' 2>&1)
	case $found in
	*"cannot limit cpu: "*"/user@1000.service: "*"/etc/systemd/system/user@.service.d/"*"code 125") ;;
	*) echo "$found"; return 1 ;;
	esac
}
t "a missing controller is named with its cure" missing
rest() { is "$(alice 'coracle run --rm --network none --memory 64m busybox cat /sys/fs/cgroup/memory.max' 2>&1)" 67108864; }
t "the others work" rest

# No service manager at all: sessions of this class start none.
loginctl disable-linger alice
systemctl stop user@1000
light() { XDG_SESSION_CLASS=user-light su -l alice -s /bin/bash -c "$1" </dev/null; }
none() {
	local option found
	for option in '--memory 64m' '--pids-limit 10' '--cpus 0.5'; do
		found=$(light "coracle run --rm --network none $option busybox true; echo code \$?" 2>&1)
		case $found in
		*"cannot limit "*"Delegate=yes"*"code 125") ;;
		*) echo "$option: $found"; return 1 ;;
		esac
	done
}
t "without a service manager limits are refused" none
silent_light() { is "$(light 'coracle run --rm --network none busybox true; coracle ps --all --quiet' 2>&1)" ''; }
t "and all else works without a word" silent_light
t "her store is clean" light 'coracle system check'
finish
