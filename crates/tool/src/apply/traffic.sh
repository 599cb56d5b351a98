# Runs the user's command $2 in release root $1, with the variables NAME=VALUE that follow. For POSIX sh.
case $1 in /*) root=$1 ;; *) root=$HOME/$1 ;; esac
command=$2
shift 2
for variable; do export "$variable"; done
cd -- "$root" && exec /bin/sh -c "$command"
