using ActorMlp.Cli.Configuration;
using ActorMlp.Training.Simulation;

namespace ActorMlp.Cli.Simulations;

/// <summary>What simulated nodes compute.</summary>
internal enum SimulatedCompute
{
    /// <summary>The run file's network on its data, with the engine.</summary>
    Real,

    /// <summary>Nothing: only the time it would take.</summary>
    Modelled,

    /// <summary>A few floats that show every mistake of the protocol.</summary>
    Checking,
}

/// <summary>What <c>actormlp simulate</c> was asked.</summary>
internal sealed record SimulateRequest
{
    /// <summary>The run file; null where none is needed.</summary>
    public string? ConfigurationFile { get; init; }

    public RunOverrides Overrides { get; init; } = RunOverrides.None;

    public SimulatedCompute Compute { get; init; }

    /// <summary>The fault script; null for none.</summary>
    public string? FaultScript { get; init; }

    public int Nodes { get; init; } = 4;

    /// <summary>Parameter servers; null for one on each node.</summary>
    public int? Servers { get; init; }

    public required LinkModel Link { get; init; }

    /// <summary>Cores of the one machine whose processes the nodes are; null where each node is a machine of its own.</summary>
    public int? Cores { get; init; }

    /// <summary>Samples a second of a node; null to measure it on this machine.</summary>
    public double? Speed { get; init; }

    /// <summary>Seed of the noise; in a search the first case.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>The last case of a search; null for a single run.</summary>
    public ulong? LastSeed { get; init; }

    public bool Json { get; init; }

    /// <summary>Where the plot of scaling goes; null for nowhere.</summary>
    public string? Plot { get; init; }
}
