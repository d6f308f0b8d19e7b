#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# list, resize, bind and unbind, on a sysfs of regular files, where nothing that
# is written has an effect.

# shellcheck source=tests/cli/lib.sh
. "$(dirname -- "$0")/lib.sh" || exit 99

nvbar() {
	"$NVBAR" "$@"
}

devices=$NVBAR_SYSFS/bus/pci/devices
drivers=$NVBAR_SYSFS/bus/pci/drivers
none="0x0000000000000000 0x0000000000000000 0x0000000000000000"

# device ADDRESS CLASS: one of NVIDIA's, with the BARs of a GA102
device() {
	local dir=$devices/$1
	mkdir -p "$dir/power"
	echo 0x10de >"$dir/vendor"
	echo 0x2204 >"$dir/device"
	echo "$2" >"$dir/class"
	echo D0 >"$dir/power_state"
	echo active >"$dir/power/runtime_status"
	head -c 4096 /dev/zero >"$dir/config"
	: >"$dir/driver_override"
	{
		echo "0x00000000f6000000 0x00000000f6ffffff 0x0000000000040200"
		echo "0x00000000e0000000 0x00000000efffffff 0x000000000014220c"
		echo "$none"
		echo "0x00000000f0000000 0x00000000f1ffffff 0x000000000014220c"
		echo "$none"
		echo "0x000000000000e000 0x000000000000e07f 0x0000000000040101"
	} >"$dir/resource"
}

prints "a machine without sysfs has no GPU" '^no GPU' nvbar list
gives_json "nor has it as JSON" "devices" nvbar --json list
mkdir -p "$devices"
prints "a machine without a GPU" '^no GPU' nvbar list

gpu=0000:01:00.0
device $gpu 0x030000
device 0000:01:00.1 0x040300
echo 0000000000000fc0 >"$devices/$gpu/resource1_resize"
prints "list names the GPU" "^$gpu\$" nvbar list
prints "its ids" '^  id +10de:2204, class 030000$' nvbar list
prints "its driver" '^  driver +none$' nvbar list
prints "its state" '^  state +awake, BARs off, D0$' nvbar list
prints "BAR0" '^  bar0 +16M at 0xf6000000$' nvbar list
prints "BAR1 and the sizes it can have" \
	'^  bar1 +256M at 0xe0000000; can be 64M 128M 256M 512M 1G 2G$' nvbar list
prints "BAR2" '^  bar2 +32M at 0xf0000000$' nvbar list
prints "no IOMMU group" '^  iommu group +none$' nvbar list
prints "the string that opens it" "^  open as +pci:$gpu\$" nvbar list
check "and nothing else" test "$(grep -c '^[^ ]' "$out")" -eq 1
gives_json "list as JSON" "devices" nvbar list --json
check "has the numbers of the BAR" grep -q '"size": *268435456' "$out"

mkdir -p "$drivers/nouveau"
ln -s ../../drivers/nouveau "$devices/$gpu/driver"
ln -s ../../../../kernel/iommu_groups/7 "$devices/$gpu/iommu_group"
echo D3cold >"$devices/$gpu/power_state"
prints "a driver" '^  driver +nouveau$' nvbar list
prints "a GPU that sleeps" '^  state +asleep, D3cold$' nvbar list
prints "an IOMMU group" '^  iommu group +7$' nvbar list
prints "how to get it" "^  open as +nothing; after \"nvbar unbind $gpu\" as pci:$gpu\$" nvbar list

# --- what fails -----------------------------------------------------------

for name in "pci:$gpu" pci:01:00.0; do
	refuses "a driver keeps its GPU, which is named once" "^nvbar: $name: open: driver nouveau has it; " \
		nvbar -d "$name" demo
done
refuses "resize while a driver has it" "^nvbar: 01:00.0: resize BAR1 to 1G: driver nouveau has it" \
	nvbar resize 01:00.0 1G
refuses "bind while another driver has it" "^nvbar: $gpu: bind to vfio-pci: driver nouveau has it" \
	nvbar bind $gpu vfio-pci
# dry_run LINE COMMAND...: tells that it would write this, and is content
dry_run() {
	local line=$1
	shift
	run nvbar --dry-run "$@"
	[ $status -eq 0 ] && grep -qxF "$line" "$err"
	result $? "$* as a dry run"
}

dry_run "\"$gpu\" to driver/unbind" unbind $gpu
check "writes nothing" test ! -e "$drivers/nouveau/unbind"
refuses "unbind from a driver that is stuck" "^nvbar: pci:$gpu: unbind: " nvbar unbind pci:$gpu
rm "$devices/$gpu/driver"
refuses "unbind without a driver" "^nvbar: $gpu: unbind: no driver is bound" nvbar unbind $gpu
refuses "bind to a driver that is not there" "^nvbar: $gpu: bind to vfio-pci: .*modprobe vfio-pci" \
	nvbar bind $gpu vfio-pci
refuses "bind to any, and there is none" "^nvbar: $gpu: bind: " nvbar bind $gpu
mkdir -p "$drivers/vfio-pci"
: >"$drivers/vfio-pci/bind"
: >"$devices/$gpu/driver_override"
dry_run '"vfio-pci" to driver_override' bind $gpu vfio-pci
check "tells the second write, too" \
	grep -qxF "\"$gpu\" to $NVBAR_SYSFS/bus/pci/drivers/vfio-pci/bind" "$err"
dry_run '"" to driver_override' bind $gpu
check "writes nothing to driver_override" test ! -s "$devices/$gpu/driver_override"
check "writes nothing to bind" test ! -s "$drivers/vfio-pci/bind"
dry_run '"10" to resource1_resize' resize $gpu 1G
check "writes no size" grep -qx 0000000000000fc0 "$devices/$gpu/resource1_resize"
refuses "resize to a size of no BAR1" "resize BAR1 to 3G: .*only 64M 128M 256M 512M 1G 2G" \
	nvbar resize $gpu 3G
refuses "resize in vain" "resize BAR1 to 1G: BAR1 has 0x10000000 bytes afterwards" \
	nvbar resize $gpu 1G
check "the size's code was written" grep -qx 10 "$devices/$gpu/resource1_resize"
echo 0000000000000fc0 >"$devices/$gpu/resource1_resize"
works "resize to the size it has" nvbar resize $gpu 256M
gives_json "the same as JSON" "device bar1_size" nvbar resize $gpu 256M --json
for command in resize bind unbind; do
	misuse "$command without an address" nvbar $command
done
misuse "resize without a size" nvbar resize $gpu
misuse "resize to nonsense" nvbar resize $gpu huge
misuse "resize with too much" nvbar resize $gpu 1G 2G
misuse "unbind with too much" nvbar unbind $gpu nouveau
misuse "bind with too much" nvbar bind $gpu nouveau nvidia
for address in '' nonsense 1:0.0 01:00.0x sim; do
	refuses "unbind '$address'" 'unbind: not the address of a PCI device' nvbar unbind "$address"
	refuses "bind '$address'" 'bind: not the address of a PCI device' nvbar bind "$address"
	refuses "resize '$address'" 'not the address of a PCI device' nvbar resize "$address" 64M
done
refuses "a device whose name was cut short is named once" \
	"^nvbar: pci:01:00.0: open: it is asleep" nvbar -d pci:01:00.0 info
refuses "nor is one in capital letters named twice" \
	"^nvbar: PCI:0000:0A:00.0: open: unknown kind" nvbar -d PCI:0000:0A:00.0 info
device 0000:0a:00.0 0x030000
ln -s ../../drivers/nouveau "$devices/0000:0a:00.0/driver"
refuses "nor with a domain" "^nvbar: pci:0A:00.0: open: driver nouveau has it" nvbar -d pci:0A:00.0 read 0 1
rm -r "$devices/0000:0a:00.0"

# --- odd devices ----------------------------------------------------------

# odd WHAT PATTERN: list tells it, names the other GPU all the same, and fails
odd() {
	run nvbar list
	[ $status -eq 1 ] && grep -qE "$2" "$out" && grep -qx "  open as     pci:0000:02:00.0" "$out"
	result $? "list with $1"
	run nvbar --json list
	[ $status -eq 1 ] && [ "$(grep -c '"open_as": *"pci:' "$out")" -eq 1 ]
	result $? "the same as JSON"
}

device 0000:02:00.0 0x030000
sed -i 1s/.*/"$none"/ "$devices/$gpu/resource"
prints "a GPU whose registers got no address" "^  bar0 +no address$" nvbar list
prints "is opened by nothing" "^  open as +nothing; BAR0 has no address$" nvbar list
prints "and its BAR1 is no BAR0" "^  bar1 +256M at 0xe0000000;" nvbar list
device $gpu 0x030000
sed -i "2s/.*/0x0000000020000000 0x000000001fffffff 0x0000000000140204/" "$devices/$gpu/resource"
odd "a BAR without a size" "^  problem +BAR 1 from 0x20000000 to 0x1fffffff makes no sense$"
device $gpu 0x030000
: >"$devices/$gpu/config"
odd "a configuration space that can't be read" "^  problem +config in sysfs: "
device $gpu 0x030000
echo nonsense >"$devices/$gpu/resource"
odd "nonsense" "^  problem +resource in sysfs makes no sense$"
device $gpu 0x030000
head -c 4096 /dev/zero | tr '\0' '\377' >"$devices/$gpu/config"
prints "a GPU that fell off the bus" "^  state +does not answer, D0$" nvbar list
prints "how it can be opened" "^  open as +nothing; it does not answer$" nvbar list
refuses "it when it is opened" "^nvbar: pci:$gpu: open: the GPU is gone" nvbar -d pci:$gpu info
device $gpu 0x030000
ln -s ../0000:02:00.0 "$devices/$gpu/physfn"
echo 1 >"$devices/0000:02:00.0/sriov_numvfs"
prints "a virtual function" "^  part +virtual function of 0000:02:00.0$" nvbar list
prints "that it can't be opened" "^  open as +nothing; a virtual function" nvbar list
prints "what it is a part of" "^  parts +1 virtual functions, which end when" nvbar list
refuses "opening it" "open: it is a virtual function of 0000:02:00.0" nvbar -d pci:$gpu info

plan
