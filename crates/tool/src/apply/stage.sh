# Puts a release beside what is there. Nothing that an installed release uses is changed. Comes after permanent.sh and root.sh.
# $4 name of the staging directory, $5 version.
#
# Standard input: a compressed tar archive with
#   new/…          files, links and directories of the release that travel, at their paths below the root
#   copies twins   files that don't: lines SOURCE tab TARGET, sources in the root or among new/…
#   modes          of copies and twins, sorted: lines MODE tab TARGET
#   sums           of every file: lines DIGEST blank blank ./PATH, sorted
#   place          what moves to its place, in this order: lines `new` or `replace`, tab, DIR
#   dirs manifest  to become .edeliver/manifests/VERSION.dirs and .json
#
# The answer with status 42: lines `bad PATH`, the files whose content is not what it should be.

stage=$own/staging/$4 version=$5 new=$own/staging/$4/new old=$own/staging/$4/old
tab=$(printf '\t')
clean_up() { rm -rf -- "$stage"; }

# Everything that was written in staging. Its own words are printed from the beginning: the first complaint is the cause.
unpack() {
  must mkdir "$stage" "$new" "$old"
  error=$(tar -xzmof - -C "$stage" 2>&1) && [ -f "$stage/manifest" ] && return 0
  failed "$(printf '%s\n' "${error:-the archive is not whole}" | head -n 1)"
}

# Copies the files $2… into directory $1 of staging. What can't be copied is noticed by its digest.
copy_into() {
  into=$1
  shift
  [ $# -eq 0 ] || cp -- "$@" "$new/$into/" 2>/dev/null || incomplete=yes
}

# Makes the copies of list $1, whose sources are below $2: those that keep their names and go to the same directory at once.
copy() {
  from=$2 list=$1 goal=''
  set --
  while IFS=$tab read -r source target; do
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
  done <"$list"
  copy_into "$goal" "$@"
}

# Gives files their modes: lines MODE tab PATH on standard input.
set_modes() {
  bits=''
  set --
  while IFS=$tab read -r mode path; do
    if [ "$mode" != "$bits" ] || [ $# -ge 100 ]; then
      [ $# -eq 0 ] || chmod "$bits" "$@" 2>/dev/null
      set --
      bits=$mode
    fi
    set -- "$@" "$new/$path"
  done
  [ $# -eq 0 ] || chmod "$bits" "$@" 2>/dev/null
}

choose_digester() {
  for digester in sha256sum 'shasum -a 256' 'openssl dgst -sha256 -r'; do
    ! command -v "${digester%% *}" >/dev/null 2>&1 || return 0
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
  if ! cmp -s "$stage/manifest" "$own/manifests/$version.json"; then
    ! complete "$version" || [ "$boots" != "$version" ] || stop_with 40 "another release boots under the version $version"
    must rm -f -- "$own/manifests/$version.json"
  fi
  must mv -f -- "$stage/dirs" "$own/manifests/$version.dirs"
  replaced=0
  while IFS=$tab read -r how dir; do place "$how" "$dir"; done <"$stage/place"
}

finish() {
  must settle
  cmp -s "$stage/manifest" "$own/manifests/$version.json" && return 0
  rm -f -- "$own/failed/$version"
  must mv -f -- "$stage/manifest" "$own/manifests/$version.json"
}

error=$(mkdir -p -- "$(case $1 in /*) printf '%s' "$1" ;; *) printf '%s' "$HOME/$1" ;; esac)" 2>&1) || stop_with 1 "$error"
enter "$1" "$2" "$3"
must_boot "$expected" "$version"
choose_digester
unpack
incomplete=''
copy "$stage/copies" .
copy "$stage/twins" "$new"
set_modes <"$stage/modes"
check
must settle
place_all
finish
