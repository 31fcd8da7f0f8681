using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Ledgers;

/// <summary>A line of a ledger.</summary>
public abstract record LedgerLine;

/// <summary>The run starts, or is resumed.</summary>
/// <param name="Step">Steps committed before.</param>
/// <param name="RunId">The run's name.</param>
/// <param name="TrainingRows">Its training rows.</param>
/// <param name="StepsPerEpoch">Steps that an epoch makes of them.</param>
/// <param name="Epochs">Its epochs.</param>
public sealed record StartLine(long Step, string RunId, int TrainingRows, int StepsPerEpoch, int Epochs) : LedgerLine;

/// <summary>Who is in the run, from here on.</summary>
/// <param name="Nodes">The address of each node, by its worker's number.</param>
public sealed record MembersLine(IReadOnlyDictionary<int, string> Nodes) : LedgerLine;

/// <summary>A view stands: whose shards are which.</summary>
/// <param name="View">Its number.</param>
/// <param name="Shares">The shards of each worker that has some.</param>
public sealed record ViewLine(int View, IReadOnlyList<WorkerShards> Shares) : LedgerLine;

/// <summary>Neighbouring shards of a worker.</summary>
/// <param name="Worker">The worker's number.</param>
/// <param name="First">The first shard.</param>
/// <param name="Count">How many.</param>
public readonly record struct WorkerShards(int Worker, int First, int Count);

/// <summary>A step is committed.</summary>
/// <param name="Epoch">Its epoch, 1-based.</param>
/// <param name="Account">What it was made of.</param>
public sealed record StepLine(int Epoch, StepAccount Account) : LedgerLine;

/// <summary>The run went back: the lines of the steps from there on were taken out, and follow once more.</summary>
/// <param name="Step">Steps that stand.</param>
/// <param name="From">Steps that were committed.</param>
/// <param name="Reason">Why.</param>
/// <param name="View">The first view in which steps may be computed from then on; 0 where views are numbered anew.</param>
public sealed record RewindLine(long Step, long From, string Reason, int View = 0) : LedgerLine;

/// <summary>A line of a ledger is not what the program writes.</summary>
/// <param name="message">What is wrong with it.</param>
public sealed class LedgerFormatException(string message) : Exception(message);
