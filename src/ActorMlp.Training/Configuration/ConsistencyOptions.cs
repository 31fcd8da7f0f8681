using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace ActorMlp.Training.Configuration;

/// <summary>How closely workers keep together; see <c>docs/consistency.md</c>.</summary>
public enum ConsistencyMode
{
    /// <summary>Bulk synchronous: a step is complete when every shard is counted exactly once. The result does not depend on workers.</summary>
    Bsp,

    /// <summary>Stale synchronous (Ho et al. 2013): each worker has a clock of its own, bounded by the slowest.</summary>
    Ssp,

    /// <summary>Asynchronous: as <see cref="Ssp"/>, without the bound.</summary>
    Async,

    /// <summary>Synchronous without the slowest workers (Chen et al. 2016).</summary>
    Backup,

    /// <summary>Local SGD (Stich 2019), FedAvg (McMahan et al. 2017): each worker trains a copy of its own; copies are averaged.</summary>
    Local,
}

/// <summary>The section <c>training.consistency</c>.</summary>
public sealed record ConsistencyOptions
{
    /// <summary>The mode.</summary>
    [Description("How closely workers keep together. bsp: one answer whoever computes. ssp, async, backup: faster beside slow workers; the order of updates is logged, and actormlp replay gives the same bits again. local: averaged copies; the result depends on the number of workers. On nodes, all but bsp have one parameter server, without a standby.")]
    public ConsistencyMode Mode { get; init; } = ConsistencyMode.Bsp;

    /// <summary>Steps that a worker may be ahead of the slowest.</summary>
    [Description("ssp: how many steps a worker may be ahead of the slowest.")]
    [Range(0, 1_000_000)]
    public int Staleness { get; init; } = 2;

    /// <summary>Workers that a step does not wait for.</summary>
    [Description("backup: how many workers a step does not wait for; less than there are.")]
    [Range(0, 1023)]
    public int Backups { get; init; } = 1;

    /// <summary>Steps between two averages.</summary>
    [Description("local: steps that each worker trains its copy before the copies are averaged; also averaged at the end of each epoch.")]
    [Range(1, 1_000_000)]
    public int AverageEvery { get; init; } = 8;
}
