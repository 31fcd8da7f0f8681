using ActorMlp.Engine.Batches;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Messages;

/// <summary>What a coordinator handles.</summary>
public interface ICoordinatorMessage;

/// <summary>A worker is there and takes shards.</summary>
/// <param name="Worker">Who.</param>
public sealed record WorkerJoined(WorkerId Worker) : ICoordinatorMessage;

/// <summary>A worker failed; it comes back under its next incarnation, if it does.</summary>
/// <param name="Worker">Who.</param>
/// <param name="Reason">What it failed of.</param>
/// <param name="Final">Whether it is given up.</param>
public sealed record WorkerFailed(WorkerId Worker, string Reason, bool Final) : ICoordinatorMessage;

/// <summary>A step is committed: every shard counted exactly once, the update applied (from the parameter server).</summary>
/// <param name="Step">The step, 0-based.</param>
/// <param name="Totals">Sums over the step's rows.</param>
/// <param name="LearningRate">The step's learning rate.</param>
/// <param name="GradientNorm">Global norm of the mean gradient; null where clipping is off.</param>
/// <param name="Held">Whether the next step waits for <see cref="ContinueTraining"/>.</param>
/// <param name="Contributions">Shards counted per worker.</param>
/// <param name="ShardsReissued">Shards of this step that were dealt again after a loss.</param>
/// <param name="DuplicatesDropped">Results that were dropped since the step before, as they were there already or came from an older view.</param>
public sealed record StepCommitted(
    long Step,
    GradientTotals Totals,
    double LearningRate,
    double? GradientNorm,
    bool Held,
    IReadOnlyList<WorkerContribution> Contributions,
    int ShardsReissued,
    int DuplicatesDropped) : ICoordinatorMessage;

/// <summary>Shards of a step that came from a worker.</summary>
/// <param name="Worker">The worker's number.</param>
/// <param name="Shards">How many.</param>
public readonly record struct WorkerContribution(int Worker, int Shards);

/// <summary>A step's update gave numbers that are not finite (from the parameter server).</summary>
/// <param name="Step">The step, 0-based.</param>
/// <param name="Layer">The first layer concerned, 0-based.</param>
/// <param name="LossMean">The step's mean loss.</param>
public sealed record StepDiverged(long Step, int Layer, double LossMean) : ICoordinatorMessage;

/// <summary>Two results for the same subtree differ: some machine computes wrongly (from the parameter server).</summary>
/// <param name="Step">The step, 0-based.</param>
/// <param name="Node">The subtree.</param>
/// <param name="First">Whose result came first.</param>
/// <param name="Second">Whose result differs from it.</param>
public sealed record DuplicatesDiffer(long Step, TreeNode Node, WorkerId First, WorkerId Second) : ICoordinatorMessage;

/// <summary>Blocks of a split are evaluated (from a worker).</summary>
/// <param name="Evaluation">Number of the evaluation within the run.</param>
/// <param name="FirstBlock">First block.</param>
/// <param name="Totals">Sums, one per block.</param>
public sealed record BlocksEvaluated(int Evaluation, int FirstBlock, IReadOnlyList<EvaluationTotals> Totals) : ICoordinatorMessage;

/// <summary>A checkpoint is safely on disk (from the parameter server).</summary>
/// <param name="Kind">Which one.</param>
/// <param name="Step">Steps committed in it.</param>
/// <param name="Path">Where.</param>
public sealed record CheckpointWritten(CheckpointKind Kind, long Step, string Path) : ICoordinatorMessage;

/// <summary>A checkpoint could not be written (from the parameter server).</summary>
/// <param name="Reason">Why, for the user.</param>
public sealed record CheckpointFailed(string Reason) : ICoordinatorMessage;

/// <summary>The best checkpoint's weights stand (from the parameter server).</summary>
/// <param name="LastWeightsSha256">Hash of the weights that they took the place of.</param>
public sealed record BestRestored(string LastWeightsSha256) : ICoordinatorMessage;

/// <summary>Stop after the step in flight (from whoever runs the run).</summary>
public sealed record StopRequested : ICoordinatorMessage;
