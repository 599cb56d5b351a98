//! This machine as a host, once with its own `/bin/sh`, once as if it had busybox only.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command, sync::LazyLock};

use edeliver::transport::Local;

/// A host, and what it is called in messages.
pub(crate) struct Shell {
    pub(crate) name: &'static str,
    pub(crate) host: Local,
}

/// One host for each shell that scripts must work in.
pub(crate) fn both() -> [Shell; 2] {
    [Shell { name: "dash", host: Local::new() }, Shell { name: "busybox", host: busybox() }]
}

struct Busybox {
    dir: tempfile::TempDir,
}

static BUSYBOX: LazyLock<Busybox> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let tools = dir.path().join("tools");
    fs::create_dir(&tools).expect("a directory for the tools");
    let install = Command::new("busybox").args(["--install", "-s"]).arg(&tools).status().expect("busybox is installed");
    assert!(install.success());
    login_shell(&dir.path().join("sh"));
    Busybox { dir }
});

/// A login shell that takes `/bin/sh` for busybox's.
fn login_shell(path: &Path) {
    let text = "#!/bin/sh\nexec busybox sh -c \"$(printf '%s' \"$2\" | sed 's#/bin/sh#busybox sh#g')\"\n";
    fs::write(path, text).expect("a login shell");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("an executable login shell");
}

fn busybox() -> Local {
    let dir = BUSYBOX.dir.path();
    let path = format!("{}:/usr/bin:/bin", dir.join("tools").display());
    Local::new().login_shell(dir.join("sh")).env("PATH", &path)
}

/// This machine for the user `nobody`, who may look into this directory.
pub(crate) fn user(dir: &Path) -> Local {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
    let shell = dir.join("nobody");
    fs::write(&shell, "#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups /bin/sh \"$@\"\n").unwrap();
    fs::set_permissions(&shell, fs::Permissions::from_mode(0o755)).unwrap();
    Local::new().login_shell(shell)
}

/// This machine with nothing mounted at `/proc`.
pub(crate) fn without_proc(dir: &Path) -> Local {
    let shell = dir.join("blind");
    let text = "#!/bin/sh\nexec unshare -m sh -c 'mount -t tmpfs none /proc && exec /bin/sh \"$@\"' sh \"$@\"\n";
    fs::write(&shell, text).unwrap();
    fs::set_permissions(&shell, fs::Permissions::from_mode(0o755)).unwrap();
    Local::new().login_shell(shell)
}
