//! Registries that are reached through a proxy.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::registry::{image, registry, told};
use super::support::Sandbox;
use super::support::registry::Content;

/// A name that nobody can look up, so that only a proxy leads there.
const NAME: &str = "registry.test:5000/test:v1";

/// A proxy that leads every connection to one place, and remembers where they were to go and with what credentials.
struct Proxy {
    host: String,
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl Proxy {
    fn start(target: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let host = listener.local_addr().expect("just bound").to_string();
        let asked = Arc::default();
        let (shared, target) = (Arc::clone(&asked), target.to_owned());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (shared, target) = (Arc::clone(&shared), target.clone());
                thread::spawn(move || serve(stream.expect("accept"), &target, &shared));
            }
        });
        Self { host, asked }
    }

    fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().expect("no thread panics here").clone()
    }
}

fn serve(stream: TcpStream, target: &str, asked: &Mutex<Vec<(String, String)>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    let (mut line, mut place, mut credentials) = (String::new(), String::new(), String::new());
    while reader.read_line(&mut line).ok()? > 2 {
        if let Some(rest) = line.strip_prefix("CONNECT ") {
            rest.split(' ').next()?.clone_into(&mut place);
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("proxy-authorization")
        {
            value.trim().clone_into(&mut credentials);
        }
        line.clear();
    }
    asked
        .lock()
        .expect("no thread panics here")
        .push((place, credentials));
    let server = TcpStream::connect(target).ok()?;
    writer.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
    let (mut to, mut back) = (server.try_clone().ok()?, writer.try_clone().ok()?);
    let forth = thread::spawn(move || {
        let _ = std::io::copy(&mut reader, &mut to);
        to.shutdown(Shutdown::Write)
    });
    let _ = std::io::copy(&mut &server, &mut back);
    let _ = back.shutdown(Shutdown::Both);
    forth.join().ok()?.ok()
}

#[test]
fn a_registry_is_reached_through_the_proxy_that_the_environment_names() {
    let sandbox = Sandbox::new();
    let (_, fake) = registry(Content::of(&image(), &sandbox.path("tmp")), |_, answer| answer);
    let proxy = Proxy::start(&fake.host);
    let pull = |variable: &str, value: &str| {
        sandbox
            .coracle(["pull", "-q", "--tls-verify=false", "--retry", "0", NAME])
            .env(variable, value)
    };
    // An unencrypted registry is asked with encryption first, and each has a proxy of its own.
    let address = format!("http://somebody:secret@{}", proxy.host);
    pull("ALL_PROXY", &address).run().succeeds();
    let asked = proxy.asked();
    assert!(asked.len() >= 2, "{asked:?}");
    for (place, credentials) in &asked {
        assert_eq!(place, "registry.test:5000");
        assert!(credentials.ends_with(" c29tZWJvZHk6c2VjcmV0"), "{credentials}");
    }
    assert_eq!(fake.count("/v2/test/manifests/v1"), 1);
    assert_eq!(sandbox.coracle(["rmi", NAME]).run().succeeds().code, Some(0));
    // Whoever is excepted is asked directly. Names below localhost are this machine's, and not excepted by themselves.
    let (_, port) = fake.host.rsplit_once(':').unwrap();
    let name = format!("registry.localhost:{port}/test:v1");
    let pull = |excepted: &str| {
        let pull = sandbox.coracle(["pull", "-q", "--tls-verify=false", &name]);
        let pull = pull.env("ALL_PROXY", &address).env("NO_PROXY", excepted);
        pull.run().succeeds();
        sandbox.coracle(["rmi", &name]).run().succeeds();
        proxy.asked()
    };
    for excepted in ["example.com,.registry.localhost", "registry.localhost"] {
        assert_eq!(pull(excepted), asked, "{excepted}");
    }
    let more = pull("try.localhost,other.registry.localhost");
    assert!(more.len() > asked.len());
    assert_eq!(more.last().unwrap().0, format!("registry.localhost:{port}"));
    // What is on this machine never needs a proxy.
    let own = format!("{}/test:v1", fake.host);
    sandbox
        .coracle(["pull", "-q", &own])
        .env("HTTP_PROXY", &address)
        .env("HTTPS_PROXY", &address)
        .run()
        .succeeds();
    assert_eq!(proxy.asked(), more);
}

#[test]
fn a_proxy_that_does_not_answer_is_named_without_its_password() {
    let sandbox = Sandbox::new();
    // Nobody listens at the lowest port, which takes a superuser.
    let host = "127.0.0.1:1";
    let outcome = sandbox
        .coracle(["pull", "-q", "--retry", "0", NAME])
        .env("HTTPS_PROXY", format!("http://somebody:secret@{host}"))
        .run()
        .exits(125);
    let told = told(&outcome);
    assert!(told.contains(host) && !told.contains("secret"), "{told}");
}
