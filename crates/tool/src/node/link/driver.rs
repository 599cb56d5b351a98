//! Carries the bytes of a session: a task of its own, so that a link nobody uses at the moment still answers the node's ticks.

use std::collections::HashMap;

use edeliver_erl::{
    Term,
    dist::session::{CallId, Event, NoValue, Session},
    term::Atom,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
    task::JoinSet,
};

use super::room::{Room, Taken};
use crate::transport::Stream;

/// Pieces of output on their way to a caller. When it is slow the node has to wait, as on a terminal.
const PIECES: usize = 16;

const BUFFER: usize = 64 << 10;

/// The task, and the way to it. It ends with this value.
pub(super) struct Driver {
    requests: mpsc::Sender<Request>,
    _task: JoinSet<()>,
}

/// A call to make.
struct Request {
    module: Atom,
    function: Atom,
    arguments: Vec<Term>,
    answers: mpsc::Sender<Answer>,
}

/// What comes of a call, and the room that is taken for it. When there is no more and nothing was returned, the link was lost.
pub(super) enum Answer {
    Printed(String, Option<Taken>),
    Returned(Result<Term, NoValue>, Option<Taken>),
}

/// The link had ended before the call was made.
pub(super) struct Ended;

impl Driver {
    pub(super) fn start(stream: Box<dyn Stream>, session: Session, room: Room) -> Self {
        let (requests, incoming) = mpsc::channel(4);
        let mut task = JoinSet::new();
        let inlet = Inlet { stream, room, taken: None };
        task.spawn(Driven { inlet, session, callers: HashMap::new() }.run(incoming));
        Self { requests, _task: task }
    }
    /// Makes a call. Dropping what is returned forgets it.
    pub(super) async fn call(
        &self,
        (module, function, arguments): (Atom, Atom, Vec<Term>),
    ) -> Result<mpsc::Receiver<Answer>, Ended> {
        let (answers, to_caller) = mpsc::channel(PIECES);
        self.requests.send(Request { module, function, arguments, answers }).await.map_err(|_| Ended)?;
        Ok(to_caller)
    }
}

/// Where bytes come in: no more of a long message than there is room for.
struct Inlet {
    stream: Box<dyn Stream>,
    room: Room,
    /// For the message that is coming.
    taken: Option<Taken>,
}

impl Inlet {
    /// Bytes that came. `coming`: length of the message that has begun.
    async fn read(&mut self, coming: usize, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.taken.is_none() {
            self.taken = self.room.take(coming).await;
        }
        self.stream.read(buffer).await
    }
}

struct Driven {
    inlet: Inlet,
    session: Session,
    callers: HashMap<CallId, mpsc::Sender<Answer>>,
}

impl Driven {
    /// Until nobody calls any more, or the link is lost; both show by the channels' ends.
    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut buffer = vec![0; BUFFER];
        loop {
            let coming = self.session.coming();
            tokio::select! {
                request = requests.recv() => match request {
                    Some(request) => self.begin(request),
                    None => return,
                },
                read = self.inlet.read(coming, &mut buffer) => match read {
                    Ok(len) if len > 0 => if !self.received(&buffer[..len]).await { return },
                    _ => return,
                },
                () = given_up(&self.callers) => self.forget(),
            }
            let output = self.session.output();
            let stream = &mut self.inlet.stream;
            if !output.is_empty() && (stream.write_all(&output).await.is_err() || stream.flush().await.is_err()) {
                return;
            }
        }
    }
    fn begin(&mut self, request: Request) {
        let id = self.session.call(request.module, request.function, request.arguments);
        self.callers.insert(id, request.answers);
    }
    /// Whether the connection is still of use.
    async fn received(&mut self, bytes: &[u8]) -> bool {
        let Ok(events) = self.session.receive(bytes) else { return false };
        // It was taken for the message at the front, so for the first of what came of it.
        let done = !events.is_empty() || self.session.coming() == 0;
        let mut taken = self.inlet.taken.take_if(|_| done);
        for event in events {
            let taken = taken.take();
            match event {
                Event::Printed { call, text } => {
                    if let Some(caller) = self.callers.get(&call) {
                        let _ = caller.send(Answer::Printed(text, taken)).await;
                    }
                }
                Event::Returned { call, result } => {
                    if let Some(caller) = self.callers.remove(&call) {
                        let _ = caller.send(Answer::Returned(result, taken)).await;
                    }
                }
            }
        }
        true
    }
    fn forget(&mut self) {
        let gone: Vec<CallId> = self.callers.iter().filter(|(_, caller)| caller.is_closed()).map(|(id, _)| *id).collect();
        for id in gone {
            self.callers.remove(&id);
            self.session.forget(id);
        }
    }
}

/// Waits until a caller does not want its answer any more.
async fn given_up(callers: &HashMap<CallId, mpsc::Sender<Answer>>) {
    let mut one = callers.values();
    match (one.next(), one.next()) {
        (Some(caller), None) => caller.closed().await,
        (Some(_), Some(_)) if callers.values().any(mpsc::Sender::is_closed) => {}
        _ => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::{super::room::FREE, *};

    /// An inlet with enough bytes in front of it.
    async fn inlet(room: &Room) -> Inlet {
        let (near, mut far) = tokio::io::duplex(64);
        far.write_all(&[7; 64]).await.unwrap();
        Inlet { stream: Box::new(near), room: room.clone(), taken: None }
    }

    #[tokio::test]
    async fn a_long_message_is_read_when_there_is_room_for_it() {
        let room = Room::new(1 << 20);
        let (mut one, mut other, mut buffer) = (inlet(&room).await, inlet(&room).await, [0; 8]);
        let mut read = async |inlet: &mut Inlet, coming| {
            timeout(Duration::from_millis(50), inlet.read(coming, &mut buffer)).await.map(|read| read.unwrap())
        };
        assert_eq!(read(&mut one, 700 << 10).await, Ok(8));
        assert_eq!(read(&mut one, 700 << 10).await, Ok(8), "for which it has been taken already");
        assert!(read(&mut other, 700 << 10).await.is_err(), "the node has to wait");
        assert_eq!(read(&mut other, FREE).await, Ok(8), "a short one needs none");
        one.taken = None;
        assert_eq!(read(&mut other, 700 << 10).await, Ok(8));
        other.taken = None;
        assert_eq!(read(&mut one, 9 << 20).await, Ok(8), "the longest of all has all of it");
    }
}
