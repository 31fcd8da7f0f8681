using ActorMlp.Data;
using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;

namespace ActorMlp.Benchmarks.Steps;

/// <summary>
/// The engine's side: what a worker does (gather the rows by their numbers, gradient of all shards, tree) and then its parameter server (mean,
/// optimizer, check for finiteness). Shards have 32 rows or more, 16 at most.
/// </summary>
internal sealed class EngineStepTrainer : IStepTrainer
{
    private readonly Dataset rows;
    private readonly int[] order;
    private readonly int batch;
    private readonly int shards;
    private readonly double rate;
    private readonly ComputePool pool;
    private readonly GradientEngine engine;
    private readonly ParameterUpdater updater;
    private readonly AlignedBuffer parameters;
    private readonly AlignedBuffer gradient;
    private readonly Func<float> work;
    private long step;

    public EngineStepTrainer(StepTask task)
    {
        StepData data = StepData.Load(task.DataFile);
        rows = new Dataset(data.Width, data.Inputs, data.Labels, []);
        order = [.. Enumerable.Range(0, data.Rows)];
        batch = task.Batch;
        shards = Math.Clamp(task.Batch / 32, 1, 16);
        rate = task.LearningRate;
        pool = new ComputePool(task.Threads);
        var network = new Network(SpecOf(task.Layers));
        engine = new GradientEngine(network, pool);
        updater = new ParameterUpdater(network, OptimizerOf(task.Optimizer), new RegularizationSpec(), pool);
        parameters = new AlignedBuffer(network.Layout.Length);
        gradient = new AlignedBuffer(network.Layout.Length);
        Initialize(network.Layout, parameters.Span);
        work = StepOnPool;
    }

    /// <summary>Hidden layers of ReLU, softmax at the end.</summary>
    public static NetworkSpec SpecOf(int[] layers) => new()
    {
        Inputs = layers[0],
        Layers =
        [
            .. layers.Skip(1).Select((units, i) => new LayerSpec
            {
                Units = units,
                Activation = i == layers.Length - 2 ? ActivationKind.Softmax : ActivationKind.Relu,
                Initializer = InitializerKind.Zeros,
            }),
        ],
        Loss = LossKind.CategoricalCrossEntropy,
    };

    /// <summary>The optimizer of a task.</summary>
    public static OptimizerSpec OptimizerOf(string name) => new()
    {
        Kind = name == "adam" ? OptimizerKind.Adam : OptimizerKind.Momentum,
        Momentum = 0.9f,
        Beta1 = 0.9f,
        Beta2 = 0.999f,
        Epsilon = 1e-8f,
    };

    /// <inheritdoc/>
    public float Step() => pool.Run(work);

    /// <inheritdoc/>
    public void Dispose() => pool.Dispose();

    private static void Initialize(ParameterLayout layout, Span<float> parameters)
    {
        for (int layer = 0; layer < layout.Layers.Count; layer++)
        {
            LayerLayout at = layout.Layers[layer];
            float[] weights = new float[at.Inputs * at.Units];
            for (int i = 0; i < weights.Length; i++)
            {
                weights[i] = StepData.InitialWeight(layer, i / at.Units, i % at.Units, at.Inputs);
            }

            layout.ImportLayer(parameters, layer, weights, new float[at.Units]);
        }
    }

    private float StepOnPool()
    {
        var node = TreeNode.Root(shards);
        int first = (int)(step * batch % (rows.Rows / batch * batch));
        var stepBatch = new StepBatch(rows, order.AsMemory(first, batch), shards, step, 1);
        GradientTotals totals = engine.ComputeGradient(stepBatch, node, parameters.Span, gradient.Span);
        updater.Apply(step, rate, [new GradientPart(node, gradient.Memory)], totals.Rows, parameters.Span);
        step++;
        return (float)(totals.LossSum / totals.Rows);
    }
}
