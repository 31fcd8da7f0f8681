#!/usr/bin/env bash
# One answer on another processor: publishes the command for Arm64, runs a short digits run under qemu's user-mode emulation, and compares
# the hash of its weights with that of this machine. Installs what it needs from Debian; wants root for that, and some 300 MB in TMPDIR.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

packages=(qemu-user libc6-arm64-cross libstdc++6-arm64-cross)
if ! dpkg -s "${packages[@]}" >/dev/null 2>&1; then
    apt-get update >/dev/null
    apt-get install -y --no-install-recommends "${packages[@]}" >/dev/null
fi

# .NET hashes with OpenSSL. Debian has no cross package of it: the Arm64 package is unpacked, not installed.
if ! dpkg --print-foreign-architectures | grep -qx arm64; then
    dpkg --add-architecture arm64
    apt-get update >/dev/null
fi
(cd "$work" && apt-get -o APT::Sandbox::User=root download libssl3:arm64 >/dev/null && dpkg -x libssl3_*_arm64.deb openssl)

# A restore for another processor would write into the lock files, so it gets lock files of its own.
dotnet publish src/ActorMlp.Cli -c Release -r linux-arm64 --self-contained --artifacts-path "$work/artifacts" -o "$work/arm64" \
    -p:NuGetLockFilePath="$work/\$(MSBuildProjectName).lock.json" -p:RestoreLockedMode=false -v quiet --nologo
dotnet build src/ActorMlp.Cli -c Release -v quiet --nologo

hash_of() {
    "$@" train configs/digits.yaml --set training.epochs=2 --set training.clipNorm=1 --set "model.activation=[relu, tanh]" \
        --set output.plot=false --quiet --format json --out "$(mktemp -d -u -p "$work")" 2>/dev/null |
        sed -n 's/.*"weightsSha256":"\([0-9a-f]*\)".*"kernel":"\([a-z0-9]*\)".*/\1 \2/p'
}

here=$(hash_of dotnet src/ActorMlp.Cli/bin/Release/net10.0/actormlp.dll)

# The emulator maps no page both writable and executable in two places, and gives no hint of the memory there is.
export DOTNET_EnableWriteXorExecute=0 DOTNET_GCHeapHardLimit=0x20000000
there=$(hash_of qemu-aarch64 -L /usr/aarch64-linux-gnu -E "LD_LIBRARY_PATH=$work/openssl/usr/lib/aarch64-linux-gnu" "$work/arm64/actormlp")

echo "$(uname -m): $here"
echo "aarch64: $there"
if [ -n "$here" ] && [ "${here%% *}" = "${there%% *}" ]; then
    echo "arm64: equal"
else
    echo "arm64: the hashes differ"
    exit 1
fi
