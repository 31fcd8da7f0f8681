using ActorMlp.Engine.Batches;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;
using MessagePack;

namespace ActorMlp.Training.Messages;

/// <summary>What a coordinator handles.</summary>
public interface ICoordinatorMessage;

/// <summary>A worker is there and takes shards.</summary>
/// <param name="Worker">Who.</param>
[MessagePackObject]
public sealed record WorkerJoined([property: Key(0)] WorkerId Worker) : ICoordinatorMessage;

/// <summary>A worker failed; it comes back under its next incarnation, if it does.</summary>
/// <param name="Worker">Who.</param>
/// <param name="Reason">What it failed of.</param>
/// <param name="Final">Whether it is given up.</param>
[MessagePackObject]
public sealed record WorkerFailed(
    [property: Key(0)] WorkerId Worker,
    [property: Key(1)] string Reason,
    [property: Key(2)] bool Final) : ICoordinatorMessage;

/// <summary>Workers and parameter servers that are there before the run begins (from the coordinator's actor to itself).</summary>
/// <param name="Workers">Workers.</param>
/// <param name="Servers">Parameter servers, by number.</param>
public sealed record NodesGathered(IReadOnlyList<WorkerId> Workers, IReadOnlyList<int> Servers) : ICoordinatorMessage;

/// <summary>A parameter server is there and takes a range.</summary>
/// <param name="Server">Its number.</param>
[MessagePackObject]
public sealed record ServerJoined([property: Key(0)] int Server) : ICoordinatorMessage;

/// <summary>A node is gone: its worker, and with its parameter server what that held (from the coordinator's actor to itself).</summary>
/// <param name="Node">Its number.</param>
/// <param name="Reason">What became of it.</param>
public sealed record NodeLost(int Node, string Reason) : ICoordinatorMessage;

/// <summary>
/// What nodes know of a run whose coordinator is gone (from the next coordinator's actor to itself, first of all): the run goes on from there.
/// </summary>
/// <param name="View">The newest view.</param>
/// <param name="Workers">Its workers, also those that are gone.</param>
/// <param name="Newcomers">Those that joined during the step in flight or the one before, and cannot compute them.</param>
/// <param name="Servers">Its parameter servers, also those that are gone.</param>
/// <param name="Commits">Steps that were committed, ascending; from the newest progress that is known on, all of them.</param>
/// <param name="Continued">The last step at which the old coordinator let the run go on, as far as any server knows; -1 for none.</param>
/// <param name="AreReady">Whether every server has its range.</param>
/// <param name="Newest">The newest progress that whoever keeps the run was told; the checkpoint with it may still be on its way.</param>
/// <param name="Epochs">Where the run stood at the ends of epochs, with their figures, as servers were told.</param>
/// <param name="Views">Views of the arrangement that servers have heard of, and whoever keeps the run perhaps not.</param>
public sealed record RunRecovered(
    View View,
    IReadOnlyList<WorkerId> Workers,
    IReadOnlyList<WorkerId> Newcomers,
    IReadOnlyList<int> Servers,
    IReadOnlyList<StepCommitted> Commits,
    long Continued,
    bool AreReady,
    RunProgress Newest,
    IReadOnlyList<RunProgress> Epochs,
    IReadOnlyList<View> Views) : ICoordinatorMessage;

/// <summary>No node has begun the run that is taken over (from the next coordinator's actor to itself, before nodes are gathered).</summary>
/// <param name="Reason">For the user.</param>
public sealed record RunNotBegun(string Reason) : ICoordinatorMessage;

/// <summary>Time passes (from the coordinator's actor to itself).</summary>
public sealed record ProgressDue : ICoordinatorMessage;

/// <summary>A parameter server has what an arrangement gives it.</summary>
/// <param name="Server">Its number.</param>
/// <param name="Arrangement">The arrangement's number.</param>
[MessagePackObject]
public sealed record RangeReady([property: Key(0)] int Server, [property: Key(1)] int Arrangement) : ICoordinatorMessage;

/// <summary>A node, worker and parameter server of one number, wants to leave in order.</summary>
/// <param name="Node">Its number.</param>
[MessagePackObject]
public sealed record NodeLeaving([property: Key(0)] int Node) : ICoordinatorMessage;

/// <summary>What a worker computed of late.</summary>
/// <param name="Worker">Who.</param>
/// <param name="Shards">Shards.</param>
/// <param name="BusySeconds">Seconds that they took.</param>
[MessagePackObject]
public sealed record WorkerPace(
    [property: Key(0)] WorkerId Worker, [property: Key(1)] long Shards, [property: Key(2)] double BusySeconds) : ICoordinatorMessage;

/// <summary>A step is committed: every shard counted exactly once, the update applied (from the parameter server).</summary>
/// <param name="Step">The step, 0-based.</param>
/// <param name="Totals">Sums over the step's rows.</param>
/// <param name="LearningRate">The step's learning rate.</param>
/// <param name="GradientNorm">Global norm of the mean gradient; null where clipping is off.</param>
/// <param name="Held">Whether the next step waits for <see cref="ContinueTraining"/>.</param>
/// <param name="Contributions">Subtrees that were counted, left to right, and who computed each.</param>
/// <param name="Redealt">Shards of this step that were dealt again.</param>
/// <param name="DuplicatesDropped">Results that were dropped since the step before, as they were there already or came from an older view.</param>
/// <param name="View">The view that the step ended in.</param>
/// <param name="ShardsVerified">Shards that a second worker computed too, with the same bits.</param>
/// <param name="ShardsInVain">Shards whose results were dropped since the step before, as another worker's copy had come, or the step was over.</param>
[MessagePackObject]
public sealed record StepCommitted(
    [property: Key(0)] long Step,
    [property: Key(1)] GradientTotals Totals,
    [property: Key(2)] double LearningRate,
    [property: Key(3)] double? GradientNorm,
    [property: Key(4)] bool Held,
    [property: Key(5)] IReadOnlyList<CountedSubtree> Contributions,
    [property: Key(6)] IReadOnlyList<RedealtShards> Redealt,
    [property: Key(7)] int DuplicatesDropped,
    [property: Key(8)] int View,
    [property: Key(9)] int ShardsVerified = 0,
    [property: Key(10)] int ShardsInVain = 0) : ICoordinatorMessage;

/// <summary>A step's update gave numbers that are not finite (from the parameter server).</summary>
/// <param name="Step">The step, 0-based.</param>
/// <param name="Layer">The first layer concerned, 0-based.</param>
/// <param name="LossMean">The step's mean loss.</param>
[MessagePackObject]
public sealed record StepDiverged(
    [property: Key(0)] long Step,
    [property: Key(1)] int Layer,
    [property: Key(2)] double LossMean) : ICoordinatorMessage;

/// <summary>Two results for the same subtree differ: some machine computes wrongly (from the parameter server).</summary>
/// <param name="Step">The step, 0-based.</param>
/// <param name="Node">The subtree.</param>
/// <param name="First">Whose result came first.</param>
/// <param name="Second">Whose result differs from it.</param>
[MessagePackObject]
public sealed record DuplicatesDiffer(
    [property: Key(0)] long Step,
    [property: Key(1)] TreeNode Node,
    [property: Key(2)] WorkerId First,
    [property: Key(3)] WorkerId Second) : ICoordinatorMessage;

/// <summary>Blocks of a split are evaluated (from a worker).</summary>
/// <param name="Evaluation">Number of the evaluation within the run.</param>
/// <param name="FirstBlock">First block.</param>
/// <param name="Totals">Sums, one per block.</param>
[MessagePackObject]
public sealed record BlocksEvaluated(
    [property: Key(0)] int Evaluation,
    [property: Key(1)] int FirstBlock,
    [property: Key(2)] IReadOnlyList<EvaluationTotals> Totals) : ICoordinatorMessage;

/// <summary>A checkpoint is safely on disk (from the parameter server).</summary>
/// <param name="Kind">Which one.</param>
/// <param name="Step">Steps committed in it.</param>
/// <param name="Path">Where.</param>
[MessagePackObject]
public sealed record CheckpointWritten(
    [property: Key(0)] CheckpointKind Kind,
    [property: Key(1)] long Step,
    [property: Key(2)] string Path) : ICoordinatorMessage;

/// <summary>
/// Whoever keeps the run has the whole state of its newest checkpoint, and has it written: from now on the run goes back no further, whichever node is lost.
/// </summary>
/// <param name="Progress">Where the run stood.</param>
[MessagePackObject]
public sealed record StateKept([property: Key(0)] RunProgress Progress) : ICoordinatorMessage;

/// <summary>A checkpoint could not be written (from the parameter server).</summary>
/// <param name="Reason">Why, for the user.</param>
[MessagePackObject]
public sealed record CheckpointFailed([property: Key(0)] string Reason) : ICoordinatorMessage;

/// <summary>The best checkpoint's weights stand (from the parameter server).</summary>
/// <param name="LastWeightsSha256">Hash of the weights that they took the place of.</param>
[MessagePackObject]
public sealed record BestRestored([property: Key(0)] string LastWeightsSha256) : ICoordinatorMessage;

/// <summary>Stop after the step in flight (from whoever runs the run).</summary>
[MessagePackObject]
public sealed record StopRequested : ICoordinatorMessage;

/// <summary>Whoever keeps the run has heard what it was told, up to here (see <see cref="ToldToKeeper"/>).</summary>
/// <param name="Number">Number of the last thing that it heard without a gap; 0 for none.</param>
[MessagePackObject]
public sealed record KeeperHeard([property: Key(0)] long Number);
