# The lease's own script has its verb second; here it comes last, from whoever calls. Comes before root.sh and lease.sh.
# $1 root, $2 token, $3 who, $4 what for, $5 seconds, $6 the verb.
set -- "$1" "$6" "$2" "$3" "$4" "$5"
