#!/usr/bin/env bash
# One run, one answer: four hosts (network namespaces on a bridge, 1 Gbit/s each by tc tbf), one node in each, with the cluster's certificates; the run is
# submitted from a fifth. It must end with the hash of `train` in one process. Then the same over links that delay and lose: all connections between hosts
# are redirected to a proxy on the host that dials (`actormlp link`). Needs root; installs iproute2 and iptables if they are missing.
set -euo pipefail
cd "$(dirname "$0")/../.."

[ "$(id -u)" -eq 0 ] || { echo "needs root for network namespaces"; exit 1; }
if ! command -v ip >/dev/null || ! command -v tc >/dev/null || ! command -v iptables >/dev/null; then
    apt-get update >/dev/null
    apt-get install -y --no-install-recommends iproute2 iptables >/dev/null
fi
program=src/ActorMlp.Cli/bin/Release/net10.0/actormlp
[ -x "$program" ] || dotnet build -c Release --nologo -v quiet src/ActorMlp.Cli
work=$(mktemp -d)
# Names of this run: another may go on beside it.
ours=amlp$$
bridge=${ours}br
hosts=5
nodes=()

tear_down() {
    kill $(jobs -p) 2>/dev/null || true
    wait 2>/dev/null || true
    for ((i = 1; i <= hosts; i++)); do ip netns del "$ours-$i" 2>/dev/null || true; done
    ip link del "$bridge" 2>/dev/null || true
    rm -rf "$work"
}
trap tear_down EXIT

# In the background it would be a shell whose end leaves the command behind: there, ip is called itself.
on() { ip netns exec "$ours-$1" "${@:2}"; }
security() { echo "--certificate $work/certificates/10.77.0.$1.pfx --authority $work/certificates/ca.pem"; }
hash_of() { sed -n 's/.*"weightsSha256":"\([0-9a-f]*\)".*/\1/p' | tail -n 1; }
show() { tail -n 20 "$@" >&2; }

# Waits until a file has a line.
await_line() {
    for _ in $(seq 300); do
        grep -q "$2" "$1" 2>/dev/null && return
        sleep 0.1
    done
    echo "FAILED  no line '$2' in $1"
    show "$work"/*.txt
    exit 1
}

start_node() {
    local join=()
    [ "$1" -eq 1 ] || join=(--join 10.77.0.1:4053)
    ip netns exec "$ours-$1" "$program" node --listen "10.77.0.$1:4053" --bulk-port 4054 "${join[@]}" $(security "$1") --threads 1 --data-dir configs --log "$work/log-$1.txt" >"$work/node-$1.txt" 2>&1 &
    nodes+=($!)
}

start_nodes() {
    nodes=()
    start_node 1
    await_line "$work/node-1.txt" '^joined'
    for i in 2 3 4; do start_node "$i"; done
    for i in 2 3 4; do await_line "$work/node-$i.txt" '^joined'; done
}

stop_nodes() {
    kill -9 "${nodes[@]}"
    wait "${nodes[@]}" 2>/dev/null || true
}

# One run on the cluster, against one in one process: what it is, epochs, how the submitter is secured.
check() {
    local options=(--set training.epochs="$2" --quiet --format json) expected actual
    expected=$("$program" train configs/digits.yaml --out "$work/alone-$2" "${options[@]}" 2>/dev/null | hash_of)
    actual=$(on 5 "$program" submit configs/digits.yaml --to 10.77.0.2:4053 --listen 10.77.0.5:0 "${@:3}" --out "$work/run-$2" "${options[@]}" \
        2>"$work/submit.txt" | hash_of) || true
    if [ -z "$actual" ] || [ "$actual" != "$expected" ]; then
        echo "FAILED  $1: ${actual:-no hash} instead of $expected"
        show "$work"/*.txt
        exit 1
    fi
    echo "ok      $1: $actual"
}

ip link add "$bridge" type bridge
ip link set "$bridge" up
for ((i = 1; i <= hosts; i++)); do
    ip netns add "$ours-$i"
    ip link add "${ours}v$i" type veth peer name eth0 netns "$ours-$i"
    ip link set "${ours}v$i" master "$bridge" up
    ip -n "$ours-$i" addr add "10.77.0.$i/24" dev eth0
    ip -n "$ours-$i" link set eth0 up
    ip -n "$ours-$i" link set lo up
    tc -n "$ours-$i" qdisc add dev eth0 root tbf rate 1gbit burst 256kb latency 50ms
done
"$program" cluster certificates --out "$work/certificates" --nodes 10.77.0.1,10.77.0.2,10.77.0.3,10.77.0.4,10.77.0.5 >/dev/null

start_nodes
check "four hosts at 1 Gbit/s, mutual TLS" 10 $(security 5)
stop_nodes

# The proxy marks the packets that it sends to targets: those pass, and all others go through it.
mark=65
inputs=()
for ((i = 1; i <= hosts; i++)); do
    mkfifo "$work/link-$i"
    exec {input}<>"$work/link-$i"
    inputs+=("$input")
    ip netns exec "$ours-$i" "$program" link --listen 127.0.0.1:4100 --delay 2ms --jitter 500us --loss 0.005 --seed "$i" --mark "$mark" <"$work/link-$i" >"$work/link-$i.txt" 2>&1 &
    on "$i" iptables -t nat -A OUTPUT -p tcp -d 10.77.0.0/24 -m mark ! --mark "$mark" -j REDIRECT --to-ports 4100
done
for ((i = 1; i <= hosts; i++)); do await_line "$work/link-$i.txt" '^link listening'; done

start_nodes
check "four hosts, each way 2 ms, 0.5 % lost, the submitter's TLS from the run file" 3 \
    --set cluster.tls.certificate="$work/certificates/10.77.0.5.pfx" --set cluster.tls.authority="$work/certificates/ca.pem"
for ((i = 1; i <= hosts; i++)); do
    echo status >&"${inputs[i - 1]}"
    await_line "$work/link-$i.txt" '^ok [1-9][0-9]* connections'
done
carried=$(sed -n 's/^ok .* \([0-9]*\) bytes out, \([0-9]*\) bytes back, \([0-9]*\) segments lost.*/\1 \2 \3/p' "$work"/link-*.txt \
    | awk '{ bytes += $1 + $2; lost += $3 } END { print int(bytes / 1e6), lost }')
read -r megabytes lost <<<"$carried"
if [ "$megabytes" -lt 1 ] || [ "$lost" -lt 10 ]; then
    echo "FAILED  the links carried $megabytes MB and lost $lost segments: the run did not pass them"
    show "$work"/link-*.txt
    exit 1
fi
echo "ok      the links carried $megabytes MB and lost $lost segments"
