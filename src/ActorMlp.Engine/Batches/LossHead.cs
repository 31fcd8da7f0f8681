using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Numerics;

namespace ActorMlp.Engine.Batches;

/// <summary>The end of the network: from logits to outputs, the cost of each row, and the cost's derivative by the logits.</summary>
/// <param name="spec">The network's shape.</param>
/// <param name="kernels">What to compute with.</param>
internal sealed unsafe class LossHead(NetworkSpec spec, Kernels kernels)
{
    private readonly LayerSpec output = spec.Layers[^1];
    private readonly int units = spec.Layers[^1].Units;

    /// <summary>One row: <paramref name="z"/> becomes the outputs; the derivative goes to <paramref name="dz"/>, if any, zero in the padding.</summary>
    /// <param name="source">Where the row's label or targets lie.</param>
    /// <param name="row">The row in <paramref name="source"/>.</param>
    /// <param name="z">Logits <c>[padded]</c>, replaced by outputs; padding holds anything afterwards.</param>
    /// <param name="dz">Receives d cost / d z <c>[padded]</c>; null when not training.</param>
    /// <param name="scratch">Memory for three padded rows.</param>
    /// <param name="padded">Units, padded to 16.</param>
    /// <param name="correct">Whether the row is classified correctly; false in regression.</param>
    /// <returns>The row's cost.</returns>
    public double Row(IExampleSource source, int row, float* z, float* dz, float* scratch, int padded, out bool correct)
    {
        switch (spec.Loss)
        {
            case LossKind.CategoricalCrossEntropy:
                return Categorical(source.Label(row), z, dz, padded, out correct);
            case LossKind.BinaryCrossEntropy:
                return Binary(Targets(source, row, scratch), source.Targets == 0, z, dz, scratch, padded, out correct);
            default:
                return Squared(Targets(source, row, scratch), source.Targets == 0, z, dz, padded, out correct);
        }
    }

    /// <summary>Outputs of one row alone: <paramref name="z"/> becomes f(z).</summary>
    public void Outputs(float* z, int padded)
    {
        if (spec.Loss == LossKind.CategoricalCrossEntropy)
        {
            Softmax(z, padded, out _, out _);
        }
        else
        {
            kernels.Activate(output.Activation, output.LeakySlope, z, padded);
        }
    }

    /// <summary>z becomes exp(z - max) / Σ; the sum runs over units in ascending order.</summary>
    private void Softmax(float* z, int padded, out float max, out float sum)
    {
        max = z[0];
        for (int j = 1; j < units; j++)
        {
            max = z[j] > max ? z[j] : max;
        }

        kernels.ExpOfDifference(z, max, padded);
        sum = 0;
        for (int j = 0; j < units; j++)
        {
            sum += z[j];
        }

        for (int j = 0; j < units; j++)
        {
            z[j] /= sum;
        }
    }

    private double Categorical(int label, float* z, float* dz, int padded, out bool correct)
    {
        correct = LargestAt(z) == label;
        float logit = z[label];
        Softmax(z, padded, out float max, out float sum);
        if (dz != null)
        {
            new Span<float>(z, units).CopyTo(new Span<float>(dz, units));
            dz[label] -= 1;
            new Span<float>(dz + units, padded - units).Clear();
        }

        return float.IsFinite(sum) ? Elementary<SimdScalar, float>.Log(sum) - ((double)logit - max) : double.NaN;
    }

    private double Binary(float* targets, bool labelled, float* z, float* dz, float* scratch, int padded, out bool correct)
    {
        float* tails = scratch + padded;
        new Span<float>(z, padded).CopyTo(new Span<float>(tails, padded));
        kernels.Softplus(tails, padded);
        double loss = 0;
        for (int j = 0; j < units; j++)
        {
            // max(z,0) - z·t + ln(1 + exp(-|z|)); a NaN logit must not vanish in the comparison.
            double positive = z[j] < 0 ? 0 : z[j];
            loss += float.IsNaN(z[j]) ? double.NaN : positive - (double)z[j] * targets[j] + tails[j];
        }

        correct = labelled && (units == 1 ? z[0] >= 0 == targets[0] >= 0.5f : targets[LargestAt(z)] >= 0.5f);
        kernels.Activate(ActivationKind.Sigmoid, 0, z, padded);
        if (dz != null)
        {
            for (int j = 0; j < units; j++)
            {
                dz[j] = z[j] - targets[j];
            }

            new Span<float>(dz + units, padded - units).Clear();
        }

        return loss;
    }

    private double Squared(float* targets, bool labelled, float* z, float* dz, int padded, out bool correct)
    {
        kernels.Activate(output.Activation, output.LeakySlope, z, padded);
        double sum = 0;
        float factor = 2f / units;
        for (int j = 0; j < units; j++)
        {
            float difference = z[j] - targets[j];
            sum += (double)difference * difference;
            if (dz != null)
            {
                dz[j] = factor * difference;
            }
        }

        correct = labelled && (units == 1 ? z[0] >= 0.5f == targets[0] >= 0.5f : targets[LargestAt(z)] >= 0.5f);
        if (dz != null)
        {
            new Span<float>(dz + units, padded - units).Clear();
            kernels.Differentiate(output.Activation, output.LeakySlope, z, dz, padded);
        }

        return sum / units;
    }

    /// <summary>The row's targets: those of the source, or its class as 0/1 for one output, one-hot for several.</summary>
    private float* Targets(IExampleSource source, int row, float* scratch)
    {
        var targets = new Span<float>(scratch, units);
        if (source.Targets > 0)
        {
            source.CopyTargets(row, targets);
            return scratch;
        }

        int label = source.Label(row);
        targets.Clear();
        targets[units == 1 ? 0 : label] = units == 1 ? label : 1;
        return scratch;
    }

    /// <summary>The first of the largest.</summary>
    private int LargestAt(float* values)
    {
        int best = 0;
        for (int j = 1; j < units; j++)
        {
            best = values[j] > values[best] ? j : best;
        }

        return best;
    }
}
