#!/usr/bin/env bash
# Makes ready what the engine is measured against: OpenBLAS from Debian, TorchSharp from NuGet. As root on Debian; some 1 GB of disk.
set -euo pipefail
cd "$(dirname "$0")"

packages=(gcc libc6-dev binutils libopenblas0 util-linux)
if ! dpkg -s "${packages[@]}" >/dev/null 2>&1; then
    apt-get update >/dev/null
    apt-get install -y --no-install-recommends "${packages[@]}" >/dev/null
fi

# TorchSharp's native library asks for the symbol version GLIBCXX_3.4.32, which Debian 12's libstdc++ lacks; all it takes from it is one
# function that does nothing there. So it gets a libstdc++.so.6 that defines that function and every version's name, and loads the real one.
real=$(ldconfig -p | sed -n 's/.*libstdc++\.so\.6 (libc6,x86-64) => //p' | head -n 1)
mkdir -p libstdcxx/bin
if objdump -p "$real" | grep -q 'GLIBCXX_3\.4\.32$'; then
    rm -f libstdcxx/bin/*
else
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    objdump -p "$real" | sed -n '/Version definitions/,/^$/p' | awk 'NF == 4 && $4 ~ /^(GLIBCXX|CXXABI)/ { print $4 " { };" }' >"$scratch/versions"
    echo 'GLIBCXX_3.4.32 { global: _ZSt21ios_base_library_initv; local: *; };' >>"$scratch/versions"
    gcc -shared -o "$scratch/real.so" "-Wl,-soname,$real" -x c /dev/null
    gcc -shared -fPIC -O2 -o libstdcxx/bin/libstdc++.so.6 libstdcxx/shim.c -Wl,-soname,libstdc++.so.6 \
        "-Wl,--version-script=$scratch/versions" -Wl,--no-as-needed "$scratch/real.so"
fi

dotnet build TorchSharp -c Release -v quiet --nologo
echo "peers: ready"
