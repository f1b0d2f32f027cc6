# Set-up shared by lvs-setup, lvs-demo and lvs-test: sourced after lvs-lib.sh, wants LVS_NAME and LVS_ROOT.

# Installs package $2 unless command or file $1 is there; collects first, so that apt runs once.
lvs_need() {
  case $1 in
    /*) [ -e "$1" ] || LVS_MISSING="${LVS_MISSING:-} $2" ;;
    *) command -v "$1" >/dev/null 2>&1 || LVS_MISSING="${LVS_MISSING:-} $2" ;;
  esac
}

# DPDK with all drivers, its headers and a C compiler (tests check struct layouts against them), and network tools; with
# `tests` also the health checkers that drive lvsd in tests, and nft, whose SYN proxy it is compared with.
setup_packages() {
  LVS_MISSING=
  PATH=$PATH:/usr/sbin:/sbin
  export PATH
  lvs_need dpdk-testpmd dpdk-dev
  ldconfig -p 2>/dev/null | grep -q 'librte_net_af_packet\.so' ||
    ls /usr/lib/*/dpdk/pmds-*/librte_net_af_packet.so* >/dev/null 2>&1 || LVS_MISSING="$LVS_MISSING librte-meta-all"
  pkg-config --exists libdpdk 2>/dev/null || LVS_MISSING="$LVS_MISSING libdpdk-dev pkg-config"
  lvs_need gcc gcc
  lvs_need /usr/include/stdio.h libc6-dev
  lvs_need ip iproute2
  lvs_need ethtool ethtool
  lvs_need curl curl
  lvs_need tcpdump tcpdump
  lvs_need mvn maven
  lvs_need git git
  lvs_need ps procps
  lvs_need ping iputils-ping
  if [ "${1:-}" = tests ]; then
    lvs_need ldirectord ldirectord
    lvs_need keepalived keepalived
    lvs_need nft nftables
    lvs_need python3 python3
    lvs_need perl perl-base
  fi
  [ -n "$LVS_MISSING" ] || return 0
  command -v apt-get >/dev/null 2>&1 || die "missing packages:$LVS_MISSING; this is not Debian, install their like by hand."
  [ "$(id -u)" = 0 ] || die "missing packages:$LVS_MISSING; run this as root, or: apt-get install$LVS_MISSING"
  say "$LVS_NAME: installing$LVS_MISSING"
  lvs_log=$(mktemp)
  # shellcheck disable=SC2086 # a list of names
  if ! { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $LVS_MISSING; } \
    </dev/null >"$lvs_log" 2>&1; then
    tail -n 20 "$lvs_log" >&2
    rm -f "$lvs_log"
    die "apt-get could not install:$LVS_MISSING (its last lines are above)."
  fi
  rm -f "$lvs_log"
}

# Unpacks the Linux kernel as a program, with its ipvsadm and a busybox, into the cache, for tests where lvsd meets the
# kernel's IPVS. Nothing is installed: another ipvsadm would stand in the way of ours.
setup_kernel_guest() {
  lvs_guest=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/lvsd/kernel-guest
  [ ! -e "$lvs_guest/complete" ] || return 0
  command -v apt-get >/dev/null 2>&1 || return 0
  say "$LVS_NAME: fetching a Linux kernel for tests with its IPVS"
  mkdir -p "${lvs_guest%/*}"
  lvs_work=$(mktemp -d "$lvs_guest.XXXXXX")
  lvs_try=0
  until (cd "$lvs_work" && lvs_fetch_guest) >"$lvs_work/log" 2>&1; do
    lvs_try=$((lvs_try + 1))
    if [ "$lvs_try" = 6 ]; then
      # Tests that want it say so too, and fail where they may not be skipped.
      tail -n 20 "$lvs_work/log" >&2
      say "$LVS_NAME: could not fetch the Linux kernel for tests with its IPVS (the last lines are above)"
      break
    fi
    # The mirror may have newer packages than the lists name, or rest for a moment.
    sleep $((lvs_try * 5 - 5))
    apt-get -qq update </dev/null >/dev/null 2>&1 || true
  done
  if [ -e "$lvs_work/root/complete" ] && [ ! -e "$lvs_guest/complete" ]; then
    rm -rf "$lvs_guest"
    mv "$lvs_work/root" "$lvs_guest"
  fi
  rm -rf "$lvs_work"
}

# Fetches the packages of the guest into this directory and unpacks them into root.
lvs_fetch_guest() {
  apt-get -qq -o APT::Sandbox::User=root -o Acquire::Retries=3 download \
    user-mode-linux busybox-static ipvsadm libnl-3-200 libnl-genl-3-200 libpopt0 </dev/null || return 1
  for lvs_deb in ./*.deb; do
    dpkg-deb -x "$lvs_deb" root || return 1
  done
  mv root/usr/bin/linux.uml root/kernel || return 1
  touch root/complete
}

# Exports JAVA_HOME of a JDK 25; installs one where apt knows it.
setup_jdk() {
  if ! find_java_home is_jdk25; then
    for lvs_jdk in openjdk-25-jdk-headless temurin-25-jdk; do
      [ "$(id -u)" = 0 ] && apt-cache show "$lvs_jdk" >/dev/null 2>&1 || continue
      say "$LVS_NAME: installing $lvs_jdk"
      DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$lvs_jdk" </dev/null >/dev/null 2>&1 || true
      find_java_home is_jdk25 && break
    done
  fi
  [ -n "$LVS_JAVA_HOME" ] || { java_remedy; exit 1; }
  JAVA_HOME=$LVS_JAVA_HOME
  export JAVA_HOME
}

# Adds $1 hugepages of 2 MB, if the machine gives them. Never an error: lvsd runs without, slower.
add_hugepages() {
  LVS_HUGEPAGES_BEFORE=
  lvs_file=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
  [ -w "$lvs_file" ] || return 0
  LVS_HUGEPAGES_BEFORE=$(cat "$lvs_file")
  echo $((LVS_HUGEPAGES_BEFORE + $1)) 2>/dev/null >"$lvs_file" || LVS_HUGEPAGES_BEFORE=
}

# Gives back what add_hugepages took.
restore_hugepages() {
  [ -z "${LVS_HUGEPAGES_BEFORE:-}" ] || echo "$LVS_HUGEPAGES_BEFORE" 2>/dev/null >"$lvs_file" || true
  LVS_HUGEPAGES_BEFORE=
}

# Builds the jars, without tests, when one is missing or older than a source or pom. How sources are laid out is checked by
# lvs-test, whose build leaves nothing out; who only wants to run lvsd needs no formatter.
build_if_needed() {
  lvs_daemon=$(find "$LVS_ROOT/lvs-dataplane/target/lib" -name 'lvs-dataplane-*.jar' 2>/dev/null | head -n 1)
  lvs_tool=$(find "$LVS_ROOT/lvs-cli/target/lib" -name 'lvs-cli-*.jar' 2>/dev/null | head -n 1)
  if [ -n "$lvs_daemon" ] && [ -n "$lvs_tool" ] && [ -z "$(cd "$LVS_ROOT" && find pom.xml ./*/pom.xml ./*/src/main \
    -type f -newer "$lvs_daemon" -print -quit 2>/dev/null)" ]; then
    return 0
  fi
  say "$LVS_NAME: building (the first time takes some minutes)"
  lvs_log=$(mktemp)
  if ! (cd "$LVS_ROOT" && mvn -B -q -DskipTests -Dspotless.check.skip=true package) </dev/null >"$lvs_log" 2>&1; then
    tail -n 40 "$lvs_log" >&2
    rm -f "$lvs_log"
    die "the build failed (its last lines are above)."
  fi
  rm -f "$lvs_log"
}
