using ActorMlp.Training.Consistency;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <content>
/// The log of a run that is made of shares. The lead sends its updates before the state that has them, and they are on the disk before that state's checkpoint; so the file never ends before the
/// checkpoint, and what lies beyond it is dropped when the run goes on from there.
/// </content>
public sealed partial class KeeperMachine
{
    private readonly List<UpdateRecord> received = [];

    /// <summary>From the loss of a coordinator to the next arrangement no state becomes a checkpoint: the next coordinator could not know of it, and would go back further.</summary>
    private bool awaitsArrangement;

    /// <summary>Updates that a server applied.</summary>
    public IReadOnlyList<KeeperEffect> Handle(UpdatesArrived message)
    {
        if (message.Arrangement == view.Arrangement.Number)
        {
            received.AddRange(message.Updates);
        }

        return [];
    }

    /// <summary>The log cannot be begun, or is not that of the run up to its checkpoint: the run could not be replayed.</summary>
    public IReadOnlyList<KeeperEffect> Handle(LogFailed message) => GiveUp(message.Reason);

    /// <summary>
    /// What comes from an arrangement's step on will have other bits. So a run that has a newer checkpoint than its coordinator knows of is not given the older one: the coordinator hears of
    /// the newer, if it is on disk already, and arranges anew.
    /// </summary>
    private AnswerCoordinator[] SayWhatIsSaved() => lastWritten is { } written && written.Step == Saved.Step ? [new AnswerCoordinator(written)] : [];

    private List<KeeperEffect> BeginShares(Arrangement arrangement)
    {
        Shares = arrangement.Shares;
        awaitsArrangement = false;
        received.Clear();
        List<KeeperEffect> effects = [.. Drop([.. states.Keys.Where(step => step > arrangement.Step)])];
        if (arrangement.Step == 0)
        {
            states[0] = new StateAccount(0);
            effects.Add(new CreateFirstState(arrangement.Shares));
        }

        effects.Add(new BeginLog(arrangement.Shares, arrangement.Step));
        return effects;
    }

    /// <summary>The log's lines that a checkpoint needs, before it.</summary>
    private AppendToLog[] LogUpTo(long step)
    {
        UpdateRecord[] updates = [.. received.Where(update => update.Clock < step)];
        received.RemoveAll(update => update.Clock < step);
        return updates.Length > 0 ? [new AppendToLog(updates)] : [];
    }
}
