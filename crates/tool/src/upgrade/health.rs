//! The application's own word that it is well.

mod http;

use std::time::Duration;

use edeliver_core::config::HealthCheck;
use edeliver_erl::Term;
use tokio::time::timeout;

use super::Session;
use crate::{
    node::link::Mfa,
    transport::{Call, Output, Script},
};

const COMMAND: Script = Script { name: "health command", text: include_str!("health.sh") };

/// `None`: it is well. Otherwise what it says, in words.
pub(crate) async fn ask(session: &mut Session, check: &HealthCheck, patience: Duration) -> Option<String> {
    let asked = async {
        match check {
            HealthCheck::Command(command) => run(session, command, patience).await,
            HealthCheck::Http(check) => http::ask(&**session.host(), check).await,
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
