# Prints where release root $1 lies. For POSIX sh.
case $1 in /*) root=$1 ;; *) root=$HOME/$1 ;; esac
cd -P -- "$root" && printf 'root %s\n' "$(pwd -P)"
