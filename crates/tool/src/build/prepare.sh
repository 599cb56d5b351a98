# Makes the folders and repositories. $1: BUILD_AT, absolute. $2: app. $3: a repository that is made anew, or nothing. Then the names of
# repositories, below the application's folder.
base=$1 app=$2 anew=$3
shift 3
own=$base/.edeliver/$app
mkdir -p "$base" || exit 1
# Sources and what is built of them are nobody else's business.
( umask 077 && mkdir -p "$own/slots" "$own/modules" ) || exit 1

# repository PATH: bare, ready to be pushed to, also from shallow clones. Complete once the file `edeliver` is there, and it appears with
# that file: of two builds that begin at the same moment neither must ever take away what the other one has just put there.
repository() {
  [ ! -f "$1/edeliver" ] || return 0
  # In this order: what another build puts there in between is seen whole. A leftover without the file is of no use.
  if [ -e "$1" ] && [ ! -f "$1/edeliver" ]; then rm -rf "$1"; fi
  new=$1.new.$$
  rm -rf "$new"
  git init --quiet --bare --template= "$new" &&
    git --git-dir="$new" config receive.shallowUpdate true &&
    git --git-dir="$new" config core.hooksPath /dev/null &&
    git --git-dir="$new" config advice.detachedHead false &&
    echo 1 >"$new/edeliver" || return 1
  # If the other one was faster, ours lands inside of its repository, which is as good.
  mv "$new" "$1" && rm -rf "$1/${new##*/}"
}

[ -z "$anew" ] || rm -rf "${own:?}/$anew"
for name; do repository "$own/$name" || exit 1; done

# Every built commit has a ref, so that the next push sends only what is new. The newest 100 are plenty.
git --git-dir="$own/$1" for-each-ref --sort=-creatordate --format='delete %(refname)' refs/edeliver |
  tail -n +101 | git --git-dir="$own/$1" update-ref --stdin
