using System.Text.Json.Serialization;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Audits;

/// <summary>The first thing of a run that does not hold.</summary>
/// <param name="File">The file it was found in.</param>
/// <param name="Line">The line, from 1; null where it concerns the whole file.</param>
/// <param name="Problem">What was expected, and what is there.</param>
public sealed record AuditFinding(string File, int? Line, string Problem)
{
    /// <inheritdoc/>
    public override string ToString() => Line is { } line ? $"{File}:{line}: {Problem}" : $"{File}: {Problem}";
}

/// <summary>What a worker computed.</summary>
/// <param name="Name">Its node's address; on one machine, the worker's number.</param>
/// <param name="Shards">Shards of it that were counted.</param>
/// <param name="Steps">Steps that have some of them.</param>
/// <param name="Rows">Rows in those shards.</param>
/// <param name="Share">Its part of all shards.</param>
public sealed record WorkerShare(string Name, long Shards, long Steps, long Rows, double Share);

/// <summary>Shards that were dealt again.</summary>
/// <param name="Step">The step, 0-based.</param>
/// <param name="Worker">Who had them before: a node's address, or the worker's number.</param>
/// <param name="First">The first of them.</param>
/// <param name="Count">How many.</param>
/// <param name="Reason">Why.</param>
public sealed record RedealtEntry(long Step, string Worker, int First, int Count, RedealReason Reason);

/// <summary>A return to an earlier step.</summary>
/// <param name="Step">Steps that stood.</param>
/// <param name="StepsTrainedAgain">Steps that were committed and trained once more.</param>
/// <param name="Reason">Why.</param>
public sealed record RewindEntry(long Step, long StepsTrainedAgain, string Reason);

/// <summary>What an audit found.</summary>
public sealed record AuditReport
{
    /// <summary>The run's name.</summary>
    public required string RunId { get; init; }

    /// <summary>Whether all that was checked holds.</summary>
    public bool Holds => Finding is null;

    /// <summary>The first thing that does not hold; null for none. What follows then covers what stands before it.</summary>
    public AuditFinding? Finding { get; init; }

    /// <summary>How the run ended; null if it has not ended, was killed or failed.</summary>
    public RunStatus? Status { get; init; }

    /// <summary>Steps committed.</summary>
    public required long Steps { get; init; }

    /// <summary>Epochs of which every step is committed.</summary>
    public required int Epochs { get; init; }

    /// <summary>Training rows, each of which every epoch must see once.</summary>
    public required int TrainingRows { get; init; }

    /// <summary>Shards of a step.</summary>
    public required int ShardsPerStep { get; init; }

    /// <summary>Rows trained, each epoch counted by itself.</summary>
    public required long Rows { get; init; }

    /// <summary>Who computed what.</summary>
    public required IReadOnlyList<WorkerShare> Workers { get; init; }

    /// <summary>What was dealt again, in the order of steps.</summary>
    public required IReadOnlyList<RedealtEntry> Redealt { get; init; }

    /// <summary>Results that were dropped as they were there already, or were of an older view.</summary>
    public required long DuplicatesDropped { get; init; }

    /// <summary>Shards that two workers computed with the same bits.</summary>
    public required long ShardsVerified { get; init; }

    /// <summary>Shards that were computed in vain: another worker's copy had come, or the step was over.</summary>
    public required long ShardsInVain { get; init; }

    /// <summary>Shards that the configuration has computed twice; those of them are not verified for which there was no second worker, or it was lost.</summary>
    public required long ShardsToVerify { get; init; }

    /// <summary>Returns to an earlier step, in the order in which they happened.</summary>
    public required IReadOnlyList<RewindEntry> Rewinds { get; init; }

    /// <summary>Steps that were committed when the run was resumed.</summary>
    public required IReadOnlyList<long> ResumedAt { get; init; }

    /// <summary>What else there is to say of the files.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>Lines of the ledger.</summary>
    public required int Lines { get; init; }

    /// <summary>Shards dealt again.</summary>
    [JsonIgnore]
    public long ShardsRedealt => Redealt.Sum(entry => (long)entry.Count);
}
