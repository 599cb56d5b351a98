# Writes file $2 of the store at once. $3: `new` or `replace`, $4: the content's digest, $5: a name of its own. Standard input: the content.
# Status 46: another file has that name, and is not to be replaced.
prepare "$5"
must mkdir -p -- "$root/$(dirname -- "$2")"
cat >"$tmp" || failed "$root/$2 can't be written"
found=$(digest "$tmp")
[ "${found%% *}" = "$4" ] || failed "what came is not what was sent"
# Before it gets its name it is on the disk, and so is all that was named before: a manifest comes after its content.
settle
if [ "$3" = new ] && ! ln -- "$tmp" "$root/$2" 2>/dev/null; then
  cmp -s -- "$tmp" "$root/$2" && exit 0
  [ ! -e "$root/$2" ] || exit 46
  # A file system without hard links.
  must mv -- "$tmp" "$root/$2"
fi
[ "$3" = new ] || must mv -f -- "$tmp" "$root/$2"
