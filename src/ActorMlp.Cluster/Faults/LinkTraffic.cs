namespace ActorMlp.Cluster.Faults;

/// <summary>What a link has carried so far.</summary>
/// <param name="Connections">Connections it took.</param>
/// <param name="Open">How many of them are there.</param>
/// <param name="BytesOut">Bytes that reached targets.</param>
/// <param name="BytesBack">Bytes that reached dialling sides.</param>
/// <param name="SegmentsLost">Segments that were lost, and so came later.</param>
/// <param name="ChunksCorrupted">Chunks of which a bit was flipped.</param>
/// <param name="Broken">Connections that ended by <see cref="LinkConditions.Breaks"/>.</param>
public sealed record LinkTraffic(long Connections, int Open, long BytesOut, long BytesBack, long SegmentsLost, long ChunksCorrupted, long Broken);
