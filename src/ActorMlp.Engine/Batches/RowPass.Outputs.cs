using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Numerics;

namespace ActorMlp.Engine.Batches;

/// <summary>The end of the network: targets, losses, hits and outputs.</summary>
internal sealed partial class RowPass
{
    /// <summary>The end of one block of rows: outputs, losses, hits, and in training the output layer's dz, in scratch.</summary>
    private void Finish(Scratch scratch, int block, int blockInGroup)
    {
        LayerSpec spec = network.Spec.Layers[^1];
        int units = spec.Units, stride = widths[^1] * Lane, first = block * Lane;
        FloatRegion z = scratch.Values[^1].Region.From((long)blockInGroup * stride);
        FloatRegion dz = scratch.Gradients.Region.From((long)blockInGroup * scratch.GradientStride);
        if (mode == RowPassMode.Predict)
        {
            WriteOutputs(spec, z, block, stride);
            return;
        }

        Span<float> loss = losses.AsSpan(first, Lane);
        ReadTargets(scratch, first, units);
        switch (network.Spec.Loss)
        {
            case LossKind.CategoricalCrossEntropy:
                kernels.SoftmaxLoss(z, units, scratch.Labels, dz, loss);
                break;
            case LossKind.BinaryCrossEntropy:
                kernels.LogisticLoss(z, scratch.Targets.Region, units, dz, loss);
                break;
            default:
                kernels.Activate(spec.Activation, spec.LeakySlope, z, z, stride);
                kernels.SquaredLoss(z, scratch.Targets.Region, units, dz, loss);
                kernels.Differentiate(spec.Activation, spec.LeakySlope, z, dz, units * Lane);
                break;
        }

        CountHits(scratch, z, first, units);
        if (mode == RowPassMode.Evaluate)
        {
            FloatRegion y = outputs.Region.From((long)block * stride);
            ActivationKind left = network.Spec.Loss == LossKind.MeanSquaredError ? ActivationKind.Identity : spec.Activation;
            Output(left, spec.LeakySlope, z, y, units, stride);
        }
    }

    private void WriteOutputs(LayerSpec spec, FloatRegion z, int block, int stride) =>
        Output(spec.Activation, spec.LeakySlope, z, outputs.Region.From((long)block * stride), spec.Units, stride);

    private void Output(ActivationKind kind, float slope, FloatRegion z, FloatRegion y, int units, int count)
    {
        if (kind == ActivationKind.Softmax)
        {
            kernels.Softmax(z, units, y);
        }
        else
        {
            kernels.Activate(kind, slope, z, y, count);
        }
    }

    /// <summary>Labels, and targets as <c>[outputs][16 rows]</c>: given, or the label itself (one output), or one-hot.</summary>
    private void ReadTargets(Scratch scratch, int first, int units)
    {
        bool labelled = source.Targets == 0;
        Span<float> targets = scratch.Targets.Span;
        for (int lane = 0; lane < Lane; lane++)
        {
            uint label = labelled && first + lane < Rows ? (uint)source.Label(RowNumber(first + lane)) : 0;
            if (label >= Math.Max(2, units))
            {
                throw new InvalidDataException(
                    $"row {RowNumber(first + lane)} has class {(int)label}; the network's outputs allow 0 to {Math.Max(2, units) - 1}");
            }

            scratch.Labels[lane] = label;
        }

        if (network.Spec.Loss == LossKind.CategoricalCrossEntropy)
        {
            return;
        }

        targets.Clear();
        Span<float> row = scratch.TargetRow;
        for (int lane = 0; lane < Lane && first + lane < Rows; lane++)
        {
            if (!labelled)
            {
                source.CopyTargets(RowNumber(first + lane), row);
                for (int unit = 0; unit < units; unit++)
                {
                    targets[unit * Lane + lane] = row[unit];
                }
            }
            else if (units == 1)
            {
                targets[lane] = scratch.Labels[lane];
            }
            else
            {
                targets[(int)scratch.Labels[lane] * Lane + lane] = 1;
            }
        }
    }

    /// <summary>Classification: the largest output (decided on logits under cross-entropy), or the side of one half, against the label.</summary>
    private void CountHits(Scratch scratch, FloatRegion values, int first, int units)
    {
        if (source.Targets != 0)
        {
            hits.AsSpan(first, Lane).Clear();
            return;
        }

        if (units > 1)
        {
            kernels.ArgMax(values, units, scratch.Decisions);
        }
        else
        {
            FloatRegion y = values;
            if (network.Spec.Loss == LossKind.BinaryCrossEntropy)
            {
                y = scratch.Probabilities.Region;
                kernels.Activate(ActivationKind.Sigmoid, 0, values, y, Lane);
            }

            for (int lane = 0; lane < Lane; lane++)
            {
                scratch.Decisions[lane] = y.Span[lane] >= 0.5f ? 1u : 0;
            }
        }

        for (int lane = 0; lane < Lane; lane++)
        {
            hits[first + lane] = scratch.Decisions[lane] == scratch.Labels[lane] ? (byte)1 : (byte)0;
        }
    }
}
