# Prints manifests that lie on the host, one a line. $1 root, $2… versions.
case $1 in /*) cd -- "$1" ;; *) cd -- "$HOME/$1" ;; esac || exit 1
shift
for vsn; do
  cat ".edeliver/manifests/$vsn.json"
  echo
done
