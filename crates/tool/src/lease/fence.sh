# In front of a script that belongs to a run with a lease: it does nothing where the lease is another's. $1 root, $2 the run's token; what
# follows is the script's own. First it says that it is there, then it looks: whoever takes the lease looks in the other order. Its name
# is that of the wrapper's shell, which leads the process group; see name_process in root.sh.
(
  case $1 in /*) cd -P -- "$1/.edeliver" ;; *) cd -P -- "$HOME/$1/.edeliver" ;; esac 2>/dev/null
  token=$2 name=$$-0-0 boot=''
  if { read -r stat <"/proc/$$/stat"; } 2>/dev/null; then
    { read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
    set -- ${stat##*)}
    name=$$-${20}-${boot%%-*}
  fi
  { true >"lease-step.$token.$name"; } 2>/dev/null
  has='' who=''
  { read -r has _; IFS= read -r who; } 2>/dev/null <lease
  [ "$has" != "$token" ] || exit 0
  rm -f -- "lease-step.$token.$name"
  case $has in '' | -) who=nobody ;; esac
  printf '%s\n' "edeliver-lease $who" >&2
  exit 1
) || exit 97
shift 2
