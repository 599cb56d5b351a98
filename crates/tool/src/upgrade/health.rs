//! The application's own word that it is well.

use std::time::Duration;

use edeliver_core::config::HealthCheck;
use edeliver_erl::Term;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::Session;
use crate::{
    node::link::Mfa,
    transport::{Call, Output, Script, Transport},
};

const COMMAND: Script = Script { name: "health command", text: include_str!("health.sh") };

/// More of an answer is not read: the first line decides.
const ENOUGH: usize = 4096;

/// `None`: it is well. Otherwise what it says, in words.
pub(super) async fn ask(session: &mut Session, check: &HealthCheck, patience: Duration) -> Option<String> {
    let asked = async {
        match check {
            HealthCheck::Command(command) => run(session, command, patience).await,
            HealthCheck::Http(address) => get(&**session.host(), address).await,
            HealthCheck::Function(function) => call(session, function, patience).await,
        }
    };
    match timeout(patience + Duration::from_secs(1), asked).await {
        Ok(Ok(())) => None,
        Ok(Err(why)) => Some(format!("{}: {}", check.describe(), crate::report::printable(&why))),
        Err(_) => Some(format!("{}: no answer within {} s", check.describe(), patience.as_secs_f32())),
    }
}

async fn run(session: &Session, command: &str, patience: Duration) -> Result<(), String> {
    let args = [session.place().root.to_string(), command.to_owned()];
    // Heard line by line, so that the last ones are in the reply's tail, whichever output they came from.
    let call = Call { output: Output::Lines(&mut |_| {}), ..Call::new(COMMAND, args, patience) };
    let reply = session.host().run(call).await.map_err(|error| error.to_string())?;
    match reply.status {
        0 => Ok(()),
        status => Err(reply.tail.last().cloned().unwrap_or_else(|| format!("status {status}"))),
    }
}

async fn call(session: &mut Session, function: &str, patience: Duration) -> Result<(), String> {
    let (module, name) = function.split_once(':').or_else(|| function.rsplit_once('.')).ok_or("it names no function")?;
    let erlang = function.contains(':') || module.starts_with(char::is_lowercase);
    let module = if erlang { module.to_owned() } else { format!("Elixir.{module}") };
    let call = Mfa::new(&module, name, Vec::new()).map_err(|error| error.to_string())?;
    let value = session.call(&call, patience).await.map_err(|error| crate::error::chain(&error).join(": "))?;
    let says_ok = |term: &Term| term.is_atom("ok") || term.is_atom("true");
    let well = says_ok(&value) || value.as_tuple().and_then(|parts| parts.first()).is_some_and(|first| first.is_atom("ok"));
    if well { Ok(()) } else { Err(edeliver_erl::term::text::pretty(&value)) }
}

/// Asks an address on the host's own loopback.
async fn get(host: &dyn Transport, address: &str) -> Result<(), String> {
    let Address { authority, port, path } = Address::parse(address).ok_or("it is no http:// address")?;
    let mut stream = host.connect(port).await.map_err(|error| error.to_string())?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: edeliver\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    while answer.len() < ENOUGH && !answer.contains(&b'\n') {
        if stream.read_buf(&mut answer).await.map_err(|error| error.to_string())? == 0 {
            break;
        }
    }
    status(&answer)
}

fn status(answer: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(answer);
    let line = text.lines().next().unwrap_or_default();
    let code: Option<u16> = line.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)).and_then(|code| code.parse().ok());
    match code {
        Some(200..=299) => Ok(()),
        Some(_) => Err(line.to_owned()),
        None => Err("no HTTP answer".to_owned()),
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
    fn an_address_is_asked_on_the_loopback_and_its_status_decides() {
        let address = Address::parse("http://localhost:4000/health?all=1").unwrap();
        assert_eq!((address.authority, address.port, address.path), ("localhost:4000", 4000, "/health?all=1"));
        assert_eq!(Address::parse("http://shop").map(|address| (address.port, address.path)), Some((80, "/")));
        assert!(Address::parse("https://shop").is_none() && Address::parse("http://shop:x/").is_none());
        assert_eq!(status(b"HTTP/1.1 204 No Content\r\n"), Ok(()));
        assert_eq!(status(b"HTTP/1.1 503 Service Unavailable\r\n"), Err("HTTP/1.1 503 Service Unavailable".to_owned()));
        assert_eq!(status(b"SSH-2.0\r\n"), Err("no HTTP answer".to_owned()));
    }
}
