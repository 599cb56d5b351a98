# Standard input: digests, one a line. Prints those of which the store lacks the content.
cd -- "$root/store/blobs" 2>/dev/null || exec cat
while read -r digest; do
  [ -f "${digest%"${digest#??}"}/$digest" ] || printf '%s\n' "$digest"
done
