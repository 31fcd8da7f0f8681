using System.Runtime.Intrinsics;
using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Parallel;

namespace ActorMlp.Engine.Optimizers;

/// <summary>
/// What a parameter server does with a complete step, in one pass over memory: the rest of the summation tree, the mean, the penalties and the
/// optimizer's rule; two passes where the global norm is clipped, as that needs the whole gradient first. Call it from jobs of the pool only.
/// </summary>
public sealed unsafe class ParameterUpdater
{
    /// <summary>Floats that a thread takes at a time: gradient, weights and two slots of them stay in the first-level cache.</summary>
    private const int BlockLength = 2048;

    private readonly Network network;
    private readonly OptimizerSpec optimizer;
    private readonly RegularizationSpec regularization;
    private readonly ComputePool pool;
    private readonly Kernels kernels;
    private readonly Block[] blocks;
    private readonly double[] squares;
    private readonly bool[] notFinite;
    private readonly AlignedBuffer? first;
    private readonly AlignedBuffer? second;
    private readonly AlignedBuffer? mean;
    private readonly AlignedBuffer[] scratch;
    private readonly GradientPass gradientPass;
    private readonly UpdatePass updatePass;
    private readonly MaxNormPass maxNormPass;
    private readonly PartRef[] parts = new PartRef[4096];

    /// <summary>An updater with zeroed state.</summary>
    /// <param name="network">The network.</param>
    /// <param name="optimizer">The rule.</param>
    /// <param name="regularization">Penalties and bounds.</param>
    /// <param name="pool">The threads that compute.</param>
    public ParameterUpdater(Network network, OptimizerSpec optimizer, RegularizationSpec regularization, ComputePool pool)
        : this(network, optimizer, regularization, pool, KernelSelection.Current)
    {
    }

    internal ParameterUpdater(
        Network network, OptimizerSpec optimizer, RegularizationSpec regularization, ComputePool pool, Kernels kernels)
    {
        this.network = network;
        this.optimizer = optimizer;
        this.regularization = regularization;
        this.pool = pool;
        this.kernels = kernels;
        blocks = [.. Cut(network.Layout)];
        squares = new double[blocks.Length];
        notFinite = new bool[network.Layout.Layers.Count];
        scratch = [.. Enumerable.Range(0, pool.Threads).Select(_ => new AlignedBuffer(BlockLength * 14))];
        mean = regularization.ClipNorm is null ? null : new AlignedBuffer(network.Layout.Length);
        string[] names = SlotNames(optimizer.Kind);
        first = names.Length > 0 ? new AlignedBuffer(network.Layout.Length) : null;
        second = names.Length > 1 ? new AlignedBuffer(network.Layout.Length) : null;
        Slots = [.. names.Zip([first, second], (name, buffer) => new OptimizerSlot(name, buffer!.Memory))];
        gradientPass = new GradientPass(this);
        updatePass = new UpdatePass(this);
        maxNormPass = new MaxNormPass(this);
    }

    /// <summary>What the optimizer keeps; empty for SGD.</summary>
    public IReadOnlyList<OptimizerSlot> Slots { get; }

    /// <summary>Applies one step in place.</summary>
    /// <param name="step">The step, 0-based: Adam corrects its moments by it.</param>
    /// <param name="learningRate">η of this step.</param>
    /// <param name="gradients">Gradient sums of nodes that cover the tree, left to right.</param>
    /// <param name="rows">Rows of the step, by which sums become means.</param>
    /// <param name="parameters">The weights, as long as the layout.</param>
    /// <exception cref="ArgumentException">The nodes do not cover a tree.</exception>
    public UpdateReport Apply(
        long step, double learningRate, ReadOnlySpan<GradientPart> gradients, long rows, Span<float> parameters)
    {
        int root = Pin(gradients);
        Array.Clear(notFinite);
        double? norm = null;
        try
        {
            fixed (float* weights = parameters)
            {
                gradientPass.Root = root;
                gradientPass.Count = gradients.Length;
                gradientPass.Rows = rows;
                gradientPass.Weights = weights;
                updatePass.Weights = weights;
                updatePass.Constants = Constants(step, learningRate);
                updatePass.Factor = 1;
                pool.For(blocks.Length, gradientPass);
                if (mean is not null)
                {
                    norm = Math.Sqrt(TotalOfSquares());
                    updatePass.Factor = norm > regularization.ClipNorm ? (float)(regularization.ClipNorm.Value / norm.Value) : 1;
                    pool.For(blocks.Length, updatePass);
                }

                if (regularization.MaxNorm is not null)
                {
                    maxNormPass.Weights = weights;
                    pool.For(network.Layout.Layers.Count, maxNormPass);
                }
            }
        }
        finally
        {
            for (int i = 0; i < gradients.Length; i++)
            {
                parts[i].Handle.Dispose();
            }
        }

        int bad = Array.IndexOf(notFinite, true);
        return new UpdateReport(norm, bad < 0 ? null : bad);
    }

    /// <summary>λ₁·Σ|w| + λ₂/2·Σw² over all weights, biases excepted: what the penalties add to the cost.</summary>
    /// <param name="parameters">The weights, as long as the layout.</param>
    public double Penalty(ReadOnlySpan<float> parameters)
    {
        double absolute = 0, square = 0;
        foreach (LayerLayout layer in network.Layout.Layers)
        {
            foreach (float w in parameters.Slice(layer.WeightsOffset, layer.WeightsLength))
            {
                absolute += Math.Abs(w);
                square += (double)w * w;
            }
        }

        return regularization.L1 * absolute + regularization.L2 / 2 * square;
    }

    private static string[] SlotNames(OptimizerKind kind) => kind switch
    {
        OptimizerKind.Momentum or OptimizerKind.Nesterov => ["velocity"],
        OptimizerKind.AdaGrad => ["squareSum"],
        OptimizerKind.RmsProp => ["meanSquare"],
        OptimizerKind.Adam or OptimizerKind.AdamW => ["firstMoment", "secondMoment"],
        _ => [],
    };

    private static IEnumerable<Block> Cut(ParameterLayout layout)
    {
        for (int layer = 0; layer < layout.Layers.Count; layer++)
        {
            LayerLayout at = layout.Layers[layer];
            for (int offset = 0; offset < at.WeightsLength; offset += BlockLength)
            {
                yield return new Block(at.WeightsOffset + offset, Math.Min(BlockLength, at.WeightsLength - offset), layer, true);
            }

            for (int offset = 0; offset < at.PaddedUnits; offset += BlockLength)
            {
                yield return new Block(at.BiasOffset + offset, Math.Min(BlockLength, at.PaddedUnits - offset), layer, false);
            }
        }
    }

    private UpdateConstants Constants(long step, double learningRate)
    {
        double firstCorrection = 1 - DeterministicMath.Power(optimizer.Beta1, step + 1);
        double secondCorrection = 1 - DeterministicMath.Power(optimizer.Beta2, step + 1);
        return new UpdateConstants
        {
            Kind = optimizer.Kind,
            LearningRate = (float)learningRate,
            Momentum = optimizer.Momentum,
            Rho = optimizer.Rho,
            Beta1 = optimizer.Beta1,
            Beta2 = optimizer.Beta2,
            Epsilon = optimizer.Epsilon,
            CorrectedLearningRate = (float)(learningRate / firstCorrection),
            CorrectedRoot = (float)(1 / Math.Sqrt(secondCorrection)),
            Keep = optimizer.Kind == OptimizerKind.AdamW ? (float)(1 - learningRate * optimizer.WeightDecay) : 1,
        };
    }

    /// <summary>Pins the gradients and checks that they cover a tree; returns the level of its root.</summary>
    private int Pin(ReadOnlySpan<GradientPart> gradients)
    {
        int shards = 0;
        foreach (GradientPart part in gradients)
        {
            if (part.Node.FirstShard != shards || part.Sum.Length != network.Layout.Length)
            {
                throw new ArgumentException($"{part.Node}: expected the gradient of a node that starts at shard {shards}, {network.Layout.Length} long");
            }

            shards = part.Node.EndShard;
        }

        if (!int.IsPow2(shards) || gradients.Length > parts.Length)
        {
            throw new ArgumentException($"{gradients.Length} gradients over {shards} shards cover no tree");
        }

        for (int i = 0; i < gradients.Length; i++)
        {
            parts[i].Node = gradients[i].Node;
            parts[i].Handle = gradients[i].Sum.Pin();
            parts[i].Pointer = (float*)parts[i].Handle.Pointer;
        }

        return int.Log2(shards);
    }

    private double TotalOfSquares()
    {
        double sum = 0;
        foreach (double square in squares)
        {
            sum += square;
        }

        return sum;
    }

    private void Update(in Block block, float* gradient, float* weights, UpdateConstants constants)
    {
        if (!block.IsWeights)
        {
            constants.Keep = 1;
        }

        float* slot1 = first is null ? null : first.Pointer + block.Offset;
        float* slot2 = second is null ? null : second.Pointer + block.Offset;
        if (!kernels.Update(constants, gradient, weights + block.Offset, slot1, slot2, block.Length))
        {
            notFinite[block.Layer] = true;
        }
    }

    private readonly record struct Block(int Offset, int Length, int Layer, bool IsWeights);

    private struct PartRef
    {
        public TreeNode Node;
        public float* Pointer;
        public System.Buffers.MemoryHandle Handle;
    }

    /// <summary>Tree, mean and penalties; and the rule, where nothing is clipped.</summary>
    private sealed class GradientPass(ParameterUpdater owner) : IParallelBody
    {
        public int Root { get; set; }

        public int Count { get; set; }

        public long Rows { get; set; }

        public float* Weights { get; set; }

        public void Run(int part, int thread)
        {
            ref readonly Block block = ref owner.blocks[part];
            float* gradient = owner.mean is { } whole ? whole.Pointer + block.Offset : owner.scratch[thread].Pointer;
            int next = 0;
            Sum(new TreeNode(Root, 0), ref next, block, gradient, owner.scratch[thread].Pointer + BlockLength);
            owner.kernels.MeanAndPenalize(
                gradient,
                Weights + block.Offset,
                Rows,
                block.IsWeights ? owner.regularization.L1 : 0,
                block.IsWeights ? owner.regularization.L2 : 0,
                block.Length);
            if (owner.mean is null)
            {
                owner.Update(block, gradient, Weights, owner.updatePass.Constants);
            }
            else
            {
                owner.squares[part] = SumOfSquares(gradient, block.Length);
            }
        }

        /// <summary>The sum of a node over a block into <paramref name="target"/>: a part as it is, or left plus right.</summary>
        private void Sum(TreeNode node, ref int next, in Block block, float* target, float* free)
        {
            if (owner.parts[next].Node == node)
            {
                new Span<float>(owner.parts[next].Pointer + block.Offset, block.Length).CopyTo(new Span<float>(target, block.Length));
                next++;
                return;
            }

            Sum(node.Left, ref next, block, target, free);
            float* right = free;
            if (owner.parts[next].Node == node.Right)
            {
                right = owner.parts[next].Pointer + block.Offset;
                next++;
            }
            else
            {
                Sum(node.Right, ref next, block, right, free + BlockLength);
            }

            owner.kernels.Add(target, right, target, block.Length);
        }

        /// <summary>Σ g² in double precision: sixteen lanes, each in ascending order, then the lanes in order, whatever the hardware's width.</summary>
        private static double SumOfSquares(float* gradient, int length)
        {
            Vector512<double> low = Vector512<double>.Zero, high = Vector512<double>.Zero;
            for (int i = 0; i < length; i += 16)
            {
                (Vector512<double> a, Vector512<double> b) = Vector512.Widen(Vector512.Load(gradient + i));
                low += a * a;
                high += b * b;
            }

            double sum = 0;
            for (int lane = 0; lane < 16; lane++)
            {
                sum += lane < 8 ? low[lane] : high[lane - 8];
            }

            return sum;
        }
    }

    /// <summary>Clipping and the rule, once the norm is known.</summary>
    private sealed class UpdatePass(ParameterUpdater owner) : IParallelBody
    {
        public UpdateConstants Constants { get; set; }

        public float Factor { get; set; }

        public float* Weights { get; set; }

        public void Run(int part, int thread)
        {
            ref readonly Block block = ref owner.blocks[part];
            float* gradient = owner.mean!.Pointer + block.Offset;
            if (Factor != 1)
            {
                owner.kernels.Scale(gradient, Factor, block.Length);
            }

            owner.Update(block, gradient, Weights, Constants);
        }
    }

    /// <summary>Scales each unit's incoming weights down to the largest norm allowed (Srebro and Shraibman 2005).</summary>
    private sealed class MaxNormPass(ParameterUpdater owner) : IParallelBody
    {
        public float* Weights { get; set; }

        public void Run(int part, int thread)
        {
            LayerLayout layer = owner.network.Layout.Layers[part];
            float limit = owner.regularization.MaxNorm!.Value;
            for (int unit = 0; unit < layer.Units; unit++)
            {
                float* column = Weights + layer.WeightIndex(0, unit);
                double square = 0;
                for (int input = 0; input < layer.Inputs; input++)
                {
                    double w = column[(nint)input * ParameterLayout.PanelWidth];
                    square += w * w;
                }

                double norm = Math.Sqrt(square);
                if (norm > limit)
                {
                    float factor = (float)(limit / norm);
                    for (int input = 0; input < layer.Inputs; input++)
                    {
                        column[(nint)input * ParameterLayout.PanelWidth] *= factor;
                    }
                }
            }
        }
    }
}
