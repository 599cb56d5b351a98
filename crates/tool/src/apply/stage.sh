# Puts a release beside what is there. Nothing that an installed release uses is changed. Comes after permanent.sh and root.sh, and before
# stage/alone.sh or stage/first.sh.
#
# Standard input: a compressed tar archive with
#   new/…          files, links and directories of the release that travel, at their paths below the root
#   copies         files that don't, sorted: lines MODE tab SOURCE tab TARGET, sources in the root, or among new/… with a slash before them;
#                  none for what is fetched
#   sums           of every file, and of the manifest: lines DIGEST blank *./PATH, sorted
#   place          what moves to its place, in this order: lines `new` or `replace`, tab, DIR
#   dirs manifest  to become .edeliver/manifests/VERSION.dirs and .json
#   fetch          maybe: what curl is to fetch to new/…, with signed addresses, for which nobody else may look
#   batch          maybe: what sftp is to fetch to new/…; then this comes after sftp.sh
#   mend           instead of the manifest: lines that make it of that of version $6. Pieces of both end with a closing brace; `=FIRST COUNT`
#                  are so many of the other's, `+TEXT` is one of this one's
#
# The answer with status 42: lines `bad PATH`, the files whose content is not what it should be.

tab='	'

# Everything that was written in staging. Its own words are printed from the beginning: the first complaint is the cause. zstd knows by a
# checksum at the end whether the base was the right one; somebody may have changed a file of it.
unpack() {
  must mkdir "$stage" "$new" "$old"
  if [ "$packing" = gzip ]; then
    error=$(tar -xzmof - -C "$stage" 2>&1)
  else
    [ $# -eq 0 ] || error=$(cat -- "$@" 2>&1 >"$stage/base") || disk_full || stop_with 47 "$error"
    error=$({ { zstd -dcq --long=27 ${1:+"--patch-from=$stage/base"} || : >"$stage/torn"; } | tar -xmof - -C "$stage"; } 2>&1) &&
      [ ! -e "$stage/torn" ]
  fi && { [ -f "$stage/manifest" ] || [ -f "$stage/mend" ]; } && return 0
  error=$(printf '%s\n' "${error:-the archive is not whole}" | head -n 1)
  [ "$packing" = gzip ] || disk_full || stop_with 47 "$error"
  failed "$error"
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

# Makes the manifest of that of another version. Its digest is checked with all others.
mend_manifest() {
  [ -f "$stage/mend" ] || return 0
  awk 'BEGIN { ORS = "}" }
    NR == FNR { piece[NR] = $0; next }
    /^=/ { from = substr($1, 2) + 0; for (at = from; at < from + $2; at++) print piece[at]; next }
    { print substr($0, 2) }' RS='}' "$own/manifests/$mended.json" RS='\n' "$stage/mend" >"$stage/manifest" 2>/dev/null ||
    incomplete=yes
}

# Copies the files of the batch into a directory of staging. What can't be copied is noticed by its digest.
copy_batch() { [ -z "$batch" ] || cp -- $batch "$new/$goal/" 2>/dev/null || incomplete=yes; }

# Makes the copies of the list: those that keep their names and go to the same directory at once. Shells read a file byte by byte; lists that
# may be long are taken as a whole, and batches are texts of lines: a shell copies all of its words for each that comes to them.
copy() {
  goal='' batch='' many=0
  set -f
  IFS=$line_end
  for line in $copies; do
    target=${line##*"$tab"} source=${line#*"$tab"} source=${source%"$tab"*}
    case $source in
      '') continue ;;
      /*) source=$new$source ;;
    esac
    if [ "${source##*/}" != "${target##*/}" ]; then
      cp -- "$source" "$new/$target" 2>/dev/null || incomplete=yes
      continue
    fi
    if [ "${target%/*}" != "$goal" ] || [ "$many" -ge 100 ]; then
      copy_batch
      goal=${target%/*} batch='' many=0
    fi
    batch=$batch$source$line_end many=$((many + 1))
  done
  copy_batch
  set +f
  unset IFS
}

# Gives the files of the list their modes.
set_modes() {
  bits='' batch='' many=0
  set -f
  IFS=$line_end
  for line in $copies; do
    mode=${line%%"$tab"*} path=${line##*"$tab"}
    if [ "$mode" != "$bits" ] || [ "$many" -ge 100 ]; then
      [ -z "$batch" ] || chmod "$bits" $batch 2>/dev/null
      bits=$mode batch='' many=0
    fi
    batch=$batch$new/$path$line_end many=$((many + 1))
  done
  [ -z "$batch" ] || chmod "$bits" $batch 2>/dev/null
  set +f
  unset IFS
}

# Sets digester to the first program that makes digests and is not $1. OpenSSL before the others: it uses what the processor has for it, and
# takes less than half the time.
choose_digester() {
  for digester in 'openssl dgst -sha256 -r' sha256sum 'shasum -a 256'; do
    [ "$digester" = "$1" ] || ! command -v "${digester%% *}" >/dev/null 2>&1 || return 0
  done
  stop_with 1 "there is no program here that makes SHA-256 digests"
}

# Digests of the files below directory $1, and of $2 where it is given, as the digester prints them, sorted.
digests() { (cd -- "$1" && find . ${2:+"$2"} -type f -exec $digester {} + 2>/dev/null | sort); }

# The same in the form of the list of sums, which is that of OpenSSL. Others part the two differently, and mark names with a backslash in them.
even_digests() {
  digests "$@" | sed -e '/^\\/{s/^\\//;s/\\\\/\\/g;}' -e 's/^\([0-9a-f]\{64\}\) [ *]/\1 */' | sort
}

# Every file of the list must be found with its digest. Counted, so that nothing passes where a program is missing.
check() {
  case $digester in openssl*) ! digests "$new" ../manifest | cmp -s - "$stage/sums" || return 0 ;; esac
  found=$(even_digests "$new" ../manifest)
  # A program may be there and not work.
  [ -n "$found" ] || { choose_digester "$digester" && found=$(even_digests "$new" ../manifest); }
  [ "$found" != "$(cat "$stage/sums")" ] || return 0
  good=$(printf '%s\n' "$found" | sort - "$stage/sums" | uniq -d | wc -l)
  [ "$good" -ne "$(wc -l <"$stage/sums")" ] || return 0
  [ -z "$incomplete" ] || ! disk_full || failed ''
  bad=$(printf '%s\n' "$found" "$found" | sort - "$stage/sums" | uniq -u | sed 's/^.\{68\}//')
  [ ! -f "$stage/mend" ] || case $line_end$bad$line_end in
    *"$line_end/manifest$line_end"*) stop_with 45 "the manifest of $mended is not what it should be" ;;
  esac
  printf '%s\n' "$bad" | sed 's/^/bad /'
  stop_with 42 "content of $(printf '%s\n' "$bad" | head -n 1) is not what it should be"
}

# All there is to tell one directory from another.
content() {
  even_digests "$1"
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
  wait
  [ -e "$own/manifests/$version.json" ] && cmp -s "$stage/manifest" "$own/manifests/$version.json" && return 0
  [ ! -e "$own/failed/$version" ] || rm -f -- "$own/failed/$version"
  must mv -f -- "$stage/manifest" "$own/manifests/$version.json"
}

# $1 root, $2 release name, $3 the version that boots: see root.sh. $4 name of the staging directory, $5 version, $6 version whose manifest is
# mended or empty, $7 gzip or zstd: what packed the input. $8…: it was packed as the difference from these files, one after the other.
put_release() {
  stage=$own/staging/$4 version=$5 mended=$6 packing=$7
  new=$stage/new old=$stage/old begun=$stage incomplete=''
  case $1 in /*) root=$1 ;; *) root=$HOME/$1 ;; esac
  [ -d "$root" ] || error=$(mkdir -p -- "$root" 2>&1) || stop_with 1 "$error"
  enter "$1" "$2" "$3"
  must_boot "$expected" "$version"
  choose_digester none
  shift 7
  unpack "$@"
  fetch
  mend_manifest
  copies=$(cat "$stage/copies")
  copy
  set_modes
  # The disk begins to write what was copied while it is read for its digests.
  settle >/dev/null 2>&1 &
  check
  place_all
  finish
}
