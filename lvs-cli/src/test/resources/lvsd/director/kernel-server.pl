# Accepts on port 80, IPv4 and IPv6, and holds what comes; has nothing more to say to every fourth.
use strict;
use warnings;
use Socket qw(:DEFAULT IPPROTO_IPV6 IPV6_V6ONLY);

my $child = fork() // die "fork: $!";
my $ipv6 = $child == 0;
socket(my $listener, $ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0) or die "socket: $!";
setsockopt($listener, SOL_SOCKET, SO_REUSEADDR, 1) or die "SO_REUSEADDR: $!";
!$ipv6 or setsockopt($listener, IPPROTO_IPV6, IPV6_V6ONLY, 1) or die "IPV6_V6ONLY: $!";
my $any = $ipv6 ? Socket::pack_sockaddr_in6(80, Socket::IN6ADDR_ANY) : pack_sockaddr_in(80, INADDR_ANY);
bind($listener, $any) or die "bind: $!";
listen($listener, 1024) or die "listen: $!";
syswrite(STDOUT, "ready\n");
my @held;
while (accept(my $connection, $listener)) {
    push @held, $connection;
    shutdown($connection, 1) if @held % 4 == 0;
}
