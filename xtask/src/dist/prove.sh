# In a bare system, where /dist has what was made: $1 the archive's name, $2 the version. Installs each form, and deploys a release with it.
set -eu
said() { [ "$1" = "$2" ] || { echo "it said \"$1\" and not \"$2\""; exit 1; } >&2; }

# A release that nothing starts: a deploy puts it in place.
project=/root/project release=/root/release/hotapp
mkdir -p "$project/.deliver/releases" "$release/bin" "$release/lib/hotapp-0.1.0/ebin" "$release/releases/0.1.0"
printf '#!/bin/sh\n' >"$release/bin/hotapp"
chmod 755 "$release/bin/hotapp"
echo '13.1 0.1.0' >"$release/releases/start_erl.data"
: >"$release/releases/0.1.0/env.sh"
: >"$release/releases/0.1.0/start.boot"
echo '{release,{"hotapp","0.1.0"},{erts,"13.1"},[{hotapp,"0.1.0"}]}.' >"$release/releases/0.1.0/hotapp.rel"
echo '{application,hotapp,[{vsn,"0.1.0"}]}.' >"$release/lib/hotapp-0.1.0/ebin/hotapp.app"
tar -C /root/release -czf "$project/.deliver/releases/hotapp_0.1.0.release.tar.gz" hotapp

# use WHERE: the program there works, and its man pages and completions are beside it.
use() {
  said "$("$1/bin/edeliver" --version)" "edeliver $2"
  "$1/bin/edeliver" help deploy release >/dev/null
  for file in man/man1/edeliver.1 man/man1/edeliver-deploy-release.1 bash-completion/completions/edeliver; do
    [ -s "$1/share/$file" ] || [ -s "$1/share/$file.gz" ] || { echo "$1/share/$file is missing" >&2; exit 1; }
  done
  printf 'app = "hotapp"\n[targets.staging]\nhosts = [{ name = "here", transport = "local", path = "%s" }]\n' "$1/served" >"$project/edeliver.toml"
  (cd "$project" && "$1/bin/edeliver" deploy release to staging --version=0.1.0)
  said "$(cat "$1/served/hotapp/releases/start_erl.data")" '13.1 0.1.0'
}

cd /dist
sha256sum --quiet -c SHA256SUMS
tar -xzf "$1.tar.gz" -C /usr/local --strip-components=1
use /usr/local "$2"
for package in edeliver_*.deb; do
  [ -e "$package" ] || continue
  dpkg -i "$package"
  use /usr "$2"
done
