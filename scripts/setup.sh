# shellcheck shell=bash
# ./run, ./test と .ci/run が使う関数。これだけを実行しても何も起きません。
# Functions of ./run, ./test and .ci/run: install what is missing, once. Sourced, not run.
#
#   setup run     what the practice city needs   (requirements.lock)
#   setup test    what every test needs          (requirements-dev.lock)
#
# The virtual environment is .venv in the checkout. A stamp in it holds the digest of the lock
# files and of pyproject.toml; while it agrees nothing is installed and no network is needed.

# The caller sets ROOT, the absolute path of the checkout.
: "${ROOT:?}"
VENV="$ROOT/.venv"
# Without compiled files every start compiles three hundred modules again: half a second.
unset PYTHONDONTWRITEBYTECODE

say() { # Japanese, English
    printf '%s\n%s\n' "$1" "$2" >&2
}

die() { # Japanese, English
    say "$1" "$2"
    exit 2
}

# --- Python ---------------------------------------------------------------------------------

find_python() { # sets PYTHON; fails when none is 3.11 or later
    local candidate
    PYTHON=
    for candidate in ${ICT_BCP_PYTHON:+"$ICT_BCP_PYTHON"} python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            PYTHON="$candidate"
            return 0
        fi
    done
    return 1
}

python_package() { # the Debian package that lacks, nothing when Python can make environments
    if ! find_python; then
        command -v python3 >/dev/null || echo python3-venv
    elif [ ! -x "$VENV/bin/python" ] && ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
        if [ "$PYTHON" = python3 ] || [ "$PYTHON" = /usr/bin/python3 ]; then
            echo python3-venv
        else
            "$PYTHON" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
        fi
    fi
}

# --- Debian packages ------------------------------------------------------------------------

on_path() { command -v "$1" >/dev/null 2>&1; }

missing_packages() { # run|test
    local noto=/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc
    on_path restic || echo restic
    if [ "$1" = test ]; then
        on_path prometheus && on_path promtool || echo prometheus
        on_path prometheus-alertmanager || on_path alertmanager || echo prometheus-alertmanager
        on_path chromium || echo chromium
        # The browser driver's own program needs it; Debian 12 brings it only with a compiler.
        compgen -G '/usr/lib/*/libatomic.so.1' >/dev/null || echo libatomic1
        [ -e "$noto" ] || echo fonts-noto-cjk
        compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || on_path postgres || echo postgresql
        on_path mariadbd || on_path mysqld || [ -x /usr/sbin/mariadbd ] || echo mariadb-server-core
        on_path mariadb-dump || on_path mysqldump || echo mariadb-client
        on_path setfacl || echo acl
        on_path ssh-keygen || echo openssh-client
        on_path pdftotext || echo poppler-utils
        on_path strace || echo strace
        on_path smbd || [ -x /usr/sbin/smbd ] || echo samba
    fi
}

install_packages() { # names: as root without starting a service, otherwise say the line and stop
    local guard=/usr/sbin/policy-rc.d made=no unit failed=no
    if ! on_path apt-get; then
        die "必要なものがありません: $* (Debian のパッケージ名)。入れてからもう一度実行してください。" \
            "Missing: $* (names of Debian packages). Install them, then start again."
    fi
    if [ "$(id -u)" != 0 ]; then
        die "足りないパッケージがあります。次の 1 行を実行してから、もう一度始めてください。" \
            "Debian packages are missing. Run this line, then start again:

    sudo apt-get install -y --no-install-recommends $*
"
    fi
    say "Debian のパッケージを入れます: $*" "Installing Debian packages: $*"
    if [ ! -e "$guard" ]; then # a new package must not start its service here
        printf '#!/bin/sh\nexit 101\n' >"$guard" && chmod 755 "$guard" && made=yes
    fi
    apt-get -qq update >&2 || true
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 \
        install --no-install-recommends "$@" </dev/null >/dev/null || failed=yes
    [ "$made" = no ] || rm -f "$guard"
    for unit in prometheus prometheus-alertmanager postgresql; do # nor at the next boot
        case " $* " in *" $unit "*) systemctl --quiet disable "$unit" >/dev/null 2>&1 || true ;; esac
    done
    case " $* " in *" samba "*) systemctl --quiet disable smbd nmbd samba-ad-dc >/dev/null 2>&1 || true ;; esac
    [ "$failed" = no ] || die "パッケージを入れられませんでした: apt-get install $*" \
        "The packages could not be installed: apt-get install $*"
}

# --- The virtual environment ------------------------------------------------------------------

identity() { # of the environment: where it stands and which Python it belongs to
    printf '%s %s\n' "$ROOT" "$(readlink -f "$VENV/bin/python")"
}

digest() { # run|test: of all that decides what is installed
    local files=("$ROOT/pyproject.toml" "$ROOT/requirements.lock")
    [ "$1" = run ] || files+=("$ROOT/requirements-dev.lock")
    cat -- "${files[@]}" | sha256sum
}

venv_stands() {
    [ -x "$VENV/bin/python" ] && [ -f "$VENV/.identity" ] && [ "$(<"$VENV/.identity")" = "$(identity)" ]
}

up_to_date() { # run|test
    [ -x "$VENV/bin/ict-bcp" ] && [ -f "$VENV/.stamp-$1" ] && venv_stands &&
        [ "$(<"$VENV/.stamp-$1")" = "$(digest "$1")" ]
}

install_venv() { # run|test
    local lock="$ROOT/requirements.lock" pip
    [ "$1" = run ] || lock="$ROOT/requirements-dev.lock"
    if ! venv_stands; then
        say "Python の仮想環境を作ります: $VENV" "Making the virtual environment: $VENV"
        "$PYTHON" -m venv --clear "$VENV" || die "仮想環境を作れませんでした。" "The virtual environment could not be made."
        identity >"$VENV/.identity"
    fi
    say "Python のライブラリを入れます(初回は 1 分ほど)。" "Installing Python libraries (about a minute the first time)."
    rm -f "$VENV/.stamp-run" "$VENV/.stamp-test"
    pip=("$VENV/bin/python" -m pip --disable-pip-version-check --no-input --quiet install)
    "${pip[@]}" --require-hashes --only-binary :all: -r "$lock" &&
        "${pip[@]}" --no-deps --no-build-isolation --no-index -e "$ROOT" ||
        die "ライブラリを入れられませんでした。ネットワークか PIP_NO_INDEX と PIP_FIND_LINKS を確かめてください。" \
            "The libraries could not be installed. Check the network, or PIP_NO_INDEX and PIP_FIND_LINKS."
    digest run >"$VENV/.stamp-run"
    [ "$1" = run ] || digest test >"$VENV/.stamp-test"
}

# --- A newer restic, for the tests alone --------------------------------------------------------

NEWER_RESTIC="$VENV/restic-0.18.0"

# The tests hold for Debian 12's restic and for Debian 13's. Taken by its digest; where it cannot be
# had (no network, another kind of machine, gone from the mirror) the tests use what is installed.
fetch_newer_restic() {
    local sum machine folder
    [ ! -x "$NEWER_RESTIC" ] || return 0
    machine="$(dpkg --print-architecture 2>/dev/null || true)"
    case "$machine" in
        amd64) sum=4888fb20b272a28b84ac39171b7d7f0d9a58c2aeae51ec28e54684648d66e12c ;;
        arm64) sum=3877c6ef8efe052e80a6417b0ac0a672e644fd8bf5ef14e8b803ab6744e43be2 ;;
        *) return 0 ;;
    esac
    folder="$(mktemp -d "$VENV/.restic.XXXXXX")" || return 0
    if "$VENV/bin/python" - "http://deb.debian.org/debian/pool/main/r/restic/restic_0.18.0-1+b4_$machine.deb" \
        "$folder/restic.deb" "$sum" <<'PYTHON' && dpkg-deb -x "$folder/restic.deb" "$folder/x"; then
import hashlib, pathlib, sys, urllib.request
url, file, wanted = sys.argv[1:]
try:
    data = urllib.request.urlopen(url, timeout=60).read()
except OSError:
    sys.exit(1)
if hashlib.sha256(data).hexdigest() != wanted:
    sys.exit(1)
pathlib.Path(file).write_bytes(data)
PYTHON
        mv "$folder/x/usr/bin/restic" "$NEWER_RESTIC" # whole or not at all
    else
        say "新しい restic (0.18) を取れませんでした。入っている restic だけで試験します。" \
            "restic 0.18 could not be had: the tests use the installed one only."
    fi
    rm -rf "$folder"
}

# The tests ask a real time server. Debian's package would take over the machine's clock, so only its
# program is taken out (apt checks where it comes from); without it those tests say what is missing.
fetch_chronyd() {
    local folder
    if [ -x "$VENV/chronyd" ] || on_path chronyd || [ -x /usr/sbin/chronyd ]; then return 0; fi
    folder="$(mktemp -d "$VENV/.chrony.XXXXXX")" || return 0
    if (cd "$folder" && apt-get download chrony && dpkg-deb -x chrony_*.deb x && x/usr/sbin/chronyd -v) >/dev/null 2>&1; then
        mv "$folder/x/usr/sbin/chronyd" "$VENV/chronyd" # whole or not at all
    fi
    rm -rf "$folder"
}

# Likewise a real sshd: installed it would open this machine to log-ins.
fetch_sshd() {
    local folder
    if [ -d "$VENV/openssh" ] || on_path sshd || [ -x /usr/sbin/sshd ]; then return 0; fi
    folder="$(mktemp -d "$VENV/.sshd.XXXXXX")" || return 0
    if (cd "$folder" && apt-get download openssh-server libwrap0 && dpkg-deb -x openssh-server_*.deb x &&
        dpkg-deb -x libwrap0_*.deb x && [ -x x/usr/sbin/sshd ]) >/dev/null 2>&1; then
        mv "$folder/x" "$VENV/openssh"
    fi
    rm -rf "$folder"
}

# Places for backups: OpenSSH's SFTP server and a REST server (rclone), each one program. Without them
# the tests of repositories over SFTP and REST are skipped and say so.
fetch_storage_servers() {
    local folder
    if { [ -x "$VENV/rclone" ] || on_path rclone; } &&
        { [ -x "$VENV/sftp-server" ] || [ -x /usr/lib/openssh/sftp-server ]; }; then return 0; fi
    folder="$(mktemp -d "$VENV/.storage.XXXXXX")" || return 0
    if (cd "$folder" && apt-get download rclone openssh-sftp-server && dpkg-deb -x rclone_*.deb x &&
        dpkg-deb -x openssh-sftp-server_*.deb x && x/usr/bin/rclone version) >/dev/null 2>&1; then
        mv "$folder/x/usr/lib/openssh/sftp-server" "$VENV/sftp-server"
        mv "$folder/x/usr/bin/rclone" "$VENV/rclone" # each whole or not at all
    else
        say "rclone と sftp-server を取れませんでした。SFTP と REST の保管先の試験は飛ばします。" \
            "rclone and sftp-server could not be had: tests of SFTP and REST storage are skipped."
    fi
    rm -rf "$folder"
}

# A UPS for the tests: upsd and its dummy driver, unpacked for the same reason.
fetch_nut() {
    local folder library
    if [ -e "$VENV/nut" ] || [ -x /lib/nut/upsd ]; then return 0; fi
    folder="$(mktemp -d "$VENV/.nut.XXXXXX")" || return 0
    library="$(apt-cache depends nut-server nut-client 2>/dev/null |
        sed -nE 's/.*Depends: (lib(upsclient|wrap)[0-9a-z]*)$/\1/p' | sort -u)"
    # shellcheck disable=SC2086  # no name where the package needs no such library
    if (cd "$folder" && apt-get download nut-server $library &&
        for deb in *.deb; do dpkg-deb -x "$deb" x || exit 1; done) >/dev/null 2>&1; then
        mv "$folder/x" "$VENV/nut" # whole or not at all
    fi
    rm -rf "$folder"
}

# A directory for the tests: slapd, unpacked for the same reason.
fetch_slapd() {
    local folder library
    if [ -e "$VENV/slapd" ] || [ -x /usr/sbin/slapd ]; then return 0; fi
    folder="$(mktemp -d "$VENV/.slapd.XXXXXX")" || return 0
    library="$(apt-cache depends slapd 2>/dev/null |
        sed -nE 's/.*Depends: (lib(argon2|ldap|ltdl|odbc|sasl2|wrap)[0-9a-z.-]*)$/\1/p' | sort -u)"
    # shellcheck disable=SC2086  # no name where the package needs no such library
    if (cd "$folder" && apt-get download slapd $library &&
        for deb in *.deb; do dpkg-deb -x "$deb" x || exit 1; done && [ -x x/usr/sbin/slapd ]) >/dev/null 2>&1; then
        mv "$folder/x" "$VENV/slapd" # whole or not at all
    fi
    rm -rf "$folder"
}

fetch_test_programs() {
    fetch_newer_restic
    fetch_chronyd
    fetch_sshd
    fetch_nut
    fetch_slapd
    fetch_storage_servers
}

setup() { # run|test
    local packages
    packages="$(missing_packages "$1")"
    if up_to_date "$1"; then
        # shellcheck disable=SC2086  # one word per package
        [ -z "$packages" ] || install_packages $packages
        [ "$1" = run ] || fetch_test_programs
        return 0
    fi
    packages="$packages $(python_package)"
    # shellcheck disable=SC2086
    [ -z "${packages// /}" ] || install_packages $packages
    find_python || die "Python 3.11 以降が必要です(見つかったのは: $(python3 --version 2>&1 || true))。" \
        "Python 3.11 or later is needed (found: $(python3 --version 2>&1 || true))."
    (   # two starts at once: the second waits for the first
        flock 9
        up_to_date "$1" || install_venv "$1"
        [ "$1" = run ] || fetch_test_programs
    ) 9>"$ROOT/.venv.lock" || exit $?
}
