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

    private List<KeeperEffect> BeginShares(Arrangement arrangement)
    {
        Shares = arrangement.Shares;
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
