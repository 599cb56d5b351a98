# Takes content into the store. $2: a name of its own, $3: how many files. Standard input: a compressed archive of them, at their paths below
# store/blobs. They get their names when all are there and are what their names say.
prepare "$2"
must mkdir -- "$tmp"
error=$(tar -xzmof - -C "$tmp" 2>&1) || failed "$(printf '%s\n' "${error:-the archive is not whole}" | head -n 1)"
cd -- "$tmp" || exit 1
count=$(find . -type f | wc -l)
[ "$count" -eq "$3" ] || failed "only $count of $3 files came"
for shard in *; do digest "$shard"/*; done |
  awk '{ name = $2; sub(/.*\//, "", name); if ($1 != name) bad = 1 } END { exit bad }' || failed "what came is not what was sent"
settle
for shard in *; do
  must mkdir -p -- "$root/store/blobs/$shard"
  must mv -f -- "$shard"/* "$root/store/blobs/$shard/"
done
