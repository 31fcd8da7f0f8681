namespace ActorMlp.Cli.Chaos;

/// <summary>Node processes for a chaos run.</summary>
internal sealed record ChaosClusterOptions
{
    /// <summary>How many at the start.</summary>
    public required int Count { get; init; }

    /// <summary>Compute threads of each.</summary>
    public required int Threads { get; init; }

    /// <summary>Where they look for data first; null for the current directory.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>Where they log.</summary>
    public required string LogDirectory { get; init; }

    /// <summary>Decides what links lose.</summary>
    public ulong Seed { get; init; }

    /// <summary>Whether they need links that can be cut or disturbed.</summary>
    public bool DisturbsLinks { get; init; }

    /// <summary>Whether each is in a network namespace, and links are cut by dropping packets; otherwise proxies between them cut and disturb.</summary>
    public bool InNamespaces { get; init; }

    /// <summary>The folder whose disk is to be full at times; null for none.</summary>
    public string? FillsDisk { get; init; }
}
