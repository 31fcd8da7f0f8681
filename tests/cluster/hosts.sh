#!/usr/bin/env bash
# One run, one answer: four hosts (network namespaces on a bridge, 1 Gbit/s each by tc tbf), one node in each, with the cluster's certificates; the run is
# submitted from a fifth. It must end with the hash of `train` in one process. Needs root; installs iproute2 if it is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."

[ "$(id -u)" -eq 0 ] || { echo "needs root for network namespaces"; exit 1; }
if ! command -v ip >/dev/null || ! command -v tc >/dev/null; then
    apt-get update >/dev/null
    apt-get install -y --no-install-recommends iproute2 >/dev/null
fi
program=src/ActorMlp.Cli/bin/Release/net10.0/actormlp
[ -x "$program" ] || dotnet build -c Release --nologo -v quiet src/ActorMlp.Cli
work=$(mktemp -d)
bridge=amlp-br0
hosts=5

tear_down() {
    kill $(jobs -p) 2>/dev/null || true
    wait 2>/dev/null || true
    for ((i = 1; i <= hosts; i++)); do ip netns del "amlp-$i" 2>/dev/null || true; done
    ip link del "$bridge" 2>/dev/null || true
    rm -rf "$work"
}
trap tear_down EXIT

ip link add "$bridge" type bridge
ip link set "$bridge" up
for ((i = 1; i <= hosts; i++)); do
    ip netns add "amlp-$i"
    ip link add "amlp-v$i" type veth peer name eth0 netns "amlp-$i"
    ip link set "amlp-v$i" master "$bridge" up
    ip -n "amlp-$i" addr add "10.77.0.$i/24" dev eth0
    ip -n "amlp-$i" link set eth0 up
    ip -n "amlp-$i" link set lo up
    tc -n "amlp-$i" qdisc add dev eth0 root tbf rate 1gbit burst 256kb latency 50ms
done

"$program" cluster certificates --out "$work/certificates" --nodes 10.77.0.1,10.77.0.2,10.77.0.3,10.77.0.4,10.77.0.5 >/dev/null
security() { echo "--certificate $work/certificates/10.77.0.$1.pfx --authority $work/certificates/ca.pem"; }

for ((i = 1; i < hosts; i++)); do
    join=()
    [ "$i" -eq 1 ] || join=(--join 10.77.0.1:4053)
    ip netns exec "amlp-$i" "$program" node --listen "10.77.0.$i:4053" --bulk-port 4054 "${join[@]}" $(security "$i") --threads 1 --data-dir configs \
        >"$work/node-$i.txt" 2>&1 &
    for _ in $(seq 300); do
        grep -q '^joined' "$work/node-$i.txt" && break
        sleep 0.1
    done
    grep -q '^joined' "$work/node-$i.txt" || { cat "$work/node-$i.txt"; exit 1; }
done

hash_of() { sed -n 's/.*"weightsSha256":"\([0-9a-f]*\)".*/\1/p' | tail -n 1; }
options=(--set training.epochs=20 --quiet --format json)
expected=$("$program" train configs/digits.yaml --out "$work/alone" "${options[@]}" 2>/dev/null | hash_of)
actual=$(ip netns exec "amlp-5" "$program" submit configs/digits.yaml --to 10.77.0.2:4053 --listen 10.77.0.5:0 $(security 5) --out "$work/run" "${options[@]}" \
    2>"$work/submit.txt" | hash_of)
if [ -n "$actual" ] && [ "$actual" = "$expected" ]; then
    echo "ok      four hosts at 1 Gbit/s, mutual TLS: $actual"
else
    echo "FAILED  four hosts: ${actual:-no hash} instead of $expected"
    cat "$work/submit.txt"
    exit 1
fi
