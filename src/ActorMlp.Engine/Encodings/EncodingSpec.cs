using System.Globalization;

namespace ActorMlp.Engine.Encodings;

/// <summary>An encoding and its constants.</summary>
public sealed record EncodingSpec
{
    /// <summary>The smallest block of <see cref="GradientEncodingKind.Int8"/>.</summary>
    public const int LeastBlockSize = 16;

    /// <summary>The largest block of <see cref="GradientEncodingKind.Int8"/>.</summary>
    public const int LargestBlockSize = 4096;

    /// <summary>The largest ratio of <see cref="GradientEncodingKind.TopK"/>; from 0.18 on bytes are smaller and lose less.</summary>
    public const double LargestRatio = 0.25;

    /// <summary>The kind.</summary>
    public GradientEncodingKind Kind { get; init; } = GradientEncodingKind.Float32;

    /// <summary>
    /// Floats that share a scale of <see cref="GradientEncodingKind.Int8"/>, a power of two. Twice the block saves less and less (9, 8.5,
    /// 8.25 bits a value for 32, 64, 128), while the largest value of a block, to which its error is proportional, grows; a block of 64
    /// fills a cache line with bytes.
    /// </summary>
    public int BlockSize { get; init; } = 64;

    /// <summary>The share of values that <see cref="GradientEncodingKind.TopK"/> keeps, above 0.</summary>
    public double Ratio { get; init; } = 0.01;

    /// <summary>
    /// Whether what an encoding loses is added to the next step's gradient; null for what the kind does by itself: Int8 and TopK do,
    /// 16-bit floats do not, and Float32 has nothing to feed back.
    /// </summary>
    public bool? ErrorFeedback { get; init; }

    /// <summary>Whether there is error feedback, the default resolved.</summary>
    public bool HasErrorFeedback => ErrorFeedback ?? Kind is GradientEncodingKind.Int8 or GradientEncodingKind.TopK;

    /// <summary>What is wrong with the constants that the kind uses, as a property's name and a sentence; empty for nothing.</summary>
    public IEnumerable<(string Property, string Problem)> Problems()
    {
        if (!Enum.IsDefined(Kind))
        {
            yield return (nameof(Kind), $"{(int)Kind} is no encoding");
        }

        if (Kind == GradientEncodingKind.Int8 && (BlockSize is < LeastBlockSize or > LargestBlockSize || !int.IsPow2(BlockSize)))
        {
            yield return (nameof(BlockSize), $"is {BlockSize}; allowed are powers of two from {LeastBlockSize} to {LargestBlockSize}");
        }

        // Not the negation with >: NaN is no ratio either.
        if (Kind == GradientEncodingKind.TopK && !(Ratio is > 0 and <= LargestRatio))
        {
            yield return (nameof(Ratio), string.Create(CultureInfo.InvariantCulture, $"is {Ratio}; allowed is a share above 0 and up to {LargestRatio}"));
        }

        if (Kind == GradientEncodingKind.Float32 && ErrorFeedback == true)
        {
            yield return (nameof(ErrorFeedback), $"is on, but {nameof(GradientEncodingKind.Float32)} loses nothing to feed back");
        }
    }
}
