//! The way there and back, when all goes well.

use std::{os::unix::fs::PermissionsExt, sync::Arc};

use edeliver_core::{event::EventKind, plan::Keep, size::size, step::Step};

use super::{
    folder::{SHELLS, Shell},
    hosts::{Host, REWRITTEN, only},
    releases::Release,
};
use crate::transport::Local;

#[tokio::test]
async fn a_release_is_put_beside_the_other_and_back_again() {
    for shell in SHELLS {
        let host = Host::new(shell);
        let (first, second) = (Release::new("0.1.0"), Release::new("0.2.0"));
        host.deploy(&first).await.assert_done();
        host.assert_complete(&first);
        host.assert_boots(&first);
        host.deploy(&second).await.assert_done();
        host.assert_complete(&first);
        host.assert_complete(&second);
        host.assert_boots(&second);
        assert_eq!(host.read(".edeliver/previous"), "0.1.0\n");
        host.rollback().await.assert_done();
        host.assert_boots(&first);
        host.assert_tidy();
    }
}

#[tokio::test]
async fn a_plan_for_what_is_there_is_empty() {
    for shell in SHELLS {
        let host = Host::new(shell);
        let release = Release::new("0.1.0");
        host.deploy(&release).await.assert_done();
        let before = host.tree();
        let plan = host.plan(&release, |_| {}).await;
        assert!(plan.is_empty(), "{:?}", only(&plan));
        host.apply(&plan, Some(&release)).await.assert_done();
        assert_eq!(host.tree(), before);
    }
}

#[tokio::test]
async fn only_what_is_new_travels_and_the_rest_is_copied() {
    for shell in SHELLS {
        let host = Host::new(shell);
        host.deploy(&Release::new("0.1.0")).await.assert_done();
        let second = Release::new("0.2.0");
        let plan = host.plan(&second, |_| {}).await;
        let Step::Stage(stage) = &only(&plan).steps[0] else { panic!("{plan:?}") };
        let copied: Vec<_> = stage.copy.iter().map(|copy| copy.to.path.as_str()).collect();
        assert!(copied.contains(&"lib/demo-0.2.0/priv/tool"), "{copied:?}");
        assert!(!stage.send.is_empty());
        let ran = host.apply(&plan, Some(&second)).await;
        ran.assert_done();
        host.assert_complete(&second);
        let note = ran.events.iter().find_map(|event| match event {
            EventKind::StepFinished { index: 0, note, .. } => note.clone(),
            _ => None,
        });
        assert_eq!(note.unwrap(), format!("sent {} in {} files", size(stage.bytes()), stage.send.len()));
    }
}

#[tokio::test]
async fn names_that_mean_something_to_shells_are_only_names() {
    let hostile = [
        "-rf",
        "; touch hacked;",
        "$(touch hacked)",
        "`touch hacked`",
        "a'b\"c",
        " leading",
        "trailing ",
        "*",
        "~",
        "a: FAILED",
        "\\",
        "--help",
    ];
    for shell in SHELLS {
        let host = Host::new(shell);
        let mut release = Release::new("0.1.0");
        for name in hostile {
            release.add(&format!("lib/demo-0.1.0/priv/{name}/{name}"), 0o644, name);
            release.add(&format!("lib/demo-0.1.0/priv/same/{name}"), 0o755, name);
            release.add(&format!("bin/{name}"), 0o755, "a top file");
        }
        host.deploy(&release).await.assert_done();
        host.assert_complete(&release);
        host.assert_boots(&release);
        let mut second = Release::new("0.2.0");
        for name in hostile {
            second.add(&format!("lib/demo-0.2.0/priv/{name}/{name}"), 0o644, name);
            second.add(&format!("bin/{name}"), 0o755, "another top file");
        }
        host.deploy(&second).await.assert_done();
        host.assert_complete(&second);
        host.assert_boots(&second);
        assert!(!host.tree().keys().any(|path| path.ends_with("hacked") && !path.contains("touch")));
    }
}

#[tokio::test]
async fn links_and_empty_directories_arrive() {
    for shell in SHELLS {
        let host = Host::new(shell);
        let mut release = Release::new("0.1.0");
        release.links.insert("lib/demo-0.1.0/priv/static/link".to_owned(), "../tool".to_owned());
        release.links.insert("bin/also".to_owned(), "demo".to_owned());
        release.empty_dirs.push("lib/demo-0.1.0/priv/empty".to_owned());
        release.empty_dirs.push("lib/hollow-1".to_owned());
        host.deploy(&release).await.assert_done();
        assert_eq!(host.root.join("lib/demo-0.1.0/priv/static/link").read_link().unwrap().to_str(), Some("../tool"));
        assert_eq!(host.root.join("bin/also").read_link().unwrap().to_str(), Some("demo"));
        assert!(host.root.join("lib/demo-0.1.0/priv/empty").is_dir());
        assert!(host.root.join("lib/hollow-1").is_dir());
        // A link that leads to a directory is replaced and not followed.
        let mut second = Release::new("0.2.0");
        second.links.insert("bin/also".to_owned(), "../lib".to_owned());
        host.deploy(&second).await.assert_done();
        let mut third = Release::new("0.3.0");
        third.add("bin/also", 0o755, "a file");
        host.deploy(&third).await.assert_done();
        assert_eq!(host.read("bin/also"), "a file");
        assert!(!host.has("lib/also") && !host.has("lib/.edeliver-new.also"));
    }
}

#[tokio::test]
async fn of_relx_the_start_script_decides_and_changes_last() {
    for shell in SHELLS {
        let host = Host::new(shell);
        let (first, second) = (Release::relx("0.1.0"), Release::relx("0.2.0"));
        host.deploy(&first).await.assert_done();
        host.deploy(&second).await.assert_done();
        host.assert_boots(&second);
        assert!(host.has("bin/demo-0.1.0"));
        assert_eq!(host.seen().await.permanent, Some(second.version.clone()));
        host.rollback().await.assert_done();
        host.assert_boots(&first);
        assert_eq!(host.seen().await.permanent, Some(first.version.clone()));
    }
}

#[tokio::test]
async fn a_library_that_changed_under_its_version_gets_a_directory_of_its_own() {
    for shell in SHELLS {
        let host = Host::new(shell);
        let first = Release::new("0.1.0");
        host.deploy(&first).await.assert_done();
        let mut second = Release::new("0.2.0");
        second.add("lib/other-1.0/ebin/other.beam", 0o644, "changed code");
        host.deploy(&second).await.assert_done();
        host.assert_complete(&first);
        assert_eq!(host.read("releases/0.2.0/start.boot").as_bytes(), REWRITTEN);
        assert!(host.read(".edeliver/manifests/0.2.0.dirs").contains("lib/other-1.0~"));
        assert_eq!(host.read(".edeliver/manifests/0.2.0.json").as_bytes(), second.manifest().to_json());
        let plan = host.plan(&second, |_| {}).await;
        assert!(plan.is_empty(), "{:?}", only(&plan));
    }
}

#[tokio::test]
async fn a_root_that_the_original_filled_is_taken_over_and_can_be_gone_back_to() {
    for shell in SHELLS {
        for make in [Release::new as fn(&str) -> Release, Release::relx] {
            let host = Host::new(shell);
            let [old, new] = ["0.1.0", "0.2.0"].map(|version| make(version).without_odd_names());
            old.unpack(&host.root);
            let before = host.tree();
            host.deploy(&new).await.assert_done();
            host.assert_boots(&new);
            host.assert_complete(&new);
            host.rollback().await.assert_done();
            let after = host.tree();
            // RELEASES lists both now.
            for (path, content) in before.iter().filter(|(path, _)| *path != "releases/RELEASES") {
                assert_eq!(after.get(path), Some(content), "{path}");
            }
            assert_eq!(host.seen().await.permanent, Some(old.version.clone()));
        }
    }
}

#[tokio::test]
async fn a_cookie_is_for_its_owner_and_keeps_the_rights_it_was_given() {
    for shell in SHELLS {
        let host = Host::new(shell);
        host.deploy(&Release::new("0.1.0")).await.assert_done();
        let cookie = host.root.join("releases/COOKIE");
        let mode = || cookie.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        std::fs::set_permissions(&cookie, std::fs::Permissions::from_mode(0o640)).unwrap();
        let mut second = Release::new("0.2.0");
        second.add("releases/COOKIE", 0o644, "another cookie");
        host.deploy(&second).await.assert_done();
        assert_eq!((mode(), host.read("releases/COOKIE").as_str()), (0o640, "another cookie"));
        assert_eq!(host.root.join(".edeliver").metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[tokio::test]
async fn what_nothing_needs_is_removed_and_nothing_else() {
    for shell in SHELLS {
        let host = Host::new(shell);
        let releases = ["0.1.0", "0.2.0", "0.3.0"].map(Release::relx);
        for release in &releases {
            let plan = host.plan(release, |request| request.keep = Keep::Newest(2)).await;
            host.apply(&plan, Some(release)).await.assert_done();
        }
        let gone = ["releases/0.1.0", "lib/demo-0.1.0", ".edeliver/top/0.1.0", "bin/demo-0.1.0", ".edeliver/manifests/0.1.0.dirs"];
        assert_eq!(gone.map(|path| host.has(path)), [false; 5]);
        assert!(!host.read("releases/RELEASES").contains("\"0.1.0\""));
        host.assert_complete(&releases[1]);
        host.assert_complete(&releases[2]);
        host.assert_boots(&releases[2]);
        host.assert_tidy();
    }
}

/// The wrapper that every script really runs in.
#[tokio::test]
async fn the_local_transport_carries_it_all() {
    let host = Host::new(Shell::Dash).through(Arc::new(Local::new()));
    let (first, second) = (Release::new("0.1.0"), Release::new("0.2.0"));
    host.deploy(&first).await.assert_done();
    host.deploy(&second).await.assert_done();
    host.assert_complete(&second);
    host.rollback().await.assert_done();
    host.assert_boots(&first);
    host.assert_tidy();
}
