# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# ./dev vm-setup and vm-test; sourced by it and by tools/check.sh.
#
# What a virtual machine is made of, QEMU and a kernel of the Debian release
# below, is kept unpacked in .cache/vm: nothing is installed, no root is needed.

vm_cache=$here/.cache/vm
vm_release='trixie'		# with its backports: the first with a QEMU that has a client
vm_packages=(qemu-system-x86 linux-image-amd64 busybox-static pciutils kmod)
vm_keys=/usr/share/keyrings/debian-archive-keyring.gpg
vm_modules=(vfio-pci vfio_iommu_type1)
vm_chips=(ga102 gh100 gb202)	# one of each generation that differs in its PCI side
vm_nouveau_chips=(tu102 ga102)	# whose registers nouveau finds in the model

# vm_program NAME: the command line of a program of the cache, an item a line
vm_program() {
	local root=$vm_cache/root path

	path=$(find "$root"/usr/bin "$root"/usr/sbin -name "$1" -print -quit)
	printf '%s\n' "$root/usr/lib64/ld-linux-x86-64.so.2" \
		--library-path "$root/usr/lib/x86_64-linux-gnu" --argv0 "$1" "$path"
}

# vm_run NAME [ARGUMENT...]: run such a program
vm_run() {
	local program
	mapfile -t program < <(vm_program "$1")
	shift
	"${program[@]}" "$@"
}

# --- set-up ------------------------------------------------------------------

# vm_archive: where this machine's apt gets Debian from
vm_archive() {
	# shellcheck disable=SC2016 # it is apt that expands
	apt-get indextargets --format '$(REPO_URI)' \
		'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1
}

# vm_apt ARGUMENT...: an apt-get that looks at the release alone, and writes to
# the cache alone.  What this machine's apt does after an update is not for it.
vm_apt() {
	local dir=$vm_cache/apt

	cat >"$dir/apt.conf" <<-END
		Dir::State "$dir";
		Dir::State::status "$dir/status";
		Dir::Cache "$dir";
		Dir::Etc::sourcelist "$dir/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		APT::Default-Release "$vm_release-backports";
		APT::Install-Recommends "false";
		APT::Sandbox::User "";
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
	END
	apt-get -c "$dir/apt.conf" -qq -y "$@" >&2
}

# vm_download: the packages and what they need, as files; apt checks signatures
vm_download() {
	local dir=$vm_cache/apt archive suite

	archive=$(vm_archive)
	if [ -z "$archive" ]; then
		say "apt has no index of a Debian archive; 'apt-get update' gets it"
		return 1
	fi
	mkdir -p "$dir/lists/partial" "$dir/archives/partial"
	: >"$dir/status"
	for suite in "$vm_release" "$vm_release-backports"; do
		echo "deb [signed-by=$vm_keys] $archive $suite main"
	done >"$dir/sources.list"
	vm_apt update && vm_apt install --download-only "${vm_packages[@]}"
}

vm_unpack() {
	local deb

	for deb in "$vm_cache"/apt/archives/*.deb; do
		dpkg-deb -x "$deb" "$vm_cache/root" || return 1
	done
	rm -rf -- "$vm_cache/apt"
	vm_run depmod -b "$vm_cache/root/usr" "$(vm_kernel)"
}

# vm_setup: make the cache unless it is there
vm_setup() {
	local stamp="$vm_release ${vm_packages[*]}"

	if [ "$stamp" = "$(cat "$vm_cache/stamp" 2>/dev/null)" ]; then
		return
	fi
	if [ "$(uname -m)" != x86_64 ] || ! have apt-get || ! have dpkg-deb; then
		say "a virtual machine needs Debian's packages for amd64"
		return 1
	fi
	say "downloading some 170 MB of Debian $vm_release to $vm_cache: ${vm_packages[*]}"
	rm -rf -- "$vm_cache"
	mkdir -p "$vm_cache"
	if ! vm_download || ! vm_unpack; then
		rm -rf -- "$vm_cache"
		return 1
	fi
	echo "$stamp" >"$vm_cache/stamp"
}

# --- the guest ---------------------------------------------------------------

vm_kernel() {
	basename "$vm_cache"/root/usr/lib/modules/*
}

# vm_add_modules DIR: the modules and those they need
vm_add_modules() {
	local kernel modules=$vm_cache/root/usr/lib/modules dir name file
	kernel=$(vm_kernel)
	dir=$1/lib/modules/$kernel

	mkdir -p "$dir"
	for name in "${vm_modules[@]}"; do
		vm_run modprobe -d "$vm_cache/root/usr" -S "$kernel" --show-depends "$name"
	done | awk '$1 == "insmod" { print $2 }' | sort -u | while read -r file; do
		xz -dc "$file" >"$dir/$(basename "$file" .xz)"
	done
	cp "$modules/$kernel"/modules.{builtin,builtin.modinfo,order} "$dir"
	vm_run depmod -b "$1" "$kernel"
}

# vm_add_libraries DIR LISTING: the files that ld.so says a program needs
vm_add_libraries() {
	sed -n 's|.* => ||; s|^[[:space:]]*\(/.*\) (0x.*|\1|p' <<<"$2" |
		xargs -d '\n' realpath -s | sort -u | xargs -d '\n' cp -L -t "$1"
}

# vm_initrd BUILD FILE: busybox, pciutils with libraries of their own, and nvbar
vm_initrd() {
	local programs=("$1/cli/nvbar" "$1/tests/vm/aperture") file=$2 root=$vm_cache/root
	local static=("$1/tests/vm/nouveau_bo" "$1/tests/vm/pciaccess")
	local dir=$2.d name program

	mkdir -p "$dir"/{bin,dev,lib,lib64,pciutils,proc,run,sys,tmp,usr/share/misc}
	cp tests/vm/init "$dir/init"
	cp "$root/usr/bin/busybox" "${programs[@]}" "${static[@]}" "$dir/bin"
	ln -s busybox "$dir/bin/sh"
	vm_add_libraries "$dir/lib" "$(ldd "${programs[@]}")"
	mv "$dir"/lib/ld-linux-* "$dir/lib64"
	for name in lspci setpci; do
		mapfile -t program < <(vm_program "$name")
		vm_add_libraries "$dir/pciutils" "$("${program[0]}" --list "${program[@]:1}")"
		cp "${program[0]}" "${program[-1]}" "$dir/pciutils"
	done
	cp "$root/usr/share/misc/pci.ids" "$dir/usr/share/misc"
	vm_add_modules "$dir"
	(cd "$dir" && find . | "$root/usr/bin/busybox" cpio -o -H newc) | gzip -1 >"$file"
}

# --- the test ----------------------------------------------------------------

# vm_one TEST INITRD CHIP [OPTION...]: lines with the chip's name in them; ends the shell
vm_one() {
	local test=$1 initrd=$2 chip=$3
	shift 3
	exec python3 -B "tests/vm/$test" --cache "$vm_cache" --initrd "$initrd" \
		--qemu "$(vm_program qemu-system-x86_64)" \
		--sim "$build/server/nvbar-sim" "$@" "$chip" </dev/null
}

# vm_test [--nouveau] [--memtest SIZE] [--trace FILE] [CHIP...]: as many machines at
# a time as there are processors; none outlives this shell
vm_test() {
	local options=() chips=() pids=() chip pid failed=0
	local test=vm_test.py all=("${vm_chips[@]}")

	while [ $# -gt 0 ]; do
		case $1 in
		--memtest)
			options=(--memtest "${2:?a size}")
			shift
			;;
		--nouveau)
			test=nouveau_test.py
			all=("${vm_nouveau_chips[@]}")
			vm_modules+=(nouveau)
			;;
		--trace)	# of one chip
			options=(--trace "${2:?a file}")
			shift
			;;
		*)
			[ -e "tests/vm/lspci/$1" ] || die "vm-test: no chip '$1'"
			chips+=("$1")
			;;
		esac
		shift
	done
	[ ${#chips[@]} -gt 0 ] || chips=("${all[@]}")
	vm_scratch=$(mktemp -d)
	trap 'kill $(jobs -p) 2>/dev/null || :; wait; rm -rf -- "$vm_scratch"' EXIT
	if [ ! -e "$build/tests/vm/pciaccess" ]; then	# configured before its library was here
		meson setup --reconfigure "$build" >/dev/null
		make_all "$build"
	fi
	vm_initrd "$build" "$vm_scratch/initrd"
	echo "Linux $(vm_kernel), $(vm_run qemu-system-x86_64 --version | head -n 1)"
	for chip in "${chips[@]}"; do
		while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do
			sleep 0.5
		done
		vm_one "$test" "$vm_scratch/initrd" "$chip" "${options[@]}" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || failed=1
	done
	return "$failed"
}
