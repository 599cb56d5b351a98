use super::*;
use crate::release::{Digest, Libc};

fn file(path: &str, mode: u32) -> Entry {
    Entry { path: path.parse().unwrap(), kind: EntryKind::File { mode, size: 3, sha256: Digest::of(b"abc") } }
}

fn listing(paths: &[&str]) -> Vec<Entry> {
    paths.iter().map(|path| file(path, 0o644)).collect()
}

const MIX: &[&str] = &[
    "bin/hotapp",
    "erts-13.1.5/bin/beam.smp",
    "lib/elixir-1.14.0/ebin/elixir.app",
    "lib/hotapp-0.1.0/ebin/hotapp.app",
    "releases/0.1.0/elixir",
    "releases/0.1.0/env.sh",
    "releases/0.1.0/hotapp.rel",
    "releases/0.1.0/start.boot",
    "releases/0.1.0/start.script",
    "releases/COOKIE",
    "releases/start_erl.data",
];

const RELX: &[&str] = &[
    "bin/nodetool",
    "bin/relapp",
    "bin/relapp-0.1.0",
    "erts-13.1.5/bin/beam.smp",
    "lib/relapp-0.1.0/ebin/relapp.app",
    "releases/0.1.0/relapp.rel",
    "releases/0.1.0/start.boot",
    "releases/RELEASES",
    "releases/start_erl.data",
];

const DISTILLERY: &[&str] = &[
    "bin/old_app",
    "lib/elixir-1.9.4/ebin/elixir.app",
    "releases/0.1.0/libexec/env.sh",
    "releases/0.1.0/old_app.rel",
    "releases/0.1.0/old_app.sh",
    "releases/RELEASES",
    "releases/start_erl.data",
];

#[test]
fn releases_of_all_builders_are_recognised() {
    let found = |paths, start_erl| Found::recognise(&listing(paths), start_erl).unwrap();
    let mix = found(MIX, "13.1.5 0.1.0");
    assert_eq!((mix.app.as_str(), mix.version.as_str(), mix.kind), ("hotapp", "0.1.0", ReleaseKind::Mix));
    let [otp, erts, elixir] = ["25", "13.1.5", "1.14.0"].map(str::to_owned);
    assert_eq!(mix.built_with, BuiltWith { otp: otp.clone(), erts: Some(erts.clone()), elixir: Some(elixir) });

    let relx = found(RELX, "13.1.5 0.1.0\n");
    assert_eq!((relx.app.as_str(), relx.kind), ("relapp", ReleaseKind::Relx));
    assert_eq!(relx.built_with, BuiltWith { otp, erts: Some(erts), elixir: None });

    let distillery = found(DISTILLERY, "10.4.4 0.1.0");
    assert_eq!((distillery.app.as_str(), distillery.kind), ("old_app", ReleaseKind::Distillery));
    let built_with = BuiltWith { otp: "22".into(), erts: None, elixir: Some("1.9.4".into()) };
    assert_eq!(distillery.built_with, built_with, "a release without a runtime still says what it was built with");
}

#[test]
fn otp_is_known_by_erts() {
    let pairs = [
        ("9.3.3", "20"),
        ("10.3.5", "21"),
        ("10.4", "22"),
        ("11.2", "23"),
        ("13.1.5", "25"),
        ("15.2.3", "27"),
        ("5.10", "unknown"),
    ];
    for (erts, release) in pairs {
        assert_eq!(otp(erts), release, "{erts}");
    }
}

#[test]
fn files_that_are_no_release_are_refused() {
    let refused = |paths: &[&str], start_erl: &str| Found::recognise(&listing(paths), start_erl).unwrap_err().to_string();
    assert_eq!(refused(MIX, ""), "releases/start_erl.data does not name the release that boots");
    assert_eq!(refused(MIX, "13.1.5 ;rm"), "releases/start_erl.data names a version that can't be used");
    let no_rel = "releases/0.2.0 has no .rel file named after a start script in bin/";
    assert_eq!(refused(MIX, "13.1.5 0.2.0"), no_rel);
    assert_eq!(refused(&["bin/app", "releases/0.1.0/app.rel"], "13.1.5 0.1.0"), "this is no release of mix, relx or distillery");
    assert_eq!(refused(&["bin/-rf", "releases/0.1.0/-rf.rel"], "13.1.5 0.1.0"), "the release's name can't be used");
}

#[test]
fn what_does_not_belong_to_the_release_is_left_out() {
    let beside = [
        "erl_crash.dump",
        "lib/hotapp-0.1.0/erl_crash.dump",
        "log/erlang.log.1",
        "tmp/pipe",
        "var/log/x",
        ".edeliver/lock",
        "hotapp-0.1.0.tar.gz",
        "releases/0.1.0/hotapp.tar.gz",
        "releases/0.0.9/start.boot",
    ];
    let also = ["etc/app.conf", "lib/hotapp-0.1.0/priv/data.tar.gz", "lib/hotapp-0.1.0/priv/log/README"];
    let found = Found::recognise(&listing(MIX), "13.1.5 0.1.0").unwrap();
    let selected = found.select(listing(&[MIX, &beside, &also].concat()));
    let left_out: Vec<_> = selected.left_out.iter().map(RelPath::as_str).collect();
    assert_eq!(left_out, beside);
    let manifest = found.manifest(None, Platform::anywhere(), selected.files).unwrap();
    let paths: Vec<_> = manifest.files.iter().map(|entry| entry.path.as_str()).collect();
    let mut wanted = [MIX, &also].concat();
    wanted.sort_unstable();
    assert_eq!(paths, wanted);
    assert_eq!(manifest.platform.libc, Libc::Other);
    assert_eq!(manifest.cookie(), Some(Digest::of(b"abc")));
    assert_eq!(manifest.entry("releases/NOTHING"), None);
}

#[test]
fn permission_bits_do_not_depend_on_the_machine() {
    let found = Found::recognise(&listing(MIX), "13.1.5 0.1.0").unwrap();
    let modes = [(0o100_775, 0o755), (0o700, 0o755), (0o600, 0o644), (0o444, 0o644), (0o677, 0o644), (0o4755, 0o755)];
    for (reported, normal) in modes {
        let selected = found.select(vec![file("bin/x", reported)]);
        assert_eq!(selected.files, [file("bin/x", normal)], "{reported:o}");
    }
}
