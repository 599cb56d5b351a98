//! How fast content leaves this machine, for all hosts together.

use std::{
    future::Future,
    io,
    num::NonZeroU32,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use edeliver_core::config::Rate;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::io::{AsyncRead, ReadBuf};

/// No piece is larger, so that many streams get their turns.
const PIECE: NonZeroU32 = NonZeroU32::new(16 * 1024).expect("it is not zero");

/// What all streams of a run share; cheap to clone.
#[derive(Debug, Clone)]
pub struct Pace {
    limiter: Arc<DefaultDirectRateLimiter>,
    piece: NonZeroU32,
}

impl Pace {
    /// No more than this, but for a tenth of a second's worth at the beginning.
    pub fn new(rate: Rate) -> Self {
        let in_a_second = rate.bytes();
        let burst = NonZeroU32::new(in_a_second.get() / 10).unwrap_or(in_a_second);
        let quota = Quota::per_second(in_a_second).allow_burst(burst);
        Self { limiter: Arc::new(RateLimiter::direct(quota)), piece: PIECE.min(burst) }
    }
    /// The same stream, held back.
    pub fn keep(&self, stream: impl AsyncRead + Send + Unpin + 'static) -> Box<dyn AsyncRead + Send + Unpin> {
        Box::new(Paced { pace: self.clone(), stream, turn: None })
    }
    /// Waits until so many bytes may go; no more than a piece.
    async fn turn(self, bytes: NonZeroU32) {
        // It fails only for more than a burst, and a piece never is.
        let _ = self.limiter.until_n_ready(bytes).await;
    }
}

/// A stream that is read no faster than its turns come.
struct Paced<S> {
    pace: Pace,
    stream: S,
    /// What was read last has to be waited for before more is.
    turn: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Some(turn) = &mut this.turn {
            ready!(turn.as_mut().poll(context));
            this.turn = None;
        }
        let room = buffer.remaining().min(this.pace.piece.get() as usize);
        let mut piece = ReadBuf::new(buffer.initialize_unfilled_to(room));
        ready!(Pin::new(&mut this.stream).poll_read(context, &mut piece))?;
        let count = piece.filled().len();
        buffer.advance(count);
        let bytes = u32::try_from(count).ok().and_then(NonZeroU32::new);
        this.turn = bytes.map(|bytes| Box::pin(this.pace.clone().turn(bytes)) as Pin<Box<dyn Future<Output = ()> + Send>>);
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use tokio::io::{AsyncReadExt as _, empty, repeat, sink};

    use super::*;

    #[tokio::test]
    async fn streams_together_are_no_faster_than_the_limit() {
        let pace = Pace::new("400KB/s".parse().unwrap());
        let began = Instant::now();
        let streams = (0..4).map(|_| {
            let mut stream = pace.keep(repeat(7).take(200_000));
            tokio::spawn(async move { tokio::io::copy(&mut stream, &mut sink()).await.unwrap() })
        });
        let mut sum = 0;
        for stream in streams.collect::<Vec<_>>() {
            sum += stream.await.unwrap();
        }
        let took = began.elapsed();
        assert_eq!(sum, 800_000);
        assert!(took >= Duration::from_millis(1700), "800 KB at 400 KB/s take two seconds: {took:?}");
        assert!(took < Duration::from_secs(20), "{took:?}");
    }

    #[tokio::test]
    async fn an_end_stays_an_end_and_a_failure_a_failure() {
        let pace = Pace::new("1KB/s".parse().unwrap());
        let mut bytes = Vec::new();
        assert_eq!(pace.keep(empty()).read_to_end(&mut bytes).await.unwrap(), 0);
        let (near, far) = tokio::io::duplex(64);
        drop(far);
        assert_eq!(pace.keep(near).read_to_end(&mut bytes).await.unwrap(), 0);
        let broken = tokio_test_failure();
        assert_eq!(pace.keep(broken).read_to_end(&mut bytes).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    /// A stream that ends without having said so.
    fn tokio_test_failure() -> impl AsyncRead + Send + Unpin + 'static {
        super::super::pipe::to_task().1
    }
}
