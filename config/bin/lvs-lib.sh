# Shared by the launchers and the lvs-* scripts: sourced, POSIX sh, defines functions only.

say() { printf '%s\n' "$*" >&2; }

die() {
  say "$LVS_NAME: $*"
  exit 1
}

# Is $1 the home of a Java 25? The release file answers without starting a JVM.
is_java25() {
  [ -x "$1/bin/java" ] && [ -r "$1/release" ] || return 1
  while IFS= read -r lvs_line; do
    case $lvs_line in JAVA_VERSION=\"25[.\"+]*) return 0 ;; esac
  done <"$1/release"
  return 1
}

# Is there a Java 25 whose compiler is there too?
is_jdk25() { is_java25 "$1" && [ -x "$1/bin/javac" ]; }

# Sets LVS_JAVA_HOME to the first home that the test $1 (is_java25 or is_jdk25) accepts.
find_java_home() {
  for LVS_JAVA_HOME in "${LVSD_JAVA_HOME:-}" "${JAVA_HOME:-}" /usr/lib/jvm/*25* /opt/*25* /opt/*/*25*; do
    [ -n "$LVS_JAVA_HOME" ] && "$1" "$LVS_JAVA_HOME" && return 0
  done
  LVS_JAVA_HOME=$(command -v java 2>/dev/null) && LVS_JAVA_HOME=$(readlink -f "$LVS_JAVA_HOME") || LVS_JAVA_HOME=
  LVS_JAVA_HOME=${LVS_JAVA_HOME%/bin/java}
  [ -n "$LVS_JAVA_HOME" ] && "$1" "$LVS_JAVA_HOME" && return 0
  LVS_JAVA_HOME=
  return 1
}

java_remedy() {
  say "$LVS_NAME: no JDK 25 found (looked at LVSD_JAVA_HOME, JAVA_HOME, /usr/lib/jvm, /opt and the PATH)."
  say "  Install one, in any of these ways, and run this again:"
  say "  - from your distribution where it has one: apt-get install openjdk-25-jdk-headless"
  say "  - from the apt repository of a JDK vendor: apt-get install temurin-25-jdk"
  say "  - unpack any vendor's JDK 25 archive for Linux: tar -xzf jdk-25*.tar.gz -C /opt"
  say "  - where it is somewhere else: export LVSD_JAVA_HOME=/path/to/jdk-25"
}

# Sets LVS_JARS to the class path of program $2, which lies in target/lib of module $1 of a checkout, or in
# PREFIX/lib/lvsd/$1 when installed; LVS_JAR_DIR to the directory. The order is that of the names, always.
find_jars() {
  if [ -d "$LVS_BIN/../lib/lvsd/$1" ]; then
    LVS_JAR_DIR=$LVS_BIN/../lib/lvsd/$1
  else
    LVS_JAR_DIR=${LVS_BIN%/config/bin}/$1/target/lib
  fi
  LVS_JARS=
  for lvs_jar in "$LVS_JAR_DIR"/*.jar; do
    LVS_JARS=$LVS_JARS${LVS_JARS:+:}$lvs_jar
  done
  [ -r "$lvs_jar" ] || die "no jars in $LVS_JAR_DIR: build first, with mvn package or config/bin/lvs-setup --build."
}

# What the JVM of the tool is told, in its rehearsal too: a cache is of use to the JVM that it was made by. A short life: no
# compiler beyond C1, no collector threads, no code made for a constructor that is called once.
LVS_TOOL_OPTIONS="-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Djdk.reflect.useNativeAccessorOnly=true"

# Sets LVS_DAEMON_OPTIONS: what the JVM of a director is told, in lvsd and under lvs-bench alike. A function, for the tool
# has no time for it.
daemon_options() {
  # Fixed, touched memory and a collector whose pauses stay below a millisecond; workers allocate nothing, so that only
  # the control plane's garbage is ever collected, and only when it fills the heap: collections ahead of need, every few
  # seconds, would stop the workers for nothing. No perf file: its mmap can stall a thread on disk writes.
  LVS_DAEMON_OPTIONS="--enable-native-access=ALL-UNNAMED -XX:+UseZGC -XX:-ZProactive -Xms256m -Xmx256m -XX:+AlwaysPreTouch"
  LVS_DAEMON_OPTIONS="$LVS_DAEMON_OPTIONS -XX:-UsePerfData"

  # Accesses to native memory by the JVM's own means (lvsd.memory.RawAccess), and what does not fit into registers on the
  # stack: moves between integer and vector registers, the JIT's choice on AMD processors, cost a tenth of all packets.
  LVS_DAEMON_OPTIONS="$LVS_DAEMON_OPTIONS --add-exports=java.base/jdk.internal.misc=ALL-UNNAMED -XX:-UseFPUForSpilling"

  # The packet path is compiled in the pieces that it is written in: the loop of the packets that there are most of has no
  # call in it, and what is rare stays out of it (docs/performance.md, "The JIT").
  LVS_DAEMON_OPTIONS="$LVS_DAEMON_OPTIONS -XX:InlineSmallCode=20000 -XX:CompileCommand=quiet"
  for lvs_method in dataplane.Pipeline::stage* dataplane.Pipeline::second* dataplane.Pipeline::forward* \
    dataplane.Parser::stage* dataplane.nat.TcpRewrite::unusual dataplane.TcpTracker::change dataplane.Misses::fast \
    dataplane.Misses::longWay dataplane.Misses::forwardSlow dataplane.Misses::known dataplane.Misses::reused dataplane.Misses::gone \
    wire.Checksum::transport* wire.Checksum::verify6 dataplane.Misses::sendOn dataplane.Misses::rewrite \
    dataplane.net.Net::nextHop* dataplane.net.Net::output dataplane.net.Net::refuse dataplane.SynProxy::miss \
    dataplane.SynProxy::judge dataplane.SynProxy::cookie4 dataplane.SynProxy::proven dataplane.SynProxy::persistent \
    dataplane.SynProxy::badTwice dataplane.FloodPath::stage* dataplane.FloodPath::answered \
    dataplane.FloodPath::gather4 dataplane.FloodPath::gather6 synproxy.SipLanes::run \
    synproxy.SynAnswer::answer* synproxy.TcpOffer::walk synproxy.TcpOffer::timestamp dataplane.Connector::fill \
    dataplane.Connector::insertAndForward dataplane.Connector::toa dataplane.Connector::insertToa \
    dataplane.Connector::release* dataplane.Connector::endPredecessor dataplane.connection.LocalPorts::acquire* \
    dataplane.connection.LocalPorts::fetchLater dataplane.connection.FreeEntries::* \
    dataplane.connection.ConnectionTable::allocate dataplane.connection.ConnectionTable::link* \
    dataplane.connection.ConnectionTable::remove dataplane.connection.ConnectionTable::fetchLater4 \
    dataplane.connection.ConnectionTable::unlink dataplane.connection.TimerWheel::arm dataplane.TcpTracker::moveTo \
    dataplane.ServerHandshakes::begin* dataplane.ServerHandshakes::from* dataplane.ServerHandshakes::complete \
    dataplane.ServerHandshakes::settle dataplane.ServerHandshakes::sendSyn dataplane.ServerHandshakes::acknowledge \
    dataplane.ServerHandshakes::leave dataplane.ServerHandshakes::send dataplane.ServerHandshakes::resend \
    dataplane.ServerHandshakes::giveUp dataplane.ServerHandshakes::replace dataplane.Worker::process \
    dataplane.OwnSegments::write dataplane.OwnSegments::translatedSyn dataplane.OwnSegments::translatedAcknowledgement \
    dataplane.OwnSegments::of6 dataplane.Connector::open dataplane.Connector::openProxied \
    dataplane.Connector::openFullnat; do
    LVS_DAEMON_OPTIONS="$LVS_DAEMON_OPTIONS -XX:CompileCommand=dontinline,lvsd.$lvs_method"
  done

  # And what that loop is written in is in it, whatever packets there were when it was compiled: a loop that most packets
  # left early then would be left with a call for each of these.
  for lvs_method in lvsd.memory.Memory::get* lvsd.memory.Memory::set* lvsd.memory.Memory::place lvsd.memory.Memory::raw* \
    lvsd.memory.Memory::swap lvsd.dataplane.Burst::setVerdict lvsd.dataplane.Verdict::transmit lvsd.dataplane.Pipeline::seen \
    lvsd.dataplane.Pipeline::plain4 lvsd.dataplane.connection.Connection::difference* lvsd.wire.Udp::checksum \
    lvsd.wire.Udp::setChecksum \
    lvsd.dataplane.connection.Connection::windowsOf lvsd.dataplane.connection.Connection::deltasOf \
    lvsd.dataplane.connection.Connection::rewrite* lvsd.dataplane.connection.Connection::seqDeltas \
    lvsd.dataplane.connection.Connection::setLastSeen lvsd.dataplane.connection.Connection::setPackets \
    lvsd.dataplane.connection.Connection::packets lvsd.dataplane.connection.Connection::destinationOf \
    lvsd.dataplane.net.Adjacency::overwriteHeader lvsd.dataplane.net.Adjacency::writeUntagged \
    lvsd.dataplane.net.Adjacency::setUsed lvsd.dataplane.net.Adjacency::port \
    lvsd.dataplane.scheduler.DestinationCounters::count lvsd.dataplane.scheduler.DestinationCounters::line \
    lvsd.dataplane.nat.TcpRewrite::sequence lvsd.wire.Tcp::headerLengthOf lvsd.wire.Tcp::checksumOf \
    lvsd.wire.Tcp::setChecksum lvsd.wire.Ipv4::rewrite lvsd.wire.Ipv4::rewritten lvsd.wire.Checksum::apply \
    lvsd.wire.Checksum::change lvsd.wire.Checksum::fold* lvsd.wire.Checksum::add lvsd.wire.Checksum::delta* \
    lvsd.wire.Checksum::canonical java.lang.Integer::toUnsignedLong; do
    LVS_DAEMON_OPTIONS="$LVS_DAEMON_OPTIONS -XX:CompileCommand=inline,$lvs_method"
  done
}
