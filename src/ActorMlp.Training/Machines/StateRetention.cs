using ActorMlp.Training.Messages;

namespace ActorMlp.Training.Machines;

/// <summary>
/// Which states of a run its keeper must keep, decided. A coordinator may ask for the state of the newest checkpoint that it knows of, and of those that it is about
/// to hear of; a state whose checkpoint was overtaken before it was written is never asked for.
/// </summary>
public sealed class StateRetention
{
    private readonly SortedSet<long> written = [];
    private long known;

    /// <summary>A checkpoint is asked for: the coordinator says which one it knows of.</summary>
    public void Enter(WriteCheckpoint message)
    {
        known = Math.Max(known, message.KnownStep);
        written.RemoveWhere(step => step < known);
    }

    /// <summary>The newest checkpoint is on disk.</summary>
    public void Enter(CheckpointWritten message)
    {
        if (message.Kind == CheckpointKind.Last)
        {
            written.Add(message.Step);
        }
    }

    /// <summary>The states that nobody can ask for any more.</summary>
    /// <param name="states">Steps of those that are there.</param>
    /// <param name="needed">Steps of those that are needed here: for checkpoints that are to be written, and to submit the run again.</param>
    public IReadOnlyList<long> Forget(IEnumerable<long> states, IReadOnlyCollection<long> needed) =>
    [
        .. states.Where(step => !needed.Contains(step)
            && (step < known || (step != known && written.Count > 0 && step < written.Max && !written.Contains(step)))),
    ];
}
