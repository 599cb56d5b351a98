# Has systemd stop the node of a release root. Comes after process.sh and systemctl.sh.
# $1 root, $2 preferred node name or empty, $3 version it must run to be stopped or empty, $4 `system` or `user`, $5 the unit's file name.
#
# Status: 0 systemd runs none any more, and there is none; 51 a node goes on that systemd did not start; 52 we may not stop it;
# 53 there is no systemd; 54 systemd could not stop it.
root=$(absolute_root "$1") prefer=$2 version=$3 scope=$4 unit=$5

reach_manager || exit 53
if find_process "$root" "$prefer" && [ -n "$version" ] && [ "$node_version" != "$version" ]; then
  echo "the node runs $node_version, it is left alone"
  exit 0
fi
ask_unit
# A unit that failed or is about to be started again has no process, and the latter has to be stopped all the same.
case $unit_load:$unit_active in
  loaded:inactive | loaded:failed | not-found:inactive) ;;
  *)
    control stop
    case $? in
      0) ;;
      2) printf '%s\n' "$said"; exit 52 ;;
      *) printf '%s\n' "$said"; exit 54 ;;
    esac
    ;;
esac
! find_process "$root" "$prefer" || exit 51
