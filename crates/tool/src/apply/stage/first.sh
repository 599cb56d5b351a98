# Between stage.sh and activate.sh: the release is put there, and then made the one that boots, under one lock. $1…$8 are activate.sh's arguments,
# and the rest is stage.sh's, from its $4 on. It says `staged` when the first half is done.
put_first() {
  first=$1 second=$2 third=$3
  shift 8
  put_release "$first" "$second" "$third" "$@"
}
put_first "$@"
echo staged
