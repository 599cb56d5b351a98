# Sends files of a release root; comes before send.sh. $1: root; a relative one is meant from the home directory.
case $1 in /*) root=$1 ;; *) root=$HOME/$1 ;; esac
cd -P -- "$root" || exit 1
