//! SRV records, asked of the servers of names that this machine has, or of one that is named.

use std::{io, net::SocketAddr, time::Duration};

use domain::{
    base::{Name, Rtype, iana::Rcode},
    rdata::Srv,
    resolv::{
        StubResolver,
        stub::{
            Answer,
            conf::{ResolvConf, ResolvOptions, ServerConf, Transport},
        },
    },
};
use edeliver_core::config::inventory::SrvRecord;
use tokio::time::timeout;

use super::AskError;

/// Where a machine says which servers it has.
const MACHINE: &str = "/etc/resolv.conf";

/// The records of a name.
pub(super) async fn records(name: &str, server: Option<SocketAddr>, limit: Duration) -> Result<Vec<SrvRecord>, AskError> {
    let failed = |why: String| AskError::Names { server, why };
    let name: Name<Vec<u8>> = name.parse().map_err(|error| failed(format!("can't be asked for it: {error}")))?;
    let resolver = StubResolver::from_conf(servers(server)?);
    let answer = match timeout(limit, resolver.query((&name, Rtype::SRV))).await {
        Err(_) => return Err(failed(format!("gave no answer within {} s", limit.as_secs()))),
        Ok(answer) => answer.map_err(|error| failed(format!("gave no answer: {error}")))?,
    };
    match answer.header().rcode() {
        Rcode::NXDOMAIN => Err(AskError::NoRecords),
        Rcode::NOERROR => read(&answer).map_err(|error| failed(format!("gave an answer that can't be read: {error}"))),
        rcode => Err(failed(format!("answered {rcode}"))),
    }
    .and_then(|records| if records.is_empty() { Err(AskError::NoRecords) } else { Ok(records) })
}

fn servers(server: Option<SocketAddr>) -> Result<ResolvConf, AskError> {
    let mut conf = ResolvConf { servers: Vec::new(), options: ResolvOptions::default() };
    match server {
        Some(server) => conf.servers.push(ServerConf::new(server, Transport::UdpTcp)),
        None => conf.parse_file(MACHINE).map_err(|error| AskError::NoServers(io::Error::other(error.to_string())))?,
    }
    conf.finalize();
    Ok(conf)
}

fn read(answer: &Answer) -> Result<Vec<SrvRecord>, domain::base::wire::ParseError> {
    let record = |record: domain::base::Record<_, Srv<domain::base::ParsedName<_>>>| {
        let srv = record.data();
        SrvRecord { priority: srv.priority(), port: srv.port(), target: format!("{}", srv.target()) }
    };
    answer.answer()?.limit_to::<Srv<_>>().map(|found| found.map(record)).collect()
}
