# Sends content of the store as a compressed archive. Standard input: its files below store/blobs, one a line. Status 47: some are not there,
# which are printed to standard error.
cd -- "$root/store/blobs" 2>/dev/null || failed "$root/store/blobs is not there"
files=$(cat)
missing=$(printf '%s\n' "$files" | while read -r file; do [ -f "$file" ] || printf '%s\n' "$file"; done)
[ -z "$missing" ] || { printf '%s\n' "$missing" | head -n 1 >&2; exit 47; }
# A status gets lost in a pipe; what is missing at the far end is noticed there.
if printf '%s\n' "$files" | head -n 1 | tar -cf /dev/null -T - 2>/dev/null; then
  printf '%s\n' "$files" | tar -cf - -T -
else
  # busybox may have no -T.
  tar -cf - $files
fi | gzip -1
