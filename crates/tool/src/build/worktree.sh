# Worktrees of the repositories that edeliver pushes to.

# ours REPO TREE: whether TREE is an intact worktree of REPO.
ours() {
  [ -f "$2/.git" ] || return 1
  common=$(cd "$2" && git rev-parse --git-common-dir 2>/dev/null) || return 1
  [ "$(cd "$2" && cd "$common" && pwd -P)" = "$(cd "$1" && pwd -P)" ]
}

# check_out REPO TREE COMMIT: moves an existing worktree to a commit. Touches only files that differ, so that build tools recompile just
# those. Fails where there is no such worktree; ends the script where git can't do it.
check_out() {
  ours "$1" "$2" || return 1
  # Nobody else works here, so a lock was left by a git that was killed.
  rm -f "$(cd "$2" && git rev-parse --absolute-git-dir)/index.lock"
  (cd "$2" && git -c submodule.recurse=false checkout --quiet --force --detach "$3") || exit 1
}

# new_worktree REPO TREE COMMIT: puts one in the place of whatever is there.
new_worktree() {
  rm -rf "$2"
  git --git-dir="$1" worktree prune
  git --git-dir="$1" worktree add --quiet --force --detach "$2" "$3"
}
