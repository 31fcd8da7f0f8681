"""Training on processes by PyTorch's DistributedDataParallel with gloo, for the verb `processes` of tests/ActorMlp.Benchmarks.

One thread a process. The rows are drawn here: 60,000 of 784 inputs, as MNIST has. Each process holds its share of every batch as one piece of
memory, so nothing is gathered, and an epoch's last step has what is left. Writes JSON lines: what PyTorch computes with, the mean losses of the
first steps, then the samples per second of each slice.
"""

import argparse
import ctypes
import json
import os
import tempfile
import time

# Before torch reads them.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["GLOO_SOCKET_IFNAME"] = "lo"

import torch
from torch import nn
import torch.distributed as distributed
import torch.multiprocessing as multiprocessing
from torch.nn.parallel import DistributedDataParallel

ROWS = 60_000
INPUTS = 784
CLASSES = 10
COMPARED_STEPS = 20


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--batch", type=int, default=2048, help="rows of a step, of all processes together")
    parser.add_argument("--hidden", default="512-256", help="units of the hidden layers")
    parser.add_argument("--optimizer", choices=["momentum", "adam"], default="momentum")
    parser.add_argument("--learning-rate", type=float, default=0.01)
    parser.add_argument("--warm-up", type=float, default=5, help="seconds that do not count")
    parser.add_argument("--slices", type=int, default=15)
    parser.add_argument("--slice", type=float, default=1, help="seconds of a slice, about")
    arguments = parser.parse_args()
    if not 1 <= arguments.processes <= arguments.batch <= ROWS:
        parser.error(f"--processes must be at least 1, and --batch between it and {ROWS}")
    with tempfile.TemporaryDirectory() as folder:
        multiprocessing.spawn(train, (arguments, os.path.join(folder, "meeting")), nprocs=arguments.processes)


def train(rank, arguments, meeting):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=arguments.processes)
    if rank == 0:
        write(torch=torch.__version__, blas=blas(), threads=torch.get_num_threads())
    shares = share_of_batches(rank, arguments)
    trainer = Trainer(arguments, shares)
    losses = torch.tensor([trainer.step() for _ in range(COMPARED_STEPS)], dtype=torch.float64)
    distributed.all_reduce(losses)
    if rank == 0:
        write(losses=(losses / torch.tensor(trainer.rows_of_steps(0, COMPARED_STEPS), dtype=torch.float64)).tolist())

    # All processes take the same number of steps: the first one's clock decides.
    steps = calibrate(trainer, arguments)
    for number in range(arguments.slices):
        first = trainer.taken
        distributed.barrier()
        began = time.perf_counter()
        for _ in range(steps):
            trainer.step()
        seconds = time.perf_counter() - began
        if rank == 0:
            write(slice=number + 1, samplesPerSecond=sum(trainer.rows_of_steps(first, steps)) / seconds)
    distributed.destroy_process_group()


def share_of_batches(rank, arguments):
    """This process's inputs and labels of every step of an epoch, and the rows of each step in all processes."""
    generator = torch.Generator().manual_seed(1)
    inputs = torch.rand(ROWS, INPUTS, generator=generator)
    inputs[inputs < 0.8] = 0
    labels = torch.randint(CLASSES, (ROWS,), generator=generator)
    shares = []
    for first in range(0, ROWS, arguments.batch):
        rows = min(arguments.batch, ROWS - first)
        begin = first + rows * rank // arguments.processes
        end = first + rows * (rank + 1) // arguments.processes
        shares.append((inputs[begin:end].clone(), labels[begin:end].clone(), rows))
    return shares


class Trainer:
    def __init__(self, arguments, shares):
        torch.manual_seed(1)
        sizes = [INPUTS, *(int(units) for units in arguments.hidden.split("-")), CLASSES]
        layers = []
        for before, after in zip(sizes, sizes[1:]):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.model = DistributedDataParallel(nn.Sequential(*layers[:-1]), gradient_as_bucket_view=True)
        self.cost = nn.CrossEntropyLoss()
        rate = arguments.learning_rate
        self.optimizer = (
            torch.optim.Adam(self.model.parameters(), lr=rate)
            if arguments.optimizer == "adam"
            else torch.optim.SGD(self.model.parameters(), lr=rate, momentum=0.9)
        )
        self.shares = shares
        self.taken = 0

    def step(self):
        """One step; returns the loss before it, summed over this process's rows."""
        inputs, labels, _ = self.shares[self.taken % len(self.shares)]
        self.taken += 1
        self.optimizer.zero_grad()
        loss = self.cost(self.model(inputs), labels)
        loss.backward()
        self.optimizer.step()
        return loss.item() * len(labels)

    def rows_of_steps(self, first, count):
        return [self.shares[step % len(self.shares)][2] for step in range(first, first + count)]


def calibrate(trainer, arguments):
    """Trains until the warm-up is over; returns the steps of a slice."""
    steps = torch.ones(1, dtype=torch.int64)
    began = time.perf_counter()
    while True:
        slice_began = time.perf_counter()
        for _ in range(int(steps)):
            trainer.step()
        now = time.perf_counter()
        wanted = max(1, round(int(steps) * arguments.slice / (now - slice_began)))
        news = torch.tensor([min(wanted, 8 * int(steps)), int(now - began >= arguments.warm_up)])
        distributed.broadcast(news, 0)
        steps = news[0]
        if news[1]:
            return int(steps)


def blas():
    """The library of matrix products that was loaded, with OpenBLAS's choice of kernels."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        paths = sorted({line.split()[-1] for line in maps if "blas" in line.rsplit("/", 1)[-1]})
    for path in paths:
        library = ctypes.CDLL(path)
        if hasattr(library, "openblas_get_corename"):
            library.openblas_get_corename.restype = ctypes.c_char_p
            return f"OpenBLAS {library.openblas_get_corename().decode()}"
    return ", ".join(os.path.basename(path) for path in paths) or "none"


def write(**line):
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
