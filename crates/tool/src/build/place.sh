# In front of every build script. Any POSIX sh.

# The absolute form of a configured path; a relative one counts from the home directory.
absolute() {
  case $1 in
    /*) printf '%s\n' "$1" ;;
    '~/'*) printf '%s\n' "$HOME/${1#'~/'}" ;;
    *) printf '%s\n' "$HOME/$1" ;;
  esac
}

# with_profile PROFILE TEXT ARGUMENT... runs a shell text with the environment that the profile makes: in bash, where there is one,
# because that is what profiles are written for. What the profile prints goes nowhere; what it reads is nothing.
with_profile() {
  profile=
  [ -z "$1" ] || profile=$(absolute "$1")
  text=$2
  shift 2
  shell=$(command -v bash) || shell=/bin/sh
  "$shell" -c '
    start_up() { [ ! -r "$1" ] || . "$1" >/dev/null; }
    start_up "$1"
    edeliver_text=$2
    shift 2
    eval "$edeliver_text"' edeliver "$profile" "$text" "$@" </dev/null
}
