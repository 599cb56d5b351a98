# What systemd says of a unit. Comes after systemctl.sh.
# $1 `system` or `user`, $2 the unit's file name.
scope=$1 unit=$2
echo 'edeliver-unit 1'
if reach_manager; then
  echo manager
  unit_properties
fi
if [ "$scope" = user ]; then
  [ -e "/var/lib/systemd/linger/$(id -un)" ] && echo 'linger=yes' || echo 'linger=no'
fi
echo end
