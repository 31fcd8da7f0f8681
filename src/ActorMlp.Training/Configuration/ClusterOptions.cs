using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace ActorMlp.Training.Configuration;

/// <summary>The section <c>cluster</c> of a run file. Nothing here can change a bit of the result.</summary>
public sealed record ClusterOptions
{
    /// <summary>Number of worker actors.</summary>
    [Description("Number of worker actors that share each step. With a training.consistency.mode other than bsp it is a part of the run.")]
    [Range(1, 1024)]
    public int Workers { get; init; } = 4;

    /// <summary>Compute threads of the process; 0 for one per core.</summary>
    [Description("Compute threads of this process; 0 for one per core.")]
    [Range(0, 1024)]
    public int Threads { get; init; }

    /// <summary>How often a worker is restarted before the run gives up on it.</summary>
    [Description("How often one worker may fail and be restarted before it is given up.")]
    [Range(0, 1_000_000)]
    public int RestartLimit { get; init; } = 10;

    /// <summary>Workers that a run on a cluster waits for.</summary>
    [Description("On a cluster of nodes: workers that must be there before the first step; each node is one.")]
    [Range(1, 1024)]
    public int MinimumWorkers { get; init; } = 1;
}
