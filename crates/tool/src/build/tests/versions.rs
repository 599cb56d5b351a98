//! Versions that the build gives: in the release's name, in the application, and in code that has it built in.

use edeliver_core::auto_version::{Metadata, Part};

use super::*;

fn rule(base: Base, metadata: &str) -> VersionRule {
    VersionRule { base, metadata: Metadata::parse_all(metadata).unwrap_or_default() }
}

/// The paths of the application's own directory and of the release's, and the version that the application's resource file says.
fn places(build: &Build<'_>, manifest: &Manifest) -> [String; 3] {
    let app = build.sample.app;
    let lib = paths(manifest).into_iter().find(|path| path.ends_with(&format!("/ebin/{app}.app"))).unwrap().to_owned();
    let rel = paths(manifest).into_iter().find(|path| path.ends_with(&format!("/{app}.rel")) && path.matches('/').count() == 2);
    let store = Store::open(&StoreSettings { path: build.store.clone(), archive: false }, &manifest.app).unwrap();
    let file = manifest.contents().find(|file| file.path.as_str() == lib).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut store.open_blob(&file.sha256).unwrap(), &mut text).unwrap();
    let vsn = text.split("{vsn,").nth(1).unwrap().trim_start().split('"').nth(1).unwrap().to_owned();
    [lib, rel.unwrap().to_owned(), vsn]
}

#[tokio::test]
async fn the_version_is_that_of_the_release_and_of_the_application() {
    for (make, app) in [(samples::elixir as Make, "hotapp"), (samples::erlang, "relapp")] {
        let host = Host::new();
        let sample: Sample = make(&host.dir.path().join("source"), "0.1.0").unwrap();
        let short = sample.git(&["rev-parse", "--short", "HEAD"]).unwrap();
        for (rule, expected) in [
            (rule(Base::Project, "commit-count-branch+git-revision"), format!("0.1.0+1-{short}")),
            (rule(Base::Increment(Part::Minor), ""), "0.2.0".to_owned()),
            (rule(Base::Set("7.0.0-rc.1".to_owned()), "mix-env"), "7.0.0-rc.1+prod".to_owned()),
            (rule(Base::Project, ""), "0.1.0".to_owned()),
        ] {
            let build = Build { version: rule, ..Build::of(&sample, &host) };
            let manifest = build.run().await.manifest();
            assert_eq!(manifest.version.as_str(), expected, "{app}");
            let wanted = [format!("lib/{app}-{expected}/ebin/{app}.app"), format!("releases/{expected}/{app}.rel"), expected];
            assert_eq!(places(&build, &manifest), wanted);
        }
    }
}

/// The sample's module has the project's version built in while it is compiled.
#[tokio::test]
async fn a_version_that_is_compiled_in_is_never_that_of_an_earlier_build() {
    let host = Host::new();
    let sample = host.elixir();
    let source = "defmodule Hotapp.Built do\n  @version Mix.Project.config()[:version]\n  def version, do: @version\nend\n";
    sample.write("lib/hotapp/built.ex", source).unwrap();
    sample.commit("built in").unwrap();
    for version in ["1.0.0", "1.1.0", "1.1.0", "0.1.0"] {
        let base = if version == "0.1.0" { Base::Project } else { Base::Set(version.to_owned()) };
        let build = Build { version: rule(base, ""), ..Build::of(&sample, &host) };
        let manifest = build.run().await.manifest();
        let store = Store::open(&StoreSettings { path: build.store.clone(), archive: false }, &manifest.app).unwrap();
        let file = manifest.contents().find(|file| file.path.as_str().ends_with("Elixir.Hotapp.Built.beam")).unwrap();
        let mut beam = Vec::new();
        std::io::Read::read_to_end(&mut store.open_blob(&file.sha256).unwrap(), &mut beam).unwrap();
        let literals = edeliver_erl::beam::Beam::parse(&beam).unwrap().literals().unwrap();
        assert!(literals.contains(&edeliver_erl::Term::binary(version)), "{version}: {literals:?}");
    }
}

#[tokio::test]
async fn a_build_without_a_rule_after_one_with_it_compiles_nothing_twice() {
    let host = Host::new();
    let sample = host.elixir();
    let same = |version: &str| Build { version: rule(Base::Set(version.to_owned()), ""), ..Build::of(&sample, &host) };
    same("1.0.0").run().await.kept();
    let again = same("1.0.0").run().await;
    assert_eq!(again.compiled(), [""; 0]);
    assert!(again.kept().already);
}
