namespace ActorMlp.Cluster.Faults;

/// <summary>The directions of a link, seen from whoever dials a connection.</summary>
[Flags]
public enum LinkDirections
{
    /// <summary>Neither.</summary>
    None = 0,

    /// <summary>From the dialling side to the target.</summary>
    Out = 1,

    /// <summary>From the target back.</summary>
    Back = 2,

    /// <summary>Both.</summary>
    Both = Out | Back,
}
