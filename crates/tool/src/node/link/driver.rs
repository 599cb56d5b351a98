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

use crate::transport::Stream;

/// Pieces of output on their way to a caller. When it is slow the node has to wait, as on a terminal.
const PIECES: usize = 64;

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

/// What comes of a call. When there is no more and nothing was returned, the link was lost.
pub(super) enum Answer {
    Printed(String),
    Returned(Result<Term, NoValue>),
}

/// The link had ended before the call was made.
pub(super) struct Ended;

impl Driver {
    pub(super) fn start(stream: Box<dyn Stream>, session: Session) -> Self {
        let (requests, incoming) = mpsc::channel(4);
        let mut task = JoinSet::new();
        task.spawn(Driven { stream, session, callers: HashMap::new() }.run(incoming));
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

struct Driven {
    stream: Box<dyn Stream>,
    session: Session,
    callers: HashMap<CallId, mpsc::Sender<Answer>>,
}

impl Driven {
    /// Until nobody calls any more, or the link is lost; both show by the channels' ends.
    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut buffer = vec![0; BUFFER];
        loop {
            tokio::select! {
                request = requests.recv() => match request {
                    Some(request) => self.begin(request),
                    None => return,
                },
                read = self.stream.read(&mut buffer) => match read {
                    Ok(len) if len > 0 => if !self.received(&buffer[..len]).await { return },
                    _ => return,
                },
                () = given_up(&self.callers) => self.forget(),
            }
            let output = self.session.output();
            if !output.is_empty() && (self.stream.write_all(&output).await.is_err() || self.stream.flush().await.is_err()) {
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
        for event in events {
            match event {
                Event::Printed { call, text } => {
                    if let Some(caller) = self.callers.get(&call) {
                        let _ = caller.send(Answer::Printed(text)).await;
                    }
                }
                Event::Returned { call, result } => {
                    if let Some(caller) = self.callers.remove(&call) {
                        let _ = caller.send(Answer::Returned(result)).await;
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
