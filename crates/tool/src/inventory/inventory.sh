# Everything a plan needs to know of one host, in one call. Reads only. Comes after process.sh and permanent.sh.
# $1 root, $2 release name, $3 preferred node name or empty. $4, where it is given: look closer, and mix this into the digests of cookies.
#
# One fact a line: a word, a blank, the value. `end` is the last line, so that a torn answer is noticed. Files with control
# characters or backslashes in their paths can't be files of a release and are left out.
root=$(absolute_root "$1") app=$2 prefer=$3 salt=${4:-}

line_end='
'
fact() { printf '%s %s\n' "$1" "$2"; }
has() { command -v "$1" >/dev/null 2>&1; }

tell_platform() {
  both=$(uname -sm)
  fact os "${both%% *}"
  fact arch "${both#* }"
  libc=$(getconf GNU_LIBC_VERSION 2>/dev/null)
  case $libc in glibc\ *) fact libc "$libc"; return ;; esac
  for file in /lib/ld-musl-*; do
    [ -e "$file" ] && { fact libc musl; return; }
  done
  # Without getconf the C library says it itself, among its strings.
  for file in /lib/*/libc.so.6 /lib64/libc.so.6 /lib/libc.so.6; do
    [ -r "$file" ] || continue
    libc=$(tr -c '[:print:]' '\n' <"$file" | sed -n 's/.*GNU C Library.* version \([0-9][0-9.]*[0-9]\).*/glibc \1/p' | head -n 1)
    [ -n "$libc" ] && { fact libc "$libc"; return; }
  done
  fact libc other
}

tell_tools() {
  has tar || fact missing tar
  has gzip || fact missing gzip
  has awk || fact missing awk
  ! has zstd || fact zstd yes
  sha=
  if has sha256sum; then sha=sha256sum; elif has shasum; then sha='shasum -a 256'; else fact missing sha256sum; fi
}

# Sets nearest to the nearest directory that exists, from the root upwards.
find_nearest() {
  nearest=$root
  while [ ! -d "$nearest" ]; do nearest=${nearest%/*} nearest=${nearest:-/}; done
}

# All directories in which something appears must allow it, where they are there.
tell_writable() {
  for dir in "$nearest" "$root" "$root/bin" "$root/lib" "$root/releases" "$root/.edeliver"; do
    [ ! -e "$dir" ] || { [ -d "$dir" ] && [ -w "$dir" ] && [ -x "$dir" ]; } || { fact unwritable "$dir"; return; }
  done
}

# df prints device, size, used, free, percentage and mount point; the first and the last may contain blanks.
tell_free() {
  line=$(df -Pk "$nearest" 2>/dev/null) line=${line##*"$line_end"} free=0 before=''
  set -f
  for word in $line; do
    case $before:$word in
      *[!0-9]*:* | :* | *:*[!0-9%-]* | *:*%?*) ;;
      *%) free=$before ;;
    esac
    before=$word
  done
  set +f
  fact free "$free"
}

# A release is complete with its manifest, which is written last. One that has the list of its directories, which is written first,
# and no manifest or no directory below releases/ was not finished, or its removal was not.
complete() { [ -f ".edeliver/manifests/$1.json" ] && [ -d "releases/$1" ]; }
unfinished() { [ -f ".edeliver/manifests/$1.dirs" ] && ! complete "$1"; }

# Prints facts: of each three words the second is the fact, and the third its value; or, after `lines`, a file every line of which is one. One
# process for all of them, as a host may have many releases. Each begins a line of its own, whether the last line of a file has an end or not.
tell_lines() {
  awk 'BEGIN {
    for (at = 1; at < ARGC; at += 3)
      if (ARGV[at] != "lines") print ARGV[at + 1] " " ARGV[at + 2]
      else while ((getline line <ARGV[at + 2]) > 0) print ARGV[at + 1] " " line
  }' "$@"
}

# Releases, the newest on this host first: by the time of the manifest, or of the directory for what was put there otherwise. Then those that are
# not finished.
tell_releases() {
  set --
  for dir in releases/*/; do
    vsn=${dir#releases/} vsn=${vsn%/}
    [ -d "$dir" ] && ! unfinished "$vsn" || continue
    if complete "$vsn"; then set -- "$@" ".edeliver/manifests/$vsn.json"; else set -- "$@" "releases/$vsn"; fi
  done
  { [ $# -eq 0 ] || ls -dt -- "$@"; } | {
    set --
    while IFS= read -r path; do
      vsn=${path##*/}
      case $path in *.json) vsn=${vsn%.json} ;; esac
      set -- "$@" fact release "$vsn"
      [ ! -e ".edeliver/failed/$vsn" ] || set -- "$@" fact failed "$vsn"
      for rel in "releases/$vsn/$app.rel" "releases/$vsn"/*.rel; do
        [ ! -f "$rel" ] || { set -- "$@" lines rel "$rel"; break; }
      done
      [ ! -f ".edeliver/manifests/$vsn.dirs" ] || set -- "$@" lines uses ".edeliver/manifests/$vsn.dirs"
    done
    for file in .edeliver/manifests/*.dirs; do
      vsn=${file##*/} vsn=${vsn%.dirs}
      ! unfinished "$vsn" || set -- "$@" fact unfinished "$vsn" lines uses "$file"
    done
    [ ! -f releases/RELEASES ] || set -- "$@" lines releases releases/RELEASES
    [ $# -eq 0 ] || tell_lines "$@"
  }
}

tell_taken_back() {
  for file in .edeliver/taken-back/*; do
    [ -f "$file" ] && read -r id run <"$file" && fact taken-back "$id $run ${file##*/}"
  done
}

# Manifests, the files that lie outside of a release's own directories, and the files below $1…, digested; each is the fact that its place
# says.
tell_files() {
  [ -n "$sha" ] || return 0
  find .edeliver/manifests bin releases/COOKIE releases/start_erl.data "$@" -type f ! -path '.edeliver/manifests/*.dirs' \
    ! -path '*[[:cntrl:]]*' ! -path '*\\*' -exec $sha {} + 2>/dev/null | sed -n \
    -e 's,^\([0-9a-f]\{64\}\) [ *]\(\.edeliver/.*\),manifest \1 \2,p' \
    -e 's,^\([0-9a-f]\{64\}\) [ *]\(bin/.*\),top \1 \2,p' \
    -e 's,^\([0-9a-f]\{64\}\) [ *]\(releases/[^/]*\)$,top \1 \2,p' \
    -e 's,^\([0-9a-f]\{64\}\) [ *]\(.*\),stray \1 \2,p'
}

# Whether a complete release accounts for directory $1, by what was told of them.
covered() {
  case $accounted in *"${line_end}uses $1$line_end"*) return 0 ;; esac
  vsn=${1#releases/}
  [ "$vsn" != "$1" ] && [ -f ".edeliver/manifests/$vsn.dirs" ] && complete "$vsn"
}

# Directories that complete releases account for are not looked into. $1: what was told of releases.
tell_dirs() {
  accounted=$line_end$1$line_end accounted=${accounted%%"$line_end"unfinished *}$line_end
  set --
  for dir in lib/* erts-* releases/*; do
    [ -d "$dir" ] || continue
    case $dir in *[[:cntrl:]]*) continue ;; esac
    fact dir "$dir"
    covered "$dir" || [ -L "$dir" ] || set -- "$@" "$dir"
  done
  tell_files "$@"
  for dir in .edeliver/top/*; do [ ! -d "$dir" ] || fact dir "$dir"; done
}

# Files that say how a node is started and configured, digested; through links, for what counts is what is read.
tell_config() {
  [ -n "$sha" ] || return 0
  set --
  for name in sys.config sys.config.src runtime.exs vm.args vm.args.src remote.vm.args env.sh; do
    for file in releases/*/"$name"; do [ ! -f "$file" ] || set -- "$@" "$file"; done
  done
  [ $# -eq 0 ] || $sha "$@" 2>/dev/null | sed -n 's,^\([0-9a-f]\{64\}\) [ *]\(releases/[^/]*/[^/]*\)$,config \1 \2,p'
}

# What an interrupted run has left in staging, or who is changing the root right now.
tell_staging() {
  holder=$(readlink .edeliver/lock 2>/dev/null) holder=${holder%%-*}
  case $holder in '' | *[!0-9]*) ;; *)
    [ ! -d "/proc/$holder" ] && ! kill -0 "$holder" 2>/dev/null || { fact busy "$holder"; return; } ;;
  esac
  for file in .edeliver/staging/*; do [ ! -e "$file" ] || fact staging "${file##*/}"; done
}

# A cookie as what can only be compared: mixed with what is new in every run. printf is the shell's own, so it is in no program's words.
tell_cookie() { [ -z "$2" ] || [ -z "$sha" ] || fact "$1" "$(printf '%s %s' "$salt" "$2" | $sha | sed 's/ .*//')"; }

tell_closer() {
  tell_config
  tell_staging
  tell_cookie cookie-file "$(cat releases/COOKIE 2>/dev/null)"
}

tell_all() {
  echo 'edeliver-facts 1'
  fact root "$root"
  fact user "$(id -un)"
  tell_platform
  tell_tools
  find_nearest
  tell_writable
  tell_free
  if cd -- "$root" 2>/dev/null; then
    find_permanent "$root" "$app"
    fact permanent "$permanent"
    { read -r previous _ <.edeliver/previous || [ -n "$previous" ]; } 2>/dev/null && fact previous "$previous"
    { read -r drained <.edeliver/drained || [ -n "$drained" ]; } 2>/dev/null && fact drained "$drained"
    releases=$(tell_releases)
    printf '%s\n' "$releases"
    tell_taken_back
    tell_alone .
    tell_dirs "$releases"
    [ -z "$salt" ] || tell_closer
  fi
  NODE_CODE=$salt node_is=''
  tell_node "$root" "$prefer"
  [ -z "$salt" ] || [ -z "$node_is" ] || tell_cookie cookie "${node_cookie:-$(cookie_of_node)}"
  echo end
}

# In one piece: of a new connection each line would be a packet, and after ten of them it waits for the other side.
facts=$(tell_all)
printf '%s\n' "$facts"
