# Puts a release beside what is there. Nothing that an installed release uses is changed. Comes after permanent.sh and root.sh.
# $4 name of the staging directory, $5 version, $6 version whose manifest is mended or empty, $7 the manifest's digest, $8 gzip or zstd: what
# packed the input. $9 and $10…: it was packed as the difference from these files, the digest of which, one after the other, is $9.
#
# Standard input: a compressed tar archive with
#   new/…          files, links and directories of the release that travel, at their paths below the root
#   copies twins   files that don't: lines SOURCE tab TARGET, sources in the root or among new/…
#   modes          of copies and twins, sorted: lines MODE tab TARGET
#   sums           of every file: lines DIGEST blank blank ./PATH, sorted
#   place          what moves to its place, in this order: lines `new` or `replace`, tab, DIR
#   dirs manifest  to become .edeliver/manifests/VERSION.dirs and .json
#   fetch          maybe: what curl is to fetch to new/…, with signed addresses, for which nobody else may look
#   batch          maybe: what sftp is to fetch to new/…; then this comes after sftp.sh
#   mend           instead of the manifest: lines that make it of that of version $6. Pieces of both end with a closing brace; `=FIRST COUNT`
#                  are so many of the other's, `+TEXT` is one of this one's
#
# The answer with status 42: lines `bad PATH`, the files whose content is not what it should be.

stage=$own/staging/$4 version=$5 mended=$6 id=$7 packing=$8 based=$9 new=$own/staging/$4/new old=$own/staging/$4/old
tab='	'
line_end='
'
clean_up() { rm -rf -- "$stage"; }

# Everything that was written in staging. Its own words are printed from the beginning: the first complaint is the cause.
unpack() {
  must mkdir "$stage" "$new" "$old"
  if [ "$packing" = gzip ]; then
    error=$(tar -xzmof - -C "$stage" 2>&1)
  else
    join_bases "$@"
    error=$({ zstd -dcq --long=27 ${based:+"--patch-from=$stage/base"} | tar -xmof - -C "$stage"; } 2>&1)
  fi && { [ -f "$stage/manifest" ] || [ -f "$stage/mend" ]; } && return 0
  error=$(printf '%s\n' "${error:-the archive is not whole}" | head -n 1)
  [ "$packing" = gzip ] || disk_full || stop_with 47 "$error"
  failed "$error"
}

# What the input is the difference from. Somebody may have changed it.
join_bases() {
  [ -n "$based" ] || return 0
  digest=''
  cat -- "$@" >"$stage/base" 2>/dev/null && digest=$($digester "$stage/base" 2>/dev/null)
  [ "${digest%% *}" = "$based" ] || disk_full || stop_with 47 "what is sent is a difference from files that were changed"
}

# What this host fetches by itself. Its digests are checked with all others.
fetch() {
  [ ! -f "$stage/batch" ] || error=$(cd -- "$new" && by_sftp <../batch) || stop_with 46 "$error"
  [ -f "$stage/fetch" ] || return 0
  command -v curl >/dev/null 2>&1 || stop_with 46 "it has no curl"
  parallel=''
  curl -q --parallel --version >/dev/null 2>&1 && parallel=--parallel
  error=$(cd -- "$new" && curl -q $parallel --config ../fetch 2>&1 </dev/null) ||
    stop_with 46 "$(printf '%s\n' "${error:-curl failed}" | head -n 1)"
  rm -f -- "$stage/fetch"
}

mend_manifest() {
  [ -f "$stage/mend" ] || return 0
  awk 'BEGIN { ORS = "}" }
    NR == FNR { piece[NR] = $0; next }
    /^=/ { from = substr($1, 2) + 0; for (at = from; at < from + $2; at++) print piece[at]; next }
    { print substr($0, 2) }' RS='}' "$own/manifests/$mended.json" RS='\n' "$stage/mend" >"$stage/manifest" 2>/dev/null
  digest=$($digester "$stage/manifest" 2>/dev/null)
  [ "${digest%% *}" = "$id" ] || stop_with 45 "the manifest of $mended is not what it should be"
}

# Copies the files $2… into directory $1 of staging. What can't be copied is noticed by its digest.
copy_into() {
  into=$1
  shift
  [ $# -eq 0 ] || cp -- "$@" "$new/$into/" 2>/dev/null || incomplete=yes
}

# Makes the copies of list $1, whose sources are below $2: those that keep their names and go to the same directory at once. Shells read a
# file byte by byte; lists that may be long are taken as a whole.
copy() {
  from=$2 list=$(cat "$1") goal=''
  set --
  set -f
  IFS=$line_end
  for line in $list; do
    source=${line%%"$tab"*} target=${line#*"$tab"}
    if [ "${source##*/}" != "${target##*/}" ]; then
      cp -- "$from/$source" "$new/$target" 2>/dev/null || incomplete=yes
      continue
    fi
    if [ "${target%/*}" != "$goal" ] || [ $# -ge 100 ]; then
      copy_into "$goal" "$@"
      set --
      goal=${target%/*}
    fi
    set -- "$@" "$from/$source"
  done
  set +f
  unset IFS
  copy_into "$goal" "$@"
}

# Gives files their modes: lines MODE tab PATH of file $1.
set_modes() {
  bits='' list=$(cat "$1")
  set --
  set -f
  IFS=$line_end
  for line in $list; do
    mode=${line%%"$tab"*} path=${line#*"$tab"}
    if [ "$mode" != "$bits" ] || [ $# -ge 100 ]; then
      [ $# -eq 0 ] || chmod "$bits" "$@" 2>/dev/null
      set --
      bits=$mode
    fi
    set -- "$@" "$new/$path"
  done
  set +f
  unset IFS
  [ $# -eq 0 ] || chmod "$bits" "$@" 2>/dev/null
}

# Sets digester to the first program that makes digests and is not $1. OpenSSL before the others: it uses what the processor has for it, and
# takes less than half the time.
choose_digester() {
  for digester in 'openssl dgst -sha256 -r' sha256sum 'shasum -a 256'; do
    [ "$digester" = "$1" ] || ! command -v "${digester%% *}" >/dev/null 2>&1 || return 0
  done
  stop_with 1 "there is no program here that makes SHA-256 digests"
}

# Digests of the files below directory $1, in the form of the list of sums. Some programs mark names with a backslash in them.
digests() {
  (cd -- "$1" && find . -type f -exec $digester {} + 2>/dev/null |
    sed -e '/^\\/{s/^\\//;s/\\\\/\\/g;}' -e 's/^\([0-9a-f]\{64\}\) [ *]/\1  /' | sort)
}

# Every file of the list must be found with its digest. Counted, so that nothing passes where a program is missing.
check() {
  found=$(digests "$new")
  # A program may be there and not work.
  [ -n "$found" ] || [ ! -s "$stage/sums" ] || { choose_digester "$digester" && found=$(digests "$new"); }
  [ "$found" != "$(cat "$stage/sums")" ] || return 0
  good=$(printf '%s\n' "$found" | sort - "$stage/sums" | uniq -d | wc -l)
  [ "$good" -ne "$(wc -l <"$stage/sums")" ] || return 0
  [ -z "$incomplete" ] || ! disk_full || failed ''
  bad=$(printf '%s\n' "$found" "$found" | sort - "$stage/sums" | uniq -u | sed 's/^.\{68\}//')
  printf '%s\n' "$bad" | sed 's/^/bad /'
  stop_with 42 "content of $(printf '%s\n' "$bad" | head -n 1) is not what it should be"
}

# All there is to tell one directory from another.
content() {
  digests "$1"
  (cd -- "$1" && find . ! -type f | sort && find . -type f -perm -100 | sort && find . -type l -exec readlink {} \;)
}
same() { [ -d "$1" ] && [ ! -L "$1" ] && [ "$(content "$1")" = "$(content "$2")" ]; }

# Whether what has the name $1 may go: this version does not boot, and no other release uses it.
may_go() { [ "$boots" != "$version" ] && ! used "$1" "$version"; }

# Puts directory $2 in its place; $1 says whether something may be in it. What is there already, as it should be, stays.
place() {
  if exists "$2"; then
    same "$2" "$new/$2" && return 0
    [ "$1" = replace ] && may_go "$2" || stop_with 40 "$root/$2 is there, and was not when the plan was made"
    # Whatever had this version is not complete from here on.
    must rm -f -- "$own/manifests/$version.json"
    replaced=$((replaced + 1))
    must mv -- "$2" "$old/$replaced"
  fi
  make_above "$2"
  must mv -- "$new/$2" "$2"
}

place_all() {
  while IFS=$tab read -r how dir; do
    is_of_release "$version" "$dir" || stop_with 40 "$dir is no directory of release $version"
    [ -d "$new/$dir" ] || stop_with 40 "$dir was not sent"
  done <"$stage/place"
  # Another release under this version makes way, if it may.
  if exists "$own/manifests/$version.json" && ! cmp -s "$stage/manifest" "$own/manifests/$version.json"; then
    ! complete "$version" || [ "$boots" != "$version" ] || stop_with 40 "another release boots under the version $version"
    must rm -f -- "$own/manifests/$version.json"
  fi
  must mv -f -- "$stage/dirs" "$own/manifests/$version.dirs"
  replaced=0
  while IFS=$tab read -r how dir; do place "$how" "$dir"; done <"$stage/place"
}

# Until the manifest is there, what was placed counts as left by an interrupted deploy; so it is enough that all of it is on the disk then.
finish() {
  must settle
  [ -e "$own/manifests/$version.json" ] && cmp -s "$stage/manifest" "$own/manifests/$version.json" && return 0
  [ ! -e "$own/failed/$version" ] || rm -f -- "$own/failed/$version"
  must mv -f -- "$stage/manifest" "$own/manifests/$version.json"
}

case $1 in /*) root=$1 ;; *) root=$HOME/$1 ;; esac
[ -d "$root" ] || error=$(mkdir -p -- "$root" 2>&1) || stop_with 1 "$error"
enter "$1" "$2" "$3"
must_boot "$expected" "$version"
choose_digester none
shift 9
unpack "$@"
rm -f -- "$stage/base"
fetch
mend_manifest
incomplete=''
copy "$stage/copies" .
copy "$stage/twins" "$new"
set_modes "$stage/modes"
check
place_all
finish
