using ActorMlp.Training.Consistency;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Simulation;

/// <summary>Whoever keeps the run, simulated: the states that it has, the checkpoints that it writes, and what it gives to servers.</summary>
/// <param name="cluster">Everything else.</param>
internal sealed class SimulatedKeeper(ClusterSimulation cluster)
{
    private readonly SimulatedModel model = cluster.Model;
    private readonly SortedDictionary<long, State> states = [];
    private readonly AwaitedCheckpoints awaited = new(
        cluster.Model.Shape.StepsPerEpoch, bestWaitsForLast: cluster.Model.Shape.Sharing is not null);
    private readonly Queue<(CheckpointKind Kind, RunProgress Progress, float[][] Slots)> disk = [];
    private readonly List<UpdateRecord> log = [];
    private readonly List<UpdateRecord> received = [];
    private bool awaitsArrangement;
    private StateRetention retention = new();
    private (RunProgress Progress, float[][] Slots)? lastOnDisk;
    private View view = View.None;
    private (long Step, float[] Weights)? bestOnDisk;
    private int written;
    private int restoration;
    private int supplied;
    private long? restoresBest;

    /// <summary>The newest checkpoint's progress: where another coordinator begins.</summary>
    public RunProgress Saved { get; private set; } = RunProgress.Start;

    /// <summary>The newest progress that the keeper was told; the state to it may still be on its way.</summary>
    public RunProgress Newest =>
        awaited.All.Where(wanted => wanted.Kind == CheckpointKind.Last).Select(wanted => wanted.Progress).Append(Saved).MaxBy(progress => progress.Step)!;

    /// <summary>The log of updates: up to the newest checkpoint that is to be written, and on disk before it.</summary>
    public IReadOnlyList<UpdateRecord> Log => log;

    /// <summary>Workers that a run that is made of shares was begun with; null before that, and in other runs.</summary>
    public int? Shares { get; private set; }

    /// <summary>The best epoch's weights, once they are restored.</summary>
    public float[]? Best { get; private set; }

    /// <summary>Whether a checkpoint could not be written since the run was submitted.</summary>
    public bool LostCheckpoint { get; private set; }

    /// <summary>The weights after some step, if they are here.</summary>
    public float[]? WeightsAfter(long step) => states.TryGetValue(step, out State? state) && state.IsWhole ? state.Slots[0] : null;

    /// <summary>The run is submitted, for the first time or again.</summary>
    public void Submit()
    {
        if (states.Count == 0)
        {
            states[0] = new State(model.CreateState(), 0);
        }

        view = View.None;
        supplied = 0;
        LostCheckpoint = false;
        ForgetWhatWasUnderWay();
    }

    /// <summary>The keeper's process ended, and another goes on from the newest whole checkpoint: nothing is left but what is on disk.</summary>
    public void Restart()
    {
        states.Clear();
        disk.Clear();
        retention = new StateRetention();
        (RunProgress progress, float[][] slots) = lastOnDisk ?? (RunProgress.Start, model.CreateState());
        Saved = progress;
        ForgetWhatWasUnderWay();
        states[progress.Step] = new State(slots, 0);
        log.RemoveAll(update => update.Clock >= progress.Step);
    }

    public void Handle(ViewPublished message)
    {
        view = message.View;
        SendBest();
        if (LostCheckpoint)
        {
            // The coordinator that was to hear of it may be gone.
            TellOfFailure();
        }
    }

    public void Supply(Arrangement arrangement)
    {
        // Where the view got lost that says who holds what, all is said again; and what was said again comes too late for an arrangement that is under way.
        if (arrangement.Number != view.Arrangement.Number || arrangement.Number == supplied)
        {
            return;
        }

        if (arrangement.Shares > 0 && !BeginsShares(arrangement))
        {
            return;
        }

        if (!states.TryGetValue(arrangement.Step, out State? state) || !state.IsWhole)
        {
            cluster.Watch.Break($"the state of step {arrangement.Step} is asked for, and is not here");
            return;
        }

        supplied = arrangement.Number;
        ForgetWhatWasUnderWay();
        int firstResidual = arrangement.Shares > 0 ? state.Slots.Length : 1 + model.OptimizerSlots;
        for (int slot = 0; slot < state.Slots.Length; slot++)
        {
            foreach (ParameterPiece piece in arrangement.Pieces)
            {
                int[] receivers = slot < firstResidual ? [piece.Server, piece.Standby]
                    : arrangement.Step == 0 ? []
                    : [view.OwnerOf((slot - firstResidual) * model.Shape.ShardsDealtTogether)?.Number ?? -1];
                foreach (int to in receivers)
                {
                    cluster.SendFrameFromKeeper(to, new SimulatedFrame(
                        arrangement.Number, null, slot, piece.Offset, state.Slots[slot].AsSpan(piece.Offset, piece.Length).ToArray()));
                }
            }
        }
    }

    /// <summary>What comes from an arrangement's step on will have other bits; so a run that has gone on further than whoever arranges it knows is to go on from there.</summary>
    private bool BeginsShares(Arrangement arrangement)
    {
        if (arrangement.Step < Saved.Step)
        {
            if (disk.Count == 0)
            {
                cluster.TellCoordinatorFromKeeper(new CheckpointWritten(CheckpointKind.Last, Saved.Step, "last"));
            }

            return false;
        }

        Shares = arrangement.Shares;
        awaitsArrangement = false;
        received.Clear();
        log.RemoveAll(update => update.Clock >= arrangement.Step);
        foreach (long step in states.Keys.Where(step => step > arrangement.Step).ToArray())
        {
            states.Remove(step);
        }

        if (arrangement.Step == 0)
        {
            states[0] = new State(CreateState(), 0);
        }

        return true;
    }

    private float[][] CreateState() => Shares is { } shares ? model.CreateState(shares) : model.CreateState();

    /// <summary>Updates that a parameter server applied, in their order, before the state that has them.</summary>
    public void Receive(int arrangement, IReadOnlyList<UpdateRecord> updates)
    {
        if (arrangement == view.Arrangement.Number)
        {
            received.AddRange(updates);
        }
    }

    public void Handle(WriteCheckpoint message)
    {
        retention.Enter(message);
        awaited.Add(message);
        SaveWhatIsWhole();
        ForgetStates();
    }

    /// <summary>State that a node sent.</summary>
    public void Receive(int arrangement, long step, int slot, int offset, float[] values)
    {
        if (arrangement != view.Arrangement.Number)
        {
            return;
        }

        if (!states.TryGetValue(step, out State? state))
        {
            float[][] slots = [.. CreateState().Select(_ => new float[model.Length])];
            states[step] = state = new State(slots, (long)slots.Length * model.Length);
        }

        if (!state.IsWhole)
        {
            values.CopyTo(state.Slots[slot].AsSpan(offset));
            state.Missing -= state.Received.Add((slot, offset)) ? values.Length : 0;
            SaveWhatIsWhole();
        }
    }

    public void RestoreBest(RestoreBest message)
    {
        restoresBest = message.Step;
        RestoreBestWhenSaved();
    }

    /// <summary>The coordinator is lost: what the next cannot know of becomes no checkpoint.</summary>
    public void LoseCoordinator() => awaitsArrangement = Shares is not null;

    private void SaveWhatIsWhole()
    {
        if (awaitsArrangement)
        {
            return;
        }

        foreach (WriteCheckpoint wanted in awaited.TakeDue(step => states.TryGetValue(step, out State? state) && state.IsWhole))
        {
            log.AddRange(received.Where(update => update.Clock < wanted.Progress.Step));
            received.RemoveAll(update => update.Clock < wanted.Progress.Step);
            disk.Enqueue((wanted.Kind, wanted.Progress, states[wanted.Progress.Step].Slots));
            cluster.UseDisk(Written);
            if (wanted.Kind == CheckpointKind.Last)
            {
                Saved = wanted.Progress;
            }
        }

        RestoreBestWhenSaved();
    }

    private void TellOfFailure() => cluster.TellCoordinatorFromKeeper(new CheckpointFailed("the disk is full"));

    private void Written(bool whole)
    {
        (CheckpointKind kind, RunProgress progress, float[][] slots) = disk.Dequeue();
        if (!whole || LostCheckpoint)
        {
            // A last checkpoint is worth nothing without the best that it refers to.
            LostCheckpoint = true;
            TellOfFailure();
            return;
        }

        written++;
        if (kind == CheckpointKind.Best)
        {
            bestOnDisk = (progress.Step, slots[0]);
        }

        // Of the two the newer one is gone on from.
        lastOnDisk = (progress, slots);

        var message = new CheckpointWritten(kind, progress.Step, $"{kind}-{written}");
        retention.Enter(message);
        ForgetStates();
        cluster.TellCoordinatorFromKeeper(message);
        RestoreBestWhenSaved();
    }

    private void ForgetStates()
    {
        foreach (long step in retention.Forget(states.Keys, [Saved.Step, .. awaited.All.Select(wanted => wanted.Progress.Step)]))
        {
            states.Remove(step);
        }
    }

    private void RestoreBestWhenSaved()
    {
        if (restoresBest is not { } step || !awaited.IsEmpty || disk.Count > 0)
        {
            return;
        }

        restoresBest = null;
        int asked = restoration;
        cluster.UseDisk(_ =>
        {
            if (asked != restoration)
            {
                return;
            }

            if (bestOnDisk is not { } best || best.Step != step)
            {
                LostCheckpoint = true;
                TellOfFailure();
            }
            else
            {
                Best = best.Weights;
                SendBest();
                cluster.TellCoordinatorFromKeeper(new BestRestored("last"));
            }
        });
    }

    private void SendBest()
    {
        if (Best is null)
        {
            return;
        }

        foreach (ShardRange range in view.Ranges)
        {
            foreach (ParameterPiece piece in view.Arrangement.Pieces)
            {
                var message = new WeightsArrived(view.Arrangement.Number, model.Shape.TotalSteps + 1, piece.Offset, view.Number, Held: true);
                cluster.SendFrameFromKeeper(range.Worker.Number, new SimulatedFrame(
                    view.Arrangement.Number, message, 0, piece.Offset, Best.AsSpan(piece.Offset, piece.Length).ToArray()));
            }
        }
    }

    private void ForgetWhatWasUnderWay()
    {
        foreach (long step in states.Where(state => !state.Value.IsWhole).Select(state => state.Key).ToArray())
        {
            states.Remove(step);
        }

        awaited.Begin(Saved);
        restoration++;
        (Best, restoresBest) = (null, null);
    }

    private sealed class State(float[][] slots, long missing)
    {
        public float[][] Slots => slots;

        /// <summary>What is here: a server that took over sends again what the one before it may have sent.</summary>
        public HashSet<(int Slot, int Offset)> Received { get; } = [];

        public long Missing { get; set; } = missing;

        public bool IsWhole => Missing == 0;
    }
}
