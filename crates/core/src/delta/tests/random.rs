//! Random histories of a host. [`Host::deploy`] checks the promises of every delta on the way.

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::*;
use crate::{facts::NodeFacts, release::Libc};

pub(super) fn empty_seen() -> Seen {
    Seen {
        platform: Platform { os: "linux".into(), arch: "x86_64".into(), libc: Libc::Musl },
        root: "/srv/app".into(),
        user: "deploy".into(),
        writable: true,
        free_kib: 1 << 20,
        missing_tools: Vec::new(),
        zstd: false,
        permanent: None,
        previous: None,
        installed: Vec::new(),
        unfinished: Vec::new(),
        dirs: Default::default(),
        strays: Default::default(),
        top: Default::default(),
        taken_back: Vec::new(),
        drained: None,
        alone: Default::default(),
        releases_file: None,
        node: NodeFacts::down(),
        unit: None,
    }
}

/// A release that shows itself in few words when a case fails.
#[derive(Clone)]
struct Random(Manifest, Vec<String>);

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.0.version, self.1.join(" "))
    }
}

#[derive(Debug, Clone)]
enum Event {
    Deploy { release: Random, force: bool, stop: Option<usize> },
    Untar(Random),
    Litter(Random),
    Activate { index: usize, start: bool },
    LoseDir(&'static str),
}

/// A library in one of two versions with content that may differ under the same version, links and empty directories included.
fn library(name: &'static str) -> impl Strategy<Value = Vec<String>> {
    (1..3_u8, select(&["a1", "a2", ""][..]), any::<bool>(), any::<bool>()).prop_map(move |(vsn, content, link, empty)| {
        let dir = format!("lib/{name}-{vsn}");
        let mut words = vec![format!("{dir}/ebin/x.beam={content}"), format!("{dir}/ebin/y.beam=b1")];
        words.extend(link.then(|| format!("{dir}/priv/so@../ebin/x.beam")));
        words.extend(empty.then(|| format!("{dir}/log/")));
        words
    })
}

fn any_release() -> impl Strategy<Value = Random> {
    let rest =
        (select(&["0.1.0", "0.2.0", "0.3.0"][..]), select(&["beam", "beam", "patched"][..]), select(&["boot1", "boot2"][..]));
    (rest, library("one"), option::of(library("two"))).prop_map(|((version, erts, boot), one, two)| {
        let mut words = [one, two.unwrap_or_default()].concat();
        // As in real ones, the boot file names the libraries.
        let names: Vec<_> = words.iter().filter_map(|word| Some(word.strip_suffix("/ebin/y.beam=b1")?.to_owned())).collect();
        words.extend([
            "bin/app*=script".to_owned(),
            format!("bin/app-{version}*=script"),
            format!("erts-13/bin/beam.smp*={erts}"),
            format!("releases/{version}/consolidated/p.beam=p1"),
            format!("releases/{version}/start.boot={boot} {}", names.join(" ")),
            format!("releases/COOKIE={boot}"),
        ]);
        Random(release(version, &words.iter().map(String::as_str).collect::<Vec<_>>()), words)
    })
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (any_release(), any::<bool>(), option::of(0..6_usize))
            .prop_map(|(release, force, stop)| Event::Deploy { release, force, stop }),
        1 => any_release().prop_map(Event::Untar),
        1 => any_release().prop_map(Event::Litter),
        3 => (0..4_usize, any::<bool>()).prop_map(|(index, start)| Event::Activate { index, start }),
        1 => select(&["lib/one-1", "lib/two-2", "releases/0.2.0", ".edeliver/top/0.1.0"][..]).prop_map(Event::LoseDir),
    ]
}

fn deploy(host: &mut Host, release: &Manifest, force: bool, stop: Option<usize>) {
    let delta = against(release, &host.seen());
    assert_eq!(delta, against(release, &host.seen()), "the same facts give the same delta");
    for sent in &delta.send {
        assert!(!host.holds(sent.sha256), "{} is on the host already", sent.path);
    }
    if host.deploy(release, force, stop) == Applied::Interrupted {
        let again = host.deploy(release, force, None);
        assert_eq!(again, Applied::Complete, "the same command again finishes the work");
    }
}

fn happens(host: &mut Host, event: Event) {
    match event {
        Event::Deploy { release, force, stop } => deploy(host, &release.0, force, stop),
        Event::Untar(release) => host.untar(&release.0),
        Event::Litter(release) => host.litter(&release.0),
        Event::Activate { index, start } => {
            if let Some(version) = host.versions().get(index).cloned() {
                host.activate(&version, start);
            }
        }
        Event::LoseDir(dir) => host.lose_dir(dir),
    }
}

proptest! {
    // A failing case is turned into a test with a name, so no file of seeds is kept.
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn deltas_keep_their_promises_on_any_host(events in vec(event(), 1..8)) {
        let mut host = Host::default();
        events.into_iter().for_each(|event| happens(&mut host, event));
    }

    #[test]
    fn what_is_known_of_one_host_is_never_said_of_another(wanted in any_release(), events in vec(event(), 1..8)) {
        let (mut host, deltas) = (Host::default(), Deltas::of(&wanted.0));
        for event in events {
            happens(&mut host, event);
            prop_assert_eq!(&*deltas.against(&host.seen(), None), &against(&wanted.0, &host.seen()));
        }
    }
}
