using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Simulation;
using ActorMlp.Training.Views;

namespace ActorMlp.Cli.Simulations;

/// <summary>How fast a node computes.</summary>
/// <param name="SamplesPerSecond">Rows whose gradient it computes in a second.</param>
/// <param name="UpdateTime">What the update of all parameters takes.</param>
/// <param name="IsMeasured">Whether it was measured on this machine.</param>
internal sealed record NodeSpeed(double SamplesPerSecond, TimeSpan UpdateTime, bool IsMeasured)
{
    /// <summary>What the update of a parameter is taken to take where nothing is measured.</summary>
    private const double UpdateSeconds = 1e-9;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>A speed that is given.</summary>
    public static NodeSpeed Assume(RunSetup setup, double samplesPerSecond) =>
        new(samplesPerSecond, TimeSpan.FromSeconds(UpdateSeconds * setup.Network.Layout.Length), false);

    /// <summary>The speed of this process's pool: whole steps for about a second, after one that is not counted, then as many updates.</summary>
    public static NodeSpeed Measure(RunSetup setup, ComputePool pool, TimeProvider time) => pool.Run(() =>
    {
        var model = new EngineModel(setup, pool);
        float[][] state = model.CreateState();
        float[] gradient = new float[model.Length], updated = new float[model.Length];
        TreeNode root = TreeNode.Root(setup.Shape.Shards);
        GradientTotals totals = model.Compute(0, root, state[0], gradient);
        double rows = 0;
        double seconds = Repeat(time, step =>
        {
            model.Compute(step % setup.Shape.TotalSteps, root, state[0], gradient);
            rows += setup.Plan.RowsOf(step % setup.Shape.TotalSteps).Length;
        }).Seconds;
        var whole = new ParameterRange(0, model.Length);
        SimulatedOptimizer optimizer = model.CreateOptimizer(whole, state[1..(1 + model.OptimizerSlots)]);
        var piece = new ParameterPiece(0, 0, model.Length);
        GradientPart[] parts = [new GradientPart(root, gradient)];
        double? norm = setup.Shape.ClipsNorm ? ParameterUpdater.Norm(optimizer.Measure(piece, parts, totals, state[0])) : null;
        (double updateSeconds, int updates) = Repeat(time, _ => optimizer.Apply(0, piece, parts, totals, norm, state[0], updated));
        return new NodeSpeed(rows / seconds, TimeSpan.FromSeconds(updateSeconds / updates), true);
    });

    /// <summary>What a node takes for a shard.</summary>
    public TimeSpan ShardTime(RunSetup setup) =>
        TimeSpan.FromSeconds((double)setup.Options.Training.BatchSize / setup.Shape.Shards / SamplesPerSecond);

    private static (double Seconds, int Times) Repeat(TimeProvider time, Action<long> work)
    {
        long began = time.GetTimestamp();
        int times = 0;
        while (time.GetElapsedTime(began) < Patience)
        {
            work(times++);
        }

        return (time.GetElapsedTime(began).TotalSeconds, times);
    }
}
