#!/usr/bin/env bash
# One run, one answer: node processes on loopback, 1 to 4 of them with 1 and 2 parameter servers, end with the hash of `train` in one process. A node joins and
# one leaves in the middle of a further run. Prints a line for each, and fails if any hash differs.
set -euo pipefail
cd "$(dirname "$0")/../.."

program=src/ActorMlp.Cli/bin/Release/net10.0/actormlp
[ -x "$program" ] || dotnet build -c Release --nologo -v quiet src/ActorMlp.Cli
work=$(mktemp -d)
# Below the ports that the system gives to those who ask for any.
port=$((12000 + RANDOM % 18000))
trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

options=(--set training.epochs=8 --quiet --format json)
hash_of() { sed -n 's/.*"weightsSha256":"\([0-9a-f]*\)".*/\1/p' | tail -n 1; }
failures=0
check() {
    if [ "$2" = "$3" ]; then echo "ok      $1"; else echo "FAILED  $1: ${2:-no hash} instead of $3"; failures=$((failures + 1)); fi
}

# start NUMBER ROLES FIRST [OPTION…]: a node, ready to take work
start() {
    local join=() data=(--data-dir configs)
    [ $# -le 3 ] || data=("${@:4}")
    [ "$1" = "$3" ] || join=(--join "127.0.0.1:$3")
    "$program" node --listen "127.0.0.1:$1" "${join[@]}" --roles "$2" --threads 1 "${data[@]}" >"$work/node-$1.txt" 2>&1 &
    for _ in $(seq 300); do
        grep -q '^joined' "$work/node-$1.txt" && return
        sleep 0.1
    done
    cat "$work/node-$1.txt"
    return 1
}

# stop_all: every node leaves in order
stop_all() {
    local nodes
    nodes=$(jobs -p)
    kill $nodes 2>/dev/null || true
    wait $nodes 2>/dev/null || true
}

submit() { "$program" submit configs/digits.yaml --to "127.0.0.1:$1" --out "$work/run-$2" "${options[@]}" "${@:3}" 2>/dev/null | hash_of; }

expected=$("$program" train configs/digits.yaml --out "$work/alone" "${options[@]}" 2>/dev/null | hash_of)
for servers in 1 2; do
    for count in 1 2 3 4; do
        [ "$servers" -le "$count" ] || continue
        first=$port
        for ((i = 0; i < count; i++)); do
            roles=worker
            [ "$i" -ge "$servers" ] || roles=worker,parameter-server,coordinator
            start "$((port++))" "$roles" "$first"
        done
        check "$count processes, $servers parameter servers" "$(submit "$first" "$count-$servers")" "$expected"
        stop_all
    done
done

# Nodes that have no data files get the rows from where the run is submitted, once.
first=$port
mkdir "$work/empty"
start "$((port++))" worker,parameter-server,coordinator "$first" --data-dir "$work/empty" --cache-dir "$work/cache-1"
start "$((port++))" worker,parameter-server "$first" --data-dir "$work/empty" --cache-dir "$work/cache-2"
cp configs/digits.yaml "$work/empty/digits.yaml"
sed -i 's#^  train: .*#  train: digits.csv.gz#' "$work/empty/digits.yaml"
for run in stream stream-again; do
    hash=$("$program" submit "$work/empty/digits.yaml" --data-dir configs/data --to "127.0.0.1:$first" --out "$work/$run" "${options[@]}" \
        --set data.distribution=stream --set "data.cacheDirectory=$work/cache" 2>"$work/$run.txt" | hash_of)
    check "two processes without data files ($run)" "$hash" "$expected"
done
[ "$(find "$work"/cache-? -name '*.actormlp-data' | wc -l)" -eq 2 ] || { echo "FAILED  the nodes kept no data"; failures=$((failures + 1)); }
stop_all

# Join and leave in the middle of a longer run.
long=(--set training.epochs=300)
expected=$("$program" train configs/digits.yaml --out "$work/long" "${options[@]}" "${long[@]}" 2>/dev/null | hash_of)
first=$port
start "$((port++))" worker,parameter-server,coordinator "$first"
start "$((port++))" worker,parameter-server,coordinator "$first"
submit "$first" elastic "${long[@]}" >"$work/elastic.txt" &
submission=$!
sleep 4
start "$((port++))" worker,parameter-server,coordinator "$first"
"$program" cluster leave --to "127.0.0.1:$((first + 1))" >"$work/leave.txt"
wait "$submission"
check "one node joins and one leaves in the middle" "$(cat "$work/elastic.txt")" "$expected"
stop_all

# Ctrl-C reaches every process of the terminal, also the nodes that `train --processes` started: the run stops with a checkpoint, and is resumed.
set -m
"$program" train configs/digits.yaml --processes 2 --out "$work/stopped" "${options[@]}" "${long[@]}" >"$work/stopped.txt" 2>&1 &
stopped=$!
set +m
for _ in $(seq 300); do
    [ -e "$work/stopped/checkpoints/last.safetensors" ] && break
    sleep 0.1
done
kill -INT -- "-$stopped"
wait "$stopped" || true
grep -q '"status":"stopped"' "$work/stopped.txt" || { cat "$work/stopped.txt"; failures=$((failures + 1)); }
resumed=$("$program" train configs/digits.yaml --processes 2 --out "$work/stopped" --resume "${options[@]}" "${long[@]}" 2>/dev/null | hash_of)
check "two processes, stopped by Ctrl-C and resumed" "$resumed" "$expected"

# Other modes than bsp: no hash is promised but for averaged copies, so each run is replayed from the log that it wrote.
replays() { if "$program" replay "$2" >"$work/replay.txt" 2>&1; then echo "ok      $1"; else echo "FAILED  $1"; cat "$work/replay.txt"; failures=$((failures + 1)); fi }
for mode in ssp async backup local; do
    hash=$("$program" train configs/digits.yaml --processes 2 --out "$work/$mode" "${options[@]}" --set "training.consistency.mode=$mode" 2>/dev/null | hash_of)
    replays "two processes, $mode, replayed" "$work/$mode"
    [ "$mode" != local ] || check "two processes, local" "$hash" \
        "$("$program" train configs/digits.yaml --workers 2 --out "$work/local-alone" "${options[@]}" --set training.consistency.mode=local 2>/dev/null | hash_of)"
done

# A worker is killed in the middle, then the node that has the parameters.
for victim in 2 1; do
    first=$port
    nodes=()
    for role in worker,coordinator worker,parameter-server worker; do
        start "$((port++))" "$role" "$first"
        nodes+=($!)
    done
    [ "$victim" -eq 2 ] || { start "$((port++))" worker,parameter-server "$first"; }
    submit "$first" "async-$victim" "${long[@]}" --set training.consistency.mode=async >"$work/async-$victim.txt" &
    submission=$!
    for _ in $(seq 300); do
        [ -e "$work/run-async-$victim/checkpoints/last.safetensors" ] && break
        sleep 0.1
    done
    kill -KILL "${nodes[$victim]}"
    wait "$submission"
    replays "async, node $victim of 3 killed in the middle, replayed" "$work/run-async-$victim"
    stop_all
done
[ "$failures" -eq 0 ]
