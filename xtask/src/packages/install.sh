# Installs the Debian packages named by the arguments, as root. Works without a running systemd.
# Children have /dev/null for input: this script itself may come on standard input.
set -eu
export DEBIAN_FRONTEND=noninteractive

# No package starts a service on this machine (openssh-server would open port 22): the lab needs programs only.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

# An old list may do, and without network it has to.
apt-get update -q </dev/null || echo "apt-get update failed; trying with the lists that are here" >&2
apt-get install -q -y --no-install-recommends "$@" </dev/null
