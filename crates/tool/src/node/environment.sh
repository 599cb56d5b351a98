# The environment that a node is started with: that of the machine, a shell start-up file's, the configured one. For POSIX sh.
# Before node_environment: $root, $profile, $prefer (configured node name or empty), $scratch (a private directory).

# Removes every variable of the caller but those a login has, and sets what is missing of these.
clean_environment() {
  for name in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
    case $name in
      HOME | PATH | SHELL | LANG | _ | PPID | UID | EUID | BASHOPTS | SHELLOPTS) ;;
      *) unset "$name" ;;
    esac
  done
  USER=$(id -un) LOGNAME=$USER
  : "${HOME:=/}" "${PATH:=/usr/local/bin:/usr/bin:/bin}" "${SHELL:=/bin/sh}" "${LANG:=C.UTF-8}"
  export HOME USER LOGNAME PATH SHELL LANG
}

# Takes the machine's own variables over, as logins get them from PAM: NAME=VALUE, quotes around the value are dropped.
machine_environment() {
  [ -r /etc/environment ] || return 0
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line#export }
    name=${line%%=*} value=${line#*=}
    case $name in '' | *[!A-Za-z0-9_]* | [0-9]* | "$line") continue ;; esac
    case $value in \"*\" | \'*\') value=${value#?} value=${value%?} ;; esac
    export "$name=$value"
  done </etc/environment
}

# The name that the configuration has for the node of this host, as mix's start script takes it. relx has it in its vm.args.
configured_name() {
  [ -n "$prefer" ] || return 0
  RELEASE_NODE=$prefer
  case ${prefer#*@} in "$prefer") ;; *.*) : "${RELEASE_DISTRIBUTION:=name}" && export RELEASE_DISTRIBUTION ;; esac
  export RELEASE_NODE
}

# Takes variables out of the environment whose names fit pattern $1.
keep_away() {
  for name in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
    case $name in $1) unset "$name" ;; esac
  done
}

# Goes into the root and takes that environment. $1… are configured variables, each NAME=VALUE, and before them -PATTERN for those that shall
# not come from the machine or the start-up file. Not for the script's own shell.
node_environment() {
  clean_environment
  machine_environment
  case $profile in '~/'*) profile=$HOME/${profile#'~/'} ;; esac
  cd -- "$root" || exit 23
  if [ -n "$profile" ] && [ -r "$profile" ]; then
    # A start-up file with a syntax error ends this shell; the mark tells.
    . "$profile" >/dev/null 2>&1 </dev/null
  fi
  : >"$scratch/profile-done"
  for pair; do
    case $pair in -*) keep_away "${pair#-}" ;; *) export "$pair" ;; esac
  done
  configured_name # a host's own name says more than the environment of all hosts
}
