using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Machines;

/// <summary>Checkpoints that were asked for and whose state is still on its way to whoever keeps the run.</summary>
/// <param name="stepsPerEpoch">Steps of an epoch.</param>
/// <param name="bestWaitsForLast">Whether training anew gives other bits: then the best one is kept only with the last that refers to it.</param>
public sealed class AwaitedCheckpoints(int stepsPerEpoch, bool bestWaitsForLast = false)
{
    private readonly List<WriteCheckpoint> awaited = [];
    private long best = -1;

    /// <summary>Whether nothing is awaited.</summary>
    public bool IsEmpty => awaited.Count == 0;

    /// <summary>What is awaited, in the order in which it was asked for.</summary>
    public IReadOnlyList<WriteCheckpoint> All => awaited;

    /// <summary>The run goes on from a checkpoint: what was asked for is forgotten.</summary>
    /// <param name="saved">The checkpoint's progress.</param>
    public void Begin(RunProgress saved)
    {
        awaited.Clear();
        best = BestOf(saved);
    }

    /// <summary>A checkpoint is asked for. With the last one of an epoch that is the best, the best one is too, if word of that was lost.</summary>
    public void Add(WriteCheckpoint wanted)
    {
        if (BestOf(wanted.Progress) == wanted.Progress.Step && best != wanted.Progress.Step)
        {
            best = wanted.Progress.Step;
            awaited.Add(wanted with { Kind = CheckpointKind.Best });
        }

        if (wanted.Kind == CheckpointKind.Last)
        {
            awaited.Add(wanted);
        }
    }

    /// <summary>
    /// Takes out what can be written, in order, and what is overtaken by that. A last checkpoint waits for the best one that it refers to: with another one
    /// the run would end with the wrong weights.
    /// </summary>
    /// <param name="isWhole">Whether the state of a step is there.</param>
    public IReadOnlyList<WriteCheckpoint> TakeDue(Predicate<long> isWhole)
    {
        List<WriteCheckpoint> due = [];
        foreach (WriteCheckpoint wanted in awaited.OrderBy(one => one.Progress.Step).ThenByDescending(one => one.Kind).ToList())
        {
            long refersTo = BestOf(wanted.Progress);

            // A newer best one on disk does no harm: it is of this very run, which will come to it again.
            bool lacksBest = wanted.Kind == CheckpointKind.Last
                && (refersTo > best || awaited.Exists(one => one.Kind == CheckpointKind.Best && one.Progress.Step <= refersTo));
            bool lacksLast = bestWaitsForLast && wanted.Kind == CheckpointKind.Best
                && !awaited.Exists(one => one.Kind == CheckpointKind.Last && one.Progress.Step == wanted.Progress.Step);
            if (isWhole(wanted.Progress.Step) && !lacksBest && !lacksLast && awaited.Contains(wanted))
            {
                due.Add(wanted);

                // What an older one lacks may be with a server that is gone.
                awaited.RemoveAll(one => one.Kind == wanted.Kind && one.Progress.Step <= wanted.Progress.Step);
            }
        }

        return due;
    }

    /// <summary>Steps committed in the best checkpoint; -1 for none.</summary>
    private long BestOf(RunProgress progress) => progress.Best is { } found ? (long)found.Epoch * stepsPerEpoch : -1;
}
