using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Wire;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Storage;
using ActorMlp.Training.Views;
using MessagePack;

namespace ActorMlp.Cluster.Runs;

/// <content>
/// The log of a run that is made of shares. The lead sends its updates before the state that has them, and they are on the disk before that state's checkpoint; so the file never ends before the
/// checkpoint, and what lies beyond it is dropped when the run goes on from there.
/// </content>
internal sealed partial class KeeperActor
{
    private readonly List<UpdateRecord> received = [];
    private CheckpointWritten? lastWritten;
    private CheckpointFailed? failed;
    private UpdateLog? updates;

    /// <summary>From the loss of a coordinator to the next arrangement no state becomes a checkpoint: the next coordinator could not know of it, and would go back further.</summary>
    private bool awaitsArrangement;
    private int? shares;

    private void AcceptUpdates(BulkBuffer payload) =>
        received.AddRange(MessagePackSerializer.Deserialize<UpdateRecord[]>(payload.Span.ToArray(), WireOptions.Strict));

    /// <summary>
    /// What comes from an arrangement's step on will have other bits. So a run that has a newer checkpoint than its coordinator knows of is not given the older one: the coordinator hears of
    /// the newer, and arranges anew.
    /// </summary>
    private bool BeginsShares(Arrangement arrangement)
    {
        if (arrangement.Step < saved.Step)
        {
            if (lastWritten is { } written && written.Step == saved.Step)
            {
                coordinator.Tell(written, Self);
            }

            return false;
        }

        shares = arrangement.Shares;
        awaitsArrangement = false;
        received.Clear();
        foreach (long step in states.Keys.Where(step => step > arrangement.Step).ToList())
        {
            states.Remove(step);
        }

        if (arrangement.Step == 0)
        {
            states[0] = RunState.Initial(options.Setup, null, shares);
        }

        updates?.Dispose();
        updates = null;
        updates = UpdateLog.Open(options.Directory.Updates, options.Setup, arrangement.Shares, arrangement.Step);
        return true;
    }

    /// <summary>Writes the log's lines that a checkpoint needs, before it.</summary>
    /// <returns>Whether that went well; else the run fails as if the checkpoint could not be written.</returns>
    private bool LogUpTo(long step)
    {
        if (updates is null)
        {
            return true;
        }

        try
        {
            foreach (UpdateRecord update in received.Where(update => update.Clock < step))
            {
                updates.Append(update);
            }

            updates.Flush();
        }
        catch (StorageException exception)
        {
            Self.Tell(new CheckpointFailed(exception.Message), Self);
            return false;
        }

        received.RemoveAll(update => update.Clock < step);
        return true;
    }
}
