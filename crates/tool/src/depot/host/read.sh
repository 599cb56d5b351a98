# Prints file $2 of the store. Status 44: there is none.
[ -e "$root/$2" ] || exit 44
exec cat -- "$root/$2"
