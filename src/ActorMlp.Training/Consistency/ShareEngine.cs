using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Messages;

namespace ActorMlp.Training.Consistency;

/// <summary>
/// The arithmetic of runs that are made of shares: gradients of shares, updates by some of them, copies that are trained by themselves and averaged. A run (in one process, on nodes, simulated)
/// and its replay all compute with it; nothing here knows of time or order. Vectors of a share are made when they are first needed. Not re-entrant: one call at a time.
/// </summary>
/// <param name="model">What it is made of.</param>
/// <param name="plan">The shares.</param>
/// <param name="mode">Whether shares train copies (<see cref="ConsistencyMode.Local"/>) or compute gradients.</param>
public sealed class ShareEngine(IShareModel model, SharePlan plan, ConsistencyMode mode)
{
    private readonly bool isLocal = mode == ConsistencyMode.Local;
    private readonly ShareBuffers[] shares = [.. Enumerable.Range(0, plan.Shares).Select(share => new ShareBuffers(model, plan.NodesOf(share).Count))];
    private readonly List<AlignedBuffer> sums = [];

    /// <summary>The optimizer state of all copies that are trained by themselves, as checkpoints keep it: <c>share.0.velocity</c>; none in other modes.</summary>
    public IReadOnlyList<OptimizerSlot> CopySlots => isLocal ? [.. Enumerable.Range(0, plan.Shares).SelectMany(CopySlotsOf)] : [];

    /// <summary>A share's copy of the weights.</summary>
    public Span<float> CopyOf(int share) => shares[share].Copy.Span;

    /// <summary>What a share is computed with: its copy of the weights, and where it trains that, its optimizer's state.</summary>
    public IReadOnlyList<Memory<float>> InputOf(int share) => [shares[share].Copy.Memory, .. isLocal ? shares[share].State : []];

    /// <summary>What computing a share gives: gradients of its subtrees, or where it trains a copy, that and its optimizer's state.</summary>
    public IReadOnlyList<Memory<float>> ResultOf(int share) => isLocal ? InputOf(share) : [.. shares[share].Gradients.Select(gradient => gradient.Memory)];

    /// <summary>Makes an order the newest of its share, and takes the share's copy of the weights. A copy that was trained for an older order of the same round is as it was before.</summary>
    /// <param name="work">The order.</param>
    /// <param name="weights">The weights as they stand.</param>
    public void Grant(ShareWork work, ReadOnlySpan<float> weights)
    {
        ShareBuffers share = shares[work.Share];
        share.Ticket = work.Ticket;
        weights.CopyTo(share.Copy.Span);
        if (isLocal)
        {
            share.BeginRound(work.Version);
        }
    }

    /// <summary>Makes an order the newest of its share, with <see cref="InputOf"/> that came with it.</summary>
    public void Accept(ShareWork work, IReadOnlyList<ReadOnlyMemory<float>> input)
    {
        CopyTo(input, InputOf(work.Share));
        shares[work.Share].Ticket = work.Ticket;
    }

    /// <summary>Puts <see cref="ResultOf"/> a share, computed elsewhere, where updates look for it.</summary>
    public void Store(int share, IReadOnlyList<ReadOnlyMemory<float>> result) => CopyTo(result, ResultOf(share));

    /// <summary>Computes what was ordered: a gradient, or a round. An order that is not the newest of its share is void, and gives no totals.</summary>
    /// <param name="work">The order.</param>
    /// <param name="before">Called before each step; null for nothing.</param>
    public (IReadOnlyList<GradientTotals> Totals, int? NonFiniteLayer) Compute(ShareWork work, Action<long>? before = null)
    {
        if (shares[work.Share].Ticket != work.Ticket)
        {
            return ([], null);
        }

        var totals = new List<GradientTotals>();
        for (long clock = work.Clock; clock < work.Clock + work.Steps; clock++)
        {
            if (plan.RowsOf(clock, work.Share) == 0)
            {
                totals.Add(default);
                continue;
            }

            before?.Invoke(clock);
            if (!isLocal)
            {
                totals.Add(ComputeGradient(work.Share, clock, CopyOf(work.Share)));
                continue;
            }

            (GradientTotals sums, UpdateReport report) = TrainCopy(work.Share, clock);
            totals.Add(sums);
            if (report.NonFiniteLayer is not null || !double.IsFinite(sums.LossSum))
            {
                return (totals, report.NonFiniteLayer);
            }
        }

        return (totals, null);
    }

    /// <summary>Computes the gradient of a share, which stays here until the share is computed again.</summary>
    /// <param name="share">Which share; it has rows in that step.</param>
    /// <param name="clock">The step, 0-based.</param>
    /// <param name="weights">The weights.</param>
    public GradientTotals ComputeGradient(int share, long clock, ReadOnlySpan<float> weights)
    {
        IReadOnlyList<TreeNode> nodes = plan.NodesOf(share);
        var totals = new (TreeNode, GradientTotals)[nodes.Count];
        for (int i = 0; i < nodes.Count; i++)
        {
            totals[i] = (nodes[i], model.ComputeGradient(clock, nodes[i], weights, shares[share].Gradients[i].Span));
        }

        return PartialTree.Sum(Root, totals, (left, right) => left + right)!.Value;
    }

    /// <summary>Applies the mean gradient of some shares, which are computed, as one optimizer step.</summary>
    /// <param name="optimizer">The optimizer.</param>
    /// <param name="update">Which shares, and which optimizer step it is.</param>
    /// <param name="parameters">The weights, updated in place.</param>
    public UpdateReport Apply(IShareOptimizer optimizer, UpdateRecord update, Span<float> parameters) =>
        Apply(optimizer, update.Sequence, update.Clock, [.. update.Parts.Select(part => part.Share)], parameters);

    /// <summary>Trains a share's own copy by one step.</summary>
    /// <param name="share">Which share; it has rows in that step.</param>
    /// <param name="clock">The step, 0-based.</param>
    public (GradientTotals Totals, UpdateReport Report) TrainCopy(int share, long clock)
    {
        GradientTotals totals = ComputeGradient(share, clock, CopyOf(share));
        return (totals, Apply(shares[share].Optimizer, plan.StepsWithRows(clock, share), clock, [share], CopyOf(share)));
    }

    /// <summary>Puts the mean of copies in place of the weights.</summary>
    /// <param name="update">Whose copies.</param>
    /// <param name="rows">The weight of each.</param>
    /// <param name="parameters">Receives the mean.</param>
    public void Average(UpdateRecord update, IReadOnlyList<long> rows, Span<float> parameters) =>
        VectorSums.Mean([.. update.Parts.Select(part => (ReadOnlyMemory<float>)shares[part.Share].Copy.Memory)], rows, parameters);

    /// <summary>Sums of one block of a split.</summary>
    public EvaluationTotals EvaluateBlock(EvaluatedSplit split, int block, ReadOnlySpan<float> parameters) =>
        model.EvaluateBlock(split, block, parameters);

    private TreeNode Root => TreeNode.Root(plan.Shards);

    private IEnumerable<OptimizerSlot> CopySlotsOf(int share) =>
        shares[share].Optimizer.Slots.Select(slot => new OptimizerSlot(SharePlan.SlotName(share, slot.Name), slot.Values));

    private static void CopyTo(IReadOnlyList<ReadOnlyMemory<float>> from, IReadOnlyList<Memory<float>> to)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(from.Count, to.Count);
        for (int i = 0; i < to.Count; i++)
        {
            from[i].CopyTo(to[i]);
        }
    }

    private UpdateReport Apply(IShareOptimizer optimizer, long update, long clock, int[] counted, Span<float> parameters)
    {
        long rows = counted.Sum(share => (long)plan.RowsOf(clock, share));
        (TreeNode Node, ReadOnlyMemory<float> Sum)[] parts =
            [.. counted.SelectMany(share => plan.NodesOf(share).Select((node, i) => (node, (ReadOnlyMemory<float>)shares[share].Gradients[i].Memory)))];

        // All shards are there: the optimizer completes the tree itself, in the same order, in one pass over memory.
        GradientPart[] gradient = parts.Sum(part => part.Node.ShardCount) == plan.Shards
            ? [.. parts.Select(part => new GradientPart(part.Node, part.Sum))]
            : [new GradientPart(Root, Fold(parts))];
        return optimizer.Apply(update, clock, gradient, rows, parameters);
    }

    private ReadOnlyMemory<float> Fold((TreeNode Node, ReadOnlyMemory<float> Sum)[] parts)
    {
        int used = 0;
        return PartialTree.Sum(Root, parts, (left, right) =>
        {
            if (used == sums.Count)
            {
                sums.Add(new AlignedBuffer(model.Length));
            }

            Memory<float> sum = sums[used++].Memory;
            VectorSums.Add(left.Span, right.Span, sum.Span);
            return sum;
        })!.Value;
    }
}
