namespace ActorMlp.Training.Simulation;

/// <summary>What every node's link to the others is like.</summary>
/// <param name="BytesPerSecond">What a node can send, and what it can receive.</param>
/// <param name="Latency">From the last byte sent to its arrival.</param>
/// <param name="Jitter">The share of the latency by which it varies at random, both ways.</param>
public sealed record LinkModel(double BytesPerSecond, TimeSpan Latency, double Jitter = 0.5);
