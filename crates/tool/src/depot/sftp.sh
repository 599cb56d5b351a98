# Fetching from the store's host, with a login of this host's own. For POSIX sh.

# Runs a command that is ended after $1 seconds. `timeout` is not everywhere. Without a 3 a command in the background would read nothing.
within() {
  seconds=$1
  shift
  { "$@" <&3 3<&- & } 3<&0
  working=$!
  { while [ "$seconds" -gt 0 ] && sleep 1; do seconds=$((seconds - 1)); done; kill "$working"; } </dev/null >/dev/null 2>&1 &
  watching=$!
  wait "$working" 2>/dev/null
  ended=$?
  kill "$watching" 2>/dev/null
  return "$ended"
}

# Does what sftp is told to do on standard input, the first line of which is `#`, seconds, login and maybe port. Nothing is asked and no host key
# accepted. An agent here may be that of whoever called: it is not for this host to use. Prints why it failed.
by_sftp() {
  command -v sftp >/dev/null 2>&1 || { echo "it has no sftp" && return 1; }
  read -r _ most login port
  said=$(
    unset SSH_AUTH_SOCK
    within "$most" sftp -b - ${port:+-P "$port"} -oBatchMode=yes -oStrictHostKeyChecking=yes -oUpdateHostKeys=no -oForwardAgent=no \
      -oClearAllForwardings=yes -oControlPath=none -oConnectTimeout=10 -oServerAliveInterval=5 -oServerAliveCountMax=3 -oLogLevel=INFO \
      -- "$login" 2>&1 >/dev/null
  ) && return 0
  # What is said last is that it is closed, whatever was the cause.
  said=$(printf '%s\n' "$said" | sed -e 's/[.[:space:]]*$//' -e '/^Connection closed$/d' -e '/^Killed by signal/d' -e '/^$/d' | tail -n 1)
  printf '%s\n' "${said:-sftp failed, or was not done in $most s}"
  return 1
}
