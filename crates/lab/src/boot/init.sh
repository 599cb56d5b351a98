# PID 1 of a lab host. Runs in dash and in BusyBox's ash.
mkdir -p /run/sshd /run/lock
[ -x /etc/rc.local ] && /etc/rc.local </dev/null >>/var/log/rc.local.log 2>&1
/usr/sbin/sshd -E /run/sshd.log
while :; do sleep 1000000 & wait $!; done
