//! The page of a deploy that really took place.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::{
    browser::Site,
    fleet::Fleet,
    looks::{assert_fits, assert_good_to_look_at, assert_needs_nothing},
    store::App,
};

const WIDTHS: [u32; 5] = [320, 390, 768, 1280, 1920];

const HOOKS: &str = "pre_extract_release_archive() { echo \"<b>bold</b> words of a hook\"; }\n";

#[test]
fn a_real_deploy_is_a_page_with_its_hosts_releases_steps_and_hooks() {
    let fleet = Fleet::new(App::Relx, 2);
    let none = fleet.edeliver("report").ends_with(2);
    assert!(none.contains("no run was recorded yet"), "{none}");
    fleet.edeliver("deploy release to staging --version=0.1.0 --start-deploy").ok();
    fs::write(fleet.project().join("hooks.sh"), HOOKS).unwrap();
    let config = fs::read_to_string(fleet.project().join("edeliver.toml")).unwrap();
    fs::write(fleet.project().join("edeliver.toml"), format!("hooks = \"hooks.sh\"\n{config}")).unwrap();
    fleet.edeliver("deploy release to staging --version=0.2.0 --start-deploy --waves=1,rest").ok();

    let said = fleet.words(&["report"]).ok().out;
    let file = std::path::Path::new(said.trim());
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(file.parent().unwrap().ends_with(".deliver/runs"), "{}", file.display());
    let page = fs::read_to_string(file).unwrap();
    for part in [
        "<b>staging</b>",
        "0.1.0 runs",
        "Wave 2 of 2",
        "0.2.0 runs",
        "stop the node",
        "start 0.2.0",
        "&lt;b&gt;bold&lt;/b&gt; words of a hook",
        "Done",
    ] {
        assert!(page.contains(part), "{part:?} is missing in {}", page.split("<body>").nth(1).unwrap());
    }
    assert!(!page.contains("<b>bold"));

    let first = fleet.words(&["run", "list", "-n", "2"]).ok().out.lines().nth(1).unwrap()[..20].trim().to_owned();
    assert_eq!(fleet.words(&["report", &first, "-o", "first.html"]).ok().out, "first.html\n");
    assert!(fs::read_to_string(fleet.project().join("first.html")).unwrap().contains("no release"));
    assert_eq!(fleet.words(&["report", "-o", "-"]).ok().out.trim_end(), page.trim_end());

    let site = Site::with(page, &WIDTHS);
    assert_fits(&site);
    assert_good_to_look_at(&site, "real");
    assert_needs_nothing(&site);
}
