//! Putting a release beside what is there.

mod base;
mod lend;
mod load;
mod mend;

use std::{collections::BTreeSet, sync::Arc};

use edeliver_core::{
    event::EventKind,
    hint::Hint,
    name::Version,
    release::RelPath,
    size::size,
    step::{Activate, Copied, Placed, Stage},
};

pub(super) use self::mend::Mending;
use self::{
    base::Packed,
    load::{Sent, load},
};
use super::{Contents, StepError, root, step::Work};
use crate::{
    depot::Links,
    report::Reporter,
    store::blocking,
    transfer,
    transport::{Call, Input, Reply, Script},
};

pub(super) const STAGE: Script = root::script!("stage", "stage.sh", "stage/alone.sh");
/// The same, where the host may have to fetch by sftp.
const STAGE_BY_SFTP: Script = root::script!("stage", "../depot/sftp.sh", "stage.sh", "stage/alone.sh");
/// The same, and what was staged boots next.
const STAGE_AND_ACTIVATE: Script = root::script!("stage and activate", "stage.sh", "stage/first.sh", "activate.sh");

/// The answer's word for a file whose content is not what it should be.
const BAD: &str = "bad ";

/// The script's status when content is not what it should be; its answer says which.
const DAMAGED: i32 = 42;

/// The script's status when the manifest can't be made of the one that is there.
const UNMENDED: i32 = 45;

/// The script's status when the host can't fetch what it was given addresses of.
const UNFETCHED: i32 = 46;

/// The script's status when the host can't unpack what was packed as a difference, or by zstd.
const UNPACKED: i32 = 47;

/// What the script says when the release is staged and it goes on to make it the one that boots.
const STAGED: &str = "staged";

/// The release is there.
#[derive(Debug)]
pub(super) struct Put {
    /// What travelled.
    pub(super) note: String,
    /// What became of the activation, where that was part of the call.
    pub(super) activated: Option<Result<(), StepError>>,
}

/// Stages the release, and makes it the one that boots if `then` says so; tells what travelled.
///
/// Content that the host should have and has not (somebody changed an installed file) is found out by its digest; it is then sent, in a
/// second try. So is the whole manifest, where the host's own of the release that boots is not the one we know.
pub(super) async fn put(work: &Work<'_>, stage: &Stage, then: Option<&Activate>) -> Result<Put, StepError> {
    let contents = work.shared.contents.as_ref().filter(|contents| contents.manifest.id() == stage.manifest);
    let contents = contents.ok_or(StepError::Misplanned)?;
    let (reply, fetched) = send_or_lend(work, stage, contents, then).await?;
    match repaired(stage, &reply) {
        Some(repaired) => {
            let changed = repaired.send.len() - stage.send.len();
            work.reporter.warn(
                format!("{changed} files of installed releases were changed on this host; their content is sent"),
                Vec::new(),
            );
            let sending =
                Sending { stage: &repaired, contents, then, mending: None, links: &Links::default(), packed: &Packed::default() };
            finish(&repaired, sending.send(work).await?, 0)
        }
        None => finish(stage, reply, fetched),
    }
}

/// Sends what is as good as anything first, and more where the host needs it: everything that it could not fetch, the whole manifest, all of
/// what was only a difference. Tells how many bytes it fetched.
async fn send_or_lend(
    work: &Work<'_>,
    stage: &Stage,
    contents: &Contents,
    then: Option<&Activate>,
) -> Result<(Reply, u64), StepError> {
    let mut mending = mending(work, stage, contents).await;
    let mut links = lend::links(stage, contents).await;
    let mut packed = Some(Packed::of(stage, contents).await);
    loop {
        let packing = packed.clone().unwrap_or_default();
        let sending = Sending { stage, contents, then, mending: mending.as_deref(), links: &links, packed: &packing };
        let reply = sending.send(work).await?;
        match reply.status {
            UNPACKED if packed.take().is_some() => {}
            UNMENDED if mending.take().is_some() => {}
            // What lies there under its name is something else.
            DAMAGED if bad(&reply.text()).any(|path| fetched(stage, &links).any(|file| file.path.as_str() == path)) => {
                work.reporter.warn(
                    "what the host fetched by itself is not what was published: it is sent".to_owned(),
                    vec![Hint::command("publish it again", format!("edeliver upload release {} --force", stage.version))],
                );
                links = Links::default();
            }
            UNFETCHED if !links.places.is_empty() => {
                let why = reply.tail.last().cloned().unwrap_or_default();
                work.reporter.info(format!("the host can't fetch the release by itself ({why}): it is sent"));
                links = Links::default();
            }
            _ => return Ok((reply, fetched(stage, &links).map(|file| file.size).sum())),
        }
    }
}

/// The files that the host fetches.
fn fetched<'a>(stage: &'a Stage, links: &'a Links) -> impl Iterator<Item = &'a Placed> {
    stage.send.iter().filter(|file| links.places.contains_key(&file.sha256))
}

/// What makes the manifest of that of the release that boots, if we know that and it is another version. It is worked out once for all hosts.
async fn mending(work: &Work<'_>, stage: &Stage, contents: &Contents) -> Option<Arc<Mending>> {
    let boots = work.plan.expect.permanent.clone().filter(|boots| *boots != stage.version)?;
    let mut known = work.shared.mendings.lock().await;
    if let Some(known) = known.get(&boots) {
        return known.clone();
    }
    let (store, version, wanted) = (contents.store.clone(), boots.clone(), contents.manifest.clone());
    let work_out = move || store.known(&version).map(|base| Mending::of(&base, &wanted).map(Arc::new));
    let mending = blocking(work_out).await.ok().flatten();
    known.insert(boots, mending.clone());
    mending
}

/// One attempt.
struct Sending<'a> {
    stage: &'a Stage,
    contents: &'a Contents,
    then: Option<&'a Activate>,
    mending: Option<&'a Mending>,
    links: &'a Links,
    packed: &'a Packed,
}

impl Sending<'_> {
    async fn send(&self, work: &Work<'_>) -> Result<Reply, StepError> {
        let Sent { mut load, mends } = load(self.stage, self.contents, self.mending, self.links)?;
        load.packing = self.packed.packing.clone();
        let total = load.files.iter().map(|file| file.size).sum();
        let run = work.shared.run.as_ref().map_or("run".to_owned(), ToString::to_string);
        let (script, mut args) = self.script(work);
        args.extend([run, self.stage.version.to_string(), mends.map(Version::to_string).unwrap_or_default()]);
        args.extend(self.packed.args());
        let stream = transfer::pack(&self.contents.store, load, progress(work.reporter.clone(), total));
        let stream = match &work.shared.pace {
            Some(pace) => pace.keep(stream),
            None => stream,
        };
        let call = Call { input: Input::Stream(stream), ..Call::new(script, args, self.stage.timeout) };
        Ok(work.site.transport.run(call).await?)
    }
    /// The script, and the arguments that come before its own.
    fn script(&self, work: &Work<'_>) -> (Script, Vec<String>) {
        let boots = work.plan.expect.permanent.as_ref();
        match self.then {
            _ if self.links.store.is_some() => (STAGE_BY_SFTP, root::args(work.site, boots)),
            Some(activate) => (STAGE_AND_ACTIVATE, root::activate_words(&work.site.place, activate)),
            None => (STAGE, root::args(work.site, boots)),
        }
    }
}

fn finish(stage: &Stage, reply: Reply, fetched: u64) -> Result<Put, StepError> {
    let goes_on = reply.text().lines().any(|line| line == STAGED);
    let activated = match reply.status {
        0 => goes_on.then_some(Ok(())),
        _ if goes_on => Some(Err(StepError::of(root::ACTIVATE.name, reply))),
        _ => return Err(StepError::of(STAGE.name, reply)),
    };
    Ok(Put { note: note(stage, fetched), activated })
}

fn note(stage: &Stage, fetched: u64) -> String {
    match stage.send.len() {
        _ if fetched > 0 => {
            format!("the host fetched {} by itself, sent {}", size(fetched), size(stage.bytes().saturating_sub(fetched)))
        }
        0 => "nothing had to travel".to_owned(),
        files => format!("sent {} in {files} files", size(stage.bytes())),
    }
}

/// Tells how far the transfer is, at most a hundred times.
fn progress(reporter: Reporter, total: u64) -> impl FnMut(u64) + Send + 'static {
    let mut told = 0;
    move |done| {
        let percent = done * 100 / total.max(1);
        if percent > told {
            told = percent;
            reporter.send(EventKind::Progress { done, total });
        }
    }
}

/// The files whose content is not what it should be, as the script says.
fn bad(answer: &str) -> impl Iterator<Item = &str> {
    answer.lines().filter_map(|line| line.strip_prefix(BAD))
}

/// The stage with content sent that can't be copied, if that is all that was wrong.
fn repaired(stage: &Stage, reply: &Reply) -> Option<Stage> {
    let answer = reply.text();
    let bad: BTreeSet<&str> = bad(&answer).collect();
    let is_bad = |path: &RelPath| bad.contains(path.as_str());
    let (sent, copied): (Vec<Copied>, Vec<Copied>) = stage.copy.iter().cloned().partition(|copy| is_bad(&copy.to.path));
    if reply.status != DAMAGED || sent.len() != bad.len() || sent.is_empty() {
        return None;
    }
    let mut repaired = Stage { copy: copied, ..stage.clone() };
    repaired.send.extend(sent.into_iter().map(|copy| copy.to));
    Some(repaired)
}
