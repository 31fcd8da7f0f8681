using ActorMlp.Training.Consistency;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;
using MessagePack;

namespace ActorMlp.Training.Messages;

/// <summary>The coordinator takes a run.</summary>
/// <param name="Run">Which.</param>
/// <param name="Nodes">How many nodes are asked to take part.</param>
[MessagePackObject]
public sealed record RunAccepted([property: Key(0)] ulong Run, [property: Key(1)] int Nodes);

/// <summary>Nodes are asked to take part (from the coordinator): if all that do are lost meanwhile, the next coordinator is among these.</summary>
/// <param name="NodeIds">Their control addresses.</param>
[MessagePackObject]
public sealed record NodesAsked([property: Key(0)] IReadOnlyList<string> NodeIds);

/// <summary>The coordinator does not take a run, or cannot begin it.</summary>
/// <param name="Run">Which.</param>
/// <param name="Reasons">Why, for the user.</param>
[MessagePackObject]
public sealed record RunRefused([property: Key(0)] ulong Run, [property: Key(1)] IReadOnlyList<string> Reasons);

/// <summary>Give the parameter servers their ranges (from the coordinator).</summary>
/// <param name="Arrangement">Who gets what.</param>
[MessagePackObject]
public sealed record RangesWanted([property: Key(0)] Arrangement Arrangement);

/// <summary>A run cannot go on (from the coordinator).</summary>
/// <param name="Reason">Why, for the user.</param>
[MessagePackObject]
public sealed record RunFailed([property: Key(0)] string Reason);

/// <summary>The coordinator's node leaves, or no node knows the run any more: submit it again, it goes on from its newest checkpoint (from the coordinator).</summary>
/// <param name="GoesBackFor">Why steps behind that checkpoint are trained again; null where the run has stopped at it.</param>
[MessagePackObject]
public sealed record RunMoves([property: Key(0)] string? GoesBackFor);

/// <summary>Steps are committed (from the coordinator).</summary>
/// <param name="Steps">Which, ascending.</param>
[MessagePackObject]
public sealed record StepsCommitted([property: Key(0)] IReadOnlyList<StepCommittedEvent> Steps);

/// <summary>One of the things that a coordinator tells whoever keeps the run, which it says again until <see cref="KeeperHeard"/> of it comes.</summary>
/// <param name="Number">Its number: the coordinator's first one is 1.</param>
/// <param name="Message">What it tells.</param>
public sealed record ToldToKeeper(long Number, object Message);

/// <summary>Nobody took the run since it was offered (from the keeper's actor to itself).</summary>
public sealed record OfferDue;

/// <summary>A coordinator is gone (from the keeper's actor to itself).</summary>
/// <param name="Name">Which one.</param>
public sealed record CoordinatorGone(CoordinatorName Name);

/// <summary>A node refuses to talk with whoever keeps the run: the one that was met under that name is gone (from the keeper's actor to itself).</summary>
/// <param name="NodeId">Which.</param>
public sealed record ContactGone(string NodeId);

/// <summary>Nodes that take part: any of them can be asked for a coordinator (from the keeper's actor to itself).</summary>
/// <param name="NodeIds">Which.</param>
public sealed record MembersMet(IReadOnlyList<string> NodeIds);

/// <summary>A part of the run's state is here (from the keeper's actor to itself).</summary>
/// <param name="Arrangement">Number of the arrangement whose server sent it.</param>
/// <param name="Step">Steps committed in it.</param>
/// <param name="Vector">Which vector it is of: the weights, 0, or other state.</param>
/// <param name="Offset">Its first float.</param>
/// <param name="Length">Its floats.</param>
public sealed record StateArrived(int Arrangement, long Step, int Vector, int Offset, int Length);

/// <summary>Updates that a server applied, in their order, before the state that has them (from the keeper's actor to itself).</summary>
/// <param name="Arrangement">Number of the server's arrangement.</param>
/// <param name="Updates">What it applied.</param>
public sealed record UpdatesArrived(int Arrangement, IReadOnlyList<UpdateRecord> Updates);

/// <summary>The log of updates cannot be begun, or gone on with (from the keeper's actor to itself).</summary>
/// <param name="Reason">Why, for the user.</param>
public sealed record LogFailed(string Reason);

/// <summary>The best epoch's weights are read (from the keeper's actor to itself).</summary>
/// <param name="Restoration">For which time they were asked for.</param>
public sealed record BestLoaded(int Restoration);

/// <summary>The best epoch's weights cannot be read, or are not on the disk (from the keeper's actor to itself).</summary>
/// <param name="Restoration">For which time they were asked for.</param>
/// <param name="Reason">Why, for the user.</param>
public sealed record BestMissing(int Restoration, string Reason);

/// <summary>A coordinator, as whoever keeps its run tells it from others.</summary>
/// <param name="NodeId">The node that it is on.</param>
/// <param name="Life">Which of that node's coordinators it is.</param>
public readonly record struct CoordinatorName(string NodeId, long Life);
