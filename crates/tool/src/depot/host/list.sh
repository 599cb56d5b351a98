# Lists the files of folders $2… of the store: a line `/FOLDER`, then lines of `ls`.
error=$(LC_ALL=C; export LC_ALL; cd -- "$root" 2>&1) || case $error in *ermission*) failed "$root: permission denied" ;; esac
shift
for folder in "$@"; do
  [ -d "$root/$folder" ] || continue
  [ -r "$root/$folder" ] && [ -x "$root/$folder" ] || failed "$root/$folder: permission denied"
  printf '/%s\n' "$folder"
  (cd -- "$root/$folder" && LC_ALL=C ls -lnL 2>/dev/null)
done
exit 0
