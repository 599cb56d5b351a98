//! What every transport promises, as one function.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use edeliver::transport::{Call, Input, Output, Reply, Script, Transport, TransportError};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf},
    net::TcpListener,
    time::{sleep, timeout},
};

pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) fn script(text: &'static str) -> Script {
    Script { name: "test", text }
}

pub(crate) fn call(text: &'static str, args: &[&str]) -> Call<'static> {
    Call::new(script(text), args.iter().copied(), SOON)
}

/// Everything, on one connection.
pub(crate) async fn conformance(host: &dyn Transport) {
    outputs_are_kept_apart_and_the_status_is_true(host).await;
    arguments_arrive_as_they_are(host).await;
    the_script_is_a_script_of_its_own(host).await;
    input_is_the_scripts_alone(host).await;
    lines_come_from_both_outputs(host).await;
    fifty_megabytes_go_in_and_out(host).await;
    broken_input_is_told_apart(host).await;
    too_much_output_is_refused(host).await;
    many_at_once(host).await;
    nothing_is_left_after_a_normal_end(host).await;
    tokio::join!(
        a_daemon_outlives_its_script(host),
        a_timeout_ends_what_was_started(host),
        a_killed_wrapper_is_not_taken_for_an_end(host),
        a_dropped_call_ends_what_was_started(host, Input::Empty),
        a_dropped_call_ends_what_was_started(host, Input::Stream(Box::new(tokio::io::repeat(0)))),
        a_dropped_script_that_goes_on_talking_cleans_up(host),
    );
}

async fn run(host: &dyn Transport, text: &'static str, args: &[&str]) -> Reply {
    host.run(call(text, args)).await.unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

async fn outputs_are_kept_apart_and_the_status_is_true(host: &dyn Transport) {
    let reply = run(host, "printf out; printf 'err\\nor' >&2; exit 7", &[]).await;
    assert_eq!((reply.status, reply.text().as_str(), reply.tail.as_slice()), (7, "out", &["err".to_owned(), "or".to_owned()][..]));
    for (text, status) in
        [("true", 0), ("false", 1), ("exit 255", 255), ("set -e; false; echo no", 1), ("kill -9 $(sh -c 'echo $PPID')", 137)]
    {
        let reply = run(host, text, &[]).await;
        assert_eq!((reply.status, reply.text().as_str()), (status, ""), "{text}");
    }
    assert_eq!(run(host, "exec sh -c 'exit 4'", &[]).await.status, 4);
    // A script that signals its own group ends itself, and nothing else.
    assert_eq!(run(host, "kill -TERM 0; sleep 9", &[]).await.status, 143);
    let broken = run(host, "echo one\nif then\n", &[]).await;
    assert!(broken.status != 0 && !broken.tail.is_empty(), "{broken:?}");
    let every_byte = run(host, "i=0; while [ $i -lt 256 ]; do printf \"\\\\$(printf %03o $i)\"; i=$((i+1)); done", &[]).await;
    assert_eq!(every_byte.stdout, (0..=255u8).collect::<Vec<_>>());
}

async fn arguments_arrive_as_they_are(host: &dyn Transport) {
    let nasty = [
        "",
        "-n",
        "; touch /tmp/pwned",
        "$(touch /tmp/pwned)",
        "`id`",
        "a'b\"c\\",
        "\n\nlines\n",
        "é€ unicode \u{1f980}",
        "*",
        "~",
        "!x",
        "%s",
        "\u{1}edeliver 0 end 0\n",
        " ",
    ];
    let reply = run(host, "printf '%s\\0' \"$#\" \"$@\"", &nasty).await;
    let expected: String = ["14"].iter().chain(&nasty).map(|word| format!("{word}\0")).collect();
    assert_eq!(reply.text(), expected);
    // More than fits into one read of a pipe, and more than execve takes as one argument.
    let long = "ö'\n".repeat(100_000);
    let reply = run(host, "printf %s \"$1\" | cksum; echo $#", &[&long, "x"]).await;
    assert_eq!(reply.text(), run(host, "cksum; echo 2", &[]).await.text().replace("4294967295 0", &cksum(host, &long).await));
    match host.run(call("true", &["a\0b"])).await {
        Err(TransportError::Here { .. }) => {}
        other => panic!("a NUL went through: {other:?}"),
    }
}

/// What the host's cksum makes of a text that comes as input.
async fn cksum(host: &dyn Transport, text: &str) -> String {
    let call = Call { input: Input::Bytes(text.as_bytes().to_vec()), ..call("cksum", &[]) };
    host.run(call).await.unwrap().text().trim().to_owned()
}

async fn the_script_is_a_script_of_its_own(host: &dyn Transport) {
    let reply = run(host, "set | grep -c '^[sln]=' ; echo \"${LC_ALL-unset}\"", &[]).await;
    let text = reply.text();
    let (count, locale) = text.trim().split_once('\n').unwrap();
    assert_eq!(count, "0", "variables of the loader are left");
    assert_ne!(locale, "C", "the loader's locale is left");
    // A file name that is not ASCII can be used by programs that look at the locale.
    assert_ne!(run(host, "echo \"${LC_ALL-}${LC_CTYPE-}${LANG-}\"", &[]).await.text().trim(), "");
    // Standard input of a child is at its end, not the rest of the script.
    assert_eq!(run(host, "cat; echo still here", &[]).await.text(), "still here\n");
}

async fn input_is_the_scripts_alone(host: &dyn Transport) {
    let bytes: Vec<u8> = (0..=255u8).cycle().take(5000).collect();
    let echo = Call { input: Input::Bytes(bytes.clone()), ..call("cat", &[]) };
    assert_eq!(host.run(echo).await.unwrap().stdout, bytes);
    let lines = Call { input: Input::Bytes(b"first\nsecond\n".to_vec()), ..call("read -r a; cat; echo $a", &[]) };
    assert_eq!(host.run(lines).await.unwrap().text(), "second\nfirst\n");
    // Who doesn't read what is sent is not wrong: the status counts.
    let unread = Call { input: Input::Stream(Box::new(tokio::io::repeat(7))), ..call("exit 3", &[]) };
    assert_eq!(host.run(unread).await.unwrap().status, 3);
}

async fn lines_come_from_both_outputs(host: &dyn Transport) {
    let mut seen = Vec::new();
    let mut each = |line: &str| seen.push(line.to_owned());
    let text = "i=0; while [ $i -lt 50 ]; do echo line $i; i=$((i+1)); done; echo err >&2; printf 'last\\r'";
    let reply = host.run(Call { output: Output::Lines(&mut each), ..call(text, &[]) }).await.unwrap();
    assert!(reply.stdout.is_empty());
    assert_eq!(reply.tail.len(), 40);
    assert_eq!(seen.len(), 52);
    assert!(seen.contains(&"err".to_owned()) && seen.contains(&"last".to_owned()) && seen.contains(&"line 0".to_owned()));
}

async fn fifty_megabytes_go_in_and_out(host: &dyn Transport) {
    echo(host, 50 << 20).await;
}

/// So many bytes to the host and back, unchanged.
pub(crate) async fn echo(host: &dyn Transport, size: usize) {
    let (output, back) = Hashing::new();
    let (input, sent) = Noise::new(size);
    let call =
        Call { input: Input::Stream(Box::new(input)), output: Output::Stream(Box::new(output)), ..call("cat; echo over >&2", &[]) };
    let reply = host.run(Call { timeout: Duration::from_secs(300), ..call }).await.unwrap();
    assert_eq!(reply.tail, ["over"]);
    assert_eq!(back.lock().unwrap().clone().finalize(), sent.lock().unwrap().clone().finalize());
}

async fn broken_input_is_told_apart(host: &dyn Transport) {
    struct Broken;
    impl AsyncRead for Broken {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::Error::other("torn")))
        }
    }
    let call = Call { input: Input::Stream(Box::new(Broken)), ..call("cat >/dev/null; sleep 30", &[]) };
    assert!(matches!(host.run(call).await, Err(TransportError::Input(_))));
}

async fn too_much_output_is_refused(host: &dyn Transport) {
    let reply = host.run(Call { timeout: Duration::from_secs(120), ..call("head -c 70000000 /dev/zero", &[]) }).await;
    assert!(matches!(reply, Err(TransportError::Here { .. })), "{:?}", reply.map(|reply| reply.stdout.len()));
}

async fn many_at_once(host: &dyn Transport) {
    let calls = (0..30).map(|number: i32| {
        let call = Call::new(script("sleep 0.1; echo $1"), [number.to_string()], Duration::from_secs(60));
        async move { (host.run(call).await.unwrap().text(), format!("{number}\n")) }
    });
    for (got, wanted) in join_all(calls).await {
        assert_eq!(got, wanted);
    }
}

/// All of them at the same time, in one task.
pub(crate) async fn join_all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut waiting: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in waiting.iter_mut().filter(|(_, done)| done.is_none()) {
            if let Poll::Ready(value) = future.as_mut().poll(cx) {
                *done = Some(value);
            }
        }
        if waiting.iter().all(|(_, done)| done.is_some()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    waiting.into_iter().filter_map(|(_, done)| done).collect()
}

/// Not among the promises above: the port is one of this machine, so the host must be this machine too.
pub(crate) async fn a_port_can_be_reached(host: &dyn Transport) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut word = [0; 4];
        stream.read_exact(&mut word).await.unwrap();
        stream.write_all(&word.map(|byte| byte.to_ascii_uppercase())).await.unwrap();
    };
    let ask = async {
        let mut stream = host.connect(port).await.unwrap();
        stream.write_all(b"ping").await.unwrap();
        let mut word = String::new();
        stream.read_to_string(&mut word).await.unwrap();
        word
    };
    assert_eq!(timeout(SOON, async { tokio::join!(ask, answer) }).await.unwrap().0, "PING");
    // A port that nobody listens on and nobody else can take meanwhile.
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = taken.local_addr().unwrap().port();
    assert!(matches!(host.connect(port).await, Err(TransportError::Unreachable { .. })));
}

/// Numbers of processes whose command line contains this text.
pub(crate) fn processes(text: &str) -> Vec<u32> {
    let of = |entry: std::fs::DirEntry| {
        let id = entry.file_name().to_str()?.parse().ok()?;
        let words = std::fs::read(entry.path().join("cmdline")).ok()?;
        let found = words.windows(text.len()).any(|part| part == text.as_bytes());
        (found && id != std::process::id()).then_some(id)
    };
    std::fs::read_dir("/proc").unwrap().filter_map(|entry| of(entry.ok()?)).collect()
}

/// A number of seconds nobody else sleeps.
fn unique() -> String {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    format!("9{}.{:04}", std::process::id(), COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
}

pub(crate) async fn wait_until(what: &str, within: Duration, mut test: impl FnMut() -> bool) {
    let start = Instant::now();
    while !test() {
        assert!(start.elapsed() < within, "{what}: not within {within:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn nothing_is_left_after_a_normal_end(host: &dyn Transport) {
    let reply = run(host, "echo $$; ps -o pid= -o pgid= -A", &[]).await;
    let group = reply.text().lines().next().unwrap().to_owned();
    let members = move || {
        let output = std::process::Command::new("ps").args(["-A", "-o", "pgid="]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().any(|line| line.trim() == group)
    };
    wait_until("the group is empty", Duration::from_secs(2), || !members()).await;
}

async fn a_daemon_outlives_its_script(host: &dyn Transport) {
    let seconds = unique();
    let start = Instant::now();
    run(host, "setsid sleep \"$1\" </dev/null >/dev/null 2>&1 &", &[&seconds]).await;
    // Another that keeps the outputs open does not hold up the call.
    run(host, "setsid sleep \"$1\" </dev/null &", &[&seconds]).await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    sleep(Duration::from_secs(4)).await;
    let left = processes(&seconds);
    for id in &left {
        rustix::process::kill_process(rustix::process::Pid::from_raw(id.cast_signed()).unwrap(), rustix::process::Signal::KILL)
            .unwrap();
    }
    assert_eq!(left.len(), 2);
}

/// Started children that heed neither TERM nor the end of their input.
const STUBBORN: &str = "trap '' TERM; echo \"$1\"; sleep \"$1\" & (trap '' HUP TERM; sleep \"$1\"; sleep \"$1\") & sleep \"$1\"";

async fn a_timeout_ends_what_was_started(host: &dyn Transport) {
    let seconds = unique();
    let start = Instant::now();
    let call = Call { timeout: Duration::from_secs(1), output: Output::Lines(&mut |_| {}), ..call(STUBBORN, &[&seconds]) };
    match host.run(call).await {
        Err(TransportError::Timeout { tail, .. }) => assert_eq!(tail[0], seconds),
        other => panic!("{other:?}"),
    }
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    wait_until("all are gone", Duration::from_secs(1), || processes(&seconds).is_empty()).await;
}

async fn a_killed_wrapper_is_not_taken_for_an_end(host: &dyn Transport) {
    let seconds = unique();
    let reply = timeout(Duration::from_secs(10), host.run(call("sleep \"$1\" & kill -KILL $$; sleep \"$1\"", &[&seconds]))).await;
    assert!(matches!(reply, Ok(Err(TransportError::LinkLost { .. }))), "{reply:?}");
    wait_until("all are gone", Duration::from_secs(3), || processes(&seconds).is_empty()).await;
}

async fn a_dropped_call_ends_what_was_started(host: &dyn Transport, input: Input) {
    let seconds = unique();
    {
        let mut running = std::pin::pin!(host.run(Call { input, ..call(STUBBORN, &[&seconds]) }));
        let started = wait_until("it runs", SOON, || processes(&seconds).len() >= 3);
        tokio::select! { _ = &mut running => panic!("it ended"), () = started => {} }
    }
    wait_until("all are gone", Duration::from_secs(5), || processes(&seconds).is_empty()).await;
}

/// What it says then has it end, before the signals come that end what does not talk.
async fn a_dropped_script_that_goes_on_talking_cleans_up(host: &dyn Transport) {
    let dir = run(host, "mktemp -d", &[]).await.text().trim().to_owned();
    let files = async || run(host, "ls \"$1\"", &[&dir]).await.text();
    {
        let text = "trap 'rm -f \"$1/private\"' EXIT; : >\"$1/private\"; while :; do echo more; sleep 0.05; done";
        let mut talking = std::pin::pin!(host.run(call(text, &[&dir])));
        let begun = async {
            while files().await.is_empty() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::select! { _ = &mut talking => panic!("it ended"), () = begun => {} }
    }
    let began = Instant::now();
    while !files().await.is_empty() {
        assert!(began.elapsed() < SOON, "its private file stays");
    }
    run(host, "rmdir \"$1\"", &[&dir]).await;
}

/// Pseudo-random bytes, and their digest.
struct Noise {
    left: usize,
    state: u64,
    digest: Arc<Mutex<Sha256>>,
}

impl Noise {
    fn new(size: usize) -> (Self, Arc<Mutex<Sha256>>) {
        let digest = Arc::new(Mutex::new(Sha256::new()));
        (Self { left: size, state: 88_172_645_463_325_252, digest: digest.clone() }, digest)
    }
}

impl AsyncRead for Noise {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut bytes = Vec::new();
        while bytes.len() < buffer.remaining().min(self.left) {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            bytes.extend_from_slice(&self.state.to_le_bytes());
        }
        bytes.truncate(buffer.remaining().min(self.left));
        self.left -= bytes.len();
        self.digest.lock().unwrap().update(&bytes);
        buffer.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

/// Digests what is written to it.
struct Hashing(Arc<Mutex<Sha256>>);

impl Hashing {
    fn new() -> (Self, Arc<Mutex<Sha256>>) {
        let digest = Arc::new(Mutex::new(Sha256::new()));
        (Self(digest.clone()), digest)
    }
}

impl tokio::io::AsyncWrite for Hashing {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.lock().unwrap().update(bytes);
        Poll::Ready(Ok(bytes.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
