# What a checkup wants to know of a host. Reads only. Comes after process.sh, permanent.sh and files.sh.
# $1 root, $2 release name, $3 preferred node name or empty.
#
# One fact a line, as find.sh; `end` is the last. Of the cookie no more is told than how long it is and who can read it.
root=$(absolute_root "$1") app=$2 prefer=$3
LC_ALL=C
export LC_ALL

fact() { printf '%s %s\n' "$1" "$2"; }

# df prints device, all, used, free, percentage and mount point; not every df counts inodes, and not every file system has a number of them.
tell_inodes() {
  nearest=$root
  while [ ! -d "$nearest" ]; do nearest=${nearest%/*} nearest=${nearest:-/}; done
  free=$(df -Pi "$nearest" 2>/dev/null | sed -n '$s/^.* [0-9][0-9]*  *[0-9][0-9]*  *\([0-9][0-9]*\)  *[0-9][0-9]*% .*$/\1/p')
  [ -z "$free" ] || fact inodes "$free"
}

# In sshd_config the first value of an option counts. Blocks for some logins come last; what they say is not looked at.
tell_sshd() {
  for file in /etc/ssh/sshd_config.d/*.conf /etc/ssh/sshd_config; do
    [ ! -r "$file" ] || sed -n -e '/^[[:space:]]*[Mm]atch[[:space:]]/q' -e 's/^[[:space:]]*//' -e '/^[^#]/p' "$file"
  done | while read -r option value _; do
    case $option in
      [Mm]ax[Ss]essions) fact max-sessions "$value" ;;
      [Aa]llow[Tt]cp[Ff]orwarding) fact forwards "$value" ;;
    esac
  done
}

# Ports that listen on all addresses, as the kernel has them.
tell_open_ports() {
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | while read -r _ local _ state _; do
    case $state:$local in
      0A:00000000:* | 0A:00000000000000000000000000000000:*) printf '%d\n' "0x${local##*:}" ;;
    esac
  done | sort -u | while read -r port; do fact open "$port"; done
}

tell_node() {
  find_node "$root" "$prefer" || return 0
  [ -n "$node_name" ] || return 0
  fact epmd "${node_epmd:-4369}"
  for port in $(listening_ports | sort -u | head -n 64); do fact node-port "$port"; done
  cookie=$(cookie_of_node)
  [ -z "$cookie" ] || fact cookie-length "${#cookie}"
}

# A file that others can read gives its secret away whether a node runs or not.
tell_cookie_file() {
  file=$root/releases/COOKIE
  [ ! -f "$file" ] || [ -z "$(find "$file" -perm -004 2>/dev/null)" ] || fact cookie-file readable
}

echo 'edeliver-vitals 1'
fact now "$(date +%s)"
tell_inodes
tell_sshd
tell_open_ports
tell_node
tell_cookie_file
echo end
