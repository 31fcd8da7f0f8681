using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Consistency;

/// <summary>
/// The arithmetic of runs that are made of shares: gradients of shares, updates by some of them, copies that are trained by themselves and averaged. A run and its replay both
/// compute with it; nothing here knows of time or order. Not re-entrant: one call at a time, on the pool.
/// </summary>
public sealed class ShareEngine
{
    private readonly RunSetup setup;
    private readonly SharePlan plan;
    private readonly GradientEngine engine;
    private readonly AlignedBuffer[][] gradients;
    private readonly AlignedBuffer[] copies;
    private readonly ParameterUpdater[] copyUpdaters;
    private readonly List<AlignedBuffer> sums = [];

    /// <summary>An engine.</summary>
    /// <param name="setup">The run.</param>
    /// <param name="plan">Its shares.</param>
    /// <param name="pool">The threads that compute.</param>
    public ShareEngine(RunSetup setup, SharePlan plan, ComputePool pool)
    {
        this.setup = setup;
        this.plan = plan;
        int length = setup.Network.Layout.Length;
        engine = new GradientEngine(setup.Network, pool);
        gradients = [.. Enumerable.Range(0, plan.Shares).Select(share => plan.NodesOf(share).Select(_ => new AlignedBuffer(length)).ToArray())];
        copies = [.. Enumerable.Range(0, plan.Shares).Select(_ => new AlignedBuffer(length))];
        copyUpdaters = setup.Options.Training.Consistency.Mode == ConsistencyMode.Local
            ? [.. Enumerable.Range(0, plan.Shares).Select(_ => new ParameterUpdater(setup.Network, setup.Optimizer, setup.Regularization, pool))]
            : [];
    }

    /// <summary>The optimizer state of all copies that are trained by themselves, as checkpoints keep it: <c>share.0.velocity</c>; none in other modes.</summary>
    public IReadOnlyList<OptimizerSlot> CopySlots =>
    [
        .. copyUpdaters.SelectMany((updater, share) => updater.Slots.Select(slot => new OptimizerSlot($"share.{share}.{slot.Name}", slot.Values))),
    ];

    /// <summary>A share's copy of the weights.</summary>
    public Span<float> CopyOf(int share) => copies[share].Span;

    /// <summary>Computes the gradient of a share, which stays here until the share is computed again.</summary>
    /// <param name="share">Which share; it has rows in that step.</param>
    /// <param name="clock">The step, 0-based.</param>
    /// <param name="weights">The weights.</param>
    public GradientTotals ComputeGradient(int share, long clock, ReadOnlySpan<float> weights)
    {
        StepBatch batch = setup.BatchOf(clock);
        IReadOnlyList<TreeNode> nodes = plan.NodesOf(share);
        var totals = new (TreeNode, GradientTotals)[nodes.Count];
        for (int i = 0; i < nodes.Count; i++)
        {
            totals[i] = (nodes[i], engine.ComputeGradient(batch, nodes[i], weights, gradients[share][i].Span));
        }

        return PartialTree.Sum(Root, totals, (left, right) => left + right)!.Value;
    }

    /// <summary>Applies the mean gradient of some shares, which are computed, as one optimizer step.</summary>
    /// <param name="updater">The optimizer.</param>
    /// <param name="update">Which shares, and which optimizer step it is.</param>
    /// <param name="parameters">The weights, updated in place.</param>
    public UpdateReport Apply(ParameterUpdater updater, UpdateRecord update, Span<float> parameters) =>
        Apply(updater, update.Sequence, update.Clock, [.. update.Parts.Select(part => part.Share)], parameters);

    /// <summary>Trains a share's own copy by one step.</summary>
    /// <param name="share">Which share; it has rows in that step.</param>
    /// <param name="clock">The step, 0-based.</param>
    public (GradientTotals Totals, UpdateReport Report) TrainCopy(int share, long clock)
    {
        GradientTotals totals = ComputeGradient(share, clock, CopyOf(share));
        return (totals, Apply(copyUpdaters[share], plan.StepsWithRows(clock, share), clock, [share], CopyOf(share)));
    }

    /// <summary>Puts the mean of copies in place of the weights.</summary>
    /// <param name="update">Whose copies.</param>
    /// <param name="rows">The weight of each.</param>
    /// <param name="parameters">Receives the mean.</param>
    public void Average(UpdateRecord update, IReadOnlyList<long> rows, Span<float> parameters) =>
        VectorSums.Mean([.. update.Parts.Select(part => (ReadOnlyMemory<float>)copies[part.Share].Memory)], rows, parameters);

    /// <summary>Sums of one block of a split.</summary>
    public EvaluationTotals EvaluateBlock(EvaluatedSplit split, int block, ReadOnlySpan<float> parameters) =>
        setup.EvaluateBlock(engine, split, block, parameters);

    private TreeNode Root => TreeNode.Root(setup.Shape.Shards);

    private UpdateReport Apply(ParameterUpdater updater, long optimizerStep, long clock, int[] shares, Span<float> parameters)
    {
        long rows = shares.Sum(share => (long)plan.RowsOf(clock, share));
        (TreeNode Node, ReadOnlyMemory<float> Sum)[] parts =
            [.. shares.SelectMany(share => plan.NodesOf(share).Select((node, i) => (node, (ReadOnlyMemory<float>)gradients[share][i].Memory)))];

        // All shards are there: the updater completes the tree itself, in the same order, in one pass over memory.
        GradientPart[] gradient = parts.Sum(part => part.Node.ShardCount) == setup.Shape.Shards
            ? [.. parts.Select(part => new GradientPart(part.Node, part.Sum))]
            : [new GradientPart(Root, Fold(parts))];
        return updater.Apply(optimizerStep, setup.Shape.LearningRate(clock), gradient, rows, parameters);
    }

    private ReadOnlyMemory<float> Fold((TreeNode Node, ReadOnlyMemory<float> Sum)[] parts)
    {
        int used = 0;
        return PartialTree.Sum(Root, parts, (left, right) =>
        {
            if (used == sums.Count)
            {
                sums.Add(new AlignedBuffer(setup.Network.Layout.Length));
            }

            Memory<float> sum = sums[used++].Memory;
            VectorSums.Add(left.Span, right.Span, sum.Span);
            return sum;
        })!.Value;
    }
}
