//! Everybody who is connected to a monitor.

use std::collections::VecDeque;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::Signal;

use super::super::protocol::{Connection, Packet, Received, VERSION, Wishes};
use super::wishes_of;

#[derive(Default)]
pub struct Clients {
    clients: Vec<Client>,
    /// The payload has ended with this code, and those who only wait have been told.
    ended: Option<i32>,
}

struct Client {
    connection: Connection,
    /// None until it has greeted.
    wishes: Option<Wishes>,
    /// What the primary client has not taken yet; while there is something no more output is read, but what is left in the
    /// pipes when the payload has ended.
    pending: VecDeque<Packet>,
    gone: bool,
    /// It is told of each check of the container's health.
    watches: bool,
    /// It waits until the payload was let go.
    starts: bool,
    /// It waits until a change of the record was taken.
    awaits_change: bool,
    /// It has sent the signal by which the container is to end, and waits for that.
    stops: bool,
}

impl Clients {
    /// Adds a client that has greeted.
    pub fn add(&mut self, connection: Connection, wishes: Wishes) {
        self.clients.push(Client {
            connection,
            wishes: Some(wishes),
            pending: VecDeque::new(),
            gone: false,
            watches: false,
            starts: false,
            awaits_change: false,
            stops: false,
        });
    }

    /// Adds a client that has just connected.
    pub fn add_unknown(&mut self, connection: Connection) {
        self.clients.push(Client {
            connection,
            wishes: None,
            pending: VecDeque::new(),
            gone: false,
            watches: false,
            starts: false,
            awaits_change: false,
            stops: false,
        });
    }

    /// Whether somebody stops the container.
    pub fn is_stopping(&self) -> bool {
        self.clients.iter().any(|client| client.stops)
    }

    /// Whether the foreground caller is still there.
    pub fn has_primary(&self) -> bool {
        self.clients.iter().any(Client::is_primary)
    }

    /// Whether the primary client has not taken its output.
    pub fn is_blocked(&self) -> bool {
        self.clients.iter().any(|client| !client.pending.is_empty())
    }

    /// What each client is waited for. Input is not taken while the payload does not take it either.
    pub fn watch<'a>(&'a self, fds: &mut Vec<PollFd<'a>>, takes_input: bool) {
        for client in &self.clients {
            let mut flags = PollFlags::empty();
            let gives_input = client.wishes.is_some_and(|wishes| wishes.input);
            if takes_input || !gives_input {
                flags |= PollFlags::IN;
            }
            if !client.pending.is_empty() {
                flags |= PollFlags::OUT;
            }
            fds.push(PollFd::from_borrowed_fd(client.connection.as_fd(), flags));
        }
    }

    /// Reads what clients have said, sends on what was pending, and returns the requests; with each whether it is of one that
    /// ends the container.
    pub fn attend(&mut self, events: &[PollFlags]) -> Vec<(Packet, bool)> {
        let mut requests = Vec::new();
        for (client, events) in self.clients.iter_mut().zip(events) {
            if events.contains(PollFlags::OUT) {
                client.send_pending();
            }
            if events.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
                let ends = client.wishes.is_some_and(|wishes| wishes.end);
                requests.extend(client.listen().map(|request| (request, ends)));
            }
        }
        // Those who came meanwhile as well.
        if let Some(code) = self.ended {
            self.tell_waiting(code);
        }
        self.clients.retain(|client| !client.gone);
        requests
    }

    /// Gives output to everybody who wants it.
    pub fn deliver(&mut self, is_error: bool, data: Vec<u8>) {
        let mut listeners = self
            .clients
            .iter_mut()
            .filter(|client| client.wishes.is_some_and(|wishes| wishes.output))
            .peekable();
        if listeners.peek().is_none() {
            return;
        }
        let packet = if is_error {
            Packet::ErrorOutput(data)
        } else {
            Packet::Output(data)
        };
        for client in listeners {
            client.deliver(packet.clone());
        }
        self.clients.retain(|client| !client.gone);
    }

    /// Tells those who want to know of the container's health.
    pub fn tell_health(&mut self, code: Option<i32>, word: &str) {
        for client in self.clients.iter_mut().filter(|client| client.watches) {
            let checked = code.map(Packet::Checked);
            for packet in checked.into_iter().chain([Packet::Health(word.to_owned())]) {
                client.deliver(packet);
            }
        }
        self.clients.retain(|client| !client.gone);
    }

    /// Whether somebody who lets the payload run wants its output or gives it input.
    pub fn is_started_attached(&self) -> bool {
        self.clients
            .iter()
            .filter(|client| client.starts)
            .any(|client| client.wishes.is_some_and(|wishes| wishes.output || wishes.input))
    }

    /// Tells those who have let the payload run what came of it.
    pub fn answer_start(&mut self, answer: &Packet) {
        for client in &mut self.clients {
            if std::mem::take(&mut client.starts) {
                client.deliver(answer.clone());
            }
        }
        self.clients.retain(|client| !client.gone);
    }

    /// Tells those who have changed the record that it was read.
    pub fn confirm_change(&mut self) {
        for client in &mut self.clients {
            if std::mem::take(&mut client.awaits_change) {
                client.deliver(Packet::Changed);
            }
        }
        self.clients.retain(|client| !client.gone);
    }

    /// Parts with those who wait for checks that are no longer made.
    pub fn part_from_watchers(&mut self) {
        self.clients.retain(|client| !client.watches);
    }

    /// Tells those who only wait how it ended; they need not wait for somebody else's output.
    pub fn tell_waiting(&mut self, code: i32) {
        self.ended = Some(code);
        self.clients.retain(|client| {
            let waits = client.wishes.is_some_and(|wishes| !wishes.output);
            if waits {
                let _ = client.connection.try_send(&Packet::Exit(code));
            }
            !waits
        });
    }

    /// Tells everybody who has greeted of an end after which the container starts again, and parts with them. Whoever
    /// has not greeted yet may want to keep it from that.
    pub fn part(&mut self, code: i32) {
        self.ended = None;
        self.clients.retain(|client| {
            let has_greeted = client.wishes.is_some();
            if has_greeted {
                let _ = client.connection.try_send(&Packet::Exit(code));
            }
            !has_greeted
        });
    }

    /// Tells everybody else how it ended. What a client other than the primary one has no room for it does not get; it
    /// then sees the end of the connection and looks the code up.
    pub fn tell_all(&mut self, code: i32) {
        for client in &mut self.clients {
            client.deliver(Packet::Exit(code));
        }
    }
}

impl Client {
    fn is_primary(&self) -> bool {
        self.wishes.is_some_and(|wishes| wishes.primary)
    }

    fn send_pending(&mut self) {
        let mut pending = std::mem::take(&mut self.pending);
        while let Some(packet) = pending.pop_front() {
            self.deliver(packet);
            if !self.pending.is_empty() {
                break;
            }
        }
        self.pending.append(&mut pending);
    }

    fn deliver(&mut self, packet: Packet) {
        if !self.pending.is_empty() {
            self.pending.push_back(packet);
            return;
        }
        match self.connection.try_send(&packet) {
            Ok(()) => {}
            Err(Errno::AGAIN | Errno::NOBUFS) if self.is_primary() => self.pending.push_back(packet),
            Err(Errno::AGAIN | Errno::NOBUFS) => {
                // Its queue is full, so this may not arrive either; the end of the connection does.
                let _ = self.connection.try_send(&Packet::Dropped);
                self.gone = true;
            }
            // It has died. Of one that gave input the next look at it tells, for with it the input ends.
            Err(_) => self.gone = !self.wishes.is_some_and(|wishes| wishes.input),
        }
    }

    fn listen(&mut self) -> Option<Packet> {
        match self.connection.receive(false) {
            Ok(Received::Packet(packet)) => match (self.wishes, wishes_of(&packet)) {
                (None, Some(wishes)) => {
                    self.wishes = Some(wishes);
                    let _ = self.connection.try_send(&Packet::Welcome { version: VERSION });
                    wishes.end.then_some(packet)
                }
                // Whoever does not greet first does not know the protocol.
                (None, None) => {
                    self.gone = true;
                    None
                }
                (Some(_), _) => {
                    self.starts |= packet == Packet::Start;
                    self.awaits_change |= packet == Packet::Changed;
                    self.watches |= matches!(packet, Packet::Check | Packet::Watch);
                    self.stops |= matches!((&packet, self.wishes), (Packet::Signal(number), Some(wishes)) if wishes.end && *number != Signal::KILL.as_raw());
                    Some(packet)
                }
            },
            Ok(Received::Nothing) => None,
            Ok(Received::End) | Err(_) => {
                self.gone = true;
                self.pending.clear();
                // With the caller its input ends.
                self.wishes
                    .is_some_and(|wishes| wishes.input)
                    .then_some(Packet::InputEnd)
            }
        }
    }
}
