#!/usr/bin/env bash
# Throughput under kills: the same run on three nodes undisturbed, and with one of the three killed and restarted every 10 s, taking turns. Prints samples/s of both and
# their ratio, and fails below 60 %.
# usage: tests/cluster/throughput.sh [TURNS [EPOCHS]]: turns of each (2), epochs of a run (6 of Fashion-MNIST; 1500 of the digits where Fashion-MNIST is absent).
set -euo pipefail
cd "$(dirname "$0")/../.."
turns=${1:-2}
data=${ACTORMLP_DATA:-../shared/data}
program=src/ActorMlp.Cli/bin/Release/net10.0/actormlp
[ -x "$program" ] || dotnet build -c Release --nologo -v q src/ActorMlp.Cli
if [ -d "$data/fashion-mnist" ]; then
    config=configs/fashion-mnist.yaml
    epochs=${2:-6}
else
    config=configs/digits.yaml
    epochs=${2:-1500}
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
options=(--data-dir "$data" --set "training.epochs=$epochs")
expected=$("$program" train "$config" "${options[@]}" --set output.plot=false --out "$folder/undisturbed" --quiet | sed -n 's/^weights SHA-256 //p')
batch=$(sed -n 's/^ *batchSize: //p' "$config")

# Samples per second of one run, which must end with the right hash.
samples_per_second() {
    "$program" chaos "configs/faults/$1.yaml" --config "$config" "${options[@]}" --nodes 3 --seed "$2" --expect "$expected" --out "$folder/$1-$2" > "$folder/out" 2>&1 ||
        { tail -n 30 "$folder/out" >&2; return 1; }
    sed -n 's/.*"steps":\([0-9]*\),"seconds":\([0-9.]*\),.*/\1 \2/p' "$folder/$1-$2/chaos.json" | awk -v batch="$batch" '{ printf "%.0f\n", $1 * batch / $2 }'
}

kills=0
for turn in $(seq "$turns"); do
    undisturbed=$(samples_per_second none "$turn")
    disturbed=$(samples_per_second worker-every-10s "$turn")
    struck=$(grep -o '{"kind":"crash"[^}]*"skipped":null' "$folder/worker-every-10s-$turn/chaos.json" | wc -l)
    kills=$((kills + struck))
    echo "turn $turn: undisturbed $undisturbed samples/s; $struck kills $disturbed samples/s"
    echo "$undisturbed $disturbed" >> "$folder/figures"
done

# The ratio of sums of times: each run trains the same rows.
awk -v kills="$kills" '
    { undisturbed += 1 / $1; disturbed += 1 / $2 }
    END {
        ratio = 100 * undisturbed / disturbed
        printf "throughput with one of three nodes killed every 10 s: %.0f %% of undisturbed, %d kills (target: 60 %%)\n", ratio, kills
        exit ratio < 60
    }' "$folder/figures"
