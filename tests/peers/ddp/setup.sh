#!/usr/bin/env bash
# Makes ready what runs on node processes are measured against: PyTorch with gloo, and OpenBLAS for its products. As root on Debian; some 600 MB of disk.
set -euo pipefail

packages=(python3-torch libopenblas0)
if ! dpkg -s "${packages[@]}" >/dev/null 2>&1; then
    apt-get update >/dev/null
    apt-get install -y --no-install-recommends "${packages[@]}" >/dev/null
fi

/usr/bin/python3 -c 'import torch.distributed as d; assert d.is_gloo_available()'
echo "ddp: ready"
