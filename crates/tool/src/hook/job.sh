# Runs a job of a hook, in the login's home: $1 is "merge" or "apart", $2 the commands, the rest their arguments.
# Hooks of edeliver 1.x are written for bash or zsh, whatever the login shell is.
edeliver_merge=$1 edeliver_job=$2
shift 2
cd || exit 1
case ${SHELL##*/} in
bash | zsh) edeliver_shell=$SHELL ;;
*) edeliver_shell=$(command -v bash || command -v zsh || echo /bin/sh) ;;
esac
if [ "$edeliver_merge" = merge ]; then
  "$edeliver_shell" -c "$edeliver_job" "$edeliver_shell" "$@" 2>&1
else
  "$edeliver_shell" -c "$edeliver_job" "$edeliver_shell" "$@"
fi
