using System.Globalization;

namespace ActorMlp.Cluster.Faults;

/// <summary>What one direction of a link is like; as it is, it changes nothing.</summary>
public sealed record LinkConditions
{
    /// <summary>The longest delay and jitter.</summary>
    public static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(60);

    /// <summary>The largest loss: above it, a real connection hardly moves.</summary>
    public const double MaxLoss = 0.5;

    /// <summary>For how long new connections are held after one was broken by <see cref="Breaks"/>.</summary>
    public static readonly TimeSpan Stall = TimeSpan.FromMilliseconds(60);

    /// <summary>The lowest rate, in bits per second.</summary>
    public const double MinBitsPerSecond = 1_000;

    /// <summary>How long every byte takes, at least; 0 to <see cref="MaxDelay"/>.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>How much longer it takes at most, evenly spread; 0 to <see cref="MaxDelay"/>. Bytes never overtake each other.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>Probability that a segment is lost, 0 to <see cref="MaxLoss"/>; TCP sends it again, so what is lost is time.</summary>
    public double Loss { get; init; }

    /// <summary>
    /// Probability that a chunk, which is what was read at a time, ends its connection with a reset, 0 to 1; new connections are then held for <see cref="Stall"/>. That is what comes of
    /// segments that are duplicated or reordered beyond what TCP mends.
    /// </summary>
    public double Breaks { get; init; }

    /// <summary>What all connections of the link together carry, in bits per second, at least <see cref="MinBitsPerSecond"/>; null for no limit.</summary>
    public double? BitsPerSecond { get; init; }

    /// <summary>What is wrong with them; null if nothing is.</summary>
    public string? Problem => this switch
    {
        _ when Delay < TimeSpan.Zero || Delay > MaxDelay => $"delay is {Delay.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s; allowed: 0 to {MaxDelay.TotalSeconds} s",
        _ when Jitter < TimeSpan.Zero || Jitter > MaxDelay => $"jitter is {Jitter.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s; allowed: 0 to {MaxDelay.TotalSeconds} s",
        _ when !(Loss is >= 0 and <= MaxLoss) => string.Create(CultureInfo.InvariantCulture, $"loss is {Loss}; allowed: 0 to {MaxLoss}"),
        _ when !(Breaks is >= 0 and <= 1) => string.Create(CultureInfo.InvariantCulture, $"breaks is {Breaks}; allowed: 0 to 1"),
        _ when BitsPerSecond is { } rate && !(rate >= MinBitsPerSecond && double.IsFinite(rate)) =>
            string.Create(CultureInfo.InvariantCulture, $"rate is {rate} bit/s; allowed: {MinBitsPerSecond} bit/s or more"),
        _ => null,
    };
}
