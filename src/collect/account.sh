#!/bin/sh
# What a server's administrator can see of one account's SSH login, for `sshdoctor server --collected FILE` to read.
#
# It only reads: nothing is written, no service is touched, no process but its own is signalled. It needs a POSIX shell
# and what every base system has (awk, cat, cut, dd, od, sed, tr), and says what it could not see. As root it sees
# everything; as another user less. It prints no password hash and no line of a key file that is not a public key.
#
# usage: sh account.sh [--all] [--key 'TYPE BASE64'] [--from ADDRESS] [--sshd PATH] [--sshd-config FILE]
#                      [--run-keys-command] [USER]
#
# The output is lines: `[section]`, then `name=value` (printable ASCII) or `name~hex` (anything else), then contents:
# `|text` and `:hex` for a line as it is, `#` for a comment, `?b 64` for a line of 64 base64 letters and `?o 12` for any
# other line of 12 bytes, both left out because they are no public key. `[end]` is the last line.
set -uf
LC_ALL=C
export LC_ALL
PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
export PATH
unset CDPATH ENV BASH_ENV
umask 077

# The contents of one file go no further than this.
most_bytes=1048576
most_lines=5000
log_bytes=33554432
# The awk of busybox takes four times as long.
! awk 2>&1 </dev/null | grep -q BusyBox || log_bytes=8388608

user='' from='' sshd='' config='' run_command=no all=no key=''
while [ $# -gt 0 ]; do
    case $1 in
    --all) all=yes ;;
    --run-keys-command) run_command=yes ;;
    --key | --from | --sshd | --sshd-config)
        [ $# -gt 1 ] || {
            echo "account.sh: $1 takes a value" >&2
            exit 2
        }
        case $1 in
        --key) key=$2 ;;
        --from) from=$2 ;;
        --sshd) sshd=$2 ;;
        --sshd-config) config=$2 ;;
        esac
        shift
        ;;
    --)
        shift
        [ $# -eq 0 ] || user=$1
        break
        ;;
    -*)
        echo "account.sh: unknown option $1" >&2
        exit 2
        ;;
    *) user=$1 ;;
    esac
    shift
done
case $key in
*[!A-Za-z0-9@.+/=\ -]*)
    echo "account.sh: --key takes a type and base64" >&2
    exit 2
    ;;
esac
newline='
'

# --- how a value is written ---------------------------------------------------------------------------------------

hex() { od -An -v -tx1 | tr -d ' \n'; }

put() {
    case $2 in
    *[!\ -~]*)
        printf '%s~' "$1"
        printf %s "$2" | hex
        echo
        ;;
    *) printf '%s=%s\n' "$1" "$2" ;;
    esac
}

section() { printf '[%s]\n' "$1"; }

# Every command that may wait on a disk, a network or another program gets a limit.
if timeout 1 true 2>/dev/null; then
    limited() { timeout "$@"; }
else
    limited() {
        shift
        "$@"
    }
fi
has() { command -v "$1" >/dev/null 2>&1; }

# What a command printed, at most 200 lines, and its status.
said() {
    name=$1
    shift
    text=$("$@" 2>&1 </dev/null)
    put "$name-status" "$?"
    printf '%s\n' "$text" | dd bs=65536 count=1 2>/dev/null | shown | sed 200q
}

# Lines as they are, any bytes: printable ones behind `|`, others in hex behind `:`.
shown() {
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in
        *[!\ -~]*)
            printf :
            printf %s "$line" | hex
            echo
            ;;
        *) printf '|%s\n' "$line" ;;
        esac
    done
}

# Lines of a file that holds keys, one by one; what is no public key is not printed, so that a link to another file
# gives nothing away. $1: how far a line is looked at.
key_lines() {
    # sshd takes a NUL for the end of its line: it is to be seen.
    tr '\000' '\001' | cut -b "1-$1" | awk -v most="$1" '
        { line = $0 }
        line ~ /^[ \t]*$/ { print "|"; next }
        line ~ /^[ \t]*#/ { print "#"; next }
        line ~ /((ssh|ecdsa)-[a-z0-9.@-]+|sk-[a-z0-9.@-]+)[ \t]+AAAA[A-Za-z0-9+\/]/ {
            if (line ~ /[^ -~\t\r]/) print "!" line
            else if (line ~ /[\t\r]/) print "!" line
            else print "|" line
            next
        }
        line ~ /^(\357\273\277)?(---- BEGIN SSH2|---- END SSH2|-----BEGIN |-----END |PuTTY-User-Key-File-)[ -~]*\r?$/ { print "!" line; next }
        line ~ /^[A-Za-z0-9+\/=]+\r?$/ { print "?b " length(line); next }
        { print "?o " length(line) }
    ' | while IFS= read -r line; do
        case $line in
        !*)
            printf :
            printf %s "${line#!}" | hex
            echo
            ;;
        *) printf '%s\n' "$line" ;;
        esac
    done
}

# --- what stat says -------------------------------------------------------------------------------------------------

if stat -c %f / >/dev/null 2>&1; then
    stat_of() { limited 5 stat -c '%f %u %g %s %Y %Z' -- "$1" 2>/dev/null; }
    link_stat_of() { limited 5 stat -c '%f %u %g %s %Y %Z' -- "$1" 2>/dev/null; }
    real_stat_of() { limited 5 stat -L -c '%f %u %g %s %Y %Z' -- "$1" 2>/dev/null; }
else
    # BSD's stat: the mode in hexadecimal as above.
    link_stat_of() { limited 5 stat -f '%Xp %u %g %z %m %c' -- "$1" 2>/dev/null; }
    real_stat_of() { limited 5 stat -L -f '%Xp %u %g %z %m %c' -- "$1" 2>/dev/null; }
fi

selinux=no
[ ! -e /sys/fs/selinux/enforce ] || selinux=yes

# Remembers the group of what it may write: some builds of sshd ask who is in it. $1: `mode uid gid …`.
seen_groups=' '
writable_by_group() {
    case $1 in
    *[13579bdf]?\ *) ;;
    *) return ;;
    esac
    gid=${1#* }
    gid=${gid#* }
    gid=${gid%% *}
    case $seen_groups in *" $gid "*) ;; *) seen_groups="$seen_groups$gid " ;; esac
}

# Why a file was not found: it is not there, or nobody here may look.
absence() {
    folder=$(dirname -- "$1")
    while [ ! -d "$folder" ] && [ "$folder" != / ] && [ "$folder" != . ]; do folder=$(dirname -- "$folder"); done
    if [ -x "$folder" ]; then echo ENOENT; else echo EACCES; fi
}

# One name: its own stat (a link is not followed), where it leads, and whether the account could pass or read it.
seen_paths=$newline
path_of() {
    case $seen_paths in *"$newline$1$newline"*) return ;; esac
    seen_paths=$seen_paths$1$newline
    section path
    put path "$1"
    found=$(link_stat_of "$1")
    if [ -z "$found" ]; then
        folder=$(dirname -- "$1")
        if [ -d "$folder" ] && [ -x "$folder" ]; then
            put error ENOENT
        else
            put error unknown
        fi
        return
    fi
    put stat "$found"
    writable_by_group "$found"
    if [ -h "$1" ]; then
        put link "$(readlink -- "$1" 2>/dev/null)"
        followed=$(real_stat_of "$1")
        [ -z "$followed" ] || put real-stat "$followed"
        writable_by_group "$followed"
    fi
    # shellcheck disable=SC2012
    case $(ls -ld -- "$1" 2>/dev/null | cut -b 11) in
    +) ! has getfacl || put acl "$(limited 5 getfacl -cnp -- "$1" 2>/dev/null | tr '\n' ,)" ;;
    esac
    # shellcheck disable=SC2012
    [ "$selinux" = no ] || put label "$(ls -Zd -- "$1" 2>/dev/null | awk '{ for (i = 1; i <= NF; i++) if ($i ~ /:.*:/) { print $i; exit } }')"
}

# Every folder from / to a name, then the same for the place where its links lead.
walk() {
    walked=$1
    steps=$walked
    while [ "$walked" != / ] && [ "$walked" != . ] && [ -n "$walked" ]; do
        walked=$(dirname -- "$walked")
        steps=$walked$newline$steps
    done
    old_ifs=$IFS
    IFS=$newline
    for step in $steps; do
        path_of "$step"
    done
    IFS=$old_ifs
}

canonical() { limited 5 readlink -f -- "$1" 2>/dev/null; }

walk_all() {
    walk "$1"
    real=$(canonical "$1")
    if [ -n "$real" ] && [ "$real" != "$1" ]; then
        walk "$real"
    fi
}

# Whether the account itself can read a file, asked of the kernel; only root can ask.
if [ "$(id -u)" = 0 ] && setpriv --reuid 0 --regid 0 --clear-groups true 2>/dev/null; then
    as_account() { limited 5 setpriv --reuid "$account_uid" --regid "$account_gid" --init-groups "$@" 2>/dev/null </dev/null; }
    can_ask=yes
else
    can_ask=no
fi

# --- files ----------------------------------------------------------------------------------------------------------

# A file with keys: $1 its kind in the report, $2 its name, $3 the pattern that named it.
keys_file() {
    walk_all "$2"
    section "$1"
    put path "$2"
    [ -z "${3-}" ] || put pattern "$3"
    real=$(canonical "$2")
    [ -z "$real" ] || put real "$real"
    if [ "$can_ask" = yes ] && [ -n "${account_uid-}" ] && [ "$1" != ca-file ] && [ "$1" != revoked-file ]; then
        if as_account test -r "$2"; then put account-reads yes; else put account-reads no; fi
    fi
    if [ ! -f "$2" ]; then
        [ -e "$2" ] || [ -h "$2" ] || put error "$(absence "$2")"
        return
    fi
    if [ ! -r "$2" ]; then
        put error EACCES
        return
    fi
    start=$(limited 5 dd if="$2" bs=16 count=1 2>/dev/null | hex)
    put start "$start"
    nul=$(limited 5 dd if="$2" bs=65536 count=16 2>/dev/null | tr -dc '\000' | wc -c | tr -d ' ')
    [ "$nul" = 0 ] || put nul "$nul"
    last=$(limited 5 tail -c 1 "$2" 2>/dev/null | hex)
    [ "$last" = 0a ] || put last "$last"
    size=$(real_stat_of "$2" | cut -d ' ' -f 4)
    if [ "${size:-0}" -gt "$most_bytes" ]; then
        put cut-at "$most_bytes"
    elif [ "$(limited 20 dd if="$2" bs=65536 count=$((most_bytes / 65536)) 2>/dev/null | wc -l)" -ge "$most_lines" ]; then
        put cut-at "$(limited 20 sed "${most_lines}q" "$2" 2>/dev/null | wc -c | tr -d ' ')"
    fi
    if [ -n "$key" ]; then
        blob=${key#* }
        # How many lines are shown whole below.
        shown=$(limited 20 dd if="$2" bs=65536 count=$((most_bytes / 65536)) 2>/dev/null | wc -l | tr -d ' ')
        [ "${shown:-0}" -le "$most_lines" ] || shown=$most_lines
        # Where the key stands, and the lines that are not shown whole, or not at all, as far as they are no longer than
        # this. A search that did not end says nothing.
        {
            limited 20 grep -anF -- "$blob" "$2" 2>/dev/null
            echo "=$?"
        } | tr '\000' '\001' | cut -b 1-200000 | awk -v most=20000 -v shown="${shown:-0}" '
            /^=[0-9]+$/ { status = substr($0, 2); next }
            ++count > 20 { next }
            {
                number = $0
                sub(/:.*/, "", number)
                numbers = numbers number " "
                size = length($0)
                if (size < 200000 && (number + 0 > shown + 0 || size - length(number) - 1 > most) && (sum += size) < 400000) {
                    line = number " " substr($0, length(number) + 2)
                    if (line ~ /[^ -~]/) print "!" line
                    else print "whole=" line
                }
            }
            END { if (status + 0 < 2) print "key-lines=" numbers }
        ' | while IFS= read -r line; do
            case $line in
            !*)
                printf 'whole~'
                printf %s "${line#!}" | hex
                echo
                ;;
            *) printf '%s\n' "$line" ;;
            esac
        done
        # A line feed, a blank or another encoding may part the letters.
        if limited 20 dd if="$2" bs=65536 count=$((most_bytes / 65536)) 2>/dev/null | tr -d '\000\n\r \t' |
            grep -qaF -- "$blob"; then
            put key-joined yes
        else
            put key-joined no
        fi
    fi
    limited 20 dd if="$2" bs=65536 count=$((most_bytes / 65536)) 2>/dev/null | key_lines 20000 | sed "${most_lines}q"
}

# A text file of the system, as it is. Never one that a user may have put there.
text_file() {
    section "$1"
    put path "$2"
    found=$(real_stat_of "$2")
    [ -z "$found" ] || put stat "$found"
    [ -z "${3-}" ] || put depth "$3"
    if [ ! -f "$2" ]; then
        put error "$(absence "$2")"
    elif [ ! -r "$2" ]; then
        put error EACCES
    else
        limited 5 dd if="$2" bs=65536 count=4 2>/dev/null | tr -d '\000' | cut -b 1-4000 | shown | sed 4000q
    fi
}

# Names without spaces or quotes that a pattern matches; the pattern itself where it matches nothing.
matches() {
    set +f
    for matched in $1; do
        printf '%s\n' "$matched"
    done
    set -f
}

# sshd_config and what it includes, in the order in which sshd reads it.
seen_configs=$newline
config_file() {
    case $seen_configs in *"$newline$1$newline"*) return ;; esac
    [ "$2" -le 16 ] || return 0
    seen_configs=$seen_configs$1$newline
    text_file sshd-config "$1" "$2"
    [ -r "$1" ] && [ -f "$1" ] || return 0
    for pattern in $(limited 5 dd if="$1" bs=65536 count=4 2>/dev/null | tr -d '\000"' |
        sed -n 's/^[[:space:]]*[Ii][Nn][Cc][Ll][Uu][Dd][Ee][[:space:]=]\{1,\}\([^#]*\).*/\1/p'); do
        case $pattern in
        /*) ;;
        *) pattern=/etc/ssh/$pattern ;;
        esac
        # A file that was taken away shows in its folder alone.
        case ${pattern%/*} in
        *[*?[]* | '') ;;
        *) path_of "${pattern%/*}" ;;
        esac
        for included in $(matches "$pattern"); do
            [ ! -f "$included" ] || config_file "$included" $(($2 + 1))
        done
    done
}

# --- the machine ----------------------------------------------------------------------------------------------------

echo 'sshdoctor-account/1'
section host
put uid "$(id -u)"
put time "$(date +%s)"
put zone "$(date +%z)"
put name "$(uname -n)"
# shellcheck disable=SC1091
put os "$( (. /etc/os-release && printf %s "$PRETTY_NAME") 2>/dev/null || uname -sr)"
put asked-as-account "$can_ask"
[ -z "$key" ] || put key "$key"
if [ "$selinux" = yes ]; then
    put selinux "$(cat /sys/fs/selinux/enforce 2>/dev/null)"
fi

# Whether nobody but root may change a program or a folder above it.
roots_alone() {
    step=$1
    while :; do
        case $(real_stat_of "$step") in
        *[13579bdf]?\ 0\ * | *[2367abef]\ 0\ *) return 1 ;;
        *\ 0\ [0-9]*\ [0-9]*\ [0-9]*\ [0-9]*) ;;
        *) return 1 ;;
        esac
        [ "$step" != / ] || return 0
        step=$(dirname -- "$step")
    done
}

# The daemons that listen: the ones whose parent is no sshd. sshd writes its command line over with a title.
own=$(id -u)
here=$(readlink /proc/self/ns/mnt 2>/dev/null)
daemons='' elsewhere=''
for process in $(matches '/proc/[0-9]*'); do
    case $(cat "$process/comm" 2>/dev/null) in
    sshd) ;;
    *) continue ;;
    esac
    title=$(tr '\000' ' ' <"$process/cmdline" 2>/dev/null)
    case $title in
    *'[listener]'* | */sshd\ * | sshd\ * | */sshd) ;;
    *) continue ;;
    esac
    case $title in *'[priv]'* | *'[net]'* | *'[accepted]'*) continue ;; esac
    # Any account may call a program of its own sshd: only root's decides, and what root may run is root's.
    owner=$(awk '/^Uid:/ { print $2 }' "$process/status" 2>/dev/null)
    [ "$owner" = 0 ] || [ "$owner" = "$own" ] || continue
    parent=$(awk '/^PPid:/ { print $2 }' "$process/status" 2>/dev/null)
    [ "$(cat "/proc/${parent:-0}/comm" 2>/dev/null)" != sshd ] || continue
    # One that sees other files (a container's) decides about another machine, unless it is the only one: a service may
    # be given mounts of its own.
    if [ "$(readlink "$process/ns/mnt" 2>/dev/null)" = "$here" ]; then
        daemons="$daemons $process"
    else
        elsewhere="$elsewhere $process"
    fi
done
for process in ${daemons:-$elsewhere}; do
    title=$(tr '\000' ' ' <"$process/cmdline" 2>/dev/null)
    section daemon
    put pid "${process#/proc/}"
    put exe "$(readlink "$process/exe" 2>/dev/null)"
    put title "$title"
    put started "$(real_stat_of "$process" | cut -d ' ' -f 5)"
    # A socket-activated sshd (inetd mode) has no listener; the first listener found decides.
    [ -n "${daemon_title-}" ] || {
        daemon_title=$title
        daemon_cwd=$(readlink "$process/cwd" 2>/dev/null)
        daemon_exe=$(readlink "$process/exe" 2>/dev/null)
        daemon_exe=${daemon_exe% (deleted)}
    }
done

if [ -z "$sshd" ]; then
    sshd=${daemon_exe-}
    [ -z "$sshd" ] || [ "$own" != 0 ] || roots_alone "$sshd" || sshd=''
    [ -n "$sshd" ] || sshd=$(command -v sshd)
fi
log_file='' options='' options_unclear=no
# A path that sshd was started with, from the folder in which it runs.
from_daemon() {
    case $1 in
    /* | '') printf '%s\n' "$1" ;;
    *) printf '%s\n' "${daemon_cwd:+${daemon_cwd%/}/}$1" ;;
    esac
}
if [ -n "${daemon_title-}" ]; then
    words=${daemon_title#sshd: }
    words=${words%%\[listener\]*}
    words=${words#* }
    [ "$words" != "$daemon_title" ] || words=''
    before=''
    for word in $words; do
        case $before in
        '') ;;
        *)
            case $before in
            -f) [ -n "$config" ] || config=$(from_daemon "$word") ;;
            -E) log_file=$(from_daemon "$word") ;;
            -o) options="$options -o $word" ;;
            esac
            before=''
            continue
            ;;
        esac
        case $word in
        -f | -E | -o | -[bCcghkpu]) before=$word ;;
        -f*) [ -n "$config" ] || config=$(from_daemon "${word#-f}") ;;
        -E*) log_file=$(from_daemon "${word#-E}") ;;
        -o*) options="$options $word" ;;
        -[bCcghkpu]* | -[46DdeiqrR]*) ;;
        # A blank within an option: where it ends is not to be seen in a title.
        *) options_unclear=yes ;;
        esac
    done
    [ "$options_unclear" = no ] || options=''
fi
named_config=$config
[ -n "$config" ] || config=/etc/ssh/sshd_config

section sshd
put binary "$sshd"
put config "$config"
put options-unclear "$options_unclear"
if [ -n "$sshd" ] && [ -x "$sshd" ]; then
    put version "$(limited 5 "$sshd" -V 2>&1 </dev/null | grep -a OpenSSH | sed 1q)"
    # What a distribution adds to the version stands in the program only; with it go its patches.
    put vendor "$(limited 5 grep -ao '\(Debian\|Ubuntu\|Raspbian\)-[0-9][0-9A-Za-z.+~-]*' "$sshd" 2>/dev/null | sed 1q)"
    # Since 9.8 another program serves a connection.
    served="$sshd"
    for program in /usr/lib/openssh/sshd-session /usr/libexec/openssh/sshd-session /usr/libexec/sshd-session \
        /usr/lib/ssh/sshd-session /usr/local/libexec/sshd-session; do
        if limited 5 grep -aqF "$program" "$sshd" 2>/dev/null && [ -r "$program" ]; then
            served=$program
            break
        fi
    done
    if limited 5 grep -aq 'libwrap' "$served" 2>/dev/null; then put libwrap yes; else put libwrap no; fi
    if limited 5 grep -aq 'libpam' "$served" 2>/dev/null; then put libpam yes; else put libpam no; fi
    section sshd-test
    # shellcheck disable=SC2086
    if [ -n "$named_config" ]; then
        said test limited 10 "$sshd" -t -f "$config" $options
    else
        said test limited 10 "$sshd" -t $options
    fi
else
    put error ENOENT
fi
config_file "$config" 0

# The effective settings for one account. sshd wants every criterion that a Match line may ask for.
effective() {
    section effective
    put user "$1"
    put address "$2"
    [ -n "$sshd" ] && [ -x "$sshd" ] || return 0
    set -- "user=$1,host=$2,addr=$2,laddr=$2,lport=22,rdomain="
    # shellcheck disable=SC2086
    if [ -n "$named_config" ]; then
        settings=$(limited 10 "$sshd" -T -f "$config" $options -C "$1" 2>&1 </dev/null)
    else
        settings=$(limited 10 "$sshd" -T $options -C "$1" 2>&1 </dev/null)
    fi
    status=$?
    put status "$status"
    printf '%s\n' "$settings" | shown
    [ "$status" = 0 ] || settings=''
}
setting() { printf '%s\n' "$settings" | sed -n "s/^$1 //p" | sed 1q; }

# --- one account ----------------------------------------------------------------------------------------------------

# Status 2: there is none. getent takes a number for a user id, which sshd does not.
passwd_of() {
    if has getent; then
        found=$(limited 10 getent passwd -- "$1" 2>/dev/null)
        status=$?
        case $status:$1 in
        0:* | 2:* | *:-*) ;;
        *)
            # Not every getent knows `--`.
            found=$(limited 10 getent passwd "$1" 2>/dev/null)
            status=$?
            ;;
        esac
        case $found in
        '') return "$status" ;;
        "$1:"*) ;;
        *) case $1 in *[!0-9]*) ;; *) return 2 ;; esac ;;
        esac
        printf '%s\n' "$found"
    else
        WANTED=$1 awk -F: '$1 == ENVIRON["WANTED"] { print; exit }' /etc/passwd
    fi
}

# The state of the password, never the hash.
shadow_of() {
    section shadow
    if has getent; then
        entry=$(limited 10 getent shadow -- "$1" 2>/dev/null || limited 10 getent shadow "$1" 2>/dev/null)
    elif [ -r /etc/shadow ]; then
        entry=$(WANTED=$1 awk -F: '$1 == ENVIRON["WANTED"] { print; exit }' /etc/shadow)
    else
        entry=''
    fi
    if [ -z "$entry" ]; then
        if [ "$(id -u)" = 0 ]; then put error ENOENT; else put error EACCES; fi
        return
    fi
    rest=${entry#*:}
    hash=${rest%%:*}
    case $hash in
    '') put password empty ;;
    '!'*) put password locked ;;
    '*'*) put password none ;;
    *) put password set ;;
    esac
    hash=''
    put ageing "${rest#*:}"
    entry='' rest=''
}

# A pattern of AuthorizedKeysFile and its like, expanded as auth.c expand_authorized_keys does.
expanded() {
    printf %s "$1" | H=$account_home U=$account_name N=$account_uid awk '
        {
            out = ""
            for (i = 1; i <= length($0); i++) {
                c = substr($0, i, 1)
                if (c != "%") { out = out c; continue }
                c = substr($0, ++i, 1)
                if (c == "h") out = out ENVIRON["H"]
                else if (c == "u") out = out ENVIRON["U"]
                else if (c == "U") out = out ENVIRON["N"]
                else if (c == "%") out = out "%"
                else out = out "%" c
            }
            if (out !~ /^\//) out = ENVIRON["H"] "/" out
            print out
        }'
}

account() {
    section account
    put user "$1"
    entry=$(passwd_of "$1")
    status=$?
    account_name='' account_uid='' account_gid='' account_home='' account_shell=''
    if [ -z "$entry" ]; then
        # Another status: a service that knows accounts did not answer.
        case $status in 0 | 2) put error ENOENT ;; *) put error "getent ended with status $status" ;; esac
    else
        account_name=${entry%%:*}
        rest=${entry#*:}
        rest=${rest#*:}
        account_uid=${rest%%:*}
        rest=${rest#*:}
        account_gid=${rest%%:*}
        rest=${rest#*:}
        rest=${rest#*:}
        account_home=${rest%%:*}
        account_shell=${rest#*:}
        put name "$account_name"
        put uid "$account_uid"
        put gid "$account_gid"
        put home "$account_home"
        put shell "$account_shell"
        for group in $(limited 10 id -G -- "$account_name" 2>/dev/null || limited 10 id -G "$account_name" 2>/dev/null); do
            if has getent; then
                group_name=$(limited 10 getent group "$group" 2>/dev/null | cut -d : -f 1)
            else
                group_name=$(awk -F: -v id="$group" '$3 == id { print $1; exit }' /etc/group)
            fi
            put group "$group $group_name"
        done
    fi
    case $account_uid$account_gid in *[!0-9]*) account_uid='' account_gid='' ;; esac
    effective "$1" "$address"
    [ -n "$account_name" ] || return 0
    shadow_of "$account_name"
    for file in /etc/passwd /etc/shadow /etc/group; do
        [ ! -e "$file" ] || path_of "$file"
    done
    shell=${account_shell:-/bin/sh}
    case $shell in /*) walk_all "$shell" ;; esac
    case $account_home in /*) walk_all "$account_home" ;; esac
    files=$(setting authorizedkeysfile)
    [ -n "$files" ] || files='.ssh/authorized_keys .ssh/authorized_keys2'
    for pattern in $files; do
        [ "$pattern" != none ] || continue
        expansion=$(expanded "$pattern")
        case $expansion in
        *[*?[]*)
            for file in $(matches "$expansion"); do keys_file keys-file "$file" "$pattern"; done
            ;;
        *) keys_file keys-file "$expansion" "$pattern" ;;
        esac
    done
    principals=$(setting authorizedprincipalsfile)
    if [ -n "$principals" ] && [ "$principals" != none ]; then
        file=$(expanded "$principals")
        walk_all "$file"
        section principals-file
        put path "$file"
        if [ ! -f "$file" ]; then
            put error "$(absence "$file")"
        elif [ ! -r "$file" ]; then
            put error EACCES
        else
            # A principal holds no colon: a line of /etc/shadow does, and is not printed.
            limited 5 dd if="$file" bs=65536 count=2 2>/dev/null | tr -d '\000' | cut -b 1-4000 |
                awk '/^[ \t]*#/ { print "#"; next } /[:$]/ { print "?o " length($0); next } { print "|" $0 }' |
                tr -dc '\n -~' | sed 2000q
        fi
    fi
    for name in authorizedkeyscommand authorizedprincipalscommand; do
        line=$(setting "$name")
        # shellcheck disable=SC2015
        [ -n "$line" ] && [ "$line" != none ] || continue
        program=${line%% *}
        walk_all "$program"
        section command
        put setting "$name"
        put line "$line"
        run_as=$(setting "${name}user")
        put run-as "$run_as"
        if [ -n "$run_as" ] && [ "$run_as" != none ]; then
            case $run_as in %u) run_as=$account_name ;; esac
            if [ -n "$(passwd_of "$run_as")" ]; then put run-as-exists yes; else put run-as-exists no; fi
        fi
    done
    chroot=$(setting chrootdirectory)
    if [ -n "$chroot" ] && [ "$chroot" != none ]; then
        folder=$(expanded "$chroot")
        walk_all "$folder"
        section chroot
        put path "$folder"
    fi
    if [ "$all" = no ]; then
        elsewhere
    fi
}

# Other places where people put keys: in the account's own folder, and in the homes of others where root looks.
elsewhere() {
    case $account_home in /*) ;; *) return 0 ;; esac
    set +f
    set -- "$account_home/.ssh"/*auth* "$account_home"/*authorized* "$account_home"/.ssh*/*auth* \
        /etc/ssh/authorized_keys/"$account_name" /etc/ssh/keys/"$account_name"* /etc/ssh/*/authorized_keys \
        /etc/dropbear/authorized_keys
    set -f
    for file in "$@"; do
        case $seen_paths in *"$newline$file$newline"*) continue ;; esac
        [ -f "$file" ] || continue
        case $file in *"$newline"*) continue ;; esac
        keys_file other-file "$file"
    done
    [ -n "$key" ] || return 0
    blob=${key#* }
    set +f
    set -- /root/.ssh/authorized_keys* /home/*/.ssh/authorized_keys*
    set -f
    for file in "$@"; do
        case $seen_paths in *"$newline$file$newline"*) continue ;; esac
        # shellcheck disable=SC2015
        [ -f "$file" ] && limited 5 grep -qaF -- "$blob" "$file" 2>/dev/null || continue
        keys_file other-file "$file"
    done
}

# The address that a Match or from= is asked with: named, or the last one that the log shows, or one of nobody.
address=$from

# --- the log --------------------------------------------------------------------------------------------------------

log_source=''
log_lines() {
    all_log_lines && echo 'the end of the log'
}
all_log_lines() {
    # The journal knows who wrote a line: any user may log under the name of sshd.
    case $log_source in
    journal) limited 15 journalctl -q --no-pager -o short-iso _UID="$own" -t sshd -t sshd-session -t sshd-auth -n 200000 2>/dev/null ;;
    '') ;;
    *)
        # What was put away last may hold the last login that worked.
        [ -z "$log_before" ] || limited 15 tail -c "$((log_bytes - log_size))" "$log_before" 2>/dev/null
        limited 15 tail -c "$log_bytes" "$log_source" 2>/dev/null
        ;;
    esac
}
if has journalctl && [ -n "$(limited 10 journalctl -q --no-pager -n 1 _UID="$own" -t sshd -t sshd-session 2>/dev/null)" ]; then
    log_source=journal
else
    for file in "$log_file" /var/log/auth.log /var/log/secure /var/log/messages /var/log/syslog; do
        if [ -n "$file" ] && [ -f "$file" ] && [ -r "$file" ]; then
            log_source=$file
            break
        fi
    done
fi

# The log that was put away last, where it is not packed: `auth.log.1`, `secure-20261122`.
log_before='' log_size=0
case $log_source in
journal | '' | "$log_file") ;;
*)
    log_size=$(real_stat_of "$log_source" | cut -d ' ' -f 4)
    for file in "$log_source.1" $(matches "$log_source-[0-9]*[0-9]"); do
        [ ! -f "$file" ] || [ ! -r "$file" ] || [ "${log_size:-$log_bytes}" -ge "$log_bytes" ] || log_before=$file
    done
    ;;
esac

# Of the account: its last logins and the last one by each key, and what was refused it, the first after its last login and
# the last, those from addresses that were let in before by themselves. Strangers' attempts may be many, and push nothing
# of that out. Starts and reloads; drops; what is said of the client's address; other accounts' last logins, and what was
# refused those that were let in.
log() {
    section log
    put source "$log_source"
    # What sshd -E writes has neither times nor processes: all of its end is shown.
    if [ -n "$log_file" ] && [ "$log_source" = "$log_file" ]; then plain=yes; else plain=no; fi
    print=''
    [ -z "$key" ] || ! has ssh-keygen ||
        print=$(printf '%s\n' "$key" | limited 5 ssh-keygen -lf /dev/stdin 2>/dev/null | cut -d ' ' -f 2)
    log_lines | tr -d '\000' | cut -b 1-2000 | WANTED=$1 FROM=$from PRINT=$print PLAIN=$plain awk '
        BEGIN {
            user = ENVIRON["WANTED"]; from = ENVIRON["FROM"]; print_of = ENVIRON["PRINT"]; plain = ENVIRON["PLAIN"] == "yes"
            word = "(^|[^A-Za-z0-9_.-])" quoted(user) "([^A-Za-z0-9_.-]|$)"
            if (from != "") known[from] = 1
        }
        # Of each kind the last lines, or the first.
        function last(kind, many, line) { most[kind] = many; kept[kind, count[kind]++ % many] = line }
        function first(kind, many, line) { most[kind] = many; if (count[kind] < many) kept[kind, count[kind]++] = line }
        plain { whole = ($0 == "the end of the log"); if (!whole) last("plain", 600, NR "\t" $0); next }
        !/sshd/ { whole = ($0 == "the end of the log"); next }
        {
            # Any program may log such words: the line itself has to be of sshd.
            if (!match($0, / sshd(-session|-auth)?(\[[0-9]+\])?: /) || index(substr($0, 1, RSTART), ": ")) next
            line = NR "\t" $0; text = substr($0, RSTART + RLENGTH)
            process = substr($0, RSTART, RLENGTH - 2); sub(/^ sshd[a-z-]*/, "", process)
            if (process == "") process = "-"
        }
        text ~ /^(Server listening on|Received SIGHUP|Received signal)|Bad configuration/ { last("starts", 40, line); next }
        text ~ /drop connection|penalty|MaxStartups|refused connect from/ {
            if (from != "" && index(text, from)) last("from", 20, line)
            else last("drops", 40, line)
            next
        }
        text ~ /^(fatal: )?bad ownership or modes for chroot/ { last("chroots", 20, line) }
        from != "" && index(text, from) { last("from", 20, line) }
        # A process of which more is to come, and nobody knows whose it is.
        process == "-" { if (user == "" || text ~ word) last("lone", 60, line); next }
        user != "" && !(process in mine) && index(text, user) && text ~ word {
            mine[process] = 1; pending[process] = held[process]; delete held[process]
        }
        process in mine {
            if (text ~ /^Accepted [a-z\/-]+ for / && index(text, " for " user " from ")) let_in()
            else if (process in inside) last("sessions", 80, line)
            else pending[process] = pending[process] "\n" line
            if (text ~ /^(Connection (closed|reset) |Disconnected |Disconnecting |fatal: |Timeout before |pam_unix\(sshd:session\): session closed)/) {
                refused(process)
                delete mine[process]; delete inside[process]; delete pending[process]
            } else if (length(pending[process]) > 8000) refused(process)
            next
        }
        text ~ /^Accepted [a-z\/-]+ for / {
            name = text; sub(/^Accepted [^ ]+ for /, "", name); sub(/ from [^ ]+ port [0-9]+ ssh2.*$/, "", name)
            if (!(name in others) && ++other_count > 500) { split("", others); other_count = 1 }
            others[name] = 1; count["others refused first"] = 0
            last("others", user == "" ? 300 : 30, line)
        }
        (other_count || user == "") && text ~ /^Failed [a-z\/-]+ for |^(Connection (closed|reset) by|Disconnected from) authenticating user / {
            name = text; sub(/^.* (for|user) /, "", name); sub(/ .*$/, "", name)
            if (name in others) { last("others refused", 20, line); first("others refused first", 20, line) }
            else if (user == "" && text ~ /^Failed/) last("failed", 200, line)
        }
        text ~ /^(Connection (closed|reset) |Disconnected |fatal: )/ { delete held[process]; next }
        user != "" && length(held[process]) < 4000 {
            held[process] = held[process] "\n" line
            if (++holding > 20000) { split("", held); holding = 0 }
        }
        function let_in(  parts, many, i, key) {
            many = split(pending[process], parts, "\n")
            for (i = 1; i <= many; i++) if (parts[i] != "") last("sessions", 80, parts[i])
            pending[process] = ""; inside[process] = 1
            last("in", 60, line)
            key = text; sub(/^.* ssh2(: )?/, "", key)
            if (!(key in number) && key_count < 60) number[key] = ++key_count
            if (key in number) kept["by key", number[key] - 1] = line
            count["by key"] = key_count; most["by key"] = 60
            if (match(text, / from [^ ]+ port /)) {
                if (++known_count > 2000) { split("", known); known_count = 0; if (from != "") known[from] = 1 }
                known[substr(text, RSTART + 6, RLENGTH - 12)] = 1
            }
            count["first"] = 0; count["known first"] = 0
            if (print_of == "" || index(text, print_of)) count["key first"] = 0
        }
        # What a process said that let nobody in.
        function refused(of,  parts, many, i, own, word_of) {
            if (pending[of] == "") return
            many = split(pending[of], parts, "\n")
            own = match(pending[of], /[0-9a-fA-F.:%]+ port [0-9]+/) ? substr(pending[of], RSTART, RLENGTH) : ""
            sub(/ .*/, "", own)
            own = (own in known)
            for (i = 1; i <= many; i++) if (parts[i] != "") {
                last("refused", 120, parts[i]); first("first", 40, parts[i])
                if (own) { last("known", 80, parts[i]); first("known first", 40, parts[i]); first("key first", 40, parts[i]) }
            }
            pending[of] = ""
        }
        function quoted(name) { gsub(/[][\\.^$*+?(){}|]/, "\\\\&", name); return name }
        END {
            for (process in pending) refused(process)
            for (kind in most) for (i = 0; i < most[kind] && i < count[kind]; i++) print kept[kind, i]
            if (!whole) print NR + 1 "\tsshdoctor: cut"
        }
    ' | sort -n -u | cut -f 2- | shown | sed 's/^|sshdoctor: cut$/cut=yes/'
}
if [ -z "$address" ] && [ -n "$log_source" ] && [ -n "$user" ]; then
    # Whoever reaches the port chooses a name, blanks and addresses included: only whole messages of sshd count.
    address=$(log_lines | tr -d '\000\r' | WANTED=$user awk '
        BEGIN { user = ENVIRON["WANTED"] }
        !index($0, user) { next }
        {
            text = $0
            if (text ~ /^([A-Z][a-z][a-z] [ 0-9][0-9] |[0-9][0-9][0-9][0-9]-)/) {
                if (!match(text, / sshd(-session|-auth)?(\[[0-9]+\])?: /)) next
                if (substr(text, 1, RSTART - 1) !~ /^([A-Z][a-z][a-z] [ 0-9][0-9] [0-9:]+|[0-9][^ ]*) [^ ]+( [a-z]+\.[a-z]+)?$/) next
                text = substr(text, RSTART + RLENGTH)
            }
            sub(/ \[preauth\]$/, "", text)
        }
        match(text, /^(Accepted|Failed) [a-z\/-]+ for /) && behind(user " from ") && rest ~ /^[0-9A-Fa-f.:]+ port [0-9]+ ssh2(: .*)?$/ { found(); next }
        match(text, /^(Connection (closed|reset) by|Disconnected from) (authenticating |invalid )?user /) && behind(user " ") && rest ~ /^[0-9A-Fa-f.:]+ port [0-9]+$/ { found(); next }
        match(text, /^User /) && behind(user " from ") && rest ~ /^[0-9A-Fa-f.:]+ not allowed because [a-z]/ { found(); next }
        match(text, /^Invalid user /) && behind(user " from ") && rest ~ /^[0-9A-Fa-f.:]+( port [0-9]+)?$/ { found(); next }
        function behind(words) {
            rest = substr(text, RLENGTH + 1)
            if (index(rest, words) != 1) return 0
            rest = substr(rest, length(words) + 1)
            return 1
        }
        function found() { sub(/ .*/, "", rest); last = rest }
        END { print last }')
fi
case $address in *[!0-9A-Fa-f.:%]*) address='' ;; esac
section from
put named "$from"
put address "$address"
[ -n "$address" ] || address=192.0.2.1

# --- all or one -----------------------------------------------------------------------------------------------------

settings=''
if [ "$all" = yes ]; then
    count=0
    accounts=$( (if has getent; then limited 20 getent passwd; else cat /etc/passwd; fi) 2>/dev/null |
        awk -F: '$7 !~ /(nologin|false|sync|halt|shutdown)$/ && $1 != "" { print $1 }' | sed 1000q)
    old_ifs=$IFS
    IFS=$newline
    for name in $accounts; do
        IFS=$old_ifs
        account "$name"
        count=$((count + 1))
        IFS=$newline
    done
    IFS=$old_ifs
    section accounts
    put count "$count"
elif [ -n "$user" ]; then
    account "$user"
else
    effective root "$address"
fi

for gid in $seen_groups; do
    section group
    put gid "$gid"
    if has getent; then
        entry=$(limited 10 getent group "$gid" 2>/dev/null)
        accounts=$(limited 20 getent passwd 2>/dev/null)
    else
        entry=$(awk -F: -v id="$gid" '$3 == id { print; exit }' /etc/group)
        accounts=$(cat /etc/passwd)
    fi
    put name "${entry%%:*}"
    put members "${entry##*:}"
    put primary "$(printf '%s\n' "$accounts" | awk -F: -v id="$gid" '$4 == id { printf "%s%s:%s", separator, $3, $1; separator = "," }')"
done

# --- what keeps everybody out ---------------------------------------------------------------------------------------

for file in $(printf '%s\n' "$settings" | sed -n 's/^hostkey //p'); do
    path_of "$file"
    section host-key
    put path "$file"
    [ -r "$file" ] || [ ! -r "$file.pub" ] || file=$file.pub
    if [ -r "$file" ] && has ssh-keygen; then
        printed=$(limited 5 ssh-keygen -lf "$file" 2>&1 </dev/null | sed 1q)
        put fingerprint "$printed"
    fi
done
file=$(setting trustedusercakeys)
[ -z "$file" ] || [ "$file" = none ] || keys_file ca-file "$file"
for file in $(setting revokedkeys); do
    [ "$file" != none ] || continue
    keys_file revoked-file "$file"
    if [ -n "$key" ] && has ssh-keygen; then
        printed=$(printf '%s\n' "$key" | limited 5 ssh-keygen -Q -f "$file" /dev/stdin 2>&1)
        put query-status "$?"
        put query "$printed"
    fi
done
file=$(setting pidfile)
if [ -n "$file" ] && [ "$file" != none ]; then
    section pid-file
    put path "$file"
    put stat "$(real_stat_of "$file")"
fi
for file in /etc/nologin /run/nologin /var/run/nologin; do
    [ -e "$file" ] || continue
    text_file nologin "$file"
done

seen_pam=$newline
pam_file() {
    case $seen_pam in *"$newline$1$newline"*) return ;; esac
    [ "$2" -le 8 ] || return 0
    seen_pam=$seen_pam$1$newline
    text_file pam "$1" "$2"
    [ -r "$1" ] && [ -f "$1" ] || return 0
    # shellcheck disable=SC2013
    for included in $(sed -n -e 's/^[[:space:]]*@include[[:space:]]\{1,\}\([^[:space:]#]*\).*/\1/p' \
        -e 's/^[[:space:]]*-\{0,1\}account[[:space:]]\{1,\}\(include\|substack\)[[:space:]]\{1,\}\([^[:space:]#]*\).*/\2/p' "$1"); do
        case $included in
        /*) ;;
        *) included=/etc/pam.d/$included ;;
        esac
        pam_file "$included" $(($2 + 1))
    done
}
if [ -e /etc/pam.d/sshd ]; then
    pam_file /etc/pam.d/sshd 0
elif [ -e /etc/pam.d/other ]; then
    pam_file /etc/pam.d/other 0
fi
for file in /etc/security/access.conf /etc/security/time.conf /etc/hosts.allow /etc/hosts.deny; do
    [ ! -e "$file" ] || text_file text "$file"
done
# shellcheck disable=SC2013
for file in $(sed -n 's/^[^#]*pam_listfile\.so.*[[:space:]]file=\([^[:space:]]*\).*/\1/p' /etc/pam.d/sshd 2>/dev/null); do
    text_file text "$file"
done
if [ -n "$user" ] && has faillock; then
    section faillock
    said faillock limited 5 faillock --user "$user"
fi
if [ "$selinux" = yes ] && [ -r /var/log/audit/audit.log ]; then
    section avc
    tail -c 4194304 /var/log/audit/audit.log 2>/dev/null | grep -a 'avc: *denied' | grep -aE 'comm="?sshd' | tail -n 40 | shown
fi
if [ "$(id -u)" = 0 ] && [ -n "$from" ]; then
    section bans
    if has fail2ban-client; then
        for jail in $(limited 5 fail2ban-client status 2>/dev/null | sed -n 's/.*Jail list:[[:space:]]*//p' | tr -d ','); do
            if limited 5 fail2ban-client get "$jail" banip 2>/dev/null | grep -qwF -- "$from"; then put fail2ban "$jail"; fi
        done
    fi
    if has nft; then
        limited 5 nft list ruleset 2>/dev/null | FROM=$from awk '
            BEGIN { from = ENVIRON["FROM"]; gsub(/[.]/, "\\.", from) }
            function table_once() { if (table != "") print table; table = "" }
            /^table / { table = $0; sets = " "; next }
            /^\t(set|map) / { inside = "set"; named = $2; type = $1; next }
            /^\tchain / { inside = "chain"; chain = $0; hit = 0; lines = 0; next }
            /^\t}/ {
                if (inside == "chain" && hit) { table_once(); print chain; print "}" }
                inside = ""
                next
            }
            inside == "set" && $0 ~ "(^|[^0-9A-Fa-f.:/-])" from "([^0-9A-Fa-f.:/-]|$)" {
                table_once()
                print type " " named
                sets = sets named " "
            }
            inside == "chain" && lines++ < 200 {
                line = $0
                sub(/^[ \t]+/, "", line)
                chain = chain "\n" line
                if ($0 ~ "(^|[^0-9A-Fa-f.:])" from "([^0-9A-Fa-f.:]|$)") hit = 1
                for (i = 1; i <= NF; i++) if (substr($i, 1, 1) == "@" && index(sets, " " substr($i, 2) " ")) hit = 1
            }
        ' | sed 's/^[[:space:]]*//' | sed 500q | shown
    fi
    if has iptables-save; then
        limited 5 iptables-save 2>/dev/null | grep -wF -- "$from" | sed 20q | shown
    fi
fi
if [ "$run_command" = yes ] && [ "$(id -u)" = 0 ] && [ -n "$user" ]; then
    line=$(setting authorizedkeyscommand)
    run_as=$(setting authorizedkeyscommanduser)
    case $run_as in %u) run_as=$account_name ;; esac
    case $line in
    '' | none) ;;
    *)
        blob=${key#* }
        type=${key%% *}
        words=$(printf %s "$line" | U=$account_name H=$account_home N=$account_uid T=$type K=$blob awk '
            {
                gsub(/%u/, ENVIRON["U"]); gsub(/%h/, ENVIRON["H"]); gsub(/%U/, ENVIRON["N"])
                gsub(/%t/, ENVIRON["T"]); gsub(/%k/, ENVIRON["K"]); print
            }')
        [ "$words" != "${words%% *}" ] || words="$words $account_name"
        section command-answer
        put line "$words"
        # shellcheck disable=SC2086
        # sshd does not run what others than root may change.
        if [ -n "$run_as" ] && has setpriv && roots_alone "${words%% *}"; then
            answer=$(limited 10 setpriv --reuid "$run_as" --regid "$(id -g "$run_as")" --init-groups $words 2>/dev/null </dev/null)
            put status "$?"
            printf '%s\n' "$answer" | key_lines 20000 | sed 1000q
        fi
        ;;
    esac
fi
if [ "$all" = yes ]; then log ''; else log "$user"; fi
echo '[end]'
