# Sends files of the assembled release; comes before send.sh. $1: slot. $2: run. $3: the release's folder.
call_in "$1" "$2"
cd "$3" || exit 1
