# Checks submodules out, as worktrees of their own repositories. $1: slot. $2: run. $3: folder of these repositories. $4: app.
# $5: `clean`, `keep` or `leave` for what git doesn't know there. Then for each, outer ones first: path, repository name, commit, URL to
# fetch from (empty: it was pushed here).
slot=$1 run=$2 modules=$3 app=$4 clean=$5
shift 5
call_in "$slot" "$run"
tree=$slot/$app
: >"$slot/submodules.new"

fetch() {
  git --git-dir="$1" cat-file -e "$2^{commit}" 2>/dev/null && return 0
  # Not every server gives single commits; then everything is fetched. A file or a helper program named by .gitmodules is refused.
  GIT_PROTOCOL_FROM_USER=0 GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND=${GIT_SSH_COMMAND:-ssh -o BatchMode=yes}
  export GIT_PROTOCOL_FROM_USER GIT_TERMINAL_PROMPT GIT_SSH_COMMAND
  git --git-dir="$1" fetch --quiet --end-of-options "$3" "$2:refs/edeliver/$2" 2>/dev/null ||
    { git --git-dir="$1" fetch --quiet --end-of-options "$3" '+refs/heads/*:refs/fetched/*' &&
      git --git-dir="$1" update-ref "refs/edeliver/$2" "$2"; }
}

while [ $# -ge 4 ]; do
  path=$tree/$1 repo=$modules/$2.git commit=$3 url=$4
  printf '%s\n' "$1" >>"$slot/submodules.new"
  [ -z "$url" ] || fetch "$repo" "$commit" "$url" || { echo "submodule $1 could not be fetched from $url" >&2; exit 1; }
  check_out "$repo" "$path" "$commit" || new_worktree "$repo" "$path" "$commit" || exit 1
  case $clean in
    clean) (cd "$path" && git clean --quiet -ffdx) ;;
    keep) (cd "$path" && git clean --quiet -ffdx -e _build -e deps -e node_modules -e _rel -e ebin) ;;
  esac
  shift 4
done
mv "$slot/submodules.new" "$slot/submodules"
