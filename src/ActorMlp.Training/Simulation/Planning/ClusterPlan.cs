using ActorMlp.Training.Runs;
using ActorMlp.Training.Simulation.Sharing;

namespace ActorMlp.Training.Simulation.Planning;

/// <summary>A run on a cluster that need not exist, in numbers.</summary>
public sealed record ClusterPlan
{
    /// <summary>The run in numbers.</summary>
    public required RunShape Shape { get; init; }

    /// <summary>Rows of a step.</summary>
    public required int RowsPerStep { get; init; }

    /// <summary>Nodes: each is a worker.</summary>
    public required int Nodes { get; init; }

    /// <summary>How many of the first nodes hold parameters.</summary>
    public required int Servers { get; init; }

    /// <summary>Pieces of each parameter server's range that are updated and sent as one.</summary>
    public required int PiecesPerServer { get; init; }

    /// <summary>Bytes of a gradient on its way.</summary>
    public required double GradientBytes { get; init; }

    /// <summary>Links.</summary>
    public required LinkModel Link { get; init; }

    /// <summary>What a node takes for a shard.</summary>
    public required TimeSpan ShardTime { get; init; }

    /// <summary>What the update of all parameters takes on one node.</summary>
    public required TimeSpan UpdateTime { get; init; }

    /// <summary>The machine whose cores all nodes share as its processes; null where each node is a machine of its own.</summary>
    public MachineModel? Machine { get; init; }

    /// <summary>Vectors of optimizer state that a checkpoint has beside the weights.</summary>
    public int OptimizerSlots { get; init; }

    /// <summary>Servers that stand by for each: 0 or 1.</summary>
    public int Standbys { get; init; }

    /// <summary>The share by which what work takes varies at random, both ways.</summary>
    public double Noise { get; init; } = 0.2;

    /// <summary>Bytes of the weights.</summary>
    public double WeightBytes => (double)Shape.ParameterLength * sizeof(float);

    /// <summary>How many nodes have shards to compute: there are no more than shards, or subtrees that are encoded by themselves.</summary>
    public int ComputingNodes => Math.Min(Nodes, Shape.EncodedSubtrees ?? Shape.Shards);

    /// <summary>After how many steps of an epoch a checkpoint is written: the last, and perhaps others.</summary>
    public int CheckpointsOfEpoch => Enumerable.Range(1, Shape.StepsPerEpoch).Count(step => Shape.HoldsAfter(step));

    /// <summary>The same run on another number of nodes.</summary>
    /// <param name="nodes">Nodes.</param>
    /// <param name="servers">Parameter servers among them.</param>
    /// <param name="pieces">Pieces of each one's range.</param>
    public ClusterPlan On(int nodes, int servers, int pieces) => this with { Nodes = nodes, Servers = servers, PiecesPerServer = pieces };
}
