using ActorMlp.Engine.Networks;

namespace ActorMlp.Engine.Numerics;

/// <summary>The arithmetic of training, at one vector width. Every width computes the same bits.</summary>
/// <remarks>
/// Matrices lie in <b>blocks of 16</b>. A batch is <c>[rows/16][units][16 rows]</c>: lanes are rows, so that activations, losses and
/// dropout never mix lanes. Weights are <c>[units/16][inputs][16 units]</c>. Both have the form (block, index, lane), and the three
/// products of training become one: an element of a block broadcast against 16 lanes of another.
/// </remarks>
internal abstract partial class KernelSet
{
    /// <summary>Lanes of a block, and floats of a cache line.</summary>
    public const int Lane = 16;

    /// <summary>The name by which ACTORMLP_KERNEL asks for these kernels.</summary>
    public abstract string Name { get; }

    /// <summary>Blocks of columns that a register tile spans: 2 where one vector is a block, else 1.</summary>
    public abstract int BlocksPerTile { get; }

    /// <summary>
    /// z[r, o] = bias[o] + Σ_k x[r, k]·w[k, o], k ascending. <paramref name="x"/> is <c>[blocks][inputs][16]</c> at a distance of
    /// <paramref name="xStride"/> floats between blocks, z likewise with units rounded up to 16; padded units come out 0.
    /// </summary>
    public abstract void Forward(
        FloatRegion weights, FloatRegion bias, int inputs, int units, FloatRegion x, int xStride, FloatRegion z, int zStride, int blocks);

    /// <summary>dx[r, k] = Σ_o dz[r, o]·w[k, o], o ascending from +0. Shapes as in <see cref="Forward"/>; rows of dx beyond the inputs are not written.</summary>
    public abstract void Backward(
        FloatRegion weights, int inputs, int units, FloatRegion dz, int dzStride, FloatRegion dx, int dxStride, int blocks);

    /// <summary>
    /// dw[k, o] = Σ_r x[r, k]·dz[r, o] for some inputs and panels of units: per shard a chain over its rows ascending from +0, shards
    /// combined by the binary tree while in cache.
    /// </summary>
    /// <param name="x">Inputs, <c>[rows/16][all inputs][16]</c>, from the first input to compute on.</param>
    /// <param name="xStride">Floats between blocks of <paramref name="x"/>.</param>
    /// <param name="dz">Output gradients by panels, <c>[panels][rows][16 units]</c>, from the first panel to compute on.</param>
    /// <param name="dzStride">Floats between panels of <paramref name="dz"/>.</param>
    /// <param name="result">Receives <c>[panels][inputs][16]</c>.</param>
    /// <param name="resultStride">Floats between panels of <paramref name="result"/>.</param>
    /// <param name="inputs">Inputs to compute.</param>
    /// <param name="panels">Panels to compute, at most <see cref="BlocksPerTile"/>.</param>
    /// <param name="shardEnds">The rows' bounds: shard s has rows [shardEnds[s], shardEnds[s+1]); a power of two of shards.</param>
    /// <param name="resume">Whether the only shard's chains go on from what <paramref name="result"/> holds.</param>
    public abstract void WeightGradient(
        FloatRegion x, int xStride, FloatRegion dz, int dzStride, FloatRegion result, int resultStride, int inputs, int panels,
        ReadOnlySpan<int> shardEnds, bool resume);

    /// <summary>db[o] = Σ_r dz[r, o] for one panel, in the order of <see cref="WeightGradient"/>.</summary>
    public abstract void BiasGradient(FloatRegion dzPanel, FloatRegion gradient, ReadOnlySpan<int> shardEnds);

    /// <summary>y = f(z) elementwise; y may be z. Not softmax.</summary>
    public abstract void Activate(ActivationKind kind, float slope, FloatRegion z, FloatRegion y, int count);

    /// <summary>d *= f'(z), from y = f(z). ReLU's derivative at 0 is 0.</summary>
    public abstract void Differentiate(ActivationKind kind, float slope, FloatRegion y, FloatRegion d, int count);

    /// <summary>c = a·b elementwise; c may be either.</summary>
    public abstract void Multiply(FloatRegion a, FloatRegion b, FloatRegion c, int count);

    /// <summary>
    /// Dropout multipliers of one block of rows, <c>[units][16]</c>: unit u of a row is <paramref name="scale"/> where the draw at
    /// (step, row, firstIndex + u) is at least <paramref name="threshold"/>, else 0.
    /// </summary>
    public abstract void DropoutMask(
        ulong seed, long step, ReadOnlySpan<uint> rows, uint firstIndex, int units, uint threshold, float scale, FloatRegion mask);

    /// <summary>Per row of one block: the first unit whose value is largest.</summary>
    public abstract void ArgMax(FloatRegion values, int units, Span<uint> result);

    /// <summary>p = softmax(z) of one block, <c>[units][16]</c>; p may be z.</summary>
    public abstract void Softmax(FloatRegion z, int units, FloatRegion p);

    /// <summary>Categorical cross-entropy of one block: the rows' losses, and dz = softmax(z) - onehot(label).</summary>
    public abstract void SoftmaxLoss(FloatRegion z, int units, ReadOnlySpan<uint> labels, FloatRegion dz, Span<float> loss);

    /// <summary>Binary cross-entropy on logits of one block: losses summed over units ascending, and dz = sigmoid(z) - t.</summary>
    public abstract void LogisticLoss(FloatRegion z, FloatRegion targets, int units, FloatRegion dz, Span<float> loss);

    /// <summary>Mean squared error of one block: (1/units)·Σ (y-t)², and dy = (2/units)·(y - t).</summary>
    public abstract void SquaredLoss(FloatRegion y, FloatRegion targets, int units, FloatRegion dy, Span<float> loss);

    /// <summary>result = left + right elementwise; result may be either.</summary>
    public abstract void Add(FloatRegion left, FloatRegion right, FloatRegion result, int count);

    /// <summary>g = sum·scale, plus the penalties' gradient λ₁·sign(w) + λ₂·w; g may be sum.</summary>
    public abstract void MeanGradient(FloatRegion sum, FloatRegion w, FloatRegion g, float scale, float l1, float l2, int count);

    /// <summary>g *= factor.</summary>
    public abstract void Scale(FloatRegion g, float factor, int count);

    /// <summary>w[r, c] *= factors[c] for <c>[rows][16]</c>.</summary>
    public abstract void ScaleColumns(FloatRegion w, ReadOnlySpan<float> factors, int count);

    /// <summary>One optimizer step on <paramref name="count"/> parameters; returns whether every new parameter is finite.</summary>
    public abstract bool Update(in UpdateRule rule, FloatRegion g, FloatRegion w, FloatRegion first, FloatRegion second, int count);

    /// <summary>One of the elementary functions, for tests and predictions.</summary>
    public abstract void Map(ElementaryFunction function, FloatRegion x, FloatRegion y, int count);
}

/// <summary>The elementary functions of <see cref="KernelSet.Map"/>.</summary>
internal enum ElementaryFunction
{
    /// <summary>exp(x).</summary>
    Exp,

    /// <summary>ln(x).</summary>
    Log,

    /// <summary>ln(1 + x), x in [0, 1].</summary>
    LogOnePlus,

    /// <summary>tanh(x).</summary>
    Tanh,

    /// <summary>1 / (1 + exp(-x)).</summary>
    Sigmoid,
}
