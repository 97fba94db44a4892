//! A whole distribution: a Debian made by mmdebstrap is imported, and what people do in one works.
//!
//! The archive is made once by `.ci/debian`; without it the test is skipped. One import serves everything here, since
//! it is what takes the time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;

use super::support::requires::is_root;
use super::support::{Sandbox, requires};

const IMAGE: &str = "localhost/debian:latest";
const LONG: Duration = Duration::from_secs(300);

/// Where `.ci/debian` puts it, or where whoever runs us says it is.
pub fn archive() -> PathBuf {
    std::env::var_os("CORACLE_TEST_DEBIAN").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test/debian.tar"),
        PathBuf::from,
    )
}

/// What a script prints, in a container of its own.
struct Case {
    name: &'static str,
    options: &'static [&'static str],
    script: &'static str,
    prints: &'static str,
}

const CASES: &[Case] = &[
    Case {
        name: "programs of the distribution",
        options: &[],
        script: "apt-get --version | head -n1 | cut -d' ' -f1; python3 -c 'print(6 * 7)'; dpkg --print-architecture >/dev/null; \
                 perl -e 'print \"perl\\n\"'; . /etc/os-release; echo $ID",
        prints: "apt\n42\nperl\ndebian\n",
    },
    Case {
        name: "a user is added, and su becomes him",
        options: &[],
        script: "adduser --quiet --disabled-password --gecos '' bob; adduser --quiet bob adm; \
                 su - bob -c 'id -un; id -u; id -Gn; pwd; echo $HOME $SHELL; touch f; stat -c %U:%G f'; \
                 su bob -c 'cat /etc/shadow' 2>/dev/null || echo refused; \
                 echo bob:word | chpasswd; deluser --quiet --remove-home bob; test -e /home/bob || echo gone",
        prints: "bob\n1000\nbob adm users\n/home/bob\n/home/bob /bin/bash\nbob:bob\nrefused\ngone\n",
    },
    Case {
        name: "other users hold no capabilities, and setpriv gives them up",
        options: &[],
        script: "caps() { grep -E '^Cap(Prm|Eff):' /proc/self/status | cut -f2 | tr '\\n' ' '; echo; }; \
                 su -s /bin/sh nobody -c 'id -u; grep ^CapEff /proc/self/status | cut -f2'; \
                 setpriv --reuid games --regid games --clear-groups sh -c 'id -u; id -G; grep ^CapEff /proc/self/status | cut -f2'; \
                 setpriv --bounding-set -all --inh-caps=-all sh -c 'grep ^CapBnd /proc/self/status | cut -f2'; \
                 setpriv --no-new-privs su -s /bin/sh nobody -c 'grep NoNewPrivs /proc/self/status | cut -f2'; caps",
        prints: "65534\n0000000000000000\n5\n60\n0000000000000000\n0000000000000000\n1\n\
                 00000000800405fb 00000000800405fb \n",
    },
    Case {
        name: "file capabilities",
        options: &[],
        script: "cp /bin/sleep /tmp/p; setcap cap_net_bind_service+ep /tmp/p; getcap /tmp/p; \
                 setpriv --reuid 1000 --regid 1000 --clear-groups sh -c \
                 '/tmp/p 100 & sleep 0.2; grep ^CapEff /proc/$!/status | cut -f2; kill $!'",
        prints: "/tmp/p cap_net_bind_service=ep\n0000000000000400\n",
    },
    Case {
        name: "a package with files of other users",
        options: &[],
        script: r#"cd /tmp; mkdir -p p/DEBIAN p/opt/thing; echo x >p/opt/thing/file
                 printf '#!/bin/sh\nset -e\nadduser --quiet --system --group --home /var/lib/thing thing\nchown -R thing:thing /opt/thing\nchmod 2750 /opt/thing\n' >p/DEBIAN/postinst
                 chmod 755 p/DEBIAN/postinst
                 printf 'Package: thing\nVersion: 1\nArchitecture: all\nMaintainer: M <m@example.org>\nDescription: d\n' >p/DEBIAN/control
                 { dpkg-deb -b p thing.deb; dpkg -i thing.deb; } >/dev/null
                 stat -c '%n %U:%G %a' /opt/thing /opt/thing/file /var/lib/thing
                 apt-get install -qq --reinstall /tmp/thing.deb >/dev/null 2>&1 && dpkg -s thing | grep ^Status
                 apt-get purge -qq thing >/dev/null && test ! -e /opt/thing && echo purged; apt-get check -qq && echo whole"#,
        prints: "/opt/thing thing:thing 2750\n/opt/thing/file thing:thing 644\n/var/lib/thing thing:thing 755\n\
                 Status: install ok installed\npurged\nwhole\n",
    },
    Case {
        name: "places are as the distribution wants them",
        options: &[],
        script: "stat -c '%n %a %U:%G' /tmp /var/tmp /root /etc/shadow /usr/bin/su /usr/bin/chage /dev/shm /run; touch /tmp/mine; \
                 setpriv --reuid 33 --clear-groups rm /tmp/mine 2>/dev/null || echo sticky; readlink /bin /lib; umask; pwd",
        prints: "/tmp 1777 root:root\n/var/tmp 1777 root:root\n/root 700 root:root\n/etc/shadow 640 root:shadow\n\
                 /usr/bin/su 4755 root:root\n/usr/bin/chage 2755 root:shadow\n/dev/shm 1777 root:root\n/run 755 root:root\n\
                 sticky\nusr/bin\nusr/lib\n0022\n/\n",
    },
    Case {
        name: "time and language",
        options: &["-e", "TZ=Asia/Kolkata", "-e", "LC_ALL=C.UTF-8"],
        script: "date -d @0 '+%H:%M %Z'; TZ=America/St_Johns date -d @0 +%z; unset TZ; date +%Z; printf 'é' | wc -m; \
                 locale charmap; date -s 2001-01-01 >/dev/null 2>&1 || echo refused",
        prints: "05:30 IST\n-0330\nUTC\n1\nUTF-8\nrefused\n",
    },
    Case {
        name: "what a container may not do",
        options: &[],
        script: "for words in 'mount -t tmpfs none /mnt' 'mount -o remount,rw /proc/sys' 'umount /proc' 'mknod /tmp/d c 1 3' \
                 'sysctl -qw kernel.domainname=x' 'dmesg' 'nice -n -5 false' 'unshare -m true' 'touch /sys/x' \
                 'echo >/proc/sysrq-trigger' 'echo x >/proc/sys/kernel/core_pattern' 'chrt -f 1 true' 'swapon /etc/passwd' 'chroot /proc/1/root mount -t proc p /proc'; do \
                 (eval \"$words\") >/dev/null 2>&1 && echo \"$words works\"; done; echo done",
        prints: "done\n",
    },
    Case {
        name: "name and addresses",
        options: &["--hostname", "box.example.org"],
        script: "hostname; cat /etc/hostname; getent hosts box.example.org | cut -d' ' -f1; \
                 python3 -c 'import socket; print(socket.gethostbyname(\"localhost\")); s = socket.create_server((\"127.0.0.1\", 80)); c = socket.create_connection((\"127.0.0.1\", 80)); print(1)'",
        prints: "box.example.org\nbox.example.org\n127.0.0.1\n127.0.0.1\n1\n",
    },
    Case {
        name: "limits",
        options: &[
            "--ulimit",
            "nofile=100:200",
            "--ulimit",
            "core=0",
            "--ulimit",
            "stack=1048576",
        ],
        script: "ulimit -n; ulimit -Hn; ulimit -c; ulimit -s; su -s /bin/sh nobody -c 'ulimit -n'",
        prints: "100\n200\n0\n1024\n100\n",
    },
    Case {
        name: "tracing",
        options: &[],
        script: "strace -f -e trace=execve -o /tmp/trace sh -c true && tail -n1 /tmp/trace | cut -d' ' -f2- | tr -d ' '",
        prints: "+++exitedwith0+++\n",
    },
    Case {
        name: "only its own processes",
        options: &[],
        // By number: a child is called as its parent until it has executed its program.
        script: "sleep 100 & ps -eo pid=,ppid= >/tmp/list; kill $!; tr -s ' ' </tmp/list",
        prints: " 1 0\n 2 1\n 3 1\n",
    },
];

#[test]
fn a_debian_is_at_home() {
    requires!("debian", "sub-ids");
    let sandbox = Sandbox::new();
    sandbox
        .coracle(["import", "--quiet"])
        .arg(archive())
        .arg(IMAGE)
        .limit(LONG)
        .run()
        .succeeds();
    let mut wrong = Vec::new();
    for case in CASES {
        let outcome = sandbox
            .coracle(["run", "--rm"])
            .args(case.options)
            .args([IMAGE, "sh", "-c", case.script])
            .limit(LONG)
            .run();
        if outcome.code != Some(0) || outcome.text() != case.prints.trim_end_matches('\n') {
            wrong.push(format!("{}: {outcome}\nexpected:\n{}", case.name, case.prints));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    ids(&sandbox);
    daemons(&sandbox);
    streams(&sandbox);
    job_control(&sandbox);
}

/// Everybody of the host's range can own files; an id beyond it is refused, not mangled.
fn ids(sandbox: &Sandbox) {
    let script = "touch /tmp/f; for id in 1 999 65534; do chown $id:$id /tmp/f && stat -c %u:%g /tmp/f; done; \
                  chown 70000 /tmp/f 2>/dev/null; stat -c %u /tmp/f; head -n1 /proc/self/uid_map | tr -s ' ' | cut -d' ' -f2";
    let last = if is_root() { "70000" } else { "65534" };
    sandbox
        .coracle(["run", "--rm", IMAGE, "sh", "-c", script])
        .run()
        .succeeds()
        .prints(&format!("1:1\n999:999\n65534:65534\n{last}\n0\n"));
}

/// A daemon that forks twice belongs to the container's first process and ends with it.
fn daemons(sandbox: &Sandbox) {
    // The program that was started is gone: so is the container, and the daemon with it.
    for options in [&[][..], &["--init"]] {
        sandbox
            .coracle(["run", "--rm"])
            .args(options)
            .args([IMAGE, "cron"])
            .run()
            .succeeds();
    }
    for options in [&[][..], &["--init"]] {
        let script = "cron; until pgrep -x cron >/dev/null; do sleep 0.05; done; ps -o ppid= -p $(pgrep -x cron) | tr -d ' '; \
                      exec sleep 1000";
        let id = sandbox
            .coracle(["run", "-d"])
            .args(options)
            .args([IMAGE, "sh", "-c", script])
            .run()
            .succeeds();
        let id = id.text();
        let follow = sandbox.coracle(["logs", "-f", id]).start();
        follow.expect("1\n");
        let count = ["exec", id, "pgrep", "-c", "-x", "cron"];
        sandbox.coracle(count).run().succeeds().prints("1\n");
        // With --init what the daemon leaves behind is reaped.
        if !options.is_empty() {
            let orphan = "sh -c 'sh -c \"exit 3\" & exec true'; sleep 0.2; ps -eo stat= | grep -c Z";
            sandbox
                .coracle(["exec", id, "sh", "-c", orphan])
                .run()
                .exits(1)
                .prints("0\n");
        }
        sandbox.coracle(["kill", id]).run().succeeds();
        follow.wait();
        sandbox.coracle(["wait", id]).run().succeeds().prints("137\n");
        sandbox.coracle(["rm", id]).run().succeeds();
    }
}

/// Much output, binary input, and signals to a program that handles them.
fn streams(sandbox: &Sandbox) {
    let script = "import sys\nfor _ in range(256): sys.stdout.buffer.write(bytes(range(256)) * 256)";
    let outcome = sandbox
        .coracle(["run", "--rm", IMAGE, "python3", "-c", script])
        .run()
        .succeeds();
    let expected: Vec<u8> = (0..=255).cycle().take(256 * 256 * 256).collect();
    assert!(outcome.stdout == expected, "{} bytes", outcome.stdout.len());
    sandbox
        .coracle(["run", "--rm", "-i", IMAGE, "sh", "-c", "tar -tf - | head -n1"])
        .input(super::support::tar::archive(&[super::support::Entry::file(
            "in", "x",
        )]))
        .run()
        .succeeds()
        .prints("in\n");
    // Written without Python's buffer, which a handler may find in use.
    let script = "import os, signal, sys\nfor s in (10, 15): signal.signal(s, lambda n, _: (os.write(1, b'%d\\n' % n), n == 15 and sys.exit(4)))\n\
                  os.write(1, b'ready\\n')\nwhile True: signal.pause()";
    let running = sandbox
        .coracle(["run", "--rm", IMAGE, "python3", "-c", script])
        .start();
    running.expect("ready");
    running.signal(Signal::USR1);
    running.expect("10");
    running.signal(Signal::TERM);
    running.wait().exits(4).prints("ready\n10\n15\n");
}

/// A shell on a terminal: sizes, Ctrl-C, Ctrl-Z, jobs, and another user's shell on the same terminal.
fn job_control(sandbox: &Sandbox) {
    let words = ["run", "--rm", "-it", IMAGE, "bash", "--norc", "-i"];
    let terminal = sandbox.coracle(words).start_on_terminal_of(30, 100);
    let steps = [
        ("tty; stty size\n", "/dev/pts/0\r\n30 100\r\n"),
        (
            "stat -c %U:%G:%a $(tty); echo on-it >/dev/tty\n",
            "root:tty:620\r\non-it\r\n",
        ),
        ("sh -c 'echo started; exec sleep 1000'\n", "\rstarted\r\n"),
        ("\x1a", "Stopped"),
        ("bg; jobs\n", "Running"),
        ("kill %1; wait; echo co''ming; cat\n", "coming\r\n"),
        ("line\n", "line\r\nline\r\n"),
        // With the next prompt: bash drops what is typed while it learns of the interrupt.
        ("\x03", "^C\r\n\x1b[?2004hbash"),
        ("echo code $?\n", "code 130\r\n"),
        (
            "setpriv --reuid 33 --clear-groups sh -c 'echo as $(id -u) >/dev/tty'\n",
            "\ras 33\r\n",
        ),
        ("top -b -n1 | head -n1 | cut -c1-5\n", "top -\r\n"),
        ("exit 9\n", "exit\r\n"),
    ];
    for (typed, appears) in steps {
        terminal.types(typed);
        terminal.expect(appears);
    }
    terminal.wait().exits(9);
}
