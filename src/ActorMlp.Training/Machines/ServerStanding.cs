using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <summary>What a node knows of a run whose coordinator is gone.</summary>
/// <param name="View">The newest view.</param>
/// <param name="Continued">The last step at which the coordinator let the run go on; -1 for none.</param>
/// <param name="IsReady">Whether it has its range.</param>
/// <param name="Commits">Steps that the lead committed since the last checkpoint that the coordinator knew of, ascending; with the lead and its standby only.</param>
/// <param name="Epochs">Where the run stood at the ends of epochs since that checkpoint, with their figures, ascending: parameter servers are asked for each epoch's state.</param>
/// <param name="Views">Views of its arrangement that it has heard of.</param>
/// <param name="HasWeights">Whether it has had all weights of any step of which something may be missing; a worker that joined during the step in flight, or the one before, has not.</param>
public sealed record ServerStanding(
    View View, long Continued, bool IsReady, IReadOnlyList<StepCommitted> Commits, IReadOnlyList<RunProgress> Epochs, IReadOnlyList<View> Views, bool HasWeights = false);
