namespace ActorMlp.Cluster.Bulk.Flow;

/// <summary>Takes back the credit of frames whose buffers were disposed.</summary>
internal interface IBulkCredit
{
    /// <summary>A buffer is free again.</summary>
    /// <param name="bytes">What its frame took of the window.</param>
    void Release(int bytes);
}
