using ActorMlp.Data.Configuration;

namespace ActorMlp.Data;

/// <summary>What a model must know to read rows again.</summary>
public sealed record DataSchema
{
    /// <summary>File format.</summary>
    public required DataFormat Format { get; init; }

    /// <summary>Whether a CSV file starts with column names.</summary>
    public required bool Header { get; init; }

    /// <summary>Input columns, in the order of the network's inputs.</summary>
    public required IReadOnlyList<string> InputColumns { get; init; }

    /// <summary>The column to predict.</summary>
    public required string Target { get; init; }

    /// <summary>What it means.</summary>
    public required DataTask Task { get; init; }

    /// <summary>Names of the classes, in the order of their labels; empty in regression.</summary>
    public required IReadOnlyList<string> Classes { get; init; }
}
