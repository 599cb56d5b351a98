//! Roots that another tool has filled: the original edeliver, or hands.

use std::{fs, process::Command};

use crate::{
    fleet::{Fleet, assert_there},
    store::{self, App, run},
};

#[test]
fn a_root_of_the_original_is_taken_over_and_can_be_gone_back_to() {
    for app in [App::Mix, App::Relx] {
        let fleet = Fleet::new(app, 1);
        let root = fleet.root("one");
        fs::create_dir_all(root.parent().unwrap()).unwrap();
        run(Command::new("cp").arg("-a").arg(store::assembled(app, "0.1.0")).arg(&root), fleet.root("one").parent().unwrap());
        fleet.edeliver("start").ok();
        let table = fleet.edeliver("releases").ok();
        assert!(table.contains("not put there by edeliver 2") && table.contains("running"), "{table}");
        let old = fleet.snapshot("one", &["lib", "releases/0.1.0"]);

        let told = fleet.edeliver("deploy release --version=0.2.0 --start-deploy").ok();
        assert!(!told.contains(" of 0 files"), "{told}");
        assert!(fleet.edeliver("version").ok().contains("0.2.0"));
        let now = fleet.snapshot("one", &["lib", "releases/0.1.0"]);
        assert!(old.iter().all(|file| now.contains(file)), "{app:?}: a file of the old release was touched");
        assert!(fleet.read("one", "releases/RELEASES").contains("\"0.1.0\""), "the old release is in RELEASES now");

        fleet.edeliver("rollback").ok();
        assert!(fleet.edeliver("version").ok().contains("0.1.0"));
        assert_there(&root.join("releases/0.2.0"));
        fleet.edeliver("deploy release --version=0.2.0 --start-deploy").ok();
        assert!(fleet.edeliver("version").ok().contains("0.2.0"));
    }
}
