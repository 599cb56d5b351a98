# Lists an assembled release. $1: slot. $2: run. $3: app. $4: the project's folder in the repository, or nothing. $5: where the release lies,
# see release_dirs. Ends with status 78 if that is not one place, and tells the places.
# One fact a line: dir PATH, boots WORDS, cookie random, then of everything below: f MODE SIZE PATH, d PATH, l PATH with `t TARGET` on the
# next line, o PATH of what is neither, h DIGEST PATH as the host's tool prints it.
slot=$1 run=$2 app=$3 folder=$4 place=$5
call_in "$slot" "$run"
project=$slot/$app${folder:+/$folder}

dirs=$(release_dirs "$project" "$app" "$place")
case $dirs in
  '' | *'
'*) printf '%s\n' "${dirs:-none below $project}" >&2; exit 78 ;;
esac
[ -f "$dirs/releases/start_erl.data" ] || { echo "$dirs/releases/start_erl.data does not exist" >&2; exit 78; }
cd "$dirs" || exit 1
printf 'dir %s\n' "$(pwd)"
printf 'boots %s\n' "$(cat releases/start_erl.data)"

# mix's default cookie is 32 random bytes in base 32.
if [ -f releases/COOKIE ] && LC_ALL=C grep -qxE '[A-Z2-7]{52}====' releases/COOKIE; then
  grep -qF -f releases/COOKIE "$project/mix.exs" 2>/dev/null || echo 'cookie random'
fi

[ -z "$(find . -name '*
*')" ] || { echo "a file of the release has a line break in its name" >&2; exit 1; }

find . -type d | sed 's/^/d /'
find . ! -type f ! -type d ! -type l | sed 's/^/o /'
find . -type l -exec sh -c 'for path; do printf "l %s\nt %s\n" "$path" "$(readlink "$path")"; done' sh {} +
if stat -c %a . >/dev/null 2>&1; then
  find . -type f -exec stat -c 'f %a %s %n' {} +
else
  find . -type f -exec stat -f 'f %Lp %z %N' {} +
fi
if command -v sha256sum >/dev/null; then
  find . -type f -exec sha256sum {} +
elif command -v shasum >/dev/null; then
  find . -type f -exec shasum -a 256 {} +
else
  find . -type f -exec openssl dgst -sha256 -r {} +
fi | sed 's/^/h /'
