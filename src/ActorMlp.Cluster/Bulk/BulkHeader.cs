using ActorMlp.Engine.Batches;
using MessagePack;

namespace ActorMlp.Cluster.Bulk;

/// <summary>What a bulk frame carries. Values are on the wire: never renumber.</summary>
public enum BulkKind : byte
{
    /// <summary>The gradient sum of a subtree, from a worker to a parameter server.</summary>
    Gradient = 1,

    /// <summary>Weights, from a parameter server.</summary>
    Weights = 2,

    /// <summary>Optimizer state, to a standby or a checkpoint.</summary>
    State = 3,

    /// <summary>Rows of data: a piece of a data cache, whose place and size are in bytes.</summary>
    Rows = 4,

    /// <summary>A step's completed gradient, from a parameter server to its standby.</summary>
    Sum = 5,

    /// <summary>What the lead is about to tell the coordinator of a step, to its standby: a control message, in order with the sums.</summary>
    Commit = 6,

    /// <summary>The gradient sum of a subtree that another worker owns, computed for the second time, to be compared.</summary>
    SecondGradient = 7,

    /// <summary>A vector that a share is computed with, or that was computed of it: the order, or the result, that it belongs to follows it.</summary>
    ShareVector = 8,

    /// <summary>An order to compute a share, from the parameter server: a control message, in order with its vectors.</summary>
    ShareWork = 9,

    /// <summary>A share is computed, to the parameter server: a control message, in order with its vectors.</summary>
    ShareComputed = 10,

    /// <summary>Updates that were applied, to whoever keeps the run: in order with the state that has them.</summary>
    Updates = 11,
}

/// <summary>
/// The header of a bulk frame: which piece of which vector the payload is. On the wire a MessagePack array in the order of the keys; keys are
/// never reused.
/// </summary>
[MessagePackObject]
public readonly record struct BulkHeader
{
    /// <summary>The run.</summary>
    [Key(0)]
    public ulong RunId { get; init; }

    /// <summary>Number of the view it was made in.</summary>
    [Key(1)]
    public int View { get; init; }

    /// <summary>The step, 0-based.</summary>
    [Key(2)]
    public long Step { get; init; }

    /// <summary>What the payload is.</summary>
    [Key(3)]
    public BulkKind Kind { get; init; }

    /// <summary>Which range of the parameter vector, 0-based; which of several vectors (state, shares).</summary>
    [Key(4)]
    public int Range { get; init; }

    /// <summary>Where the payload begins within the whole vector, in floats; within the data cache, in bytes (<see cref="BulkKind.Rows"/>).</summary>
    [Key(5)]
    public long Offset { get; init; }

    /// <summary>How many floats the payload stands for; how many bytes it has (<see cref="BulkKind.Rows"/>).</summary>
    [Key(6)]
    public int Count { get; init; }

    /// <summary>Level of the node of the summation tree (gradients).</summary>
    [Key(7)]
    public int NodeLevel { get; init; }

    /// <summary>Index of the node within its level (gradients).</summary>
    [Key(8)]
    public int NodeIndex { get; init; }

    /// <summary>How the floats are encoded; 0 is little-endian float32 as they are.</summary>
    [Key(9)]
    public byte Encoding { get; init; }

    /// <summary>Rows in the sum (gradients).</summary>
    [Key(10)]
    public long Rows { get; init; }

    /// <summary>Sum of the losses over those rows (gradients).</summary>
    [Key(11)]
    public double LossSum { get; init; }

    /// <summary>Rows classified correctly among them (gradients).</summary>
    [Key(12)]
    public long Correct { get; init; }

    /// <summary>Number of the worker that sends it.</summary>
    [Key(13)]
    public int Worker { get; init; }

    /// <summary>That worker's incarnation.</summary>
    [Key(14)]
    public int Incarnation { get; init; }

    /// <summary>Number of the arrangement it belongs to (weights, state).</summary>
    [Key(15)]
    public int Arrangement { get; init; }

    /// <summary>Whether the next step waits for the coordinator (weights).</summary>
    [Key(16)]
    public bool Held { get; init; }

    /// <summary>The gradient's global norm (sums); null where it is not bounded, or the piece is the whole vector.</summary>
    [Key(17)]
    public double? Norm { get; init; }

    /// <summary>The node of the summation tree.</summary>
    [IgnoreMember]
    public TreeNode Node => new(NodeLevel, NodeIndex);
}
