#!/usr/bin/env bash
# Kills node processes at random moments, one every five seconds, and compares the hash with that of an undisturbed run; as root also cuts a node off for 20 s.
# usage: tests/cluster/chaos.sh [RUNS [EPOCHS]]: how many runs with other moments each (1), and how long each is (400 epochs of the digits, a minute or two).
set -uo pipefail
cd "$(dirname "$0")/../.."
runs=${1:-1}
epochs=${2:-400}
program=src/ActorMlp.Cli/bin/Release/net10.0/actormlp
[ -x "$program" ] || dotnet build -c Release --nologo -v q src/ActorMlp.Cli || exit 1

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0

strike() {
    echo "== $1, seed $2"
    if "$program" chaos "configs/faults/$1" --config configs/digits.yaml --nodes 4 --seed "$2" --set "training.epochs=$epochs" --expect "$expected" \
        --out "$folder/$1-$2" > "$folder/out" 2>&1; then
        grep -E '^ *[0-9.]+ s |^steps|^recovery|^undisturbed' "$folder/out"
    else
        tail -n 40 "$folder/out"
        failures=$((failures + 1))
    fi
}

expected=$("$program" train configs/digits.yaml --set "training.epochs=$epochs" --set output.plot=false --out "$folder/undisturbed" --quiet |
    sed -n 's/^weights SHA-256 //p')
[ -n "$expected" ] || { echo "the undisturbed run failed"; exit 1; }

for seed in $(seq 1 "$runs"); do
    strike kills.yaml "$seed"
done

if [ "$(id -u)" -eq 0 ]; then
    command -v ip > /dev/null && command -v iptables > /dev/null || { apt-get update -q && apt-get install -y -q iproute2 iptables; } > /dev/null
    strike partition.yaml 1
fi

kills=$(grep -ho '"kind":"crash"[^}]*"skipped":null' "$folder"/*/chaos.json | wc -l)
echo "$kills kills, $failures runs failed"
[ "$failures" -eq 0 ]
