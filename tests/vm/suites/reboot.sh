# After a reboot: before.sh has left containers running.
t "one that ran has ended" is "$(coracle ps --all --filter name=survivor --format '{{.State}}')" exited
orderly() { is "$(show survivor '{{.State.ExitCode}} {{.State.Error}}')" '137 '; }
t "and its end was recorded" orderly
# Another monitor may have found it on its own way out.
lost() { show lost '{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}' | grep -E '^exited 137 (the machine was restarted|its monitor was killed)$'; }
t "one without a record of its end says why" lost
t "and can be removed" coracle rm lost
t "starts again" coracle start survivor
t "keeps what it wrote" is "$(coracle exec survivor cat /kept)" kept
t "stops" coracle stop --time 1 survivor
vanished() { fails coracle inspect temporary && detached --name temporary --rm busybox sleep 1000 && coracle stop --time 0 temporary; }
t "one that was to vanish has, and its name is free" vanished
t "removes it" coracle rm survivor

as() { systemd-run --quiet --wait --pipe --collect --user --machine alice@ -p Delegate=yes "$@" </dev/null; }
t "an ordinary user's has ended" is "$(as coracle ps --all --filter name=survivor --format '{{.State}}')" exited
t "starts again" as -p KillMode=process coracle start survivor
t "is removed" as coracle rm --force survivor
t "her store is clean" as coracle system check
finish
