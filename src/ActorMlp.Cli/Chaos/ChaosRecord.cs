using System.Text.Json.Serialization;
using ActorMlp.Cluster.Faults;

namespace ActorMlp.Cli.Chaos;

/// <summary>A fault as it struck a run.</summary>
/// <param name="Kind">What.</param>
/// <param name="Target">Whom, as the script says.</param>
/// <param name="Nodes">Which nodes it struck, by number.</param>
/// <param name="Roles">What they did in the run.</param>
/// <param name="Seconds">When, since the first step was committed.</param>
/// <param name="Step">Steps committed then.</param>
/// <param name="Skipped">Why it struck nobody; null if it did.</param>
internal sealed record ChaosRecord(string Kind, string Target, IReadOnlyList<int> Nodes, string Roles, double Seconds, long Step, string? Skipped)
{
    /// <summary>The kind of a kill.</summary>
    public const string Crash = "crash";

    /// <summary>
    /// From a kill to the first step that was committed without the node, in a view in which it has no part; from other faults to the next step after the longest pause that followed. Null
    /// where the node had no part, or the run ended before.
    /// </summary>
    public double? RecoverySeconds { get; set; }

    /// <summary>Steps that were committed, and lost by going back to a checkpoint.</summary>
    public long StepsLost { get; set; }

    /// <summary>Nodes that the run went on without while they were cut off or stopped; null where the fault does neither.</summary>
    public IReadOnlyList<int>? Removed { get; set; }

    /// <summary>From the moment at which the links are mended, or the process goes on, to the first step in which the last of those has a part again; null where one has not.</summary>
    public double? RejoinedSeconds { get; set; }

    /// <summary>Up to which step those had applied updates when they found out; null where none of them said so.</summary>
    public long? StepsApplied { get; set; }

    /// <summary>Where the run stood while it could not go on, before it went on without them.</summary>
    public long? StepsWithoutThem { get; set; }

    /// <summary>When the links were mended, or the process went on, since the first step; null where the fault does neither.</summary>
    [JsonIgnore]
    public double? EndSeconds { get; init; }

    /// <summary>When it struck, by the clock of the logs.</summary>
    [JsonIgnore]
    public DateTimeOffset Moment { get; init; }

    /// <summary>The nodes that were there, by number.</summary>
    [JsonIgnore]
    public IReadOnlyDictionary<int, string> Present { get; init; } = new Dictionary<int, string>();
}

/// <summary>What a chaos run showed.</summary>
/// <param name="Config">The run file.</param>
/// <param name="Script">The fault script.</param>
/// <param name="Nodes">Nodes at the start.</param>
/// <param name="Steps">Steps of the run.</param>
/// <param name="Seconds">Time that it took, from the first step.</param>
/// <param name="WeightsSha256">The hash that it ended with.</param>
/// <param name="ExpectedSha256">The hash that it must have; null where it was stopped before its end.</param>
/// <param name="ComparedWith">Whose hash that is: <see cref="Undisturbed"/> or <see cref="Replay"/>.</param>
/// <param name="Takeovers">How often a standby, or another coordinator, went on without losing a step.</param>
/// <param name="Rewinds">How often the run went back to its last checkpoint.</param>
/// <param name="StepsLost">Steps that were trained twice for that.</param>
/// <param name="Resumptions">How often the run failed, and was resumed from its checkpoint.</param>
/// <param name="Links">What has passed the proxies between the nodes; null where there were none.</param>
/// <param name="Faults">Each fault.</param>
internal sealed record ChaosReport(
    string Config,
    string Script,
    int Nodes,
    long Steps,
    double Seconds,
    string WeightsSha256,
    string? ExpectedSha256,
    string ComparedWith,
    int Takeovers,
    int Rewinds,
    long StepsLost,
    int Resumptions,
    LinkTraffic? Links,
    IReadOnlyList<ChaosRecord> Faults)
{
    /// <summary>Compared with a run that nothing disturbed.</summary>
    public const string Undisturbed = "undisturbed";

    /// <summary>Compared with a replay of the run's own log: its mode leaves the order of updates open.</summary>
    public const string Replay = "replay";

    /// <summary>Whether the faults left the result as it was, or as the log says.</summary>
    [JsonInclude]
    public bool IsEqual => ExpectedSha256 is null || ExpectedSha256 == WeightsSha256;
}
