using System.Globalization;
using ActorMlp.Engine.Encodings;

namespace ActorMlp.Training.Runs;

/// <summary>How a run's gradients are encoded, where that loses something.</summary>
/// <param name="Spec">The encoding.</param>
/// <param name="Subtrees">Subtrees of a step that are encoded by themselves, a power of two.</param>
public sealed record EncodingPlan(EncodingSpec Spec, int Subtrees)
{
    /// <summary>The names under which checkpoints keep what each subtree owes, beside the optimizer's state; none without error feedback.</summary>
    public IReadOnlyList<string> ResidualNames =>
        Spec.HasErrorFeedback ? [.. Enumerable.Range(0, Subtrees).Select(subtree => $"residual.{subtree}")] : [];

    /// <summary>What there is to say of the plan for a number of workers: that it saves nothing, or leaves some without work; null for nothing.</summary>
    /// <param name="workers">Workers of the run.</param>
    /// <param name="length">Floats of a gradient.</param>
    public string? Advice(int workers, int length)
    {
        double ratio = (double)GradientEncoding.Create(Spec).EncodedLength(length) / ((long)length * sizeof(float));
        int each = (Subtrees + workers - 1) / workers;
        return workers > Subtrees
            ? $"training.encoding.subtrees is {Subtrees}: only as many of the {workers} workers compute"
            : each * ratio >= 1
                ? string.Create(CultureInfo.InvariantCulture, $"training.encoding saves nothing: with training.encoding.subtrees {Subtrees}, each of {workers} workers sends up to {each} sums of {ratio:0.###} times the bytes of a float32 sum, where it would send about one; take fewer subtrees or more workers")
                : null;
    }

    /// <summary>An encoder.</summary>
    /// <param name="shards">Shards per step.</param>
    /// <param name="length">Floats of a gradient.</param>
    public SubtreeEncoder CreateEncoder(int shards, int length) => new(Spec, shards, Subtrees, length);
}
