//! A page on the host's own loopback, which tells by its status and its text.

use edeliver_core::config::HttpCheck;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::transport::Transport;

/// More of an answer is not read.
const ENOUGH: usize = 64 * 1024;

/// Why the page does not say that the application is well.
pub(super) async fn ask(host: &dyn Transport, check: &HttpCheck) -> Result<(), String> {
    let answer = get(host, &check.address).await?;
    judge(&answer, check.status, check.body.as_deref())
}

async fn get(host: &dyn Transport, address: &str) -> Result<Vec<u8>, String> {
    let Address { authority, port, path } = Address::parse(address).ok_or("it is no http:// address")?;
    let mut stream = host.connect(port).await.map_err(|error| error.to_string())?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: edeliver\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    while answer.len() < ENOUGH && !is_whole(&answer) {
        if stream.read_buf(&mut answer).await.map_err(|error| error.to_string())? == 0 {
            break;
        }
    }
    Ok(answer)
}

/// The lines of an answer's head, and what came of its body so far; `None`: the head has not come to its end.
fn parts(answer: &[u8]) -> Option<(String, &[u8])> {
    let at = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = answer.split_at(at);
    Some((String::from_utf8_lossy(head).into_owned(), &body[4..]))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.find(|(found, _)| found.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn is_chunked(head: &str) -> bool {
    header(head, "transfer-encoding").is_some_and(|encoding| encoding.to_ascii_lowercase().contains("chunked"))
}

/// Whether nothing more comes, although the connection may stay open.
fn is_whole(answer: &[u8]) -> bool {
    let Some((head, body)) = parts(answer) else { return false };
    let length = header(&head, "content-length").and_then(|length| length.parse::<usize>().ok());
    let empty = matches!(code(&head), Some(204 | 304));
    empty || length.is_some_and(|length| body.len() >= length) || (is_chunked(&head) && body.ends_with(b"0\r\n\r\n"))
}

fn code(head: &str) -> Option<u16> {
    head.lines().next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()
}

/// What was sent in chunks, put together.
fn text(head: &str, mut body: &[u8]) -> String {
    if !is_chunked(head) {
        return String::from_utf8_lossy(body).into_owned();
    }
    let mut whole = Vec::new();
    while let Some(at) = body.windows(2).position(|window| window == b"\r\n") {
        let size = String::from_utf8_lossy(&body[..at]);
        let size = size.split(';').next().and_then(|size| usize::from_str_radix(size.trim(), 16).ok()).unwrap_or_default();
        let (chunk, rest) = body[at + 2..].split_at(size.min(body.len() - at - 2));
        if chunk.is_empty() {
            break;
        }
        whole.extend_from_slice(chunk);
        body = rest.strip_prefix(b"\r\n").unwrap_or_default();
    }
    String::from_utf8_lossy(&whole).into_owned()
}

fn judge(answer: &[u8], expected: Option<u16>, wanted: Option<&str>) -> Result<(), String> {
    let (head, body) = parts(answer).unwrap_or_else(|| (String::from_utf8_lossy(answer).into_owned(), b""));
    let status = head.lines().next().unwrap_or_default();
    let body = text(&head, body);
    // A page that is not well says why in its first line, if at all.
    let said = body.lines().map(str::trim).find(|line| !line.is_empty()).map(|line| line.chars().take(200).collect::<String>());
    let is_expected = |code: u16| expected.map_or((200..=299).contains(&code), |expected| code == expected);
    match (code(&head).map(is_expected), wanted) {
        (None, _) => Err("no HTTP answer".to_owned()),
        (Some(true), None) => Ok(()),
        (Some(true), Some(wanted)) if body.contains(wanted) => Ok(()),
        (Some(true), Some(wanted)) => Err(format!("no {wanted:?} in its page: {}", said.unwrap_or_default())),
        (Some(false), _) => {
            let expected = expected.map(|code| format!(" (and not {code})")).unwrap_or_default();
            Err(said.map_or_else(|| format!("{status}{expected}"), |said| format!("{status}{expected}: {said}")))
        }
    }
}

/// `http://HOST[:PORT][/PATH]`; the host names what is asked for, the connection always goes to the loopback.
struct Address<'a> {
    authority: &'a str,
    port: u16,
    path: &'a str,
}

impl<'a> Address<'a> {
    fn parse(address: &'a str) -> Option<Self> {
        let rest = address.strip_prefix("http://")?;
        let at = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        let port = match authority.rsplit_once(':') {
            Some((_, port)) => port.parse().ok()?,
            None => 80,
        };
        Some(Self { authority, port, path: if path.is_empty() { "/" } else { path } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_asked_on_the_loopback() {
        let address = Address::parse("http://localhost:4000/health?all=1").unwrap();
        assert_eq!((address.authority, address.port, address.path), ("localhost:4000", 4000, "/health?all=1"));
        assert_eq!(Address::parse("http://shop").map(|address| (address.port, address.path)), Some((80, "/")));
        assert!(Address::parse("https://shop").is_none() && Address::parse("http://shop:x/").is_none());
    }

    #[test]
    fn status_and_text_of_a_page_decide() {
        let answer = |head: &str, body: &str| format!("HTTP/1.1 {head}\r\n\r\n{body}").into_bytes();
        assert_eq!(judge(&answer("204 No Content", ""), None, None), Ok(()));
        let sick = answer("503 Service Unavailable", "\nno database\nmore");
        assert_eq!(judge(&sick, None, None), Err("HTTP/1.1 503 Service Unavailable: no database".to_owned()));
        assert_eq!(judge(b"SSH-2.0\r\n", None, None), Err("no HTTP answer".to_owned()));
        let chunked = answer("200 OK\r\nTransfer-Encoding: chunked", "4\r\nall \r\n4;x=1\r\nwell\r\n0\r\n\r\n");
        for page in [answer("200 OK", "all well"), chunked] {
            assert_eq!(judge(&page, None, Some("all well")), Ok(()));
            assert_eq!(judge(&page, None, Some("ready")), Err("no \"ready\" in its page: all well".to_owned()));
        }
    }

    #[test]
    fn a_status_of_its_own_may_be_expected() {
        let answer = |head: &str| format!("HTTP/1.1 {head}\r\n\r\nno entry").into_bytes();
        assert_eq!(judge(&answer("401 Unauthorized"), Some(401), None), Ok(()));
        assert_eq!(judge(&answer("401 Unauthorized"), Some(401), Some("entry")), Ok(()));
        let other = judge(&answer("200 OK"), Some(204), None);
        assert_eq!(other, Err("HTTP/1.1 200 OK (and not 204): no entry".to_owned()));
    }

    #[test]
    fn a_connection_that_stays_open_is_not_waited_for() {
        for whole in [
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        ] {
            assert!(is_whole(whole.as_bytes()), "{whole}");
            assert!(!is_whole(&whole.as_bytes()[..whole.len() - 1]), "{whole}");
        }
    }
}
