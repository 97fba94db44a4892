//! Names to addresses without the C library, whose resolver loads the host's modules into a static program.
//!
//! As `hosts: files dns` in nsswitch.conf: /etc/hosts, then the servers of /etc/resolv.conf with its search list
//! (resolv.conf(5)). `localhost` is the loopback interface by its name (RFC 6761 section 6.3).

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, TYPE};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Most bytes of /etc/hosts or /etc/resolv.conf that are read.
const FILE_LIMIT: u64 = 16 << 20;
/// Servers and search domains that are looked at, as in the C library.
const SERVERS: usize = 3;
const SEARCHES: usize = 6;
/// Most addresses of one name.
const ADDRESSES: usize = 16;

/// The machine's own way to find addresses.
#[derive(Debug, Default)]
pub struct Host;

impl Resolver for Host {
    fn resolve(
        &self,
        uri: &Uri,
        _config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let authority = uri.authority().ok_or(ureq::Error::HostNotFound)?;
        let is_tls = uri.scheme_str() == Some("https");
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let limit = timeout.not_zero().map_or(Duration::from_secs(30), |after| *after);
        let addresses = resolve(authority.host(), Instant::now() + limit)?;
        let mut found = self.empty();
        for address in addresses.into_iter().take(ADDRESSES) {
            found.push(SocketAddr::new(address, port));
        }
        if found.is_empty() {
            return Err(ureq::Error::HostNotFound);
        }
        Ok(found)
    }
}

/// The addresses of a host, the ones that can be reached first.
fn resolve(host: &str, deadline: Instant) -> io::Result<Vec<IpAddr>> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = host.parse() {
        return Ok(vec![address]);
    }
    let hosts = in_hosts(&read("/etc/hosts")?, host);
    if !hosts.is_empty() {
        return Ok(hosts);
    }
    let lower = host.trim_end_matches('.').to_ascii_lowercase();
    if lower == "localhost" || lower.ends_with(".localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let settings = Settings::parse(&read("/etc/resolv.conf")?);
    let mut addresses = ask(&settings, host, deadline)?;
    addresses.sort_by_key(|address| !can_reach(*address));
    Ok(addresses)
}

/// Whether the kernel has a way to an address; nothing is sent.
fn can_reach(address: IpAddr) -> bool {
    let any: SocketAddr = match address {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    UdpSocket::bind(any).is_ok_and(|socket| socket.connect((address, 443)).is_ok())
}

/// A file of the machine; one that is not there is empty.
fn read(path: &str) -> io::Result<String> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(FILE_LIMIT).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn in_hosts(text: &str, host: &str) -> Vec<IpAddr> {
    let lines = text.lines().filter_map(|line| {
        let mut words = line.split('#').next()?.split_ascii_whitespace();
        let address: IpAddr = words.next()?.parse().ok()?;
        words
            .any(|name| name.eq_ignore_ascii_case(host))
            .then_some(address)
    });
    lines.take(ADDRESSES).collect()
}

/// What /etc/resolv.conf says.
#[derive(Debug, PartialEq)]
struct Settings {
    servers: Vec<SocketAddr>,
    search: Vec<String>,
    /// With at least so many dots a name is tried as it stands first.
    dots: usize,
    timeout: Duration,
    attempts: usize,
}

impl Settings {
    fn parse(text: &str) -> Self {
        let mut settings = Self {
            servers: Vec::new(),
            search: Vec::new(),
            dots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
        };
        for line in text.lines() {
            let mut words = line
                .split(['#', ';'])
                .next()
                .unwrap_or_default()
                .split_ascii_whitespace();
            match words.next() {
                Some("nameserver") => settings.servers.extend(words.next().and_then(server)),
                Some("search" | "domain") => settings.search = words.map(str::to_owned).collect(),
                Some("options") => words.for_each(|word| settings.option(word)),
                _ => {}
            }
        }
        settings.servers.truncate(SERVERS);
        settings.search.truncate(SEARCHES);
        if settings.servers.is_empty() {
            settings.servers.push((Ipv4Addr::LOCALHOST, 53).into());
        }
        settings
    }

    fn option(&mut self, word: &str) {
        let Some((key, Ok(value))) = word
            .split_once(':')
            .map(|(key, value)| (key, value.parse::<u8>()))
        else {
            return;
        };
        match key {
            "ndots" => self.dots = usize::from(value.min(15)),
            "timeout" => self.timeout = Duration::from_secs(value.clamp(1, 30).into()),
            "attempts" => self.attempts = usize::from(value.clamp(1, 5)),
            _ => {}
        }
    }

    /// The full names that `host` may mean, in the order of resolv.conf(5).
    fn names(&self, host: &str) -> Vec<String> {
        if let Some(full) = host.strip_suffix('.') {
            return vec![full.to_owned()];
        }
        let mut names: Vec<String> = self
            .search
            .iter()
            .map(|domain| format!("{host}.{domain}"))
            .collect();
        let dots = host.bytes().filter(|byte| *byte == b'.').count();
        let place = if dots >= self.dots { 0 } else { names.len() };
        names.insert(place, host.to_owned());
        names
    }
}

/// The address of a server, with the zone of a link-local one.
fn server(text: &str) -> Option<SocketAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(SocketAddr::new(address, 53));
    }
    let (address, zone) = text.split_once('%')?;
    let scope = match zone.parse() {
        Ok(index) => index,
        Err(_) => rustix::net::netdevice::name_to_index(
            rustix::net::socket(
                rustix::net::AddressFamily::INET6,
                rustix::net::SocketType::DGRAM,
                None,
            )
            .ok()?,
            zone,
        )
        .ok()?,
    };
    Some(std::net::SocketAddrV6::new(address.parse().ok()?, 53, 0, scope).into())
}

/// What a server said about a name.
enum Answer {
    Addresses(Vec<IpAddr>),
    /// There is no such name, or it has no address of this kind.
    None,
}

/// Asks the servers for both kinds of addresses.
fn ask(settings: &Settings, host: &str, deadline: Instant) -> io::Result<Vec<IpAddr>> {
    let mut last = None;
    for name in settings.names(host) {
        // A name that cannot be a question (too long, say) does not exist.
        if Name::new(&name).is_err() {
            continue;
        }
        // The second question is asked while the first is on its way.
        let (six, four) = std::thread::scope(|scope| {
            let six = scope.spawn(|| ask_all(settings, &name, TYPE::AAAA, deadline));
            let four = ask_all(settings, &name, TYPE::A, deadline);
            (six.join().expect("panics abort the process"), four)
        });
        let mut found = Vec::new();
        for answer in [six, four] {
            match answer {
                Ok(Answer::Addresses(addresses)) => found.extend(addresses),
                Ok(Answer::None) => {}
                Err(error) => last = Some(error),
            }
        }
        if !found.is_empty() {
            return Ok(found);
        }
    }
    match last {
        Some(error) => Err(error),
        None => Ok(Vec::new()),
    }
}

fn ask_all(settings: &Settings, name: &str, kind: TYPE, deadline: Instant) -> io::Result<Answer> {
    let mut last = io::Error::from(ErrorKind::TimedOut);
    for _ in 0..settings.attempts {
        for server in &settings.servers {
            let now = Instant::now();
            if now >= deadline {
                return Err(last);
            }
            match ask_one(*server, name, kind, (now + settings.timeout).min(deadline)) {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    let text = format!("name server {}: {error}", server.ip());
                    last = io::Error::new(error.kind(), text);
                }
            }
        }
    }
    Err(last)
}

fn ask_one(server: SocketAddr, name: &str, kind: TYPE, deadline: Instant) -> io::Result<Answer> {
    let mut number = [0; 2];
    getrandom::fill(&mut number).map_err(io::Error::other)?;
    let id = u16::from_ne_bytes(number);
    let mut question = Packet::new_query(id);
    question.set_flags(PacketFlag::RECURSION_DESIRED);
    let full = Name::new(name).map_err(io::Error::other)?;
    question.questions.push(Question::new(
        full,
        QTYPE::TYPE(kind),
        QCLASS::CLASS(CLASS::IN),
        false,
    ));
    let question = question.build_bytes_vec().map_err(io::Error::other)?;
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    // Connected: datagrams of others than the server do not arrive, and its refusal does.
    socket.connect(server)?;
    socket.send(&question)?;
    let mut buffer = [0; 4096];
    loop {
        socket.set_read_timeout(Some(left(deadline)?))?;
        let length = socket.recv(&mut buffer)?;
        if let Some((answer, is_cut)) = read_answer(&buffer[..length], id, name, kind)? {
            return if is_cut {
                ask_by_stream(server, &question, id, name, kind, deadline)
            } else {
                Ok(answer)
            };
        }
    }
}

/// The same question over TCP, for an answer that no datagram holds (RFC 7766).
fn ask_by_stream(
    server: SocketAddr,
    question: &[u8],
    id: u16,
    name: &str,
    kind: TYPE,
    deadline: Instant,
) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&server, left(deadline)?)?;
    stream.set_write_timeout(Some(left(deadline)?))?;
    let length = u16::try_from(question.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), question].concat())?;
    stream.set_read_timeout(Some(left(deadline)?))?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut answer)?;
    match read_answer(&answer, id, name, kind)? {
        Some((answer, _)) => Ok(answer),
        None => Err(io::Error::new(
            ErrorKind::InvalidData,
            "an answer to another question",
        )),
    }
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        Err(ErrorKind::TimedOut.into())
    } else {
        Ok(left)
    }
}

/// The answer in a packet, and whether it was cut off. `None`: it does not belong to this question.
fn read_answer(bytes: &[u8], id: u16, name: &str, kind: TYPE) -> io::Result<Option<(Answer, bool)>> {
    let Ok(packet) = Packet::parse(bytes) else {
        return Ok(None);
    };
    let asked = packet.questions.first().is_some_and(|question| {
        question.qtype == QTYPE::TYPE(kind)
            && question
                .qname
                .to_string()
                .eq_ignore_ascii_case(name.trim_end_matches('.'))
    });
    if packet.id() != id || !packet.has_flags(PacketFlag::RESPONSE) || !asked {
        return Ok(None);
    }
    let is_cut = packet.has_flags(PacketFlag::TRUNCATION);
    match packet.rcode() {
        RCODE::NoError => {}
        RCODE::NameError => return Ok(Some((Answer::None, is_cut))),
        other => return Err(io::Error::other(format!("it answered {other:?}"))),
    }
    // The server has followed aliases: whatever it gives are the addresses of the name that was asked for.
    let addresses = packet.answers.iter().filter_map(|record| match &record.rdata {
        RData::A(four) if kind == TYPE::A => Some(Ipv4Addr::from(four.address).into()),
        RData::AAAA(six) if kind == TYPE::AAAA => Some(Ipv6Addr::from(six.address).into()),
        _ => None,
    });
    let addresses: Vec<IpAddr> = addresses.take(ADDRESSES).collect();
    let answer = if addresses.is_empty() {
        Answer::None
    } else {
        Answer::Addresses(addresses)
    };
    Ok(Some((answer, is_cut)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use simple_dns::ResourceRecord;
    use simple_dns::rdata::{A, CNAME};

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[test]
    fn hosts_are_read_as_the_manual_says() {
        let hosts = "127.0.0.1 localhost # loopback\n10.0.0.1\tReg.example reg\n::2 reg\nnonsense reg\n";
        assert_eq!(
            in_hosts(hosts, "reg"),
            ["10.0.0.1", "::2"].map(|a| a.parse::<IpAddr>().unwrap())
        );
        assert_eq!(
            in_hosts(hosts, "reg.EXAMPLE"),
            ["10.0.0.1".parse::<IpAddr>().unwrap()]
        );
        assert!(in_hosts(hosts, "loopback").is_empty());
    }

    #[test]
    fn names_are_tried_in_the_order_of_the_search_list() {
        let settings = Settings::parse(
            "nameserver 10.0.0.2 # first\nnameserver ::1\nnameserver bad\nsearch a.example b.example\noptions ndots:2 timeout:9 rotate\n",
        );
        assert_eq!(
            settings.servers,
            [
                "10.0.0.2:53".parse().unwrap(),
                "[::1]:53".parse::<SocketAddr>().unwrap()
            ]
        );
        assert_eq!(settings.timeout, Duration::from_secs(9));
        assert_eq!(settings.names("x"), ["x.a.example", "x.b.example", "x"]);
        assert_eq!(settings.names("x.y"), ["x.y.a.example", "x.y.b.example", "x.y"]);
        assert_eq!(
            settings.names("x.y.z"),
            ["x.y.z", "x.y.z.a.example", "x.y.z.b.example"]
        );
        assert_eq!(settings.names("x."), ["x"]);
        assert_eq!(Settings::parse("").servers, ["127.0.0.1:53".parse().unwrap()]);
    }

    #[test]
    fn literals_and_localhost_need_no_server() {
        for (host, expected) in [("127.0.0.9", "127.0.0.9"), ("[::1]", "::1")] {
            assert_eq!(
                resolve(host, soon()).unwrap(),
                [expected.parse::<IpAddr>().unwrap()]
            );
        }
        assert!(
            resolve("x.localhost", soon())
                .unwrap()
                .contains(&Ipv4Addr::LOCALHOST.into())
        );
    }

    /// Answers one question by `reply`, which is given the packet that asked.
    fn served(reply: impl Fn(Packet<'_>) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 512];
            let (length, from) = socket.recv_from(&mut buffer).unwrap();
            for datagram in reply(Packet::parse(&buffer[..length]).unwrap()) {
                socket.send_to(&datagram, from).unwrap();
            }
        });
        address
    }

    fn reply_with<'a>(packet: &Packet<'a>, id: u16, address: u32) -> Vec<u8> {
        let mut reply = Packet::new_reply(id);
        reply.questions.clone_from(&packet.questions);
        let name = packet.questions[0].qname.clone();
        let alias = RData::CNAME(CNAME(Name::new_unchecked("elsewhere.example")));
        reply
            .answers
            .push(ResourceRecord::new(name, CLASS::IN, 60, alias));
        let target = Name::new_unchecked("elsewhere.example");
        reply.answers.push(ResourceRecord::new(
            target,
            CLASS::IN,
            60,
            RData::A(A { address }),
        ));
        reply.build_bytes_vec().unwrap()
    }

    #[test]
    fn an_answer_through_an_alias_is_taken_and_a_forged_one_is_not() {
        let server = served(|packet| {
            vec![
                b"rubbish".to_vec(),
                reply_with(&packet, packet.id() ^ 1, 0x0a00_0001),
                reply_with(&packet, packet.id(), 0x0a00_0002),
            ]
        });
        match ask_one(server, "reg.example", TYPE::A, soon()).unwrap() {
            Answer::Addresses(found) => assert_eq!(found, ["10.0.0.2".parse::<IpAddr>().unwrap()]),
            Answer::None => panic!("no address"),
        }
    }

    #[test]
    fn a_name_that_does_not_exist_is_no_error_and_a_failing_server_is() {
        let code = |rcode: RCODE| {
            served(move |packet| {
                let mut reply = Packet::new_reply(packet.id());
                reply.questions.clone_from(&packet.questions);
                *reply.rcode_mut() = rcode;
                vec![reply.build_bytes_vec().unwrap()]
            })
        };
        let missing = ask_one(code(RCODE::NameError), "none.example", TYPE::A, soon());
        assert!(matches!(missing, Ok(Answer::None)));
        assert!(ask_one(code(RCODE::ServerFailure), "none.example", TYPE::A, soon()).is_err());
    }

    #[test]
    fn a_server_that_says_nothing_is_left_in_time() {
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        let end = Instant::now() + Duration::from_millis(50);
        assert!(ask_one(silent.local_addr().unwrap(), "reg.example", TYPE::A, end).is_err());
    }

    proptest! {
        #[test]
        fn any_packet_is_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_answer(&bytes, 0, "reg.example", TYPE::A);
        }
    }
}
