# Runs a program with another system's files around it, as if it had been started there. cargo calls it for every test program.
# $1 the system's folder, $2 the checkout, which has the same path there; then the program and its words.
#
# Everything is mounted in a namespace of this program's own and is gone with it.
exec unshare --mount --propagation private sh -c '
  system=$1 checkout=$2
  shift 2
  # Otherwise its root is no mount point, and tests could make no namespaces of their own.
  mount --bind "$system" "$system" || exit 1
  for dir in proc sys dev; do mount --rbind "/$dir" "$system/$dir" || exit 1; done
  mount -t tmpfs -o mode=1777 none "$system/tmp" || exit 1
  mkdir -p "$system$checkout" && mount --bind "$checkout" "$system$checkout" || exit 1
  HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  export HOME LANG PATH
  exec chroot "$system" env -C "$PWD" "$@"
' sh "$@"
