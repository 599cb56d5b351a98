# Runs the user's command $2 in release root $1. For POSIX sh.
case $1 in /*) root=$1 ;; *) root=$HOME/$1 ;; esac
cd -- "$root" && exec /bin/sh -c "$2"
