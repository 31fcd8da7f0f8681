namespace ActorMlp.Data.Cache;

/// <summary>Some neighbouring bytes of a file.</summary>
/// <param name="Offset">Where they begin.</param>
/// <param name="Length">How many they are.</param>
public readonly record struct ByteRange(long Offset, long Length)
{
    /// <summary>Where the next byte is.</summary>
    public long End => Offset + Length;
}
