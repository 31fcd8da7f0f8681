using System.Diagnostics;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Remote;

namespace ActorMlp.Cluster.Nodes;

/// <summary>
/// Akka's detector, which is patient, but not with a node whose process is known to be gone: the cluster removes a node, and gives its coordinator to another, only when somebody has found it
/// unreachable.
/// </summary>
/// <param name="config">The detector's settings.</param>
/// <param name="events">Where it logs.</param>
public sealed class PromptFailureDetector(Config config, EventStream events) : FailureDetector
{
    /// <summary>What the process sent before it ended may still arrive.</summary>
    private static readonly TimeSpan LastWordsLast = TimeSpan.FromSeconds(2);

    [ThreadStatic]
    private static bool givesUp;

    private readonly PhiAccrualFailureDetector patient = new(config, events);
    private long givenUpAt;

    /// <inheritdoc/>
    public override bool IsAvailable
    {
        get
        {
            if (givesUp)
            {
                Volatile.Write(ref givenUpAt, Stopwatch.GetTimestamp());
            }

            return Volatile.Read(ref givenUpAt) == 0 && patient.IsAvailable;
        }
    }

    /// <inheritdoc/>
    public override bool IsMonitoring => patient.IsMonitoring;

    /// <summary>A node's process is known to be gone: it is unavailable from now on, unless heartbeats go on coming from there.</summary>
    /// <param name="detectors">The cluster's detectors; each knows its node by no more than being asked for it.</param>
    /// <param name="node">The node's address.</param>
    public static void GiveUp(DefaultFailureDetectorRegistry<Address> detectors, Address node)
    {
        givesUp = true;
        try
        {
            detectors.IsAvailable(node);
        }
        finally
        {
            givesUp = false;
        }
    }

    /// <inheritdoc/>
    public override void HeartBeat()
    {
        if (Volatile.Read(ref givenUpAt) is not 0 and long since && Stopwatch.GetElapsedTime(since) > LastWordsLast)
        {
            Volatile.Write(ref givenUpAt, 0);
        }

        patient.HeartBeat();
    }
}
