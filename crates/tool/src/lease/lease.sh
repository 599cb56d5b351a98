# The lease of a release root: who may change it, until when. For POSIX sh (dash, busybox); comes after root.sh.
# $1 root; a relative one is meant from the home directory. $2 what is wanted:
#   take     take it, and keep it as long as standard input says `renew` (or `settled`: it is decided that we have the target) in time;
#            `done` lets go of it, `leave` leaves it. When the input ends, so did the operator, or the link: it stays until its time is over.
#   early    the same where that disturbs nobody: the root is there and ours to write, nobody has or had the lease, nothing waits to be brought
#            back. Otherwise it changes nothing and prints `free`.
#   resume   the same for a lease that one has.
#   hold     take it for good.
#   renew    renew it once. `settled` is the same and says that it is decided.
#   drop     remove it.
#   look     tell who has it.
# $3 the token of the holder; what follows is for `take`, `early` and `hold`: $4 who that is, $5 what for, $6 how many seconds it lasts.
#
# .edeliver/lease        TOKEN KIND BOOT TIME, then who, then what for; it appears whole, by rename. `-` for a token: nobody has it
# .edeliver/lease-beat   the last renewal: TOKEN BOOT TIME COUNT SETTLED
# .edeliver/lease-step.TOKEN.PROCESS   a script that changes something on behalf of a holder (see fence.sh)
#
# BOOT is a life of this machine, TIME its uptime: no other clock is ever looked at. After a boot every lease counts as just renewed.
#
# It prints `taken`, `renewed`, `dropped`, `free`; or who has it, as lines WORD VALUE, and then `held`, with status 41.

case $1 in /*) root=$1 ;; *) root=$HOME/$1 ;; esac
token=$3 who=$4 for=$5 lasts=${6:-15}
lease=$own/lease beat=$own/lease-beat lock=$own/lease-lock
settled=no gone='' held=''

# A login's shell may have its own ideas of what is left behind.
leave() { [ -z "$held" ] || give_lock_back; }

# Nobody has this lock for longer than it takes to write two files.
lock_lease() {
  seconds=0
  until take "$lock"; do
    [ "$seconds" -lt 10 ] || stop_with 1 "process ${holder%%-*} does not let go of the lease"
    sleep 1
    seconds=$((seconds + 1))
  done
  held=yes
}
unlock_lease() { give_lock_back "$@" && held=''; }

read_clock() {
  now='' boot=''
  { read -r now _ </proc/uptime && read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null || now=''
  now=${now%%.*} boot=${boot:--}
}

# Sets what is known of the lease; has is empty where there is none.
read_lease() {
  has='' kind='' since_boot='' since='' has_who='' has_for=''
  { read -r has kind since_boot since; IFS= read -r has_who; IFS= read -r has_for; } 2>/dev/null <"$lease"
  [ "$has" != - ] || has=''
  beats='' beat_boot='' beat_at='' beat_count='' beat_settled=''
  { read -r beats beat_boot beat_at beat_count beat_settled; } 2>/dev/null <"$beat"
  [ "$beats" = "$has" ] || beat_boot='' beat_at='' beat_settled=''
}

# Sets age to the seconds since time $2 of life $1 of this machine; since it booted, if that was another life.
age_of() {
  age=$now
  [ "$1" != "$boot" ] || ! [ "${2:-x}" -le "$now" ] 2>/dev/null || age=$((now - $2))
}

# Whether its time is over. Where there is no clock, whoever did not stir while we looked on is gone.
is_over() {
  [ "$kind" = run ] || return 1
  [ -n "$now" ] || { [ "$gone" = "$has $beat_count" ]; return; }
  age_of "$beat_boot" "$beat_at"
  [ "$age" -gt "$lasts" ]
}
look_on() {
  read_clock
  [ -z "$now" ] || return 0
  read_lease
  [ -n "$has" ] && [ "$has" != "$token" ] || return 0
  gone="$has $beat_count"
  sleep $((lasts + 1))
}

tell() {
  printf '%s\n' "token $has" "held $kind" "who $has_who" "what $has_for" "settled ${beat_settled:-no}"
  [ -z "$now" ] || {
    age_of "$since_boot" "$since"
    printf 'age %s\n' "$age"
    age_of "$beat_boot" "$beat_at"
    printf 'left %s\n' "$((age > lasts ? 0 : lasts - age))"
  }
  printf 'held\n'
}
refuse() {
  [ -n "$has" ] && tell || printf 'free\n'
  exit 41
}

# Files are written over and never removed: on a full disk there is still room for what is there, and nodes must be stopped there too.
renew_it() {
  read_clock
  case $beat_count in '' | *[!0-9]*) beat_count=0 ;; esac
  beat_count=$((beat_count + 1))
  { printf '%s\n' "$token $boot ${now:-0} $beat_count $settled" 1<>"$beat"; } 2>/dev/null || failed "can't write $root/$beat"
}
# Whether this text of three lines is in file $1: a full disk may have taken some of it.
says() {
  first='' second='' third=''
  { IFS= read -r first && IFS= read -r second && IFS= read -r third; } 2>/dev/null <"$1" && [ "$first
$second
$third" = "$2" ]
}
write_it() {
  renew_it
  text="$token $1 $boot ${now:-0}
$who
$for"
  { printf '%s\n' "$text" >"$lease.new"; } 2>/dev/null
  if says "$lease.new" "$text" && mv -f -- "$lease.new" "$lease" 2>/dev/null; then return 0; fi
  rm -f -- "$lease.new" 2>/dev/null
  [ -f "$lease" ] && { printf '%s\n' "$text" 1<>"$lease"; } 2>/dev/null && read_lease && [ "$has" = "$token" ] ||
    failed "can't write $root/$lease"
}

# Scripts of earlier holders that still run: their lease is over, so they are ended, as they are when their link is known to be lost. They
# are looked for when the lease is ours: they look whether it is theirs when they have said that they are there.
end_steps() {
  for seconds in 0 1 2 3 4 5 6 7 8 9; do
    living=''
    for file in "$own"/lease-step.*; do
      exists "$file" || continue
      process=${file##*.} of=${file%.*}
      [ "${of##*lease-step.}" != "$token" ] || continue
      case $process in
        *-0-0) rm -f -- "$file" ;;
        *) if lives "$process"; then living="$living ${process%%-*}"; else rm -f -- "$file"; fi ;;
      esac
    done
    [ -n "$living" ] || return 0
    signal=TERM
    [ "$seconds" -lt 3 ] || signal=KILL
    for process in $living; do kill "-$signal" "-$process" 2>/dev/null; done
    sleep 1
  done
  stop_with 1 "a step of a run whose lease is over can't be ended:$living"
}

# The watch that an earlier holder has left on the host (apply/guard/watch.sh) goes nowhere any more: what it was to bring back is ours to decide. Under
# the lock of the lease, as its own last look. It has itself the holder's token, and a word more.
end_guard() {
  guards='' guard=''
  { read -r guards guard _ <"$own/guard"; } 2>/dev/null
  case $token in "$guards" | "$guards-alone") return ;; esac
  [ -z "$guards" ] || rm -f -- "$own/guard" 2>/dev/null
  [ -z "$guard" ] || ! lives "$guard" || kill -TERM "-${guard%%-*}" 2>/dev/null || :
}

# Takes it with kind $1, or tells who has it.
take_it() {
  look_on
  lock_lease
  read_clock
  read_lease
  [ -z "$has" ] || [ "$has" = "$token" ] || is_over || refuse
  write_it "$1"
  end_guard
  unlock_lease
  end_steps
  printf 'taken\n'
}
# Whether it can be taken without a word to anybody, by who does not know yet what there is to do.
is_undisturbed() {
  [ -w "$own" ] && [ ! -f "$own/guard" ] || return 1
  for file in "$own"/lease-step.*; do ! exists "$file" || return 1; done
  read_lease
  [ -z "$has" ]
}
renew() {
  lock_lease
  read_lease
  [ "$has" = "$token" ] || { read_clock; refuse; }
  renew_it
  unlock_lease
  printf 'renewed\n'
}
# Lets go of it; $1 says whether by itself. Then none of its scripts runs any more.
drop() {
  lock_lease
  read_clock
  read_lease
  [ "$has" = "$token" ] || refuse
  { printf -- '- -\n' 1<>"$lease"; } 2>/dev/null || failed "can't write $root/$lease"
  if [ -n "$1" ]; then unlock_lease "$own/lease-step.$token".*; else unlock_lease; fi
  printf 'dropped\n'
}
keep() {
  while read -r word; do
    case $word in
      renew) renew ;;
      settled) settled=yes; renew ;;
      done) drop yes; exit 0 ;;
      *) exit 0 ;;
    esac
  done
}

case $2 in
  take | hold)
    [ -d "$root/$own" ] || error=$(mkdir -p -- "$root" 2>&1 && mkdir -m 700 -- "$root/$own" 2>&1) || [ -d "$root/$own" ] ||
      stop_with 1 "$error" ;;
esac
cd -P -- "$root" 2>/dev/null && [ -d "$own" ] || { printf 'free\n'; exit 0; }
trap leave EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
name_me
case $2 in
  look)
    read_clock
    read_lease
    [ -z "$has" ] || { is_over && [ -n "$now" ]; } || refuse
    printf 'free\n' ;;
  take) take_it run && keep ;;
  early) if is_undisturbed; then take_it run && keep; else printf 'free\n'; fi ;;
  resume) renew && keep ;;
  hold) take_it hold ;;
  renew) renew ;;
  settled) settled=yes; renew ;;
  drop) drop '' ;;
esac
