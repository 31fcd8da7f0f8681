#!/usr/bin/env bash
# Kills node processes at random moments, one every five seconds, and compares the hash with that of an undisturbed run; then links that delay, lose, break and corrupt, and a
# node that is cut off for 20 s by proxies. As root also by dropped packets, in network namespaces, and a disk that is full. The ledger of each run must hold.
# usage: tests/cluster/chaos.sh [RUNS [EPOCHS]]: how many runs with other moments each (1), and how long each is (400 epochs of the digits, half of them under kills, which
# slow it down: a minute or two).
set -uo pipefail
cd "$(dirname "$0")/../.."
runs=${1:-1}
epochs=${2:-400}
program=src/ActorMlp.Cli/bin/Release/net10.0/actormlp
[ -x "$program" ] || dotnet build -c Release --nologo -v q src/ActorMlp.Cli || exit 1

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0

# strike SCRIPT SEED EPOCHS [OPTION…]
strike() {
    local name=$1-$2-$#
    echo "== $1, seed $2 ${*:4}"
    if "$program" chaos "configs/faults/$1" --config configs/digits.yaml --seed "$2" --set "training.epochs=$3" --expect "$(undisturbed "$3")" "${@:4}" \
        --out "$folder/$name" > "$folder/out" 2>&1; then
        grep -E '^ *[0-9.]+ s |^steps|^recovery|^links|^undisturbed' "$folder/out"
        "$program" audit "$folder/$name" > "$folder/audit" 2>&1 || { cat "$folder/audit"; failures=$((failures + 1)); }
        tail -n 1 "$folder/audit"
    else
        tail -n 40 "$folder/out"
        failures=$((failures + 1))
    fi
}

# The hash of so many epochs.
undisturbed() {
    local known=$folder/undisturbed-$1.txt
    [ -s "$known" ] || "$program" train configs/digits.yaml --set "training.epochs=$1" --set output.plot=false --out "$folder/undisturbed-$1" --quiet |
        sed -n 's/^weights SHA-256 //p' > "$known"
    cat "$known"
}

[ -n "$(undisturbed "$epochs")" ] || { echo "the undisturbed run failed"; exit 1; }

for seed in $(seq 1 "$runs"); do
    strike kills.yaml "$seed" "$((epochs / 2))" --nodes 4
done

strike links.yaml 3 150 --nodes 3
strike partition.yaml 1 "$epochs" --nodes 4
if [ "$(id -u)" -eq 0 ]; then
    command -v ip > /dev/null && command -v iptables > /dev/null || { apt-get update -q && apt-get install -y -q iproute2 iptables; } > /dev/null
    strike partition.yaml 1 "$epochs" --nodes 4 --namespaces
    strike full-disk.yaml 1 30 --nodes 3
fi

kills=$(grep -ho '"kind":"crash"[^}]*"skipped":null' "$folder"/*/chaos.json | wc -l)
echo "$kills kills, $failures runs failed"
[ "$failures" -eq 0 ]
