using System.Collections.Concurrent;
using System.Diagnostics;
using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Encodings;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;

namespace ActorMlp.Cluster.Runs;

/// <summary>What a node computes with in a run: its copy of the weights, one engine over one pool. Work is done in the order in which it was asked for.</summary>
/// <param name="setup">The run.</param>
/// <param name="pool">The threads that compute.</param>
internal sealed class NodeEngine(RunSetup setup, ComputePool pool)
{
    private readonly GradientEngine engine = new(setup.Network, pool);
    private readonly SharedBuffers gradients = new(setup.Network.Layout.Length);
    private readonly ConcurrentQueue<Action> updates = [];
    private SharedBuffers? encoded;

    /// <summary>The node's weights.</summary>
    public WeightsCopy Weights { get; } = new(setup.Network.Layout.Length);

    /// <summary>Computes a subtree's gradient.</summary>
    /// <param name="task">The step and the subtree.</param>
    /// <param name="ends">Where pieces end.</param>
    /// <param name="first">The piece to begin with: the first of those that travel.</param>
    /// <param name="encoder">Encodes it piece by piece; null where it travels as it is.</param>
    /// <param name="ready">Called on the pool for each piece when it is final.</param>
    /// <returns>The gradient, to be released.</returns>
    public Task<(ComputedGradient Gradient, TimeSpan Busy)> ComputeAsync(
        ComputeSubtree task, IReadOnlyList<int> ends, int first, SubtreeEncoder? encoder, Action<int, ComputedGradient> ready) => pool.Enqueue(() =>
    {
        long began = Stopwatch.GetTimestamp();
        var gradient = new ComputedGradient(default, gradients.Rent(), RentEncoded(encoder));
        encoder?.Begin(task.Node, task.Step);
        GradientTotals totals = engine.ComputeGradient(
            setup.BatchOf(task.Step), task.Node, Weights.Current, gradient.Floats.Span, ends, first, (piece, sums) =>
            {
                int from = piece == 0 ? 0 : ends[piece - 1], length = ends[piece] - from;
                encoder?.Encode(
                    task.Node,
                    task.Step,
                    from,
                    gradient.Floats.Span.Slice(from, length),
                    gradient.Encoded!.Raw(encoder.EncodedLength(from), encoder.EncodedLength(length)).Span);
                ready(piece, gradient with { Totals = sums });
                Update();
            });
        return (gradient with { Totals = totals }, Stopwatch.GetElapsedTime(began));
    });

    /// <summary>
    /// Does something with a piece of the parameters, on the pool: between two pieces of the gradient that is being computed, or else as soon as the pool is
    /// free. So weights travel while the rest of the gradient is still computed.
    /// </summary>
    public Task<T> UpdateAsync<T>(Func<T> work)
    {
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        updates.Enqueue(() =>
        {
            try
            {
                completion.SetResult(work());
            }
#pragma warning disable CA1031 // Whatever it throws is the failure of whoever asked for it.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                completion.SetException(exception);
            }
        });
        pool.Enqueue(Update);
        return completion.Task;
    }

    private bool Update()
    {
        while (updates.TryDequeue(out Action? update))
        {
            update();
        }

        return true;
    }

    private SharedBuffer? RentEncoded(SubtreeEncoder? encoder) => encoder is null
        ? null
        : (encoded ??= new SharedBuffers((encoder.EncodedLength(setup.Network.Layout.Length) + sizeof(float) - 1) / sizeof(float))).Rent();

    /// <summary>Evaluates blocks of a split.</summary>
    public Task<BlocksEvaluated> EvaluateAsync(EvaluateBlocks command) => pool.Enqueue(() =>
    {
        var totals = new EvaluationTotals[command.EndBlock - command.FirstBlock];
        for (int i = 0; i < totals.Length; i++)
        {
            totals[i] = setup.EvaluateBlock(engine, command.Split, command.FirstBlock + i, Weights.Current);
        }

        return new BlocksEvaluated(command.Evaluation, command.FirstBlock, totals);
    });

    /// <summary>Makes the staged weights the current ones, once what was asked for before is done.</summary>
    public Task<bool> AdoptAsync() => pool.Enqueue(() =>
    {
        Weights.Adopt();
        return true;
    });
}
