# Asking systemd about a unit, and telling it. For POSIX sh. Before: $scope is `system` or `user`, $unit is the unit's file name.
SYSTEMD_COLORS=0 SYSTEMD_PAGER='' SYSTEMD_LOG_LEVEL=warning
export SYSTEMD_COLORS SYSTEMD_PAGER SYSTEMD_LOG_LEVEL

# Whether there is a systemd to ask. The user's own is found by a directory that a login without PAM is not told of.
reach_manager() {
  command -v systemctl >/dev/null 2>&1 || return 1
  if [ "$scope" = user ]; then
    : "${XDG_RUNTIME_DIR:=/run/user/$(id -u)}"
    export XDG_RUNTIME_DIR
    [ -S "$XDG_RUNTIME_DIR/systemd/private" ]
  else
    [ -d /run/systemd/system ]
  fi
}

manager() {
  if [ "$scope" = user ]; then systemctl --user "$@"; else systemctl "$@"; fi
}

# The properties that are of interest, one a line, NAME=VALUE.
unit_properties() {
  manager show -p LoadState -p ActiveState -p SubState -p Result -p ExecMainStatus -p NRestarts -p MainPID -p UnitFileState \
    -p NeedDaemonReload -- "$unit" 2>/dev/null
}

# Sets unit_load, unit_active, unit_sub, unit_restarts (0 where systemd is too old to count) and unit_pid (empty: none).
ask_unit() {
  unit_load='' unit_active='' unit_sub='' unit_restarts=0 unit_pid=''
  while IFS='=' read -r name value; do
    case $name in
      LoadState) unit_load=$value ;;
      ActiveState) unit_active=$value ;;
      SubState) unit_sub=$value ;;
      NRestarts) unit_restarts=$value ;;
      MainPID) unit_pid=${value#0} ;;
    esac
  done <<EOF
$(unit_properties)
EOF
}

# Has systemd `start` or `stop` ($1) the unit. Status: 0 done, 1 it failed, 2 we may not; $said is what was said.
# Exactly these words, so that a sudo rule for them is enough.
control() {
  if [ "$scope" = user ] || [ "$(id -u)" -eq 0 ]; then
    # Forgets what was before: failures, restarts.
    [ "$1" != start ] || manager reset-failed "$unit" >/dev/null 2>&1
    said=$(manager "$1" "$unit" 2>&1 </dev/null) || return 1
    return 0
  fi
  # polkit may allow it.
  said=$(LC_ALL=C systemctl --no-ask-password "$1" "$unit" 2>&1 </dev/null) && return 0
  case $said in *'ccess denied'* | *'uthentication'* | *'ermission denied'* | *'not permitted'*) ;; *) return 1 ;; esac
  command -v sudo >/dev/null 2>&1 || { said="$said (and there is no sudo)"; return 2; }
  said=$(LC_ALL=C sudo -n systemctl "$1" "$unit" 2>&1 </dev/null) && return 0
  case $said in 'sudo: '* | 'Sorry, '*) return 2 ;; *) return 1 ;; esac
}

# Prints what the unit's log has since second $1, as far as this login may read it, and where to read all of it.
journal_since() {
  since=$1
  if [ "$scope" = user ]; then set -- journalctl --user; else set -- journalctl; fi
  "$@" -q --no-pager -o cat -n 30 --since "@$since" -u "$unit" 2>/dev/null
  printf 'its log on the host: %s -u %s\n' "$*" "$unit"
}
