"""Trains network B (784-512-256-10) with PyTorch DistributedDataParallel over gloo, one thread a process, and prints samples/s of each slice as JSON.

Usage: ddp.py PROCESSES GLOBAL_BATCH SECONDS. Rows are random numbers in the shape of MNIST: speed does not depend on them.
"""
import json
import os
import sys
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

ROWS = 60_000


def train(rank: int, processes: int, batch: int, seconds: float, port: int) -> None:
    torch.set_num_threads(1)
    os.environ["MASTER_ADDR"] = "127.0.0.1"
    os.environ["MASTER_PORT"] = str(port)
    dist.init_process_group("gloo", rank=rank, world_size=processes)
    torch.manual_seed(1)
    model = torch.nn.parallel.DistributedDataParallel(torch.nn.Sequential(
        torch.nn.Linear(784, 512), torch.nn.ReLU(), torch.nn.Linear(512, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    loss = torch.nn.CrossEntropyLoss()
    inputs = torch.rand(ROWS, 784)
    labels = torch.randint(0, 10, (ROWS,))
    share = batch // processes
    steps = 0
    began = time.perf_counter()
    slice_began, slice_rows = began, 0
    running = torch.ones(1)
    while running.item() > 0:
        for first in range(rank * share, ROWS - batch, batch):
            rows = slice(first, first + share)
            optimizer.zero_grad(set_to_none=True)
            loss(model(inputs[rows]), labels[rows]).backward()
            optimizer.step()
            steps += 1
            slice_rows += batch
        now = time.perf_counter()
        if rank == 0:
            print(json.dumps({"processes": processes, "batch": batch, "samplesPerSecond": slice_rows / (now - slice_began)}), flush=True)
            running[0] = 1.0 if now - began < seconds else 0.0
        dist.broadcast(running, 0)
        slice_began, slice_rows = time.perf_counter(), 0
    dist.destroy_process_group()


if __name__ == "__main__":
    count, global_batch, limit = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    mp.spawn(train, args=(count, global_batch, limit, 20_000 + os.getpid() % 20_000), nprocs=count)
