using ActorMlp.Training.Consistency;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <summary>What the keeper of a run wants done, in this order.</summary>
public abstract record KeeperEffect;

/// <summary>Submit the run; if nobody has taken it by then, hand in <see cref="OfferDue"/>.</summary>
/// <param name="Run">The number that it has until it is submitted anew.</param>
/// <param name="To">Nodes, each of which passes it on to the coordinator that it knows.</param>
/// <param name="Progress">The newest checkpoint.</param>
/// <param name="Newest">Where the run is under way: the newest progress that was told. Null where nodes are to begin anew.</param>
/// <param name="LastView">The newest view that was heard of, by whichever coordinator.</param>
/// <param name="Shares">Workers that a run that is made of shares was begun with.</param>
/// <param name="AgainAfter">How long an answer is waited for.</param>
public sealed record OfferRun(
    ulong Run, IReadOnlyList<string> To, RunProgress Progress, RunProgress? Newest, int LastView, int? Shares, TimeSpan AgainAfter) : KeeperEffect;

/// <summary>Whoever just answered is the coordinator from now on: watch over it, and offer the run no longer.</summary>
/// <param name="Nodes">How many nodes it asks to take part.</param>
public sealed record FollowCoordinator(int Nodes) : KeeperEffect;

/// <summary>The coordinator is none any more.</summary>
/// <param name="IsLost">Whether the run goes on without it, until the next is found.</param>
public sealed record LeaveCoordinator(bool IsLost) : KeeperEffect;

/// <summary>Tell the coordinator, if there is one.</summary>
/// <param name="Message">What to tell.</param>
public sealed record AnswerCoordinator(ICoordinatorMessage Message) : KeeperEffect;

/// <summary>The run begins, or goes on, for the first time in this process: say so.</summary>
/// <param name="Progress">From where.</param>
public sealed record AnnounceStart(RunProgress Progress) : KeeperEffect;

/// <summary>The run goes back to a checkpoint without its coordinator saying so: tell of it.</summary>
/// <param name="Rewound">How far, and why.</param>
public sealed record AnnounceRewind(RunRewound Rewound) : KeeperEffect;

/// <summary>Give a parameter server, or a worker, a part of a state that is whole.</summary>
/// <param name="To">Its number; it may be gone.</param>
/// <param name="Arrangement">The arrangement's number.</param>
/// <param name="Step">Steps committed in the state.</param>
/// <param name="Vector">Which vector of it.</param>
/// <param name="Piece">Which part.</param>
public sealed record SupplyState(int To, int Arrangement, long Step, int Vector, ParameterPiece Piece) : KeeperEffect;

/// <summary>Have the state that a run that is made of so many workers' shares begins with.</summary>
/// <param name="Shares">Workers.</param>
public sealed record CreateFirstState(int Shares) : KeeperEffect;

/// <summary>Let go of a state: nobody can ask for it any more.</summary>
/// <param name="Step">Steps committed in it.</param>
public sealed record DropState(long Step) : KeeperEffect;

/// <summary>Begin the log of updates, or go on with it behind a step; what it has beyond will be trained anew. In the background, before all that is appended; hand in <see cref="LogFailed"/> if it cannot be.</summary>
/// <param name="Shares">Workers whose shares the run is made of.</param>
/// <param name="Step">The step.</param>
public sealed record BeginLog(int Shares, long Step) : KeeperEffect;

/// <summary>Append to the log of updates, in the background, and before the checkpoints that follow: one whose updates cannot be written is not written, so <see cref="CheckpointFailed"/> follows.</summary>
/// <param name="Updates">What.</param>
public sealed record AppendToLog(IReadOnlyList<UpdateRecord> Updates) : KeeperEffect;

/// <summary>
/// Have a state that is whole written, in the background and in order, tell the coordinator <see cref="CheckpointWritten"/>, or hand in <see cref="CheckpointFailed"/>. One that waits may be overtaken by a newer
/// one of its kind; after one that failed none is written.
/// </summary>
/// <param name="Kind">Which checkpoint.</param>
/// <param name="Progress">What else it holds.</param>
public sealed record WriteState(CheckpointKind Kind, RunProgress Progress) : KeeperEffect;

/// <summary>Read the best checkpoint's weights, as soon as what is to be written is, and hand in <see cref="BestLoaded"/> or <see cref="BestMissing"/>.</summary>
/// <param name="Step">Steps committed in it: another one is not it.</param>
/// <param name="Restoration">For which time that is.</param>
public sealed record ReadBest(long Step, int Restoration) : KeeperEffect;

/// <summary>Give a worker a piece of the best epoch's weights.</summary>
/// <param name="To">Its number; it may be gone.</param>
/// <param name="Message">What it makes of it.</param>
/// <param name="Piece">Which piece.</param>
public sealed record SendBest(int To, WeightsArrived Message, ParameterPiece Piece) : KeeperEffect;

/// <summary>Tell the coordinator that the best epoch's weights stand, with the hash of those in whose place they are.</summary>
/// <param name="LastStep">Steps committed in those.</param>
public sealed record ConfirmBest(long LastStep) : KeeperEffect;

/// <summary>The run has ended.</summary>
/// <param name="Conclusion">How.</param>
/// <param name="Step">Steps committed in the weights that stand; null for those of the best epoch.</param>
public sealed record CloseRun(RunConclusion Conclusion, long? Step) : KeeperEffect;

/// <summary>The run has failed; it can be resumed.</summary>
/// <param name="Reason">Why, for the user.</param>
public sealed record GiveUpRun(string Reason) : KeeperEffect;

/// <summary>No coordinator takes the run, and it never began.</summary>
/// <param name="Reasons">Why, for the user.</param>
public sealed record RefuseRun(IReadOnlyList<string> Reasons) : KeeperEffect;
