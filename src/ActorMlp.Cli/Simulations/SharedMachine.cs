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
        bool oversubscribed = plan.Nodes * threads > cores;
        var clock = new PhaseClock();
        using var phases = new Barrier(plan.Nodes, _ => clock.Next());
        Task<Sample[]>[] measured = [.. Enumerable.Range(0, plan.Nodes).Select(process => Task.Factory.StartNew(
            () => Measure(plan, process, threads, phases, oversubscribed), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        Sample[] samples = [.. Task.WhenAll(measured).GetAwaiter().GetResult().SelectMany(one => one)];
        if (oversubscribed)
        {
            // What work takes beside the arrival of weights, by the processor's time of all: of gradients, of updates, and of both in turn. Of a tiny network that may be less than differs by chance.
            double[] seconds = [.. clock.ProcessorSeconds.Select((all, phase) => all / samples.Count(sample => sample.Phase == phase))];
            double Beside(int phase) => Math.Max(TimeSpan.FromMicroseconds(1).TotalSeconds, seconds[phase] - seconds[0]);
            double gradients = Beside(1), updates = Beside(2), inTurn = Beside(3) / (gradients + updates);
            return plan with
            {
                ShardTime = TimeSpan.FromSeconds(gradients * inTurn / samples.Average(sample => sample.Shards)),
                UpdateTime = TimeSpan.FromSeconds(updates * inTurn * samples.Average(sample => sample.UpdateScale)),

                // How samples differ says when each had a core, not how work differs.
                Noise = 0,
            };
        }

        double[] shard = [.. samples.Select(sample => sample.GradientSeconds / sample.Shards).Order()];
        double median = shard[shard.Length / 2];
        return plan with
        {
            ShardTime = TimeSpan.FromSeconds(median),
            UpdateTime = TimeSpan.FromSeconds(samples.Select(sample => sample.UpdateSeconds * sample.UpdateScale).Order().ElementAt(samples.Length / 2)),

            // Of even noise as the simulation draws it, half lies within half of its width around the middle.
            Noise = Math.Min(1, (shard[shard.Length * 3 / 4] - shard[shard.Length / 4]) / median),
        };
    }

    private Sample[] Measure(ClusterPlan plan, int process, int threads, Barrier phases, bool apart)
    {
        using var pool = new ComputePool(threads);
        return pool.Run(() =>
        {
            var work = new ProcessWork(setup, pool, plan, process);
            phases.SignalAndWait();
            work.Step(true, true);
            for (var warmUp = new WarmUp(); !warmUp.IsOver;)
            {
                work.Step(true, true);
            }

            var samples = new List<Sample>();
            (bool Gradient, bool Update)[] parts = apart ? [(false, false), (true, false), (false, true), (true, true)] : [(true, true)];
            foreach ((int phase, (bool gradient, bool update)) in parts.Index())
            {
                phases.SignalAndWait();
                int before = samples.Count;
                for (long began = Stopwatch.GetTimestamp(); samples.Count == before || Stopwatch.GetElapsedTime(began) < Span;)
                {
                    samples.Add(work.Step(gradient, update) with { Phase = phase });
                }
            }

            phases.SignalAndWait();
            return samples.ToArray();
        });
    }

    /// <summary>The processor's time of phases that all processes begin together; the first, up to the first <see cref="Next"/>, and the warm-up do not count.</summary>
    private sealed class PhaseClock
    {
        private readonly List<double> moments = [];

        public IEnumerable<double> ProcessorSeconds => moments.Skip(1).Zip(moments.Skip(2), (one, other) => other - one);

        public void Next() => moments.Add(Environment.CpuUsage.TotalTime.TotalSeconds);
    }

    /// <summary>One step of a process, or part of one.</summary>
    /// <param name="Shards">Shards of its share.</param>
    /// <param name="UpdateScale">How many times as long the update of all parameters would have taken, as one piece of work.</param>
    /// <param name="GradientSeconds">What the gradient of its share took.</param>
    /// <param name="UpdateSeconds">What the update of its range took.</param>
    private readonly record struct Sample(int Shards, double UpdateScale, double GradientSeconds, double UpdateSeconds)
    {
        public int Phase { get; init; }
    }

    /// <summary>What a process computes in a step: the gradient of its share, and the update of its range with the gradients of all.</summary>
    private sealed class ProcessWork
    {
        private readonly RunSetup setup;
        private readonly GradientEngine engine;
        private readonly ParameterUpdater updater;
        private readonly TreeNode[] nodes;
        private readonly GradientPart[] parts;
        private readonly (ParameterRange Range, GradientPart[] Parts)[] pieces;
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
            IReadOnlyList<ParameterPiece> dealt = new RunBlueprint(setup.Options, RunFacts.Of(setup.Data)).CreateDealer().Deal([.. Enumerable.Range(0, plan.Servers)]);
            ParameterPiece[] own = [.. dealt.Where(piece => piece.Server == process % plan.Servers)];
            range = new ParameterRange(own[0].Offset, own[^1].End - own[0].Offset);
            next = new float[range.Length];
            updater = new ParameterUpdater(setup.Network, setup.Optimizer, setup.Regularization, pool, range);
            parts =
            [
                .. shares.SelectMany(one => TreeNode.Cover(one.First, one.End)).Select(node => new GradientPart(
                    node, nodes[0] == node ? gradient.AsMemory(range.Offset, range.Length) : new float[range.Length])),
            ];
            pieces =
            [
                .. own.Select(piece => (new ParameterRange(piece.Offset, piece.Length), parts.Select(part =>
                    part with { Sum = part.Sum.Slice(piece.Offset - range.Offset, piece.Length) }).ToArray())),
            ];
        }

        /// <summary>A step, or a part of one.</summary>
        public Sample Step(bool computes, bool updates)
        {
            StepBatch batch = setup.BatchOf(step++ % setup.Shape.TotalSteps);
            Task.Run(Arrive).GetAwaiter().GetResult();
            long began = Stopwatch.GetTimestamp();
            foreach (TreeNode node in computes ? nodes : [])
            {
                engine.ComputeGradient(batch, node, weights, gradient);
            }

            double computing = Stopwatch.GetElapsedTime(began).TotalSeconds;
            began = Stopwatch.GetTimestamp();
            if (updates)
            {
                Update(batch);
            }

            // With several servers measuring and applying are two pieces of work.
            double parts = setup.Shape.ClipsNorm && range.Length < weights.Length ? 2 : 1;
            return new Sample(nodes.Sum(node => node.ShardCount), weights.Length / (range.Length * parts), computing, Stopwatch.GetElapsedTime(began).TotalSeconds);
        }

        /// <summary>Piece by piece, as they are complete in a run.</summary>
        private void Update(StepBatch batch)
        {
            foreach ((ParameterRange piece, GradientPart[] sums) in pieces)
            {
                ReadOnlySpan<float> current = weights.AsSpan(piece.Offset, piece.Length);
                Span<float> updated = next.AsSpan(piece.Offset - range.Offset, piece.Length);
                if (setup.Shape.ClipsNorm)
                {
                    var squares = new double[updater.ChunksIn(piece)];
                    updater.Measure(sums, batch.Rows.Length, piece, current, squares);
                    updater.ApplyMeasured(0, 0, piece, current, updated, ParameterUpdater.Norm(squares));
                }
                else
                {
                    updater.Apply(0, 0, sums, batch.Rows.Length, piece, current, updated);
                }
            }
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
