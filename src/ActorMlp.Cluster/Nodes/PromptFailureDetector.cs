using System.Diagnostics;
using Akka.Configuration;
using Akka.Event;
using Akka.Remote;

namespace ActorMlp.Cluster.Nodes;

/// <summary>
/// Akka's detector, which is patient, but not while some process is known to be gone: the cluster can only remove a node, and give its coordinator to another,
/// when everybody has missed its heartbeats. A node that is taken for silent by mistake meanwhile is back with its next heartbeat.
/// </summary>
/// <param name="config">The detector's settings.</param>
/// <param name="events">Where it logs.</param>
public sealed class PromptFailureDetector(Config config, EventStream events) : FailureDetector
{
    private static readonly TimeSpan SuspicionLasts = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SuspiciousPause = TimeSpan.FromSeconds(1.2);
    private static long suspectedAt;

    private readonly PhiAccrualFailureDetector patient = new(config, events);
    private long heardAt;

    /// <inheritdoc/>
    public override bool IsAvailable => patient.IsAvailable && !(IsSuspicious && IsMonitoring && Stopwatch.GetElapsedTime(heardAt) > SuspiciousPause);

    /// <inheritdoc/>
    public override bool IsMonitoring => patient.IsMonitoring;

    private static bool IsSuspicious =>
        Volatile.Read(ref suspectedAt) is not 0 and long since && Stopwatch.GetElapsedTime(since) < SuspicionLasts;

    /// <summary>Some process is known to be gone.</summary>
    public static void Suspect() => Volatile.Write(ref suspectedAt, Stopwatch.GetTimestamp());

    /// <inheritdoc/>
    public override void HeartBeat()
    {
        heardAt = Stopwatch.GetTimestamp();
        patient.HeartBeat();
    }
}
