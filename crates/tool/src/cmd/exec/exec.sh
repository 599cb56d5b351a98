# Runs a command of the user's. $1 release root. Then the command: one word is a line for the shell, several are a program and its
# arguments as they stand. Its working directory is where the login begins; it has no terminal and nothing to read.
case $1 in /*) RELEASE_ROOT=$1 ;; *) RELEASE_ROOT=$HOME/$1 ;; esac
export RELEASE_ROOT
shift
if [ "$#" -eq 1 ]; then exec /bin/sh -c "$1"; fi
exec "$@"
