#!/bin/bash
# Runs as process 1 of new namespaces: makes a throw-away root over the real one, and becomes its systemd.
#
#   boot.sh WORK USER UID [FOLDER...]     FOLDERs are made passable for others, in the throw-away root only
#
# Nothing that happens inside reaches the real file system: all writes go to a tmpfs. Called by testbed.py.
set -euo pipefail
work=$1 user=$2 uid=$3
shift 3

# The root: the real one below, a tmpfs above.
mount -t tmpfs -o mode=755,size=50% testbed "$work"
mkdir "$work/upper" "$work/work" "$work/root"
root=$work/root
mount -t overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" testbed "$root"
for folder; do chmod o+x "$root$folder"; done

# The kernel's file systems, as a container has them.
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755,nosuid devices "$root/dev"
for device in null zero full random urandom tty; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for number in 0 1 2; do ln -s "fd/$number" "$root/dev/$(echo stdin stdout stderr | cut -d' ' -f$((number + 1)))"; done
mount -t tmpfs -o mode=755,nosuid run "$root/run"

# No service of the real machine starts in here, and nothing wipes what the test made.
etc=$root/etc
rm -rf "$etc"/systemd/system/* "$etc"/systemd/user/*.wants "$etc"/systemd/user/*.d
mkdir -p "$etc/systemd/system" "$etc/systemd/journald.conf.d" "$etc/tmpfiles.d" "$root/var/log/journal"
for setting in tmp x11; do ln -sfn /dev/null "$etc/tmpfiles.d/$setting.conf"; done
for unit in tmp.mount getty.target console-getty.service dev-hugepages.mount dev-mqueue.mount \
    sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount \
    proc-sys-fs-binfmt_misc.automount systemd-binfmt.service systemd-modules-load.service \
    systemd-sysctl.service systemd-remount-fs.service systemd-update-utmp.service systemd-networkd.service \
    systemd-resolved.service systemd-timesyncd.service apt-daily.timer apt-daily-upgrade.timer \
    dpkg-db-backup.timer e2scrub_all.timer fstrim.timer man-db.timer; do
    ln -sfn /dev/null "$etc/systemd/system/$unit"
done
: >"$etc/fstab"
head -c16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$etc/machine-id"
printf '[Journal]\nStorage=persistent\nReadKMsg=no\nAudit=no\nRateLimitIntervalSec=0\n' \
    >"$etc/systemd/journald.conf.d/testbed.conf"
cat >"$etc/systemd/system/testbed.target" <<'END'
[Unit]
Description=A machine with one person
Requires=basic.target
Wants=systemd-logind.service dbus.service systemd-user-sessions.service
After=basic.target
AllowIsolate=yes
END

# The person, whose own manager runs without a login.
echo "$user:x:$uid:$uid::/home/$user:/bin/bash" >>"$etc/passwd"
echo "$user:x:$uid:" >>"$etc/group"
echo "$user:!:19000:0:99999:7:::" >>"$etc/shadow"
mkdir -p "$root/home/$user" "$root/var/lib/systemd/linger"
chown "$uid:$uid" "$root/home/$user"
chmod 700 "$root/home/$user"
: >"$root/var/lib/systemd/linger/$user"

hostname testbed
ip link set lo up 2>/dev/null || true
cd "$root"
mkdir -p .before
pivot_root . .before
cd /
umount -l /.before
exec setpriv --bounding-set=-sys_time,-sys_module,-sys_rawio,-mknod,-syslog \
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=testbed TERM=dumb LANG=C.UTF-8 \
    /lib/systemd/systemd --system --unit=testbed.target --show-status=0
