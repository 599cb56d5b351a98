# Makes an installed release the one that boots next. Comes after permanent.sh and root.sh.
# $4 version, $5 what a rollback goes back to or empty, $6 the file that decides what boots, $7 start_erl.data for a release that came
# without, or empty, $8 the new releases/RELEASES.
#
# Everything is written under other names first. Then it is renamed into place, the file that decides last.

version=$4 previous=$5 decides=$6 start_erl=$7 releases=$8
mark=.edeliver-new.

# Sets $draft to the name under which file $1 is written. No substitution: this runs for every file, and each would be a process.
draft() { case $1 in */*) draft=${1%/*}/$mark${1##*/} ;; *) draft=$mark$1 ;; esac; }

# The files of the release that lie outside of its own directories, as it came; found/ has those of releases that others put here.
# relx releases come with a RELEASES of their own, which knows nothing of the others in this root.
find_top() {
  list=''
  for top in "$own/top/$version" "$own/found/$version"; do
    [ ! -d "$top" ] || { list_files "$top"; return 0; }
  done
  top=''
}
# Adds the files below directory $1, which is $top or in it, to the list. No find: this is a few names.
list_files() {
  for one in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    if [ -d "$one" ] && [ ! -L "$one" ]; then
      list_files "$one"
    elif [ "$one" != "$top/releases/RELEASES" ] && { [ -f "$one" ] || [ -L "$one" ]; }; then
      list=$list${one#"$top"/}$line_end
    fi
  done
}

# No process where there is nothing to remove, and no text that a shell would put on a full disk.
clean_up() {
  set -f
  IFS=$line_end
  for file in $list releases/RELEASES releases/start_erl.data "$own/previous"; do
    draft "$file"
    ! exists "$draft" || rm -f -- "$draft"
  done
  set +f
  unset IFS
}

# Runs $1 for every file of the list. Not a pipeline: what fails ends the script.
for_each() {
  while IFS= read -r file; do
    [ -z "$file" ] || "$1" "$file"
  done <<END
$list
END
}

# The release that boots now came without our help, so there is no copy of what is replaced: make one, to go back to.
keep_found() {
  [ "$boots" != - ] && [ ! -d "$own/top/$boots" ] && [ ! -d "$own/found/$boots" ] && [ "$boots" != "$version" ] || return 0
  keep=$own/staging/found
  must mkdir -p -- "$keep/bin" "$keep/releases" "$own/found"
  for_each keep_file
  for file in bin/"$app" releases/COOKIE releases/start_erl.data; do keep_file "$file"; done
  must settle
  must mv -- "$keep" "$own/found/$boots"
}
keep_file() {
  { [ -f "$1" ] || [ -L "$1" ]; } && ! exists "$keep/$1" || return 0
  make_above "$keep/$1"
  must cp -P -- "$1" "$keep/$1"
}

# Writes the draft of file $1.
draft_file() {
  [ ! -d "$1" ] || [ -L "$1" ] || stop_with 1 "$root/$1 is a directory"
  make_above "$1"
  draft "$1"
  ! exists "$draft" || must rm -f -- "$draft"
  if [ "$1" = releases/COOKIE ]; then
    draft_cookie "$1" "$draft"
  else
    must cp -P -- "$top/$1" "$draft"
  fi
}
# A cookie is for its owner, unless somebody has given the one that is there other rights. Mostly it is the same one.
draft_cookie() {
  ! cmp -s "$top/$1" "$1" || return 0
  if [ -f "$1" ]; then must cp -p -- "$1" "$2"; else (umask 077 && : >"$2") || failed "can't write $root/$2"; fi
  cat "$top/$1" 2>/dev/null >"$2" || failed "can't write $root/$2"
}

draft_text() {
  draft "$1"
  { printf '%s\n' "$2" >"$draft"; } 2>/dev/null || failed "can't write $root/$draft"
}

draft_all() {
  for_each draft_file
  draft releases/RELEASES
  { printf '%s' "$releases" >"$draft"; } 2>/dev/null || failed "can't write $root/$draft"
  [ -z "$previous" ] || draft_text "$own/previous" "$previous"
  if ! has releases/start_erl.data && [ -n "$start_erl" ]; then
    draft_text releases/start_erl.data "$start_erl"
    list=$list${line_end}releases/start_erl.data
  fi
  has "$decides" || find_decider
}
# Whether the list has file $1.
has() {
  case "
$list
" in *"
$1
"*) return 0 ;; *) return 1 ;; esac
}
# relx leaves a copy of every release's start script under the version's name.
find_decider() {
  [ -f "$decides-$version" ] || stop_with 1 "$root has no $decides of release $version"
  draft "$decides"
  must cp -- "$decides-$version" "$draft"
  list=$list$line_end$decides
}

# Puts the draft of file $1 in its place.
put() {
  # A link to a directory would lead the new file there.
  [ ! -L "$1" ] || [ ! -d "$1" ] || must rm -f -- "$1"
  draft "$1"
  [ "$1" != releases/COOKIE ] || exists "$draft" || return 0
  must mv -f -- "$draft" "$1"
}
put_but_decider() { [ "$1" = "$decides" ] || put "$1"; }

list=''
enter "$1" "$2" "$3"
must_boot "$expected" "$version"
[ -d "releases/$version" ] || stop_with 40 "$root has no release $version"
[ ! -f "$own/manifests/$version.dirs" ] || complete "$version" || stop_with 40 "release $version is not complete in $root"
find_top
keep_found
draft_all
must settle
half_way=44
for_each put_but_decider
put releases/RELEASES
if [ -n "$previous" ]; then put "$own/previous"; else must rm -f -- "$own/previous"; fi
must settle
put "$decides"
# It boots now, whatever becomes of this. Who makes a release boot that was taken back wants it.
for file in "$own/taken-back/$version" "$own/went-back"; do ! exists "$file" || rm -f -- "$file" || :; done
settle || :
