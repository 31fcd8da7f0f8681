namespace ActorMlp.Training.Consistency;

/// <summary>A share that an update took in.</summary>
/// <param name="Share">Number of the share.</param>
/// <param name="Worker">Number of the worker that computed it; decides nothing.</param>
/// <param name="First">The share's first shard.</param>
/// <param name="End">One past its last shard.</param>
public readonly record struct UpdatePart(int Share, int Worker, int First, int End);

/// <summary>An update of the weights, in the order in which they were applied.</summary>
/// <param name="Sequence">Updates before this one.</param>
/// <param name="Clock">The step, 0-based, whose shards it took in; of an average, the last one before it.</param>
/// <param name="Version">Updates that were in the weights with which it was computed.</param>
/// <param name="Parts">What it took in, by share.</param>
public sealed record UpdateRecord(long Sequence, long Clock, long Version, IReadOnlyList<UpdatePart> Parts);
