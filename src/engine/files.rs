//! The files that a container gets from us: hosts, hostname, resolv.conf. They are made anew at each start, in memory: a
//! container cannot fill the disk by them, and nothing of them is left behind.

use std::fmt::Write as _;

use crate::store::container::{Config, Container, Network, Root};

/// Where each goes and what it holds.
pub fn contents(config: &Config, name: &str) -> [(&'static str, String); 3] {
    [
        ("/etc/hosts", hosts(config, name)),
        ("/etc/hostname", format!("{}\n", config.hostname)),
        ("/etc/resolv.conf", resolv_conf(config)),
    ]
}

/// What `/run/.containerenv` says: nothing but to those who have all rights anyway, as in Podman.
pub fn mark(container: &Container, is_rootless: bool) -> String {
    if !container.config.privileged {
        return String::new();
    }
    let (image, image_id) = match &container.root {
        Root::Image { name, id, .. } => (name.as_str(), id.as_str()),
        Root::Directory { .. } => ("", ""),
    };
    format!(
        "engine=\"coracle-{}\"\nname=\"{}\"\nid=\"{}\"\nimage=\"{image}\"\nimageid=\"{image_id}\"\nrootless={}\n",
        env!("CARGO_PKG_VERSION"),
        container.name,
        container.id,
        u8::from(is_rootless)
    )
}

fn hosts(config: &Config, name: &str) -> String {
    let mut text = if config.network == Network::Host {
        std::fs::read_to_string("/etc/hosts").unwrap_or_default()
    } else {
        String::new()
    };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for entry in &config.extra_hosts {
        // An IPv6 address holds colons itself; the name comes first.
        if let Some((name, address)) = entry.split_once(':') {
            let _ = writeln!(text, "{}\t{name}", address.trim_matches(['[', ']']));
        }
    }
    if config.network == Network::None {
        text.push_str("127.0.0.1\tlocalhost localhost.localdomain\n::1\tlocalhost localhost.localdomain\n");
        // As Podman: the container is known by its host name and by its own.
        let mut own = vec![config.hostname.as_str(), name];
        own.dedup();
        own.retain(|name| !name.is_empty());
        if !own.is_empty() {
            let _ = writeln!(text, "127.0.0.1\t{}", own.join(" "));
        }
    }
    text
}

fn resolv_conf(config: &Config) -> String {
    if config.dns.is_empty() && config.dns_search.is_empty() && config.dns_options.is_empty() {
        // Without a network no server can be reached, but programs that look into the file find it in order.
        return match config.network {
            Network::Host => std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default(),
            Network::None => String::new(),
        };
    }
    let mut text = String::new();
    if !config.dns_search.is_empty() {
        let _ = writeln!(text, "search {}", config.dns_search.join(" "));
    }
    for server in &config.dns {
        let _ = writeln!(text, "nameserver {server}");
    }
    if !config.dns_options.is_empty() {
        let _ = writeln!(text, "options {}", config.dns_options.join(" "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_hosts_and_servers() {
        let config = Config {
            hostname: "box".into(),
            extra_hosts: vec!["db:10.0.0.1".into(), "six:[::2]".into()],
            dns: vec!["10.0.0.2".into()],
            dns_search: vec!["example.org".into()],
            ..Config::default()
        };
        let expected = "10.0.0.1\tdb\n::2\tsix\n127.0.0.1\tlocalhost localhost.localdomain\n\
                        ::1\tlocalhost localhost.localdomain\n127.0.0.1\tbox name\n";
        assert_eq!(hosts(&config, "name"), expected);
        assert_eq!(resolv_conf(&config), "search example.org\nnameserver 10.0.0.2\n");
    }
}
