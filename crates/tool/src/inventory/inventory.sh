# Everything a plan needs to know of one host, in one call. Reads only. Comes after process.sh and permanent.sh.
# $1 root, $2 release name, $3 preferred node name or empty. $4, where it is given: look closer, and mix this into the digests of cookies.
#
# One fact a line: a word, a blank, the value. `end` is the last line, so that a torn answer is noticed. Files with control
# characters or backslashes in their paths can't be files of a release and are left out.
root=$(absolute_root "$1") app=$2 prefer=$3 salt=${4:-}

fact() { printf '%s %s\n' "$1" "$2"; }
has() { command -v "$1" >/dev/null 2>&1; }

tell_platform() {
  uname -sm | { read -r os arch; fact os "$os"; fact arch "$arch"; }
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
  free=$(df -Pk "$nearest" 2>/dev/null | sed -n '$s/^.* \([0-9][0-9]*\)  *[0-9-]*% .*$/\1/p')
  fact free "${free:-0}"
}

# A release is complete with its manifest, which is written last. One that has the list of its directories, which is written first,
# and no manifest or no directory below releases/ was not finished, or its removal was not.
complete() { [ -f ".edeliver/manifests/$1.json" ] && [ -d "releases/$1" ]; }
unfinished() { [ -f ".edeliver/manifests/$1.dirs" ] && ! complete "$1"; }

# Prints the lines of files, each as fact $1; what follows begins a line of its own, whether the last of them has an end or not.
tell_lines() {
  word=$1
  shift
  sed "s/^/$word /" "$@"
  echo
}

tell_uses() { [ ! -f ".edeliver/manifests/$1.dirs" ] || tell_lines uses ".edeliver/manifests/$1.dirs"; }

# Releases, the newest on this host first: by the time of the manifest, or of the directory for what was put there otherwise.
tell_releases() {
  set --
  for dir in releases/*/; do
    vsn=${dir#releases/} vsn=${vsn%/}
    [ -d "$dir" ] && ! unfinished "$vsn" || continue
    if complete "$vsn"; then set -- "$@" ".edeliver/manifests/$vsn.json"; else set -- "$@" "releases/$vsn"; fi
  done
  [ $# -gt 0 ] || return 0
  ls -dt -- "$@" | while IFS= read -r path; do
    vsn=${path##*/}
    case $path in *.json) vsn=${vsn%.json} ;; esac
    fact release "$vsn"
    [ -e ".edeliver/failed/$vsn" ] && fact failed "$vsn"
    for rel in "releases/$vsn/$app.rel" "releases/$vsn"/*.rel; do
      [ -f "$rel" ] && { tell_lines rel "$rel"; break; }
    done
    tell_uses "$vsn"
  done
}
tell_unfinished() {
  for file in .edeliver/manifests/*.dirs; do
    vsn=${file##*/} vsn=${vsn%.dirs}
    ! unfinished "$vsn" || { fact unfinished "$vsn"; tell_uses "$vsn"; }
  done
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

# Sets covered to the directories that complete releases account for, each on a line.
find_covered() {
  covered=''
  set --
  for file in .edeliver/manifests/*.json; do
    vsn=${file##*/} vsn=${vsn%.json}
    [ -f ".edeliver/manifests/$vsn.dirs" ] && complete "$vsn" || continue
    covered="$covered
releases/$vsn"
    set -- "$@" ".edeliver/manifests/$vsn.dirs"
  done
  # Not cat: a file whose last line has no end must not take the next one's first line.
  [ $# -eq 0 ] || covered="$covered
$(sed '' "$@")"
}

# Directories that complete releases account for are not looked into.
tell_dirs() {
  find_covered
  set --
  for dir in lib/* erts-* releases/*; do
    [ -d "$dir" ] || continue
    case $dir in *[[:cntrl:]]*) continue ;; esac
    fact dir "$dir"
    case "
$covered
" in *"
$dir
"*) ;; *) [ -L "$dir" ] || set -- "$@" "$dir" ;; esac
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
    fact permanent "$(permanent_version "$root" "$app")"
    { read -r previous _ <.edeliver/previous || [ -n "$previous" ]; } 2>/dev/null && fact previous "$previous"
    { read -r drained <.edeliver/drained || [ -n "$drained" ]; } 2>/dev/null && fact drained "$drained"
    tell_releases
    tell_unfinished
    tell_taken_back
    tell_alone .
    tell_dirs
    [ -f releases/RELEASES ] && tell_lines releases releases/RELEASES
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
