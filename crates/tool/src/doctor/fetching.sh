# Whether this host can fetch from the store's host. Comes after sftp.sh, whose input is ours. Prints why it can't.
LC_ALL=C
export LC_ALL
by_sftp
