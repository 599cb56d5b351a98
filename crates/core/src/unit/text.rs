//! The text of a unit, and of the file with its environment.

use super::Scope;
use crate::release::ReleaseKind;

/// The first line of every unit that edeliver writes; a unit without it belongs to somebody else.
pub const MARK: &str =
    "# Written by `edeliver setup`, which replaces it. Changes of your own belong into a drop-in: `systemctl edit`.";

/// What a unit is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitSpec<'a> {
    /// Whose systemd.
    pub scope: Scope,
    /// The release's name.
    pub app: &'a str,
    /// `mix release`, Distillery or relx: they call their foreground differently.
    pub kind: ReleaseKind,
    /// The release root, absolute.
    pub root: &'a str,
    /// The account that the node runs as; for units of the system.
    pub user: &'a str,
    /// Where its environment is.
    pub environment: &'a str,
    /// Seconds for an orderly stop.
    pub stop_seconds: u64,
    /// systemd's version on the host: what an older one does not know is left out.
    pub systemd: u32,
}

/// Type=exec: a start that can't be executed fails at once.
const TYPE_EXEC: u32 = 240;

/// The unit.
pub fn unit(spec: &UnitSpec<'_>) -> String {
    let parts = [head(spec), service(spec), sandbox(spec), install(spec.scope)];
    parts.concat()
}

fn head(spec: &UnitSpec<'_>) -> String {
    let app = specifiers(spec.app);
    // A network that is up is a matter of the system; a user's systemd has no such target.
    let after = match spec.scope {
        Scope::System => {
            "# An epmd of the machine's own comes first, where there is one. One that a node starts ends with that node.\nAfter=network-online.target epmd.service\nWants=network-online.target\n"
        }
        Scope::User => "",
    };
    format!(
        "{MARK}\n\n[Unit]\nDescription=Erlang node of {app}\n{after}# However often it fails, systemd goes on trying: what it waits for \
         (a database) may take its time.\nStartLimitIntervalSec=0\n\n"
    )
}

fn service(spec: &UnitSpec<'_>) -> String {
    let kind = if spec.systemd >= TYPE_EXEC { "exec" } else { "simple" };
    let user = match spec.scope {
        Scope::System => format!("User={}\n", specifiers(spec.user)),
        Scope::User => String::new(),
    };
    let program = quoted(&format!("{}/bin/{}", spec.root, spec.app));
    format!(
        "[Service]\nType={kind}\n{user}WorkingDirectory={root}\nEnvironment=LANG=C.UTF-8\n# The environment of the target; only its \
         owner can read it.\nEnvironmentFile={environment}\nExecStart={program} {foreground}\n# The node itself is told to stop \
         (SIGTERM is an orderly stop since OTP 20), more than once: one that comes while a VM boots is lost.\n# What it leaves is \
         killed.\n{TELL_TO_STOP}\nKillMode=mixed\nTimeoutStopSec={stop}\n\
         Restart=on-failure\nRestartSec=5\nLimitNOFILE=65536\nUMask=0027\n\n",
        root = specifiers(spec.root),
        environment = specifiers(spec.environment),
        foreground = foreground(spec.kind),
        stop = spec.stop_seconds,
    )
}

/// A VM drops a SIGTERM that comes before its `erl_signal_server` is there (a second on a busy machine) and boots on. systemd would send no
/// other, and kill the node a minute later. Told five times within 10 s; after that systemd sends one itself and waits.
const TELL_TO_STOP: &str = "ExecStop=-/bin/sh -c \"for again in 1 2 3 4 5; do kill -TERM ${MAINPID} 2>/dev/null || exit 0; \
    for n in 1 2 3 4 5 6 7 8 9 10; do sleep 0.2; kill -0 ${MAINPID} 2>/dev/null || exit 0; done; done\"";

/// The word with which the start script runs the node without leaving its process.
fn foreground(kind: ReleaseKind) -> &'static str {
    match kind {
        ReleaseKind::Mix => "start",
        ReleaseKind::Relx | ReleaseKind::Distillery => "foreground",
    }
}

/// What a node never needs. No MemoryDenyWriteExecute: Erlang's just-in-time compiler writes code.
const FOR_ALL: &str = "\
NoNewPrivileges=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
";

/// What a user's systemd may not do for its units.
const FOR_THE_SYSTEM: &str = "\
CapabilityBoundingSet=
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=full
";

fn sandbox(spec: &UnitSpec<'_>) -> String {
    let mut text = format!(
        "# What a node never needs. A port below 1024 needs `AmbientCapabilities=CAP_NET_BIND_SERVICE` in a drop-in.\n{FOR_ALL}"
    );
    if spec.scope == Scope::System {
        text.push_str(FOR_THE_SYSTEM);
        // A node that lives there writes there.
        if !["/home/", "/root/", "/run/user/"].iter().any(|home| spec.root.starts_with(home)) {
            text.push_str("ProtectHome=read-only\n");
        }
        if ["/usr/", "/etc/", "/boot/"].iter().any(|protected| spec.root.starts_with(protected)) {
            text.push_str(&format!("ReadWritePaths={}\n", quoted(spec.root)));
        }
    }
    text
}

fn install(scope: Scope) -> String {
    let target = match scope {
        Scope::System => "multi-user.target",
        Scope::User => "default.target",
    };
    format!("\n[Install]\nWantedBy={target}\n")
}

/// `%` begins a specifier in a unit.
fn specifiers(text: &str) -> String {
    text.replace('%', "%%")
}

/// A path as one word of a unit. It has no quotes and backslashes, which systemd allows in no path of a program; variables are not
/// looked for in it.
fn quoted(word: &str) -> String {
    format!("\"{}\"", specifiers(word))
}

/// The environment file: every value between double quotes, in which systemd takes a line end as it is.
pub fn environment<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let line = |(name, value): (&str, &str)| {
        let escaped: String =
            value.chars().flat_map(|c| ['\\'].into_iter().filter(move |_| "\\\"`$".contains(c)).chain([c])).collect();
        format!("{name}=\"{escaped}\"\n")
    };
    let lines: String = variables.into_iter().map(line).collect();
    format!("# Written by `edeliver setup`, which replaces it.\n{lines}")
}
