# Sourced. Finds and installs the packages of tests/lib/packages.

# packages_missing FILE USE...: the packages of these uses that are not installed, one a line.
packages_missing()
{
    local file=$1 use package probe
    shift
    while read -r use package probe; do
        [[ $use == '#'* || -z $use || " $* " != *" $use "* ]] && continue
        package_present "$package" "$probe" || echo "$package"
    done <"$file"
}

package_present()
{
    if command -v dpkg-query >/dev/null; then
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
        return
    fi
    case $2 in
    cmd:*) command -v "${2#cmd:}" >/dev/null ;;
    pc:*) pkg-config --exists "${2#pc:}" 2>/dev/null ;;
    py:*) python3 -c "import ${2#py:}" 2>/dev/null ;;
    esac
}

# packages_install PACKAGE...: needs root and apt. The package lists are only fetched if those at hand do not do.
packages_install()
{
    local apt=(apt-get -qq -o Dpkg::Use-Pty=0)
    export DEBIAN_FRONTEND=noninteractive
    "${apt[@]}" install -y --no-install-recommends "$@" </dev/null >/dev/null 2>&1 && return
    "${apt[@]}" update </dev/null && "${apt[@]}" install -y --no-install-recommends "$@" </dev/null >/dev/null
}

# services_stay_down COMMAND...: runs it while no package may start a service (policy-rc.d, as of invoke-rc.d(8)):
# tests start what they need themselves, on loopback.
services_stay_down()
(
    local policy=${POLICY_RC_D:-/usr/sbin/policy-rc.d}
    [[ -e $policy ]] && { "$@"; exit; }
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && "$@"
)
