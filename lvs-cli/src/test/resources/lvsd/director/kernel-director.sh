# Run in the guest: a director by the kernel between a client and a server, each in a namespace of its own, with the
# addresses of the whole-director tests.
set -e
for n in c s; do
  ip netns add $n
  ip -n $n link set lo up
  ip link add v$n type veth peer name eth0 netns $n
  ip link set v$n up
  ip -n $n link set eth0 up
done
ip address add 192.0.2.1/24 dev vc
ip address add 2001:db8:1::1/64 dev vc nodad
ip address add 198.51.100.1/24 dev vs
ip address add 2001:db8:2::1/64 dev vs nodad
for i in 1 2; do
  ip -n s address add 198.51.100.1$i/24 dev eth0
  ip -n s address add 2001:db8:2::1$i/64 dev eth0 nodad
done
ip -n s route add default via 198.51.100.1
ip -n s -6 route add default via 2001:db8:2::1
for i in 0 1 2 3; do
  ip -n c address add 192.0.2.10$i/24 dev eth0
  ip -n c address add 2001:db8:1::10$i/64 dev eth0 nodad
done
ip -n c route add default via 192.0.2.1
ip -n c -6 route add default via 2001:db8:1::1
for i in 0 2; do
  ip address add 203.0.113.8$i/32 dev lo
  ip address add 2001:db8:3::8$i/128 dev lo nodad
done
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
ip address add 198.18.5.2/24 dev eth0
ip link set eth0 up
ipvsadm --set 0 600 0
# After every packet: with 3 50 others are not told of a connection whose third packet is its SYN once more.
echo 0 1 >/proc/sys/net/ipv4/vs/sync_threshold
{
  for vip in 203.0.113.80 203.0.113.82 [2001:db8:3::80] [2001:db8:3::82]; do
    case $vip in *82*) stays='-p 300' ;; *) stays= ;; esac
    echo "-A -t $vip:80 -s rr $stays"
    for i in 1 2; do
      case $vip in *:*) server=[2001:db8:2::1$i] ;; *) server=198.51.100.1$i ;; esac
      echo "-a -t $vip:80 -r $server:80 -m -w 1"
    done
  done
} | ipvsadm -R

ulimit -n 8192
ip netns exec s setsid perl /run/share/kernel-server.pl >/tmp/server.log 2>&1 </dev/null &
until [ "$(grep -c ready /tmp/server.log)" = 2 ]; do sleep 0.1; done
