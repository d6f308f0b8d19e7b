# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# ./dev check arm64; sourced by tools/check.sh.
#
# Compiler, C library and emulator are packages of this machine's architecture.  The
# one library for arm64 that tests need is kept unpacked in .cache/arm64: nothing is
# installed for another architecture.  Together 66 MB to download, 270 MB installed.

arm64_cache=$here/.cache/arm64
arm64_packages=(libcmocka0 libcmocka-dev)
arm64_suites=(core lib)

# arm64_download DIR: the packages as files; apt checks signatures
arm64_download() {
	local dir=$1 archive release

	archive=$(vm_archive)
	if [ -z "$archive" ]; then
		say "apt has no index of a Debian archive; 'apt-get update' gets it"
		return 1
	fi
	release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	mkdir -p "$dir/lists/partial"
	: >"$dir/status"
	echo "deb [signed-by=$vm_keys] $archive $release main" >"$dir/sources.list"
	cat >"$dir/apt.conf" <<-END
		APT::Architecture "arm64";
		APT::Architectures "arm64";
		APT::Sandbox::User "";
		Acquire::Languages "none";
		Dir::State::lists "$dir/lists";
		Dir::State::status "$dir/status";
		Dir::Cache "$dir";
		Dir::Etc::sourcelist "$dir/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
	END
	(cd "$dir" && apt-get -c apt.conf -qq update && apt-get -c apt.conf -qq download "${arm64_packages[@]}")
}

# arm64_setup: make the cache unless it is there
arm64_setup() {
	local dir=$arm64_cache/apt stamp="$here ${arm64_packages[*]}" deb

	if [ "$stamp" = "$(cat "$arm64_cache/stamp" 2>/dev/null)" ]; then
		return
	fi
	rm -rf -- "$arm64_cache"
	mkdir -p "$dir"
	if ! arm64_download "$dir"; then
		rm -rf -- "$arm64_cache"
		return 1
	fi
	for deb in "$dir"/*.deb; do
		dpkg-deb -x "$deb" "$arm64_cache/root"
	done
	rm -rf -- "$dir"
	arm64_cross_file >"$arm64_cache/cross"
	echo "$stamp" >"$arm64_cache/stamp"
}

# arm64_cross_file: what meson is to know of the other machine
arm64_cross_file() {
	local lib=$arm64_cache/root/usr/lib/aarch64-linux-gnu

	cat <<-END
		[binaries]
		c = 'aarch64-linux-gnu-gcc'
		ar = 'aarch64-linux-gnu-ar'
		strip = 'aarch64-linux-gnu-strip'
		objcopy = 'aarch64-linux-gnu-objcopy'
		pkgconfig = 'pkg-config'
		exe_wrapper = ['env', 'LD_LIBRARY_PATH=$lib', 'qemu-aarch64', '-L', '/usr/aarch64-linux-gnu']
		[properties]
		sys_root = '$arm64_cache/root'
		pkg_config_libdir = '$lib/pkgconfig'
		[host_machine]
		system = 'linux'
		cpu_family = 'aarch64'
		cpu = 'aarch64'
		endian = 'little'
	END
}

# arm64_tests DIR: the programs of the tests that are run
arm64_tests() {
	local suite

	for suite in "${arm64_suites[@]}"; do
		meson introspect --targets "$1" | python3 -c '
import json, os, sys
for t in json.load(sys.stdin):
    if t["type"] == "executable" and "tests/" + sys.argv[1] in os.path.dirname(t["defined_in"]):
        print(os.path.relpath(t["filename"][0], sys.argv[2]))
' "$suite" "$PWD/$1"
	done
}
