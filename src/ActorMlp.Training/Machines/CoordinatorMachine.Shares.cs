using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Machines;

/// <content>
/// Runs that are made of shares. What is trained anew there gets other bits; so a run that goes back goes to the newest checkpoint that is on disk, even where its word has not come yet:
/// whoever keeps the run gives servers no older state, and says so again.
/// </content>
public sealed partial class CoordinatorMachine
{
    private readonly SortedDictionary<long, RunProgress> asked = [];
    private int? shares = shape.Shares;
    private RunRewound? rewound;

    /// <summary>Workers whose shares the run is made of: those who are there when it begins.</summary>
    private int SharesOfRun() => shape.Sharing is null ? 0 : (shares ??= members.Count);

    private void EnterAsked(RunProgress checkpoint)
    {
        if (shape.Sharing is not null)
        {
            asked[checkpoint.Step] = checkpoint;
            foreach (long old in asked.Keys.TakeWhile(step => step <= saved.Step).ToList())
            {
                asked.Remove(old);
            }
        }
    }

    /// <summary>A checkpoint is on disk, perhaps one that was overtaken by a newer one, or by the loss of the server that it is of.</summary>
    private IReadOnlyList<CoordinatorEffect> Confirm(CheckpointWritten message)
    {
        if (message.Kind != CheckpointKind.Last || saving?.Step == message.Step || message.Step <= saved.Step || !asked.TryGetValue(message.Step, out RunProgress? written))
        {
            return [];
        }

        saved = written;
        return rewound is { } going ? Rewind(going.Reason, lastHeard) : [];
    }

    /// <summary>Says that the run went back, once it is known how far.</summary>
    private Notify[] TellRewound()
    {
        Notify[] told = rewound is null ? [] : [new Notify(rewound)];
        rewound = null;
        asked.Clear();
        return told;
    }
}
