#!/bin/sh
# Installs the servers and the browser that the tests start for themselves, where this machine and its user allow it:
# Debian or Ubuntu, as root or with a sudo that asks for no password. Nothing that is installed is started, now or at
# boot by this script; the tests start their own with private folders. Does nothing when everything is there.
set -eu

policy=${BOMC_POLICY_RC_D:-/usr/sbin/policy-rc.d}
PATH=$PATH:/usr/sbin:/sbin

# has WHAT... : whether one of these commands is on the path, or one of these files exists
has() {
    for what in "$@"; do
        case $what in
            /*) if [ -e "$what" ]; then return 0; fi ;;
            *) if command -v "$what" >/dev/null 2>&1; then return 0; fi ;;
        esac
    done
    return 1
}

# shellcheck disable=SC2086 # the words of the list are meant to be split
missing_packages() {
    while read -r package what; do
        has $what || printf '%s ' "$package"
    done <<LIST
chromium chromium chromium-browser
postgresql initdb $(echo /usr/lib/postgresql/*/bin/initdb)
mariadb-server mariadbd
nginx-light nginx
apache2 apache2
tomcat10 /usr/share/tomcat10/bin/catalina.sh
tomcat10-admin /usr/share/tomcat10-admin/manager
prometheus prometheus
prometheus-alertmanager amtool
openssh-server sshd
openjdk-17-jre-headless java
libpango-1.0-0 $(echo /usr/lib/*/libpango-1.0.so.0)
libpangoft2-1.0-0 $(echo /usr/lib/*/libpangoft2-1.0.so.0)
libharfbuzz-subset0 $(echo /usr/lib/*/libharfbuzz-subset.so.0)
fonts-noto-cjk /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc
LIST
}

# give_up WHY : the tests that need what is missing skip with that reason; in CI that is a failure
give_up() {
    echo "tests/install-servers.sh: not installed: $missing- $1." >&2
    echo "The tests that need them are skipped; install them with: apt-get install --no-install-recommends $missing" >&2
    if [ "${CI:-}" = true ]; then exit 1; fi
    exit 0
}

missing=$(missing_packages)
if [ -z "$missing" ]; then exit 0; fi
has apt-get || give_up "this is not Debian or Ubuntu"
if [ "$(id -u)" = 0 ]; then
    as_root=
elif has sudo && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    give_up "this user is neither root nor may use sudo without a password"
fi

# While packages are installed their services must not start. A policy that was there before is somebody else's: it stays.
made_policy=
restore() {
    if [ -n "$made_policy" ]; then $as_root rm -f "$policy"; fi
}
trap restore EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
if [ ! -e "$policy" ]; then
    made_policy=yes
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
fi

echo "tests/install-servers.sh: installing $missing"
install="$as_root env DEBIAN_FRONTEND=noninteractive apt-get"
$install update -q || give_up "the list of packages could not be fetched"
available=
for package in $missing; do
    if apt-cache show "$package" >/dev/null 2>&1; then
        available="$available $package"
    else
        echo "tests/install-servers.sh: this release has no package $package" >&2
    fi
done
if [ -n "$available" ]; then
    # shellcheck disable=SC2086 # one word a package
    $install install -q -y --no-install-recommends $available || give_up "apt-get could not install them"
fi
missing=$(missing_packages)
if [ -n "$missing" ]; then give_up "this release does not offer them"; fi
