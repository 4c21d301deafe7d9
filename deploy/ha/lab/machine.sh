#!/bin/bash
# Runs systemd as the first process of a machine of the lab: of its own
# namespaces, on a copy of the files of this machine. The machine ends when this
# process is killed. What it has written is in a folder, and is there again
# when it starts again.
# Usage: machine.sh NAME FOLDER PROGRAMS REPOSITORY CGROUP
set -euo pipefail
name=$1 folder=$2 programs=$3 repository=$4 cgroup=$5
if [ $# = 5 ]; then
  echo $BASHPID >"$cgroup/cgroup.procs"
  exec nsenter --net="/run/netns/$name" unshare --pid --fork --kill-child --mount --uts --ipc --cgroup "$BASH" "$0" "$@" inside
fi
hostname "$name"
mount --make-rprivate /
cd "$folder"
first=$([ -e upper ] || echo yes)
mkdir -p upper work root lib log/journal
mount -t overlay -o lowerdir="$programs:/",upperdir=upper,workdir=work overlay root
cd root
if [ "$first" ]; then
  # None of the services of this machine, and no files of former machines.
  rm -rf etc/systemd var/lib var/log var/run etc/etcd etc/haproxy etc/pgbouncer etc/patroni etc/byline usr/local/bin/byline
  mkdir -p etc/systemd/system var/lib var/log
  ln -s ../run var/run
  cp -P usr/lib/systemd/system/{*.target,*.slice,systemd-journald*} etc/systemd/system
  mkdir etc/systemd/system/sockets.target.wants
  ln -s ../systemd-journald{,-dev-log}.socket etc/systemd/system/sockets.target.wants
  rm -f etc/fstab
fi
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
for path in run tmp usr/lib/systemd/system-generators usr/lib/systemd/system; do mount -t tmpfs tmpfs $path; done
# Without this flag the journal would stay in /run, and end with the machine.
mkdir -p run/systemd/journal
touch run/systemd/journal/flushed
chmod 1777 tmp
mount --rbind "$folder/lib" var/lib
mount --bind "$folder/log" var/log
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do touch dev/$device && mount --bind /dev/$device dev/$device; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs tmpfs dev/shm
mount --bind -o ro "$repository" mnt
mkdir -p run/old
pivot_root . run/old
cd /
umount --lazy run/old
# What it may not do to this machine.
exec env -i container=other PATH="$PATH" setpriv --bounding-set -sys_time,-sys_boot,-sys_module,-sys_rawio,-syslog \
  /lib/systemd/systemd --system --unit=multi-user.target --log-target=console --log-level=warning
