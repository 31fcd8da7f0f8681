using System.ComponentModel;
using ActorMlp.Data.Configuration;

namespace ActorMlp.Training.Configuration;

/// <summary>A run file, whole. Everything but <see cref="Cluster"/>, <see cref="Output"/> and the cache of <see cref="Data"/> decides the weights, bit for bit.</summary>
public sealed record RunOptions
{
    /// <summary>The run's name.</summary>
    [Description("Name of the run; the run file's name if absent.")]
    public string? Name { get; init; }

    /// <summary>Where rows come from.</summary>
    [Description("Where the rows come from and how they are prepared.")]
    public DataOptions Data { get; init; } = new();

    /// <summary>The network.</summary>
    [Description("The network.")]
    public ModelOptions Model { get; init; } = new();

    /// <summary>How it is trained.</summary>
    [Description("How the network is trained.")]
    public TrainingOptions Training { get; init; } = new();

    /// <summary>Who computes; cannot change a bit of the result.</summary>
    [Description("Who computes. Nothing here can change a bit of the result where training.consistency.mode is bsp.")]
    public ClusterOptions Cluster { get; init; } = new();

    /// <summary>What is written; cannot change a bit of the result.</summary>
    [Description("What is written, and where. Nothing here can change a bit of the result where training.consistency.mode is bsp.")]
    public OutputOptions Output { get; init; } = new();
}
