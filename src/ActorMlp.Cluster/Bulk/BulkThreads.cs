namespace ActorMlp.Cluster.Bulk;

/// <summary>Threads that block in socket calls: two a connection, asleep most of the time, on small stacks.</summary>
internal static class BulkThreads
{
    private const int StackBytes = 512 << 10;

    /// <summary>Starts one.</summary>
    public static Thread Start(string name, Action body)
    {
        var thread = new Thread(() => body(), StackBytes) { IsBackground = true, Name = name };
        thread.Start();
        return thread;
    }
}
