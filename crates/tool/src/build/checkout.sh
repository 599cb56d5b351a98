# Checks a commit out into the slot's worktree. $1: slot. $2: run. $3: the bare repository. $4: app. $5: commit. $6: the project's folder in
# the repository, or nothing. $7: `copy` to begin a new worktree with what another slot has. $8: the rule for the version, or nothing. $9: what
# stands in for mix.exs then, or nothing. Then files of the project that say the version, rewritten: path and content of each.
slot=$1 run=$2 repo=$3 app=$4 commit=$5 folder=$6 copy=$7 rule=$8 stand_in=$9
shift 9
call_in "$slot" "$run"
tree=$slot/$app
rm -f "$slot/settled"

# copy_from SLOT: its dependencies and build output. `settled` names the build that left them; if it changes meanwhile, another build has
# begun to change them too, and the copies are no good.
copy_from() {
  to=$tree${folder:+/$folder} from=$1/$app${folder:+/$folder}
  [ -d "$from" ] && before=$(cat "$1/settled" 2>/dev/null) || return 1
  # Our sources must be newer than what was built of others.
  written=$(cat "$1/written" 2>/dev/null)
  case $written in '' | *[!0-9]*) return 1 ;; esac
  [ "$written" -lt "$began" ] || return 1
  for dir in _build deps; do
    [ ! -d "$from/$dir" ] || [ -e "$to/$dir" ] || cp -RPp "$from/$dir" "$to/$dir"
  done
  [ ! -f "$1/deps" ] || cp "$1/deps" "$slot/deps"
  [ "$(cat "$1/settled" 2>/dev/null)" != "$before" ] || return 0
  rm -rf "$slot/deps"
  (cd "$to" && git clean --quiet -ffdx)
  return 1
}

# mix and rebar3 compare times in whole seconds, and take a source that is as old as what was built of it for built: a file that is checked
# out in the second in which the last build wrote would be left out of the next one.
for other in "$slot" "${slot%/*}"/*; do
  written=$(cat "$other/written" 2>/dev/null)
  case $written/$other in running/"$slot" | "$(date +%s)"/*) sleep 1; break ;; esac
done
began=$(date +%s)

# give_version PATH CONTENT…: the version of this build, not of the one before. Modules may have the version built in, and mix compiles them
# again only when its project file is newer. The rule is written last, so that what was interrupted is done again.
give_version() {
  project=$tree${folder:+/$folder}
  if [ "$(cat "$slot/version/values" 2>/dev/null)" != "$rule" ]; then
    rm -rf "$slot/version"
    [ ! -f "$project/mix.exs" ] || touch "$project/mix.exs" || exit 1
    if [ -n "$rule" ]; then
      mkdir "$slot/version" || exit 1
      [ -z "$stand_in" ] || printf '%s' "$stand_in" >"$slot/version/mix.exs" || exit 1
      printf '%s' "$rule" >"$slot/version/new" && mv "$slot/version/new" "$slot/version/values" || exit 1
    fi
  fi
  while [ "$#" -gt 1 ]; do
    printf '%s' "$2" >"$project/$1" || exit 1
    shift 2
  done
}

if check_out "$repo" "$tree" "$commit"; then
  # Submodules that the commit doesn't have any more: git leaves their folders behind.
  [ ! -f "$slot/submodules" ] || while IFS= read -r path; do
    (cd "$tree" && git ls-files --stage -- ":(literal)$path") | grep -q '^160000 ' || rm -rf "${tree:?}/$path"
  done <"$slot/submodules"
else
  rm -rf "$slot/deps" "$slot/submodules"
  new_worktree "$repo" "$tree" "$commit" || exit 1
  [ "$copy" != copy ] || for other in "${slot%/*}"/*; do
    [ "$other" = "$slot" ] || ! copy_from "$other" || { echo "begun with copies of ${other##*/}"; break; }
  done
fi
give_version "$@"
exit 0
