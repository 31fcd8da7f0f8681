namespace ActorMlp.Cluster.Bulk;

/// <summary>How a frame ended that did not fail.</summary>
public enum BulkDelivery
{
    /// <summary>The peer has it: it arrived unharmed and was handed to the sink, exactly once.</summary>
    Acknowledged,

    /// <summary>It was dropped before its first byte was sent.</summary>
    Dropped,
}
