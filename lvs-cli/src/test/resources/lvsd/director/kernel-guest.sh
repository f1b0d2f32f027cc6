# The guest's first process. FILES (what lvs-test unpacked), SHARE (a directory of the test) and MODULES (with commas) come
# as words of the kernel's command line. When there is a file "ready" in SHARE, each line of standard input is the number N
# of a request: the script N.sh in SHARE, run with N.in as its standard input; N.out, N.err and, last, N.exit answer it. The
# guest ends with its standard input.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t tmpfs run /run
mkdir /run/files /run/share
mount -t hostfs -o "$FILES" files /run/files
mount -t hostfs -o "$SHARE" share /run/share
mount -t tmpfs tmp /tmp
mount -t proc proc /proc
mount -t sysfs sys /sys
PATH=/run/files/usr/sbin:/run/files/sbin:$PATH
# Libraries of ipvsadm that the machine may not have.
for d in /run/files/usr/lib/*-linux-gnu /run/files/lib/*-linux-gnu; do
  LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$d
done
export PATH LD_LIBRARY_PATH
busybox=/run/files/bin/busybox
modules=/run/files/usr/lib/uml/modules/$(uname -r)
for m in $(echo "$MODULES" | tr , " "); do
  # What a module needs stands behind its name, what comes first last.
  needed=
  for n in $(sed -n "s,^\([^:]*/$m\.ko\):,\1,p" "$modules/modules.dep"); do
    needed="$n $needed"
  done
  for n in $needed; do
    $busybox insmod "$modules/$n" 2>/dev/null
  done
done
ip link set lo up
cd /tmp
touch /run/share/ready
while read -r n; do
  sh "/run/share/$n.sh" <"/run/share/$n.in" >"/run/share/$n.out" 2>"/run/share/$n.err"
  echo $? >"/run/share/$n.code"
  mv "/run/share/$n.code" "/run/share/$n.exit"
done
$busybox poweroff -f
