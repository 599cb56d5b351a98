//! What one would type by hand. Each is a script with `$1` ssh's configuration, `$2` what is sent, `$3` where to, and the hosts after them;
//! all hosts at once, and a failure on one is a failure.

/// The whole archive by scp, then unpacked.
pub(super) const SCP: &str = r#"
conf=$1 what=$2 to=$3; shift 3; pids=
for host do
  ( scp -q -F "$conf" "$what" "$host:$to.tar.gz" && ssh -F "$conf" "$host" "mkdir -p $to && tar -xzf $to.tar.gz -C $to" ) &
  pids="$pids $!"
done
for pid in $pids; do wait "$pid"; done
"#;

/// The unpacked release by rsync.
pub(super) const RSYNC: &str = r#"
conf=$1 what=$2 to=$3; shift 3; pids=
for host do rsync -az -e "ssh -F $conf" "$what/" "$host:$to/" & pids="$pids $!"; done
for pid in $pids; do wait "$pid"; done
"#;

/// The unpacked release by rsync, on ten hosts at a time.
pub(super) const RSYNC_TEN: &str = r#"
conf=$1 what=$2 to=$3; shift 3
printf '%s\n' "$@" | xargs -P 10 -I HOST rsync -az -e "ssh -F $conf" "$what/" "HOST:$to/"
"#;

/// A login and nothing else.
pub(super) const FLOOR: &str = r#"
conf=$1; shift 3; pids=
for host do ssh -F "$conf" "$host" true & pids="$pids $!"; done
for pid in $pids; do wait "$pid"; done
"#;

/// What each host's node runs, by the release's own script.
pub(super) const RPC: &str = r#"
conf=$1 what=$2 to=$3; shift 3; pids=
for host do ssh -F "$conf" "$host" "$to/$what/bin/$what rpc 'Application.spec(:$what, :vsn) |> IO.puts'" & pids="$pids $!"; done
for pid in $pids; do wait "$pid"; done
"#;

/// The same, one host after the other.
pub(super) const RPC_IN_TURN: &str = r#"
conf=$1 what=$2 to=$3; shift 3
for host do ssh -F "$conf" "$host" "$to/$what/bin/$what rpc 'Application.spec(:$what, :vsn) |> IO.puts'"; done
"#;

/// Opens connections to stay.
pub(super) const OPEN: &str = r#"
conf=$1 dir=$2; shift 3
for host do ssh -F "$conf" -fNM -S "$dir/$host" "$host" </dev/null >/dev/null 2>&1; done
"#;

/// A command on each open connection.
pub(super) const OPEN_FLOOR: &str = r#"
conf=$1 dir=$2; shift 3; pids=
for host do ssh -F "$conf" -S "$dir/$host" "$host" true & pids="$pids $!"; done
for pid in $pids; do wait "$pid"; done
"#;

/// Ends them.
pub(super) const CLOSE: &str = r#"
conf=$1 dir=$2; shift 3
for host do ssh -F "$conf" -S "$dir/$host" -O exit "$host" 2>/dev/null; done
"#;

/// Push, check out, `mix release` on the build host.
pub(super) const BUILD: &str = r#"
conf=$1
ssh -F "$conf" build 'git init -q hand 2>/dev/null; git -C hand config receive.denyCurrentBranch ignore'
GIT_SSH_COMMAND="ssh -F $conf" git push -q -f build:hand HEAD:refs/heads/main
ssh -F "$conf" build 'cd hand && git checkout -q -f main && git reset -q --hard && MIX_ENV=prod mix deps.get --only prod >/dev/null && MIX_ENV=prod mix release --overwrite >/dev/null'
"#;
