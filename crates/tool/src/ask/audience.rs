//! Whether somebody still reads what goes on without an end.

use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How often that is looked at.
const EVERY: Duration = Duration::from_millis(500);

/// Waits until standard output is a pipe that nobody reads any more (`| head`); for ever where it is something else.
pub(crate) async fn nobody_reads() {
    while !is_abandoned(std::io::stdout()) {
        tokio::time::sleep(EVERY).await;
    }
}

fn is_abandoned(output: impl std::os::fd::AsFd) -> bool {
    let mut fds = [PollFd::new(&output, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    // An error is told whatever one asks for.
    poll(&mut fds, Some(&at_once)).is_ok() && fds[0].revents().contains(PollFlags::ERR)
}

#[cfg(test)]
mod tests {
    use super::is_abandoned;

    #[test]
    fn a_pipe_without_a_reader_is_abandoned() {
        let (reader, writer) = std::io::pipe().unwrap();
        assert!(!is_abandoned(&writer));
        drop(reader);
        assert!(is_abandoned(&writer));
        assert!(!is_abandoned(std::fs::File::create("/dev/null").unwrap()));
    }
}
