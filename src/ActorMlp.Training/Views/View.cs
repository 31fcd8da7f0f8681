using MessagePack;

namespace ActorMlp.Training.Views;

/// <summary>The shards [<paramref name="First"/>, <paramref name="End"/>) of every step, and who computes them.</summary>
/// <param name="Worker">The owner.</param>
/// <param name="First">First shard.</param>
/// <param name="End">One past the last shard; equal to <paramref name="First"/> for a worker in reserve.</param>
[MessagePackObject]
public sealed record ShardRange([property: Key(0)] WorkerId Worker, [property: Key(1)] int First, [property: Key(2)] int End)
{
    /// <summary>Number of shards.</summary>
    [IgnoreMember]
    public int Count => End - First;
}

/// <summary>
/// Who computes what, under a number that only grows. A view that has no members waits for one.
/// </summary>
/// <param name="Number">The view's number, from 1.</param>
/// <param name="Ranges">One range per member, in the order of shards.</param>
[MessagePackObject]
public sealed record View([property: Key(0)] int Number, [property: Key(1)] IReadOnlyList<ShardRange> Ranges)
{
    /// <summary>Which parameter server holds what.</summary>
    [Key(2)]
    public Arrangement Arrangement { get; init; } = Arrangement.None;

    /// <summary>The view before the first.</summary>
    public static View None { get; } = new(0, []);

    /// <summary>The range of a member, or null for a stranger.</summary>
    public ShardRange? RangeOf(WorkerId worker) => Ranges.FirstOrDefault(range => range.Worker == worker);

    /// <summary>The owner of a shard, or null where the view has no members.</summary>
    public WorkerId? OwnerOf(int shard) =>
        Ranges.FirstOrDefault(range => range.First <= shard && shard < range.End)?.Worker;
}
