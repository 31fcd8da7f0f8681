using System.Diagnostics;
using System.Runtime.InteropServices;
using ActorMlp.Cluster.Measuring;
using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Simulation.Planning;
using ActorMlp.Training.Simulation.Sharing;
using ActorMlp.Training.Views;

namespace ActorMlp.Cli.Simulations;

/// <summary>One machine whose cores all nodes share, as the processes of <c>train --processes</c> do.</summary>
/// <param name="setup">The run.</param>
/// <param name="cores">Its cores.</param>
/// <param name="samplesPerSecond">Rows whose gradient a thread computes in a second; null to measure what processes do here.</param>
/// <param name="costs">What messages cost.</param>
internal sealed class SharedMachine(RunSetup setup, int cores, double? samplesPerSecond, MessageCosts costs)
{
    private static readonly TimeSpan Span = TimeSpan.FromSeconds(0.6);

    /// <summary>Its cores.</summary>
    public int Cores => cores;

    /// <summary>What messages cost.</summary>
    public MessageCosts Costs => costs;

    /// <summary>Compute threads of each of so many processes, as <c>train --processes</c> deals them.</summary>
    public int ThreadsOf(int processes) =>
        setup.Options.Cluster.Threads > 0 ? setup.Options.Cluster.Threads : Math.Max(1, cores / processes);

    /// <summary>The plan with the nodes as processes of this machine.</summary>
    public ClusterPlan Share(ClusterPlan plan)
    {
        int threads = ThreadsOf(plan.Nodes);
        ClusterPlan shared = plan with { Machine = new MachineModel(cores, threads, costs), Standbys = setup.Options.Cluster.Standbys };
        return samplesPerSecond is { } speed
            ? shared with
            {
                ShardTime = NodeSpeed.Assume(setup, speed * Math.Min(threads, cores)).ShardTime(setup),
                UpdateTime = plan.UpdateTime / Math.Min(threads, cores),
            }
            : Measure(shared, threads);
    }

    /// <summary>
    /// A process's share of a step, and the update of its range: one after the other, as in a run. All processes' pools do so at the same time, since they share caches
    /// and the way to memory. Where they have fewer cores than threads, it is the processor's time that counts.
    /// </summary>
    private ClusterPlan Measure(ClusterPlan plan, int threads)
    {
        TimeSpan before = default;
        using var begin = new Barrier(plan.Nodes, _ => before = Environment.CpuUsage.TotalTime);
        Task<Sample[]>[] measured = [.. Enumerable.Range(0, plan.Nodes).Select(process => Task.Factory.StartNew(
            () => Measure(plan, process, threads, begin), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        Sample[] samples = [.. Task.WhenAll(measured).GetAwaiter().GetResult().SelectMany(one => one)];
        if (plan.Nodes * threads > cores)
        {
            double processor = (Environment.CpuUsage.TotalTime - before).TotalSeconds / Math.Min(threads, cores);
            double share = processor / samples.Sum(sample => sample.Seconds);
            return plan with
            {
                ShardTime = TimeSpan.FromSeconds(samples.Average(sample => sample.ShardSeconds) * share),
                UpdateTime = TimeSpan.FromSeconds(samples.Average(sample => sample.UpdateSeconds) * share),

                // How samples differ says when each had a core, not how work differs.
                Noise = 0,
            };
        }

        double[] shard = [.. samples.Select(sample => sample.ShardSeconds).Order()];
        double median = shard[shard.Length / 2];
        return plan with
        {
            ShardTime = TimeSpan.FromSeconds(median),
            UpdateTime = TimeSpan.FromSeconds(samples.Select(sample => sample.UpdateSeconds).Order().ElementAt(samples.Length / 2)),

            // Of even noise as the simulation draws it, half lies within half of its width around the middle.
            Noise = Math.Min(1, (shard[shard.Length * 3 / 4] - shard[shard.Length / 4]) / median),
        };
    }

    private Sample[] Measure(ClusterPlan plan, int process, int threads, Barrier begin)
    {
        using var pool = new ComputePool(threads);
        return pool.Run(() =>
        {
            var work = new ProcessWork(setup, pool, plan, process);
            begin.SignalAndWait();
            work.Step();
            for (var warmUp = new WarmUp(); !warmUp.IsOver;)
            {
                work.Step();
            }

            begin.SignalAndWait();

            var samples = new List<Sample>();
            for (long began = Stopwatch.GetTimestamp(); samples.Count == 0 || Stopwatch.GetElapsedTime(began) < Span;)
            {
                samples.Add(work.Step());
            }

            return samples.ToArray();
        });
    }

    /// <summary>One step of a process.</summary>
    /// <param name="ShardSeconds">What a shard's gradient took.</param>
    /// <param name="UpdateSeconds">What the update of all parameters would have taken.</param>
    /// <param name="Seconds">What the step took.</param>
    private readonly record struct Sample(double ShardSeconds, double UpdateSeconds, double Seconds);

    /// <summary>What a process computes in a step: the gradient of its share, and the update of its range with the gradients of all.</summary>
    private sealed class ProcessWork
    {
        private readonly RunSetup setup;
        private readonly GradientEngine engine;
        private readonly ParameterUpdater updater;
        private readonly TreeNode[] nodes;
        private readonly GradientPart[] parts;
        private readonly ParameterRange range;
        private readonly float[] weights;
        private readonly float[] arriving;
        private readonly float[] next;
        private readonly float[] gradient;
        private long step;

        public ProcessWork(RunSetup setup, ComputePool pool, ClusterPlan plan, int process)
        {
            this.setup = setup;
            engine = new GradientEngine(setup.Network, pool);
            IReadOnlyList<ShardRange> shares = ShardDealer.Deal(
                plan.Shape.Shards, [.. Enumerable.Range(0, plan.ComputingNodes).Select(i => new WorkerId(i, 0))], null, plan.Shape.ShardsDealtTogether);
            ShardRange share = shares[process % shares.Count];
            nodes = [.. TreeNode.Cover(share.First, share.End)];
            weights = new float[setup.Network.Layout.Length];
            setup.Network.Initialize(setup.Options.Training.Seed, weights);
            arriving = [.. weights];
            gradient = new float[weights.Length];
            IReadOnlyList<ParameterPiece> pieces = new RunBlueprint(setup.Options, RunFacts.Of(setup.Data)).CreateDealer().Deal([.. Enumerable.Range(0, plan.Servers)]);
            ParameterPiece[] own = [.. pieces.Where(piece => piece.Server == process % plan.Servers)];
            range = new ParameterRange(own[0].Offset, own[^1].End - own[0].Offset);
            next = new float[range.Length];
            updater = new ParameterUpdater(setup.Network, setup.Optimizer, setup.Regularization, pool, range);
            parts =
            [
                .. shares.SelectMany(one => TreeNode.Cover(one.First, one.End)).Select(node => new GradientPart(
                    node, nodes[0] == node ? gradient.AsMemory(range.Offset, range.Length) : new float[range.Length])),
            ];
        }

        public Sample Step()
        {
            StepBatch batch = setup.BatchOf(step++ % setup.Shape.TotalSteps);
            long arrived = Stopwatch.GetTimestamp();
            Task.Run(Arrive).GetAwaiter().GetResult();
            long began = Stopwatch.GetTimestamp();
            foreach (TreeNode node in nodes)
            {
                engine.ComputeGradient(batch, node, weights, gradient);
            }

            double computing = Stopwatch.GetElapsedTime(began).TotalSeconds;
            began = Stopwatch.GetTimestamp();
            ReadOnlySpan<float> current = weights.AsSpan(range.Offset, range.Length);
            if (setup.Shape.ClipsNorm)
            {
                var squares = new double[updater.ChunksIn(range)];
                updater.Measure(parts, batch.Rows.Length, range, current, squares);
                updater.ApplyMeasured(0, 0, range, current, next, ParameterUpdater.Norm(squares));
            }
            else
            {
                updater.Apply(0, 0, parts, batch.Rows.Length, range, current, next);
            }

            // With several servers measuring and applying are two pieces of work.
            double updating = Stopwatch.GetElapsedTime(began).TotalSeconds, pieceOfWork = updating / (setup.Shape.ClipsNorm && range.Length < weights.Length ? 2 : 1);
            return new Sample(computing / nodes.Sum(node => node.ShardCount), pieceOfWork * weights.Length / range.Length, Stopwatch.GetElapsedTime(arrived).TotalSeconds);
        }

        /// <summary>Weights and others' gradients are written by other threads in a run, and so lie in another core's cache.</summary>
        private void Arrive()
        {
            arriving.CopyTo(weights, 0);
            foreach (GradientPart part in parts)
            {
                arriving.AsSpan(range.Offset, range.Length).CopyTo(MemoryMarshal.AsMemory(part.Sum).Span);
            }
        }
    }
}
