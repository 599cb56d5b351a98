# Prints $1 as it is.
printf '%s' "$1"
