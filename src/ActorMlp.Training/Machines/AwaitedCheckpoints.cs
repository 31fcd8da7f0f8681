using ActorMlp.Training.Messages;

namespace ActorMlp.Training.Machines;

/// <summary>Checkpoints that were asked for and whose state is still on its way to whoever keeps the run.</summary>
public sealed class AwaitedCheckpoints
{
    private readonly List<WriteCheckpoint> awaited = [];

    /// <summary>Whether nothing is awaited.</summary>
    public bool IsEmpty => awaited.Count == 0;

    /// <summary>What is awaited, in the order in which it was asked for.</summary>
    public IReadOnlyList<WriteCheckpoint> All => awaited;

    /// <summary>A checkpoint is asked for.</summary>
    public void Add(WriteCheckpoint wanted) => awaited.Add(wanted);

    /// <summary>Forgets what was asked for.</summary>
    public void Clear() => awaited.Clear();

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
            bool lacksBest = wanted.Kind == CheckpointKind.Last
                && awaited.Exists(one => one.Kind == CheckpointKind.Best && one.Progress.Best == wanted.Progress.Best);
            if (isWhole(wanted.Progress.Step) && !lacksBest && awaited.Contains(wanted))
            {
                due.Add(wanted);

                // What an older one lacks may be with a server that is gone.
                awaited.RemoveAll(one => one.Kind == wanted.Kind && one.Progress.Step <= wanted.Progress.Step);
            }
        }

        return due;
    }
}
