# Everything a plan needs to know of one host, in one call. Reads only. Comes after process.sh and permanent.sh.
# $1 root, $2 release name, $3 preferred node name or empty.
#
# One fact a line: a word, a blank, the value. `end` is the last line, so that a torn answer is noticed. Files with control
# characters or backslashes in their paths can't be files of a release and are left out.
root=$(absolute_root "$1") app=$2 prefer=$3

fact() { printf '%s %s\n' "$1" "$2"; }
has() { command -v "$1" >/dev/null 2>&1; }

tell_platform() {
  fact os "$(uname -s)"
  fact arch "$(uname -m)"
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
  sha=
  if has sha256sum; then sha=sha256sum; elif has shasum; then sha='shasum -a 256'; else fact missing sha256sum; fi
}

# The nearest directory that exists, from the root upwards.
nearest() {
  dir=$root
  while [ ! -d "$dir" ]; do dir=${dir%/*} dir=${dir:-/}; done
  printf '%s\n' "$dir"
}

# All directories in which something appears must allow it, where they are there.
tell_writable() {
  for dir in "$(nearest)" "$root" "$root/bin" "$root/lib" "$root/releases" "$root/.edeliver"; do
    [ ! -e "$dir" ] || { [ -d "$dir" ] && [ -w "$dir" ] && [ -x "$dir" ]; } || { fact unwritable "$dir"; return; }
  done
}

# df prints device, size, used, free, percentage and mount point; the first and the last may contain blanks.
tell_free() {
  free=$(df -Pk "$(nearest)" 2>/dev/null | tail -n 1 | sed -n 's/^.* \([0-9][0-9]*\)  *[0-9-]*% .*$/\1/p')
  fact free "${free:-0}"
}

# A release is complete with its manifest, which is written last. One that has the list of its directories, which is written first,
# and no manifest or no directory below releases/ was not finished, or its removal was not.
complete() { [ -f ".edeliver/manifests/$1.json" ] && [ -d "releases/$1" ]; }
unfinished() { [ -f ".edeliver/manifests/$1.dirs" ] && ! complete "$1"; }

tell_uses() { [ ! -f ".edeliver/manifests/$1.dirs" ] || { sed 's/^/uses /' ".edeliver/manifests/$1.dirs"; echo; }; }

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
      [ -f "$rel" ] && { sed 's/^/rel /' "$rel"; echo; break; }
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

# Files below $2…, digested, each as fact $1.
tell_files() {
  word=$1
  shift
  [ -z "$sha" ] || find "$@" -type f ! -path '*[[:cntrl:]]*' ! -path '*\\*' -exec $sha {} + 2>/dev/null |
    sed -n "s/^\([0-9a-f]\{64\}\) [ *]\(.*\)/$word \1 \2/p"
}

# Directories that complete releases account for are not looked into.
tell_dirs() {
  covered=$(for file in .edeliver/manifests/*.json; do
    vsn=${file##*/} vsn=${vsn%.json}
    complete "$vsn" && cat ".edeliver/manifests/$vsn.dirs" && printf '\nreleases/%s\n' "$vsn"
  done 2>/dev/null)
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
  [ $# -eq 0 ] || tell_files stray "$@"
  for dir in .edeliver/top/*; do [ ! -d "$dir" ] || fact dir "$dir"; done
}

echo 'edeliver-facts 1'
fact root "$root"
fact user "$(id -un)"
tell_platform
tell_tools
tell_writable
tell_free
if cd -- "$root" 2>/dev/null; then
  fact permanent "$(permanent_version "$root" "$app")"
  [ -f .edeliver/previous ] && fact previous "$(cat .edeliver/previous)"
  tell_releases
  tell_unfinished
  [ -d .edeliver/manifests ] && tell_files manifest .edeliver/manifests -name '*.json'
  tell_dirs
  tell_files top bin releases/COOKIE releases/start_erl.data
  [ -f releases/RELEASES ] && { sed 's/^/releases /' releases/RELEASES; echo; }
fi
tell_node "$root" "$prefer"
echo end
