using MessagePack;

namespace ActorMlp.Training.Consistency;

/// <summary>A share that an update took in.</summary>
/// <param name="Share">Number of the share.</param>
/// <param name="Worker">Number of the worker that computed it; decides nothing.</param>
/// <param name="First">The share's first shard.</param>
/// <param name="End">One past its last shard.</param>
[MessagePackObject]
public readonly record struct UpdatePart(
    [property: Key(0)] int Share, [property: Key(1)] int Worker, [property: Key(2)] int First, [property: Key(3)] int End);

/// <summary>An update of the weights, in the order in which they were applied.</summary>
/// <param name="Sequence">Updates before this one.</param>
/// <param name="Clock">The step, 0-based, whose shards it took in; of an average, the last one before it.</param>
/// <param name="Version">Updates that were in the weights with which it was computed.</param>
/// <param name="Parts">What it took in, by share.</param>
[MessagePackObject]
public sealed record UpdateRecord(
    [property: Key(0)] long Sequence, [property: Key(1)] long Clock, [property: Key(2)] long Version, [property: Key(3)] IReadOnlyList<UpdatePart> Parts);
