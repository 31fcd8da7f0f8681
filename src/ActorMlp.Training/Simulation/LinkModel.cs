namespace ActorMlp.Training.Simulation;

/// <summary>What every node's link to the others is like.</summary>
/// <param name="BytesPerSecond">What a node can send, and what it can receive, at the same time.</param>
/// <param name="Latency">From the last byte sent to its arrival.</param>
/// <param name="Jitter">The share of the latency by which it varies at random, both ways.</param>
public sealed record LinkModel(double BytesPerSecond, TimeSpan Latency, double Jitter = 0.5)
{
    /// <summary>From when a connection ends to when the next one stands; what waits is then sent again.</summary>
    public TimeSpan Reconnection { get; init; } = TimeSpan.FromMilliseconds(60);

    /// <summary>Whether bulk frames come again that were under way when their connection ended. They do; without it one sees what a search finds.</summary>
    public bool ResendsFrames { get; init; } = true;

    /// <summary>After what time TCP sends again what got lost; twice as long each time it gets lost again.</summary>
    public TimeSpan Retransmission { get; init; } = TimeSpan.FromMilliseconds(200);
}

/// <summary>What one process sent to another.</summary>
/// <param name="Control">Bytes of small messages.</param>
/// <param name="Bulk">Bytes of gradients, weights and state, frame heads included.</param>
public readonly record struct LinkTraffic(long Control, long Bulk)
{
    internal LinkTraffic Add(Plane plane, long bytes) => plane == Plane.Bulk ? this with { Bulk = Bulk + bytes } : this with { Control = Control + bytes };
}
