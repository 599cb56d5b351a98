# In front of the script that stops a node: from here on the host watches over what follows (see watch.sh), in a session that no end of a
# link or of this script reaches. $1 root, $2 the run's token, $3 the release that is started then, $4 the one that the host goes back to, $5
# the watch's text; what follows is the script's own. Where it can't be had, that is said, and the node is stopped all the same: a full disk,
# or a host without setsid, must not keep anybody from that.
#
# The text may have secrets of the node's environment in it. It goes through a pipe, and is in no file and no program's words.
(
  case $1 in /*) root=$1 ;; *) root=$HOME/$1 ;; esac
  cd -P -- "$root" 2>/dev/null && root=$PWD guard=.edeliver/guard || exit 1
  there() {
    has='' name='' new='' old=''
    { read -r has name new old _ <"$guard"; } 2>/dev/null
    [ "$has $new $old" = "$token $1 $2" ] && kill -0 "${name%%-*}" 2>/dev/null
  }
  token=$2
  ! there "$3" "$4" || exit 0
  rm -f -- "$guard" .edeliver/went-back 2>/dev/null
  out=''
  for out in setsid 'busybox setsid' ''; do [ -z "$out" ] || ! command -v "${out%% *}" >/dev/null 2>&1 || break; done
  [ -n "$out" ] || { echo 'edeliver-no-watch it has no setsid' >&2; exit 0; }
  (
    printf '%s\nend\n' "$5" |
      $out sh -c 'text=$(cat); case $text in *"
end") eval "${text%
*}" ;; esac' edeliver-guard "$root" >/dev/null 2>&1 &
  )
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
    ! there "$3" "$4" || exit 0
    sleep 0.1 2>/dev/null || sleep 1
  done
  echo 'edeliver-no-watch its watch did not begin' >&2
) || :
shift 5
