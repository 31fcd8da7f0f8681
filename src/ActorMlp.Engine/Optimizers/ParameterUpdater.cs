using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Parallel;

namespace ActorMlp.Engine.Optimizers;

/// <summary>A part of an optimizer's state: one float for each parameter, in the parameters' layout.</summary>
/// <param name="Name">What it is: velocity, squareSum, meanSquare, firstMoment or secondMoment.</param>
/// <param name="Values">The state; write it to resume a run.</param>
public sealed record OptimizerSlot(string Name, Memory<float> Values);

/// <summary>A gradient sum of a node of the tree.</summary>
/// <param name="Node">The node.</param>
/// <param name="Sum">The sum over the node's rows, in the parameters' layout.</param>
public readonly record struct GradientPart(TreeNode Node, ReadOnlyMemory<float> Sum);

/// <summary>What an update found.</summary>
/// <param name="GradientNorm">The mean gradient's global Euclidean norm before clipping; only where the norm is bounded.</param>
/// <param name="NonFiniteLayer">The first layer, from 0, with a new parameter that is not finite: the run has diverged.</param>
public readonly record struct UpdateReport(double? GradientNorm, int? NonFiniteLayer);

/// <summary>
/// The optimizer and its state: completes the tree over the parts of a gradient, takes the mean, adds penalties, clips, applies the rule
/// and bounds the units' norms. One pass over memory, two with clipping, one more over the weights with a bound on their norms.
/// </summary>
/// <remarks>
/// Elementwise, so the bits do not depend on threads. Norms are summed in double precision over fixed chunks in the order of the index,
/// within a chunk in 16 interleaved chains. Not re-entrant: one call at a time.
/// </remarks>
public sealed class ParameterUpdater
{
    private readonly Network network;
    private readonly OptimizerSpec optimizer;
    private readonly RegularizationSpec regularization;
    private readonly ComputePool pool;
    private readonly HashSet<int> cutPoints;
    private readonly UpdatePass pass;
    private readonly NormPass? norms;

    /// <summary>Makes an updater with fresh state that computes with <see cref="KernelSelection"/>'s kernels.</summary>
    /// <exception cref="ArgumentException">A constant is out of range; the message says which.</exception>
    public ParameterUpdater(Network network, OptimizerSpec optimizer, RegularizationSpec regularization, ComputePool pool)
        : this(network, optimizer, regularization, pool, new ParameterRange(0, network.Layout.Length))
    {
    }

    /// <summary>Makes an updater of a range, whose state has the range's floats only.</summary>
    /// <exception cref="ArgumentException">A constant is out of range, or the range does not begin and end at <see cref="CutPoints"/>.</exception>
    public ParameterUpdater(
        Network network, OptimizerSpec optimizer, RegularizationSpec regularization, ComputePool pool, ParameterRange range)
        : this(network, optimizer, regularization, pool, KernelSelection.Current, range)
    {
    }

    internal ParameterUpdater(
        Network network, OptimizerSpec optimizer, RegularizationSpec regularization, ComputePool pool, KernelSet kernels)
        : this(network, optimizer, regularization, pool, kernels, new ParameterRange(0, network.Layout.Length))
    {
    }

    internal ParameterUpdater(
        Network network, OptimizerSpec optimizer, RegularizationSpec regularization, ComputePool pool, KernelSet kernels, ParameterRange range)
    {
        Validate(optimizer, regularization);
        cutPoints = [.. CutPoints(network, regularization)];
        Range = range;
        CheckPlace(range);
        this.network = network;
        this.optimizer = optimizer;
        this.regularization = regularization;
        this.pool = pool;
        IReadOnlyList<string> names = SlotNames(optimizer.Kind);
        AlignedBuffer[] state = [.. names.Select(_ => new AlignedBuffer(range.Length))];
        Slots = [.. names.Select((name, i) => new OptimizerSlot(name, state[i].Memory))];
        pass = new UpdatePass(network.Layout, range, kernels, regularization, state, pool.Threads);
        norms = regularization.MaxNorm is { } bound ? new NormPass(network.Layout, kernels, bound) : null;
    }

    /// <summary>The parameters whose state is here.</summary>
    public ParameterRange Range { get; }

    /// <summary>The state of the range's parameters, empty for plain gradient descent.</summary>
    public IReadOnlyList<OptimizerSlot> Slots { get; }

    /// <summary>
    /// Where the vector may be cut in ranges and pieces, ascending from 0 to its length: the bits are those of one update over the whole wherever it is cut,
    /// as chunks, by which the gradient's norm is summed, and units, whose norms are bounded, stay whole.
    /// </summary>
    public static IReadOnlyList<int> CutPoints(Network network, RegularizationSpec regularization) =>
        UpdateChunk.CutPoints(network.Layout, regularization.ClipNorm is not null, regularization.MaxNorm is not null);

    /// <summary>The names of an optimizer's slots, in their order.</summary>
    public static IReadOnlyList<string> SlotNames(OptimizerKind kind) => kind switch
    {
        OptimizerKind.Sgd => [],
        OptimizerKind.Momentum or OptimizerKind.Nesterov => ["velocity"],
        OptimizerKind.AdaGrad => ["squareSum"],
        OptimizerKind.RmsProp => ["meanSquare"],
        _ => ["firstMoment", "secondMoment"],
    };

    /// <summary>The norm of the whole gradient.</summary>
    /// <param name="squares">The squared norms of all its chunks, in their order.</param>
    public static double Norm(ReadOnlySpan<double> squares) => UpdatePass.Norm(squares);

    /// <summary>Applies one step to the whole vector.</summary>
    /// <param name="step">The step, from 0.</param>
    /// <param name="learningRate">η of this step.</param>
    /// <param name="parts">Gradient sums of nodes that exactly cover the tree's root, left to right.</param>
    /// <param name="rows">Rows that the parts sum over.</param>
    /// <param name="parameters">The parameters, updated in place.</param>
    public UpdateReport Apply(long step, double learningRate, ReadOnlySpan<GradientPart> parts, long rows, Span<float> parameters)
    {
        if (parameters.Length != network.Layout.Length || Range.Length != network.Layout.Length)
        {
            throw new ArgumentException($"the vector has {parameters.Length} floats, the range {Range.Length}, the layout {network.Layout.Length}", nameof(parameters));
        }

        if (regularization.ClipNorm is null)
        {
            return Apply(step, learningRate, parts, rows, Range, parameters, parameters);
        }

        Measure(parts, rows, Range, parameters, default);
        return ApplyMeasured(step, learningRate, Range, parameters, parameters, Norm(pass.Squares));
    }

    /// <summary>Applies one step to a piece of the range.</summary>
    /// <param name="step">The step, from 0.</param>
    /// <param name="learningRate">η of this step.</param>
    /// <param name="parts">Gradient sums of nodes that exactly cover the tree's root, left to right; of each the piece's floats.</param>
    /// <param name="rows">Rows that the parts sum over.</param>
    /// <param name="piece">The piece; it begins and ends at <see cref="CutPoints"/>.</param>
    /// <param name="current">The piece's parameters.</param>
    /// <param name="next">Receives the new ones: the same memory, or memory apart from it.</param>
    /// <param name="sum">Receives the sum over all parts, of the piece's length; empty for nowhere.</param>
    /// <exception cref="InvalidOperationException">The gradient's norm is bounded: every piece must be measured first.</exception>
    public UpdateReport Apply(
        long step,
        double learningRate,
        ReadOnlySpan<GradientPart> parts,
        long rows,
        ParameterRange piece,
        ReadOnlySpan<float> current,
        Span<float> next,
        Memory<float> sum = default)
    {
        if (regularization.ClipNorm is not null)
        {
            throw new InvalidOperationException("the gradient's norm is bounded: measure every piece, then apply what was measured");
        }

        Check(step, piece, current.Length, next.Length);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        pass.Prepare(parts, rows, piece, sum);
        pass.Use(Rule(step, learningRate));
        Run(piece, current, next);
        return new UpdateReport(null, pass.NonFiniteLayer);
    }

    /// <summary>Number of chunks of a piece.</summary>
    public int ChunksIn(ParameterRange piece) => pass.ChunksIn(piece);

    /// <summary>Takes the mean of a piece's gradient, kept here until it is applied or measured again, and measures it.</summary>
    /// <param name="parts">Gradient sums of nodes that exactly cover the tree's root, left to right; of each the piece's floats.</param>
    /// <param name="rows">Rows that the parts sum over.</param>
    /// <param name="piece">The piece; it begins and ends at <see cref="CutPoints"/>.</param>
    /// <param name="current">The piece's parameters, for the penalties.</param>
    /// <param name="squares">Receives the squared norm of each of the piece's chunks.</param>
    /// <param name="sum">Receives the sum over all parts, of the piece's length; empty for nowhere.</param>
    public void Measure(
        ReadOnlySpan<GradientPart> parts,
        long rows,
        ParameterRange piece,
        ReadOnlySpan<float> current,
        Span<double> squares,
        Memory<float> sum = default)
    {
        Measure(parts, rows, piece, current, sum);
        pass.Squares.CopyTo(squares);
    }

    /// <summary>Applies the mean that was measured of a piece.</summary>
    /// <param name="step">The step, from 0.</param>
    /// <param name="learningRate">η of this step.</param>
    /// <param name="piece">The piece.</param>
    /// <param name="current">The piece's parameters.</param>
    /// <param name="next">Receives the new ones: the same memory, or memory apart from it.</param>
    /// <param name="norm">The norm of the whole gradient.</param>
    public UpdateReport ApplyMeasured(
        long step, double learningRate, ParameterRange piece, ReadOnlySpan<float> current, Span<float> next, double norm)
    {
        if (regularization.ClipNorm is not { } bound)
        {
            throw new InvalidOperationException("the gradient's norm is not bounded: nothing was measured");
        }

        Check(step, piece, current.Length, next.Length);
        pass.Select(piece);
        pass.Use(Rule(step, learningRate));
        pass.Clip(norm, bound);
        Run(piece, current, next);
        return new UpdateReport(norm, pass.NonFiniteLayer);
    }

    /// <summary>λ₁·Σ|w| + λ₂/2·Σw² over the weights, in double precision in the order of the index: what the penalties add to the cost.</summary>
    public double Penalty(ReadOnlySpan<float> parameters)
    {
        if (regularization.L1 == 0 && regularization.L2 == 0)
        {
            return 0;
        }

        double absolute = 0, square = 0;
        foreach (LayerLayout layer in network.Layout.Layers)
        {
            foreach (float weight in parameters.Slice(layer.WeightsOffset, layer.WeightsLength))
            {
                absolute += Math.Abs(weight);
                square += (double)weight * weight;
            }
        }

        return regularization.L1 * absolute + 0.5 * regularization.L2 * square;
    }

    private void Measure(ReadOnlySpan<GradientPart> parts, long rows, ParameterRange piece, ReadOnlySpan<float> current, Memory<float> sum)
    {
        if (regularization.ClipNorm is null)
        {
            throw new InvalidOperationException("the gradient's norm is not bounded: nothing needs to be measured");
        }

        Check(0, piece, current.Length, current.Length);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        pass.Prepare(parts, rows, piece, sum);
        pass.Measure();
        Pinning.With(current, default, this, static (before, _, updater) =>
        {
            updater.pass.Bind(before, default, false);
            updater.pool.For(updater.pass.Parts, updater.pass);
            return true;
        });
        GC.KeepAlive(this);
    }

    private void Run(ParameterRange piece, ReadOnlySpan<float> current, Span<float> next)
    {
        bool distinct = !current.Overlaps(next);
        Pinning.With(current, next, (this, piece, distinct), static (before, after, work) =>
        {
            (ParameterUpdater updater, ParameterRange of, bool apart) = work;
            updater.pass.Bind(before, after, apart);
            updater.pool.For(updater.pass.Parts, updater.pass);
            if (updater.norms is { } norms)
            {
                norms.Bind(of, after);
                updater.pool.For(norms.Parts, norms);
            }

            return true;
        });
        GC.KeepAlive(this);
    }

    private void Check(long step, ParameterRange piece, int current, int next)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        CheckPlace(piece);
        if (!Range.Contains(piece))
        {
            throw new ArgumentException($"{piece} are not among {Range}", nameof(piece));
        }

        if (current != piece.Length || next != piece.Length)
        {
            throw new ArgumentException($"a piece of {piece.Length} floats comes with {current} current and {next} next ones", nameof(piece));
        }
    }

    private void CheckPlace(ParameterRange place)
    {
        if (place.Length < 0 || !cutPoints.Contains(place.Offset) || !cutPoints.Contains(place.End))
        {
            throw new ArgumentException($"the parameters cannot be cut at {place.Offset} and {place.End}", nameof(place));
        }
    }

    private UpdateRule Rule(long step, double rate)
    {
        var rule = new UpdateRule { Kind = optimizer.Kind, Rate = (float)rate, Epsilon = optimizer.Epsilon, Shrink = 1 };
        switch (optimizer.Kind)
        {
            case OptimizerKind.Momentum or OptimizerKind.Nesterov:
                return rule with { Decay = optimizer.Momentum };
            case OptimizerKind.RmsProp:
                return rule with { Decay = optimizer.Rho, Gain = (float)(1.0 - optimizer.Rho) };
            case OptimizerKind.Adam or OptimizerKind.AdamW:
                double first = 1 - DoubleElementary.IntegerPower(optimizer.Beta1, step + 1);
                double second = 1 - DoubleElementary.IntegerPower(optimizer.Beta2, step + 1);
                return rule with
                {
                    Rate = (float)(rate / first),
                    Decay = optimizer.Beta1,
                    Gain = (float)(1.0 - optimizer.Beta1),
                    SecondDecay = optimizer.Beta2,
                    SecondGain = (float)(1.0 - optimizer.Beta2),
                    SecondCorrection = (float)(1.0 / Math.Sqrt(second)),
                    Shrink = optimizer.Kind == OptimizerKind.AdamW ? (float)(1.0 - rate * optimizer.WeightDecay) : 1,
                };
            default:
                return rule;
        }
    }

    private static void Validate(OptimizerSpec optimizer, RegularizationSpec regularization)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        ArgumentNullException.ThrowIfNull(regularization);
        RequireShare(optimizer.Momentum, "momentum");
        RequireShare(optimizer.Rho, "rho");
        RequireShare(optimizer.Beta1, "beta1");
        RequireShare(optimizer.Beta2, "beta2");
        Require(Enum.IsDefined(optimizer.Kind), $"{optimizer.Kind} is no optimizer");
        Require(optimizer.Epsilon > 0 && float.IsFinite(optimizer.Epsilon), $"epsilon is {optimizer.Epsilon}; it must be above 0");
        Require(optimizer.WeightDecay >= 0 && float.IsFinite(optimizer.WeightDecay), $"weight decay is {optimizer.WeightDecay}; it must be at least 0");
        Require(regularization.L1 >= 0 && float.IsFinite(regularization.L1), $"L1 is {regularization.L1}; it must be at least 0");
        Require(regularization.L2 >= 0 && float.IsFinite(regularization.L2), $"L2 is {regularization.L2}; it must be at least 0");
        Require(regularization.MaxNorm is null or > 0, $"max-norm is {regularization.MaxNorm}; it must be above 0");
        Require(regularization.ClipNorm is null or > 0, $"clip-norm is {regularization.ClipNorm}; it must be above 0");
    }

    private static void RequireShare(float value, string name) => Require(value is >= 0 and < 1, $"{name} is {value}; it must be in [0, 1)");

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new ArgumentException(message);
        }
    }
}
