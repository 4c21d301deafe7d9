#!/bin/bash
# Runs systemd as the first process of its own namespaces, on a copy of the files
# of this machine that is thrown away, until a unit of the folder calls
# "systemctl exit". The folder is /mnt there, and no other services than the
# journal and D-Bus exist. Usage: systemd.sh FOLDER
set -euo pipefail
folder=$1
if [ $# = 1 ]; then
  cgroup=$(findmnt -n -o TARGET -t cgroup2 | head -1)/byline-test-$$
  mkdir "$cgroup"
  trap 'find "$cgroup" -depth -type d -exec rmdir {} +' EXIT
  (echo $BASHPID >"$cgroup/cgroup.procs" &&
    exec unshare --pid --fork --kill-child --mount --uts --ipc --net --cgroup "$BASH" "$0" "$folder" inside)
  exit
fi
mount --make-rprivate /
mount -t tmpfs tmpfs "$folder/machine"
cd "$folder/machine"
mkdir upper work root
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay root
cd root
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
for path in run tmp var/lib var/log etc/systemd usr/lib/systemd/system-generators; do mount -t tmpfs tmpfs $path; done
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do touch dev/$device && mount --bind /dev/$device dev/$device; done
mkdir dev/pts dev/shm etc/systemd/system
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs tmpfs dev/shm
cp -P usr/lib/systemd/system/{*.target,*.slice,systemd-journald*,systemd-exit.service,dbus.*} etc/systemd/system
mount -t tmpfs tmpfs usr/lib/systemd/system
cp "$folder"/*.service etc/systemd/system
rm -f etc/fstab
mount --bind "$folder" mnt
pivot_root . mnt/machine
cd /
umount --lazy mnt/machine
# What it may not do to this machine.
exec env -i container=other PATH="$PATH" setpriv --bounding-set -sys_time,-sys_boot,-sys_module,-sys_rawio,-syslog \
  /lib/systemd/systemd --system --unit=test.service --log-target=console --log-level=warning
