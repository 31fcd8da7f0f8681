using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Optimizers;

namespace ActorMlp.Engine.Numerics;

/// <summary>
/// The kernels at one vector width. All widths give the same bits. Lengths are multiples of 16: everything the engine keeps is padded to that.
/// </summary>
internal abstract unsafe class Kernels
{
    public abstract string Name { get; }

    /// <summary>A matrix product; see <see cref="GemmArguments"/>.</summary>
    public abstract void Multiply(in GemmArguments arguments);

    /// <summary>y = f(y), elementwise and in place, for every activation but softmax.</summary>
    public abstract void Activate(ActivationKind kind, float slope, float* y, int length);

    /// <summary>d = d·f'(z), elementwise and in place, with f' from the output y = f(z).</summary>
    public abstract void Differentiate(ActivationKind kind, float slope, float* y, float* d, int length);

    /// <summary>destination = left·right, elementwise.</summary>
    public abstract void MultiplyElements(float* left, float* right, float* destination, int length);

    /// <summary>destination = left + right, elementwise.</summary>
    public abstract void Add(float* left, float* right, float* destination, int length);

    /// <summary>x = exp(x - shift), elementwise and in place.</summary>
    public abstract void ExpOfDifference(float* x, float shift, int length);

    /// <summary>x = ln(1 + exp(-|x|)), elementwise and in place.</summary>
    public abstract void Softplus(float* x, int length);

    /// <summary>x = ln(x), elementwise and in place, for normal x &gt; 0.</summary>
    public abstract void Log(float* x, int length);

    /// <summary>gradient = gradient / rows, then l2·w and l1·sign(w) added where weights are penalised.</summary>
    public abstract void MeanAndPenalize(float* gradient, float* weights, float rows, float l1, float l2, int length);

    /// <summary>gradient = gradient·factor.</summary>
    public abstract void Scale(float* gradient, float factor, int length);

    /// <summary>One optimizer step over <paramref name="length"/> parameters; returns whether every new parameter is finite.</summary>
    public abstract bool Update(in UpdateConstants constants, float* gradient, float* weights, float* first, float* second, int length);
}

/// <summary>The constants of one optimizer step.</summary>
internal struct UpdateConstants
{
    public OptimizerKind Kind;
    public float LearningRate;
    public float Momentum;
    public float Rho;
    public float Beta1;
    public float Beta2;
    public float Epsilon;

    /// <summary>η / (1 - β₁^t).</summary>
    public float CorrectedLearningRate;

    /// <summary>1 / √(1 - β₂^t).</summary>
    public float CorrectedRoot;

    /// <summary>1 - η·λ for decayed weights, 1 elsewhere.</summary>
    public float Keep;
}
