//! What options, image and surroundings come to.

use super::*;
use crate::store::container::{MountSource, Seccomp};
use clap::Parser;

#[derive(Parser)]
#[command(disable_help_flag = true)]
struct Line {
    #[command(flatten)]
    options: crate::cli::arguments::Flags<ContainerOptions>,
    #[arg(trailing_var_arg = true)]
    command: Vec<OsString>,
}

fn image() -> ImageConfig {
    serde_json::from_str(
        r#"{"Env": ["PATH=/bin", "A=image"], "Entrypoint": ["/entry"], "Cmd": ["default"], "User": "app",
            "WorkingDir": "/srv", "Labels": {"from": "image"}, "StopSignal": "SIGQUIT",
            "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/data": {}, "/cache/": {}}}"#,
    )
    .unwrap()
}

fn resolve_line(line: &str) -> Result<Resolved> {
    resolve_with(line, "")
}

/// The same with a containers.conf.
fn resolve_with(line: &str, settings: &str) -> Result<Resolved> {
    let has_proxy = !settings.is_empty();
    let mut read = crate::cli::settings::Settings::default();
    read.add(Path::new("/containers.conf"), settings).unwrap();
    let settings = read;
    let line = Line::try_parse_from(std::iter::once("run").chain(line.split_whitespace())).unwrap();
    let mut options = line.options.0.clone();
    settings.fill(&mut options);
    let environment = [("HOME", "/h"), ("A", "host"), ("no_proxy", "local")];
    let environment = environment.map(|(name, value)| (name.into(), value.into()));
    let environment = &environment[..if has_proxy { 3 } else { 2 }];
    let mut count = 0;
    let mut anonymous = || {
        count += 1;
        format!("anon{count}")
    };
    let read = |path: &Path| match path.to_str() {
        Some("vars") => Ok(b"B=file\nA\n".to_vec()),
        Some("labels") => Ok(b"x=1\ny\n".to_vec()),
        Some("profile") => Ok(b"{}".to_vec()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let mut inputs = Inputs {
        command: &line.command,
        image: &image(),
        environment,
        settings: &settings.containers,
        directory: Path::new("/here"),
        read: &read,
        anonymous: &mut anonymous,
    };
    resolve(&options, &mut inputs)
}

fn words(list: &[ByteString]) -> Vec<String> {
    list.iter().map(|word| word.lossy().into_owned()).collect()
}

#[test]
fn the_image_is_the_default() {
    let config = resolve_line("").unwrap().config;
    assert_eq!(words(&config.entrypoint), ["/entry"]);
    assert_eq!(words(&config.command), ["default"]);
    assert_eq!(words(&config.env), ["PATH=/bin", "A=image"]);
    assert_eq!(
        (config.user.as_str(), config.working_directory.lossy().as_ref()),
        ("app", "/srv")
    );
    assert_eq!(
        (config.stop_signal, config.stop_timeout, config.shm_size),
        (3, 10, 64 << 20)
    );
    assert_eq!(config.exposed_ports, ["80/tcp"]);
    assert_eq!(config.network, Network::None);
    let mounts: Vec<_> = config
        .mounts
        .iter()
        .map(|mount| mount.target.lossy().into_owned())
        .collect();
    assert_eq!(mounts, ["/cache", "/data"]);
}

#[test]
fn commands() {
    for (line, entrypoint, command) in [
        ("-- a b", &["/entry"][..], &["a", "b"][..]),
        ("--entrypoint sh", &["sh"], &[]),
        ("--entrypoint sh -- -c x", &["sh"], &["-c", "x"]),
        ("--entrypoint=", &[], &[]),
        ("--entrypoint [\"a\",\"b\"] -- c", &["a", "b"], &["c"]),
        ("--entrypoint [x -- c", &["[x"], &["c"]),
    ] {
        let config = resolve_line(line).unwrap().config;
        assert_eq!(
            (words(&config.entrypoint), words(&config.command)),
            (
                entrypoint.iter().map(|word| (*word).to_owned()).collect(),
                command.iter().map(|word| (*word).to_owned()).collect(),
            ),
            "{line}"
        );
    }
}

#[test]
fn variables_override_in_order() {
    for (line, expected) in [
        ("-e A=line", &["PATH=/bin", "A=line"][..]),
        ("-e A", &["PATH=/bin", "A=host"]),
        ("-e ABSENT -e PATH", &["A=image"]),
        ("--env-file vars", &["PATH=/bin", "A=host", "B=file"]),
        ("--env-file vars -e B=line -e A=", &["PATH=/bin", "A=", "B=line"]),
        ("--unsetenv A", &["PATH=/bin"]),
        ("--unsetenv-all -e H*", &["HOME=/h"]),
        ("--env-host", &["PATH=/bin", "A=host", "HOME=/h"]),
    ] {
        assert_eq!(words(&resolve_line(line).unwrap().config.env), expected, "{line}");
    }
}

#[test]
fn options_win_over_the_image() {
    let resolved = resolve_line(
        "-u 5:6 -w /x/../y --label-file labels -l x=2 --annotation k=v --stop-signal USR1 --stop-timeout -1 \
         -v ./src:/data:ro --tmpfs /t --shm-size 1m --memory 64m --cpus .5 --pids-limit -1 --ulimit nofile=1 \
         --ulimit nofile=2 --cap-add CHOWN,KILL --cap-drop all --security-opt no-new-privileges \
         --security-opt seccomp=profile --pid host --network host -h box --dns 1.1.1.1 --add-host a:::1 \
         --expose 90-91/udp --cidfile id --log-opt max-size=1m --log-opt max-file=3 --log-opt path=my.log \
         --init --rm -it",
    )
    .unwrap();
    assert_eq!(resolved.directories, [PathBuf::from("/here/src")]);
    let config = resolved.config;
    assert_eq!(
        (config.user.as_str(), config.working_directory.lossy().as_ref()),
        ("5:6", "/y")
    );
    assert_eq!(
        config.labels.into_iter().collect::<Vec<_>>(),
        [
            ("from".into(), "image".into()),
            ("x".into(), "2".to_owned()),
            ("y".to_owned(), String::new())
        ]
    );
    assert_eq!((config.stop_signal, config.stop_timeout), (10, u64::MAX));
    assert_eq!(
        (
            config.resources.memory,
            config.resources.nano_cpus,
            config.resources.pids
        ),
        (Some(64 << 20), Some(500_000_000), Some(0))
    );
    assert_eq!(config.ulimits.len(), 1);
    assert_eq!((config.ulimits[0].soft, config.shm_size), (Some(2), 1 << 20));
    assert_eq!(
        (
            config.cap_add.len(),
            config.cap_drop.len(),
            config.no_new_privileges
        ),
        (2, 1, true)
    );
    assert!(matches!(config.seccomp, Seccomp::Profile(text) if text == "{}"));
    assert_eq!((config.pid, config.network), (Sharing::Host, Network::Host));
    assert_eq!(
        (config.hostname.as_str(), config.extra_hosts),
        ("box", vec!["a:::1".to_owned()])
    );
    assert_eq!(config.exposed_ports, ["80/tcp", "90/udp", "91/udp"]);
    assert_eq!(config.cidfile, Some("/here/id".into()));
    assert!(matches!(
        config.log,
        Log::JsonFile(file) if (file.max_size, file.max_files) == (Some(1_000_000), 3)
            && file.path == Some("/here/my.log".into())
    ));
    assert!(config.init && config.remove && config.interactive && config.terminal);
    let targets: Vec<_> = config
        .mounts
        .iter()
        .map(|mount| mount.target.lossy().into_owned())
        .collect();
    assert_eq!(targets, ["/data", "/t", "/cache"]);
}

#[test]
fn image_volumes_as_asked() {
    let kinds = |line: &str| -> Vec<bool> {
        let mounts = resolve_line(line).unwrap().config.mounts;
        mounts
            .iter()
            .map(|mount| matches!(mount.source, MountSource::Tmpfs))
            .collect()
    };
    assert_eq!(kinds("--image-volume tmpfs"), [true, true]);
    assert_eq!(kinds("--image-volume ignore"), [false; 0]);
    assert_eq!(kinds("--image-volume=bind"), [false, false]);
}

#[test]
fn mistakes_name_the_option() {
    for (line, error) in [
        (
            "--restart sometimes",
            "invalid --restart \"sometimes\": there are no, on-failure[:TIMES], always and unless-stopped",
        ),
        (
            "--rm --restart always",
            "--rm does not go with --restart=always: a container either vanishes with its end or starts again",
        ),
        (
            "--stop-signal NOPE",
            "invalid --stop-signal \"NOPE\": there is no such signal",
        ),
        ("-w rel", "invalid --workdir \"rel\": expected an absolute path"),
        (
            "--env-file absent",
            "cannot read env file \"absent\": entity not found",
        ),
        (
            "-e =x",
            "invalid --env \"=x\": the name of the variable is missing",
        ),
        (
            "-v a:b",
            "invalid --volume \"a:b\": the target \"b\" is not an absolute path",
        ),
        ("-v /a:/t --tmpfs /t", "/t: duplicate mount destination"),
        (
            "--userns keep-id",
            "--userns=keep-id is not supported yet: there is --userns=host, which is the default",
        ),
        (
            "--pid container:x",
            "--pid=container:x is not supported yet: there are private and host",
        ),
        (
            "--network web",
            "--network=web is not supported yet: coracle has no container networks yet; there are none and host",
        ),
        (
            "-h a_b.c! ",
            "invalid --hostname \"a_b.c!\": expected letters, digits, hyphens and dots, at most 64",
        ),
        (
            "-h x --uts host",
            "--hostname does not go with --uts=host, which is the host's name",
        ),
        ("--expose 0", "invalid --expose \"0\": expected PORT[/PROTOCOL]"),
        (
            "--memory 1",
            "invalid --memory \"1\": the least memory limit is 6 MiB",
        ),
        (
            "--sysctl net.x=1 --network host",
            "invalid --sysctl \"net.x=1\": it is the host's, which the container shares",
        ),
        (
            "--oom-score-adj 1001",
            "invalid --oom-score-adj \"1001\": expected a number from -1000 to 1000",
        ),
        (
            "--log-driver syslog",
            "--log-driver=syslog is not supported yet: there are json-file, k8s-file, journald, passthrough, \
             passthrough-tty and none",
        ),
        (
            "--log-driver passthrough -t",
            "--tty does not go with --log-driver=passthrough: the container has its caller's streams",
        ),
        (
            "--log-driver journald --log-opt path=/log",
            "--log-opt path, max-size and max-file are for log files, which --log-driver=journald makes none of",
        ),
        (
            "--log-opt mode=fast",
            "invalid --log-opt \"mode=fast\": there are path=FILE, max-size=SIZE, max-file=NUMBER, tag=TEXT, \
             labels=KEY,…, env=NAME,…, label=KEY=VALUE and mode=blocking or non-blocking",
        ),
        (
            "--log-driver k8s-file --log-opt labels=a",
            "--log-opt labels, env and label: --log-driver=k8s-file has no place for them in its lines",
        ),
        (
            "--security-opt seccomp=nofile",
            "cannot read seccomp profile \"nofile\": entity not found",
        ),
        (
            "--add-host x:nowhere",
            "invalid --add-host \"x:nowhere\": expected HOST:ADDRESS",
        ),
        (
            "--group-add keep-groups",
            "--group-add=keep-groups is not supported yet: name the groups",
        ),
    ] {
        assert_eq!(format!("{:#}", resolve_line(line).unwrap_err()), error, "{line}");
    }
}

#[test]
fn containers_conf_says_what_options_do_not() {
    type Check = fn(&Config) -> String;
    let memory: Check = |config| config.shm_size.to_string();
    let env: Check = |config| words(&config.env).join(" ");
    let caps: Check = |config| format!("+{:?} -{:?}", config.cap_add, config.cap_drop).replace('"', "");
    let mounted: Check = |config| {
        let shown = config.mounts.iter().map(|mount| match &mount.source {
            MountSource::Bind { path, .. } => format!("{}:{}", path.lossy(), mount.target.lossy()),
            _ => format!("volume:{}", mount.target.lossy()),
        });
        shown.collect::<Vec<_>>().join(" ")
    };
    let hosts: Check = |config| format!("{:?} {}", config.network, config.no_hosts);
    let log: Check = |config| match &config.log {
        Log::JsonFile(file) => format!("{:?} {}", file.max_size, file.max_files),
        other => format!("{other:?}"),
    };
    let names: Check = |config| format!("{:?} {:?}", (config.pid, config.ipc), (config.uts, config.cgroup));
    let limits: Check = |config| {
        let limits = config
            .ulimits
            .iter()
            .map(|limit| format!("{}={:?}", limit.name, limit.soft));
        limits.collect::<Vec<_>>().join(" ")
    };
    let sysctls: Check = |config| format!("{:?}", config.sysctls).replace('"', "");
    let table: [(&str, &str, Check, &str); 42] = [
        ("shm_size='1m'", "", memory, "1048576"),
        ("shm_size='1m'", "--shm-size 2m", memory, "2097152"),
        ("init=true", "", |config| config.init.to_string(), "true"),
        (
            "init=true",
            "--init=false",
            |config| config.init.to_string(),
            "false",
        ),
        (
            "privileged=true",
            "",
            |config| config.privileged.to_string(),
            "true",
        ),
        (
            "privileged=true",
            "--privileged=false",
            |config| config.privileged.to_string(),
            "false",
        ),
        (
            "read_only=true",
            "",
            |config| config.read_only.to_string(),
            "true",
        ),
        (
            "read_only=true",
            "--read-only=0",
            |config| config.read_only.to_string(),
            "false",
        ),
        (
            "umask='0077'",
            "",
            |config| format!("{:?}", config.umask),
            "Some(63)",
        ),
        (
            "umask='0077'",
            "--umask 1",
            |config| format!("{:?}", config.umask),
            "Some(1)",
        ),
        (
            "oom_score_adj=5",
            "",
            |config| format!("{:?}", config.oom_score_adj),
            "Some(5)",
        ),
        (
            "pids_limit=7",
            "",
            |config| format!("{:?}", config.resources.pids),
            "Some(7)",
        ),
        (
            "pids_limit=7\ncgroup_conf=['memory.high=1']\ncgroups='disabled'",
            "",
            |config| format!("{:?} {:?}", config.no_group, config.resources.is_limited()),
            "true false",
        ),
        (
            "cgroup_conf=['memory.high=1','memory.low=2']\ncgroups='disabled'",
            "--cgroups enabled --cgroup-conf memory.high=3",
            |config| format!("{:?} {:?}", config.no_group, config.resources.files),
            r#"false {"memory.high": "3", "memory.low": "2"}"#,
        ),
        (
            "pids_limit=7",
            "--pids-limit 5",
            |config| format!("{:?}", config.resources.pids),
            "Some(5)",
        ),
        (
            "annotations=['a=1','b=1']",
            "--annotation a=2",
            |config| format!("{:?}", config.annotations),
            r#"{"a": "2", "b": "1"}"#,
        ),
        (
            "env=['A=conf','C=conf','HOME']",
            "-e D=1",
            env,
            "no_proxy=local A=image C=conf HOME=/h PATH=/bin D=1",
        ),
        ("http_proxy=false", "", env, "PATH=/bin A=image"),
        (
            "http_proxy=false",
            "--http-proxy",
            env,
            "no_proxy=local PATH=/bin A=image",
        ),
        ("", "--http-proxy=false", env, "PATH=/bin A=image"),
        (
            "env_host=true",
            "",
            env,
            "no_proxy=local PATH=/bin A=host HOME=/h",
        ),
        (
            "env_host=true",
            "--env-host=false",
            env,
            "no_proxy=local PATH=/bin A=image",
        ),
        ("env=['C=1']", "--unsetenv-all", env, ""),
        (
            "",
            "--env-merge A=x${A}",
            env,
            "no_proxy=local PATH=/bin A=ximage",
        ),
        (
            "volumes=['/v:/v','/h:/data']",
            "-v /own:/v",
            mounted,
            "/own:/v /h:/data volume:/cache",
        ),
        (
            "mounts=['type=bind,source=/b,target=/cache']",
            "",
            mounted,
            "/b:/cache volume:/data",
        ),
        (
            "default_capabilities=['CHOWN','KILL']",
            "",
            caps,
            "+[CAP_CHOWN, CAP_KILL] -[ALL]",
        ),
        (
            "default_capabilities=['CHOWN','KILL']",
            "--cap-add net_raw --cap-drop KILL",
            caps,
            "+[CAP_CHOWN, CAP_NET_RAW] -[ALL]",
        ),
        (
            "default_capabilities=['CHOWN']",
            "--cap-drop ALL",
            caps,
            "+[] -[ALL]",
        ),
        ("netns='host'", "", hosts, "Host false"),
        ("netns='host'", "--network none", hosts, "None false"),
        ("netns='private'\nno_hosts=true", "", hosts, "None true"),
        ("no_hosts=true", "--no-hosts=false", hosts, "None false"),
        ("log_driver='none'", "", log, "None"),
        ("log_size_max=1024", "", log, "Some(1024) 1"),
        ("log_size_max=1024", "--log-opt max-size=9k", log, "Some(9000) 1"),
        (
            "pidns='host'\nipcns='host'\nutsns='host'\ncgroupns='host'",
            "",
            names,
            "(Host, Host) (Host, Host)",
        ),
        (
            "pidns='host'\ncgroupns='host'",
            "--pid private --cgroupns private",
            names,
            "(Private, Private) (Private, Private)",
        ),
        (
            "default_ulimits=['nofile=5','core=1']",
            "--ulimit nofile=9",
            limits,
            "core=Some(1) nofile=Some(9)",
        ),
        (
            "default_sysctls=['net.a.b=1','kernel.sem=2']",
            "--sysctl kernel.sem=3",
            sysctls,
            "{kernel.sem: 3, net.a.b: 1}",
        ),
        (
            "default_sysctls=['net.a.b=1','kernel.sem=2']",
            "--network host",
            sysctls,
            "{kernel.sem: 2}",
        ),
        (
            "seccomp_profile='profile'",
            "",
            |config| format!("{:?}", config.seccomp),
            r#"Profile("{}")"#,
        ),
    ];
    for (settings, line, check, expected) in table {
        let config = resolve_with(line, &format!("[containers]\n{settings}\n"))
            .unwrap()
            .config;
        assert_eq!(check(&config), expected, "{settings} {line}");
    }
    let dns = "[containers]\ndns_servers=['1.1.1.1']\ndns_searches=['a.b']\ndns_options=['x']";
    let config = resolve_with("--dns-search c.d", dns).unwrap().config;
    assert_eq!(
        (config.dns, config.dns_search, config.dns_options),
        (vec!["1.1.1.1".into()], vec!["c.d".into()], vec!["x".into()])
    );
    let engine = "[engine]\nstop_timeout=3\nimage_volume_mode='ignore'";
    let config = resolve_with("", engine).unwrap().config;
    assert_eq!((config.stop_timeout, config.mounts.len()), (3, 0));
    assert_eq!(
        resolve_with("--stop-timeout 4", engine)
            .unwrap()
            .config
            .stop_timeout,
        4
    );
    let keep_id = resolve_with("", "[containers]\nuserns='keep-id'").unwrap_err();
    assert!(format!("{keep_id:#}").contains("--userns=keep-id"), "{keep_id:#}");
}

#[test]
fn containers_conf_says_how_images_are_fetched() {
    let mut settings = crate::cli::settings::Settings::default();
    let text = "[engine]\npull_policy='never'\nretry=7\nretry_delay='2s'\n";
    settings.add(Path::new("/containers.conf"), text).unwrap();
    let mut options = ContainerOptions::default();
    options.image.transfer.retry = Some(1);
    settings.fill(&mut options);
    assert_eq!(options.image.pull.as_deref(), Some("never"));
    let transfer = &options.image.transfer;
    assert_eq!(
        (transfer.retry, transfer.retry_delay.as_deref()),
        (Some(1), Some("2s"))
    );
}
