# Opens COUNT connections from SOURCE to port 80 of VIP for each word VIP,SOURCE,COUNT, asks each for what never comes, says
# "ready" and holds them.
use strict;
use warnings;
use Socket;

my @held;
for my $word (@ARGV) {
    my ($vip, $source, $count) = split /,/, $word;
    my $ipv6 = $vip =~ /:/;
    my $at = sub {
        my ($text, $port) = @_;
        my $address = Socket::inet_pton($ipv6 ? AF_INET6 : AF_INET, $text);
        return $ipv6 ? Socket::pack_sockaddr_in6($port, $address) : pack_sockaddr_in($port, $address);
    };
    for (1 .. $count) {
        socket(my $connection, $ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0) or die "socket: $!";
        bind($connection, $at->($source, 0)) or die "bind: $!";
        connect($connection, $at->($vip, 80)) or die "connect to $vip: $!";
        syswrite($connection, "GET /hang HTTP/1.1\r\n\r\n") or die "write: $!";
        push @held, $connection;
    }
}
syswrite(STDOUT, "ready\n");
sleep;
