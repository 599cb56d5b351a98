# Checks a commit out into the slot's worktree. $1: slot. $2: run. $3: the bare repository. $4: app. $5: commit. $6: the project's folder in
# the repository, or nothing. $7: `copy` to begin a new worktree with what another slot has.
slot=$1 run=$2 repo=$3 app=$4 commit=$5 folder=$6 copy=$7
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
exit 0
