# What `setup` has to know of a host. Comes after process.sh and systemctl.sh. Changes nothing.
# $1 root, $2 `system` or `user`, $3 the unit's file name, $4 and $5 the unit's file and its environment's (`~/` in front: from the
# home directory), $6 shell start-up file, $7 the environment as it should be.
root=$(absolute_root "$1") scope=$2 unit=$3 path=$4 environment=$5 profile=$6 wanted=$7

home_path() { case $1 in '~/'*) printf '%s\n' "$HOME/${1#'~/'}" ;; *) printf '%s\n' "$1" ;; esac; }

rights() {
  if [ "$(id -u)" -eq 0 ]; then
    echo root
  elif [ "$scope" = system ] && command -v sudo >/dev/null 2>&1 && sudo -n true >/dev/null 2>&1 </dev/null; then
    echo sudo
  else
    echo none
  fi
}

# Compares without the values being seen anywhere.
compare() {
  [ -e "$1" ] || { echo missing; return; }
  case $2 in
    sudo) printf '%s' "$wanted" | sudo -n cmp -s - "$1" && echo same || echo differs ;;
    *)
      [ -r "$1" ] || { echo unreadable; return; }
      printf '%s' "$wanted" | cmp -s - "$1" && echo same || echo differs
      ;;
  esac
}

# The names of what a start-up file puts into the environment of a login.
exported_by() {
  [ -n "$1" ] && [ -r "$1" ] || return 0
  # shellcheck disable=SC2016 # it is for the other shell
  env -i HOME="$HOME" PATH="$PATH" LANG=C.UTF-8 USER="$(id -un)" LOGNAME="$(id -un)" SHELL=/bin/sh was="$PATH" sh -c '
    . "$1"
    changed=""
    [ "$PATH" = "$was" ] || changed="PATH="
    unset was
    env | grep -v "^PATH="
    printf "%s\n" "$changed"' sh "$1" 2>/dev/null </dev/null |
    sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p' |
    grep -v -x -e HOME -e LANG -e USER -e LOGNAME -e SHELL -e PWD -e OLDPWD -e SHLVL -e _ | sort -u
}

path=$(home_path "$path") environment=$(home_path "$environment")
echo 'edeliver-setup 1'
printf 'home %s\n' "$HOME"
[ ! -d "$root" ] || printf 'owner %s\n' "$(stat -c %U -- "$root" 2>/dev/null)"
rights=$(rights)
printf 'rights %s\n' "$rights"
printf 'systemd %s\n' "$(systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/\1/p')"
if [ -r "$path" ] && [ ! -d "$path" ]; then
  echo unit
  # A last line without its end is one too.
  while IFS= read -r line || [ -n "$line" ]; do printf 'unit-line %s\n' "$line"; done <"$path"
fi
for file in "$path".d/*.conf; do [ ! -e "$file" ] || printf 'drop-in %s\n' "${file##*/}"; done
printf 'environment %s\n' "$(compare "$environment" "$rights")"
exported_by "$(home_path "$profile")" | while IFS= read -r name; do printf 'profile %s\n' "$name"; done
echo end
