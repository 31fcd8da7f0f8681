#!/usr/bin/env bash
# A hundred SIGKILLs over runs on Fashion-MNIST, at random moments: a worker, a parameter server, the coordinator, two nodes at once. Each run must end with the undisturbed
# hash and a ledger that holds, and no step may be lost but by two at once, which may be a parameter server and its standby. Prints kills, lost steps and the median recovery of each role.
# usage: tests/cluster/kills.sh [KILLS [EPOCHS [SEED]]]: how many kills at least (100), epochs of each run (12), the first run's seed (1). Ten to twenty minutes. Skips where the data are absent.
# ACTORMLP_KEEP names a folder to which the folders of runs go that failed or lost a step, logs and all.
set -uo pipefail
cd "$(dirname "$0")/../.."
kills=${1:-100}
epochs=${2:-12}
seed=$((${3:-1} - 1))
data=${ACTORMLP_DATA:-../shared/data}
program=src/ActorMlp.Cli/bin/Release/net10.0/actormlp
if [ ! -d "$data/fashion-mnist" ]; then
    echo "skipped: no fashion-mnist in $data (ACTORMLP_DATA names another folder)"
    exit 0
fi

[ -x "$program" ] || dotnet build -c Release --nologo -v q src/ActorMlp.Cli || exit 1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
options=(--data-dir "$data" --set "training.epochs=$epochs" --set output.checkpointEverySteps=100)
failures=0
runs=0
: > "$folder/faults"

expected=$("$program" train configs/fashion-mnist.yaml "${options[@]}" --set output.plot=false --out "$folder/undisturbed" --quiet | sed -n 's/^weights SHA-256 //p')
[ -n "$expected" ] || { echo "the undisturbed run failed"; exit 1; }
echo "undisturbed $expected, $epochs epochs"

# Kills that struck, a line each: target, seconds to recover (or null), steps lost, what the node did in the run.
struck() {
    grep -o '{"kind":"crash"[^}]*}' "$1" | grep '"skipped":null' |
        sed 's/.*"target":"\([A-Za-z]*\)".*"roles":"\([^"]*\)".*"recoverySeconds":\([0-9.a-z]*\),"stepsLost":\([0-9]*\).*/\1 \3 \4 \2/'
}

done=0
while [ "$done" -lt "$kills" ]; do
    seed=$((seed + 1))
    if "$program" chaos configs/faults/hundred-kills.yaml --config configs/fashion-mnist.yaml "${options[@]}" --nodes 4 --seed "$seed" --expect "$expected" \
        --out "$folder/$seed" > "$folder/out" 2>&1 && "$program" audit "$folder/$seed" >> "$folder/out" 2>&1; then
        result="the same hash"
    else
        result=FAILED
        failures=$((failures + 1))
        tail -n 40 "$folder/out"
    fi

    before=$done
    [ ! -f "$folder/$seed/chaos.json" ] || struck "$folder/$seed/chaos.json" >> "$folder/faults"
    done=$(wc -l < "$folder/faults")
    echo "run $seed: $((done - before)) kills, $result; $(sed -n 's/^steps *//p' "$folder/out")"
    runs=$((runs + 1))
    if [ "$done" -eq "$before" ]; then
        echo "a run without a kill: it was too short, or failed"
        exit 1
    fi

    if [ -n "${ACTORMLP_KEEP:-}" ] && { [ "$result" = FAILED ] || grep -q '"stepsLost":[1-9]' "$folder/$seed/chaos.json"; }; then
        mkdir -p "$ACTORMLP_KEEP" && cp -r "$folder/$seed" "$folder/out" "$ACTORMLP_KEEP/"
    fi

    # Only its report is needed.
    rm -rf "${folder:?}/$seed"
done

# Kills, recoveries and lost steps of the lines that come.
tell() {
    awk -v what="$1" '
        { kills++; lost += $3 }
        $2 != "null" { recovery[++known] = $2 }
        END {
            sort(recovery, known)
            n = known
            median = n == 0 ? "-" : n % 2 ? recovery[(n + 1) / 2] : (recovery[n / 2] + recovery[n / 2 + 1]) / 2
            printf "%-24s %3d kills, median recovery %.2f s, longest %.2f s, %d steps lost\n", what, kills, median, recovery[n], lost
        }
        function sort(a, n, i, j, t) {
            for (i = 2; i <= n; i++) {
                t = a[i]
                for (j = i - 1; j > 0 && a[j] > t; j--) a[j + 1] = a[j]
                a[j + 1] = t
            }
        }'
}

echo
echo "by what was aimed at:"
for target in worker parameterServer coordinator random; do
    grep "^$target " "$folder/faults" | tell "$([ "$target" = random ] && echo "two at once" || echo "$target")"
done

# Every node has all roles, so whichever is killed may be the coordinator's.
echo "single kills, by what was there:"
grep -v '^random ' "$folder/faults" | grep ' coordinator' | tell "with the coordinator"
grep -v '^random ' "$folder/faults" | grep -v ' coordinator\| no part' | tell "without it"

lost=$(awk '$1 != "random" { lost += $3 } END { print lost + 0 }' "$folder/faults")
echo "$done kills in $runs runs, $failures runs failed, $lost steps lost where a standby was there"
[ "$failures" -eq 0 ] && [ "$lost" -eq 0 ]
