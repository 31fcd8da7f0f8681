using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Random;

namespace ActorMlp.Engine.Tests.Reference;

/// <summary>A network's cost in double precision, written without a thought to speed: what the engine is measured against.</summary>
internal sealed class NaiveNetwork(NetworkSpec spec)
{
    /// <summary>The sum of the rows' costs; parameters as <c>[inputs, units]</c> then bias, layer by layer.</summary>
    public double Cost(double[][] weights, double[][] biases, IExampleSource source, ReadOnlySpan<int> rows, (ulong Seed, long Step)? dropout)
    {
        double sum = 0;
        foreach (int row in rows)
        {
            sum += RowCost(weights, biases, source, row, dropout);
        }

        return sum;
    }

    public double[] Outputs(double[][] weights, double[][] biases, IExampleSource source, int row)
    {
        double[] z = Logits(weights, biases, source, row, null);
        LayerSpec last = spec.Layers[^1];
        if (last.Activation == ActivationKind.Softmax)
        {
            double most = z.Max();
            double total = z.Sum(value => Math.Exp(value - most));
            return [.. z.Select(value => Math.Exp(value - most) / total)];
        }

        return [.. z.Select(value => Activate(last, value))];
    }

    private double RowCost(double[][] weights, double[][] biases, IExampleSource source, int row, (ulong Seed, long Step)? dropout)
    {
        double[] z = Logits(weights, biases, source, row, dropout);
        float[] given = new float[source.Targets];
        if (source.Targets > 0)
        {
            source.CopyTargets(row, given);
        }

        double Target(int output) => source.Targets > 0
            ? given[output]
            : z.Length == 1 ? source.Label(row) : source.Label(row) == output ? 1 : 0;
        switch (spec.Loss)
        {
            case LossKind.CategoricalCrossEntropy:
                double most = z.Max();
                return Math.Log(z.Sum(value => Math.Exp(value - most))) + most - z[source.Label(row)];
            case LossKind.BinaryCrossEntropy:
                return z.Select((value, i) => Math.Max(value, 0) - value * Target(i) + Math.Log(1 + Math.Exp(-Math.Abs(value)))).Sum();
            default:
                return z.Select((value, i) => Math.Pow(Activate(spec.Layers[^1], value) - Target(i), 2)).Sum() / z.Length;
        }
    }

    private double[] Logits(double[][] weights, double[][] biases, IExampleSource source, int row, (ulong Seed, long Step)? dropout)
    {
        float[] inputs = new float[source.Inputs];
        source.CopyInputs(row, inputs);
        uint offset = 0;
        double[] x = Drop([.. inputs.Select(value => (double)value)], spec.InputDropout, row, dropout, ref offset);
        for (int layer = 0; layer < weights.Length; layer++)
        {
            int units = spec.Layers[layer].Units;
            double[] z = new double[units];
            for (int unit = 0; unit < units; unit++)
            {
                z[unit] = biases[layer][unit];
                for (int input = 0; input < x.Length; input++)
                {
                    z[unit] += x[input] * weights[layer][input * units + unit];
                }
            }

            if (layer == weights.Length - 1)
            {
                return z;
            }

            x = Drop([.. z.Select(value => Activate(spec.Layers[layer], value))], spec.Layers[layer].Dropout, row, dropout, ref offset);
        }

        return x;
    }

    private static double[] Drop(double[] values, float p, int row, (ulong Seed, long Step)? dropout, ref uint offset)
    {
        uint first = offset;
        offset += (uint)(values.Length + 3) / 4 * 4;
        if (dropout is not { } key || p == 0)
        {
            return values;
        }

        var draws = new CounterRandom(key.Seed, RandomPurpose.Dropout);
        uint threshold = (uint)(p * 4294967296.0);
        return [.. values.Select((value, unit) => draws.Bits((ulong)key.Step, (uint)row, first + (uint)unit) >= threshold ? value / (1.0 - p) : 0)];
    }

    private static double Activate(LayerSpec layer, double z) => layer.Activation switch
    {
        ActivationKind.Sigmoid => 1 / (1 + Math.Exp(-z)),
        ActivationKind.Tanh => Math.Tanh(z),
        ActivationKind.Relu => Math.Max(0, z),
        ActivationKind.LeakyRelu => z > 0 ? z : layer.LeakySlope * z,
        _ => z,
    };
}
