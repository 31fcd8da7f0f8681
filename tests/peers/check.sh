#!/usr/bin/env bash
# Do the engine and its peers agree? Sets the peers up and runs each comparison once: products against OpenBLAS's, losses against TorchSharp's.
# The times of so short a run mean nothing. As root on Debian; some 1 GB of disk.
set -euo pipefail
cd "$(dirname "$0")/../.."

tests/peers/setup.sh
dotnet build tests/ActorMlp.Benchmarks -c Release -v quiet --nologo
dotnet run --no-build -c Release --project tests/ActorMlp.Benchmarks -- kernels 1
dotnet run --no-build -c Release --project tests/ActorMlp.Benchmarks -- step 1
echo "peers: agree"
