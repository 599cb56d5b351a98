# Sends files of the assembled release as a compressed archive. $1: slot. $2: run. $3: the release's folder. Standard input: the files, one
# path a line, each starting with `./`.
call_in "$1" "$2"
cd "$3" || exit 1
# A status gets lost in a pipe; what is missing at the far end is noticed there.
tar -cf - -T - | gzip -1
