# Tells what the build host has. Changes nothing. $1: BUILD_AT. $2: app. $3: profile. $4: commit. $5: name of the repository. Then program:NAME for each program
# the build needs, and module:NAME COMMIT for each submodule. Standard input: the project's .tool-versions, which version managers obey.
base=$(absolute "$1") app=$2 profile=$3 commit=$4
own=$base/.edeliver/$app
repo=$own/$5
shift 5

say() { printf '%s %s\n' "$1" "$2"; }
has() { command -v "$1" >/dev/null 2>&1; }

# The next directory above that exists.
parent=$base
while [ ! -e "$parent" ]; do parent=$(dirname "$parent"); done
say base "$base"
[ -d "$parent" ] && [ -w "$parent" ] && say writable yes
free=$(df -Pk "$parent" 2>/dev/null | awk 'NR == 2 { print $4 }')
[ -z "$free" ] || say free "$free"

for tool in git tar gzip; do has "$tool" || say missing "$tool"; done
has sha256sum || has shasum || has openssl || say missing sha256

# What the profile's PATH leads to. Versions are read from files; a VM is started only where a version manager hides the files.
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
cat >"$scratch/.tool-versions"
with_profile "$profile" "$(cat <<'TEXT'
cd "$1" || exit 1
shift
say() { printf '%s %s\n' "$1" "$2"; }
home() { dirname "$(dirname "$(readlink -f "$1" || echo "$1")")"; }
otp() {
  erl=$(command -v erl) || { say missing erl; return; }
  file=
  for found in "$(home "$erl")"/releases/*/OTP_VERSION; do
    [ ! -r "$found" ] || { [ -z "$file" ] && file=$found || { file=; break; }; }
  done
  if [ -n "$file" ]; then say otp "$(cat "$file")"; return; fi
  say otp "$(erl -noshell -eval '
    Major = erlang:system_info(otp_release),
    File = filename:join([code:root_dir(), "releases", Major, "OTP_VERSION"]),
    io:put_chars(case file:read_file(File) of {ok, Version} -> Version; _ -> Major end),
    halt().')"
}
elixir_version() {
  elixir=$(command -v elixir) || { say missing elixir; return; }
  file=$(home "$elixir")/lib/elixir/ebin/elixir.app
  if [ -r "$file" ]; then
    say elixir "$(sed -n 's/.*{vsn, *"\([^"]*\)".*/\1/p' "$file")"
  else
    say elixir "$(elixir -e 'IO.write(System.version())')"
  fi
}
mix_tools() {
  mix_home=${MIX_HOME:-$HOME/.mix}
  for found in "${MIX_ARCHIVES:-$mix_home/archives}"/hex-* "$mix_home"/elixir/*/archives/hex-*; do
    [ ! -e "$found" ] || { say hex yes; break; }
  done
  for found in "${MIX_REBAR3:-}" "$mix_home/rebar3" "$mix_home"/elixir/*/rebar3 "$(command -v rebar3)"; do
    [ ! -e "$found" ] || { say mix-rebar3 yes; break; }
  done
}
otp
for word; do
  case $word in program:*) program=${word#program:} ;; *) continue ;; esac
  case $program in mix | */mix) elixir_version; mix_tools ;; esac
  case $program in '~/'*) found=$HOME/${program#'~/'} ;; *) found=$program ;; esac
  command -v "$found" >/dev/null || say missing "$program"
done
TEXT
)" "$scratch" "$@"

ready=yes
[ -f "$repo/edeliver" ] || ready=
for word; do
  case $word in
    module:*)
      word=${word#module:}
      module=$own/modules/${word%% *}.git
      [ -f "$module/edeliver" ] || ready=
      git --git-dir="$module" rev-parse -q --verify "refs/edeliver/${word##* }" >/dev/null 2>&1 && say has "$word" ;;
  esac
done
[ -z "$ready" ] || say prepared yes
if [ -d "$repo" ]; then
  git --git-dir="$repo" rev-parse -q --verify "refs/edeliver/$commit" >/dev/null 2>&1 && say has "$commit"
  git --git-dir="$repo" for-each-ref --format='tag %(objectname) %(refname)' refs/tags
fi
exit 0
