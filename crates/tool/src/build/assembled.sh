# release_dirs PROJECT APP DIR: where the release lies or may lie, one path a line. DIR starting with `=`: there and nowhere else. Otherwise
# DIR is the usual place, and if nothing is there, every folder APP below the project that is a release.
release_dirs() {
  case $3 in
    '=/'*) printf '%s\n' "${3#=}" ;;
    '='*) printf '%s\n' "$1/${3#=}" ;;
    *)
      if [ -f "$1/$3/releases/start_erl.data" ]; then
        printf '%s\n' "$1/$3"
      else
        find "$1" -path "*/$2/releases/start_erl.data" ! -path '*/node_modules/*' 2>/dev/null | sed 's,/releases/start_erl\.data$,,'
      fi ;;
  esac
}
