#!/usr/bin/env bash
# Node processes against PyTorch DistributedDataParallel (gloo), one thread a process, network 784-512-256-10: one and two processes, global batch 2048 and 256,
# taking turns. Prints the median samples/s of each over its later slices, and the ratios. Needs ../shared/data and Debian's python3-torch, which it installs.
# Usage: compare.sh [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")/../../.."
rounds=${1:-3}
python=/usr/bin/python3 # Debian's, whatever else is in the path
data=../shared/data
[ -d "$data/mnist" ] || { echo "skipped: $data is not here"; exit 0; }
"$python" -c 'import torch' 2>/dev/null || apt-get install -y --no-install-recommends python3-torch >/dev/null
program=src/ActorMlp.Cli/bin/Release/net10.0/actormlp
[ -x "$program" ] || dotnet build -c Release --nologo -v quiet src/ActorMlp.Cli
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/b.yaml" <<YAML
name: b
data: { format: idx, train: mnist/train-images-idx3-ubyte.gz, trainLabels: mnist/train-labels-idx1-ubyte.gz, scaling: pixel }
model: { hidden: [512, 256], activation: relu }
training: { shardsPerStep: 4, optimizer: { kind: momentum, learningRate: 0.01 } }
output: { plot: false }
YAML

# Epochs so many that the later half is past the just-in-time compiler.
for ((round = 0; round < rounds; round++)); do
    for batch in 2048 256; do
        for count in 1 2; do
            "$program" train "$work/b.yaml" --data-dir "$data" --processes "$count" --threads 1 --quiet --out "$work/ours-$round-$batch-$count" \
                --set "training.batchSize=$batch" --set "training.epochs=$((batch == 2048 ? 40 : 25))" >/dev/null
            "$python" tests/peers/ddp/ddp.py "$count" "$batch" 20 >"$work/ddp-$round-$batch-$count.jsonl"
        done
    done
done
"$python" - "$work" "$rounds" <<'PYTHON'
import json, statistics, sys
work, rounds = sys.argv[1], int(sys.argv[2])

def later(path):
    rates = [line["samplesPerSecond"] for line in map(json.loads, open(path)) if "samplesPerSecond" in line]
    return statistics.median(rates[len(rates) // 2:])

print("batch  processes  ActorMlp  DDP  ActorMlp/DDP")
for batch in (2048, 256):
    ours, ddp = {}, {}
    for count in (1, 2):
        ours[count] = statistics.median(later(f"{work}/ours-{r}-{batch}-{count}/metrics.jsonl") for r in range(rounds))
        ddp[count] = statistics.median(later(f"{work}/ddp-{r}-{batch}-{count}.jsonl") for r in range(rounds))
        print(f"{batch:5}  {count:9}  {ours[count]:8.0f}  {ddp[count]:6.0f}  {ours[count] / ddp[count]:.2f}")
    print(f"{batch:5}  two over one: ActorMlp {ours[2] / ours[1]:.2f}, DDP {ddp[2] / ddp[1]:.2f}")
PYTHON
