#!/bin/sh
# What sshdoctor needs to know of a login that fails, in the words of the tools that are there. It looks at names and
# modes and at nothing that stands in a file, asks nothing, changes nothing (but that an ssh which is told to accept new
# host keys notes one), and ends by itself. Its output is read by `sshdoctor log`.
target=TARGET
typed=TYPED
LC_ALL=C
export LC_ALL

section() {
  printf '\n=== sshdoctor kit 1: %s ===\n' "$1"
}

# Runs a command for so many seconds at most, and prints how it ended.
limited() {
  seconds=$1
  shift
  "$@" </dev/null 2>&1 &
  pid=$!
  {
    while [ "$seconds" -gt 0 ] && kill -0 "$pid"; do
      sleep 1
      seconds=$((seconds - 1))
    done
    kill "$pid"
  } </dev/null >/dev/null 2>&1 &
  wait "$pid"
  printf 'sshdoctor kit: status %s\n' "$?"
}

# What ssh says, without the values of variables that it hands on.
public() {
  sed -e 's/\([Ss]etting env [^ ]* = \).*/\1(left out)/' -e 's/^\(setenv [^=]*\)=.*/\1=(left out)/' -e 3000q
}

# One name and its mode, owner and group, links followed.
# shellcheck disable=SC2012
look() {
  ls -lndL "$1" 2>&1 | tr -d '\001-\010\013-\037\177'
}

section date
date '+%Y-%m-%dT%H:%M:%S%z'

section system
uname -srm
sed -n 's/^PRETTY_NAME=//p' /etc/os-release 2>/dev/null
if command -v sw_vers >/dev/null; then sw_vers; fi

section id
id

section environment
printf 'TARGET=%s\n' "$target"
printf 'TYPED=%s\n' "$typed"
printf 'HOME=%s\n' "$HOME"
printf 'SSH_AUTH_SOCK=%s\n' "${SSH_AUTH_SOCK:-}"
if [ -n "${SSH_CONNECTION:-}" ]; then echo 'reached by ssh'; fi
if [ -n "${SUDO_USER:-}" ]; then printf 'SUDO_USER=%s\n' "$SUDO_USER"; fi
if (: </dev/tty) 2>/dev/null; then echo 'has a terminal'; fi

section 'ssh -V'
if command -v ssh; then limited 10 ssh -V; else echo 'sshdoctor kit: no ssh'; fi

section 'ssh-add -l'
limited 10 ssh-add -l

section 'ssh -G'
config=$(limited 20 ssh -G OPTIONS "$target" | public)
printf '%s\n' "$config"

section 'ls -lnd'
look "$HOME"
look "$HOME/.ssh"
count=0
for file in "$HOME"/.ssh/*; do
  count=$((count + 1))
  if [ "$count" -le 100 ] && [ -e "$file" ]; then look "$file"; fi
done
printf '%s\n' "$config" | sed -n -e 's/^identityfile //p' -e 's/^certificatefile //p' | sed 30q | while IFS= read -r file; do
  case $file in
    "~"/*) file=$HOME/${file#??} ;;
    /*) ;;
    *) continue ;;
  esac
  look "$file"
done

section 'ssh -vvv'
set -- -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=5 -o ServerAliveCountMax=3
set -- "$@" -o IgnoreUnknown=UpdateHostKeys,RemoteCommand -o UpdateHostKeys=no -o RemoteCommand=none
set -- "$@" -o ControlMaster=no -o ControlPath=none -o ClearAllForwardings=yes -o PermitLocalCommand=no
limited 60 ssh -vvv -n "$@" OPTIONS "$target" true | public

section end
