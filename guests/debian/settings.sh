# Settings of the Debian guests, read by ./build and ./base.
# shellcheck shell=sh disable=SC2034

RELEASE=${RELEASE:-12}
case $RELEASE in # tools/debian-apt supplies the matching sources
12) SUITE=bookworm ;;
13) SUITE=trixie ;;
*) echo "debian: there is no recipe for Debian $RELEASE" >&2 && exit 2 ;;
esac
ARCH=arm64

# Size of a root disk when none is given after the VM's name; anything mke2fs understands.
DEFAULT_SIZE=1792M

# mke2fs: everything is initialised on the host, so that no guest spends its first minutes on it.
# A small journal is enough for metadata of such a disk.
MKE2FS_OPTIONS="-t ext4 -m 1 -J size=16 -E lazy_itable_init=0,lazy_journal_init=0"
