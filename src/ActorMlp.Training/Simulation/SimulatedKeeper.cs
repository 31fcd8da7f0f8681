using ActorMlp.Training.Consistency;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Simulation;

/// <summary>Whoever keeps the run, simulated: <see cref="KeeperMachine"/> with vectors, a disk and a log. Who takes the run that it offers is the cluster's business.</summary>
/// <param name="cluster">Everything else.</param>
internal sealed class SimulatedKeeper(ClusterSimulation cluster)
{
    private readonly SimulatedModel model = cluster.Model;
    private readonly Dictionary<long, float[][]> states = new() { [0] = cluster.Model.CreateState() };
    private readonly Queue<(WriteState Checkpoint, float[][] State)> disk = [];
    private readonly List<UpdateRecord> log = [];
    private KeeperMachine machine = Start(cluster.Model, RunProgress.Start, null);
    private (RunProgress Progress, float[][] State)? lastOnDisk;
    private (long Step, float[] Weights)? bestOnDisk;
    private ReadBest? wanted;
    private float[]? best;
    private bool diskFailed;
    private int written;

    /// <summary>The newest checkpoint's progress: where another coordinator begins.</summary>
    public RunProgress Saved => machine.Saved;

    /// <summary>The newest progress that the keeper was told; the state to it may still be on its way.</summary>
    public RunProgress Newest => machine.Newest;

    /// <summary>The newest view that the keeper was told of.</summary>
    public int LastView => machine.LastView;

    /// <summary>The log of updates: up to the newest checkpoint that is to be written, and on disk before it.</summary>
    public IReadOnlyList<UpdateRecord> Log => log;

    /// <summary>Workers that a run that is made of shares was begun with; null before that, and in other runs.</summary>
    public int? Shares => machine.Shares;

    /// <summary>Whether a checkpoint could not be written.</summary>
    public bool LostCheckpoint => machine.HasFailed;

    /// <summary>How a run ends, and the weights that it ends with; none if they are not here.</summary>
    public (RunConclusion Conclusion, float[] Weights) End(RunConclusion conclusion) =>
        machine.Handle(conclusion) is [CloseRun end] ? (end.Conclusion, end.Step is { } step ? states[step][0] : best!) : (conclusion, []);

    /// <summary>The run is submitted, for the first time or again.</summary>
    /// <param name="run">Its number.</param>
    /// <param name="goesBackFor">Why it goes back to its newest checkpoint; null where it begins, or has stopped there.</param>
    public void Submit(int run, string? goesBackFor) => Carry(machine.Handle(new RunMoves(goesBackFor), (ulong)run));

    /// <summary>A coordinator takes the run.</summary>
    public void Follow(int run, int coordinator) => Carry(machine.Handle(new RunAccepted((ulong)run, 0), NameOf(coordinator)));

    /// <summary>A coordinator is lost.</summary>
    public void LoseCoordinator(int coordinator) => Carry(machine.Handle(new CoordinatorGone(NameOf(coordinator))));

    /// <summary>Whether a coordinator's word counts.</summary>
    public bool Hears(int coordinator) => machine.Hears(NameOf(coordinator));

    /// <summary>Number of the last thing that the coordinator told, without a gap.</summary>
    public long Heard => machine.Heard;

    /// <summary>Whether something that the coordinator tells follows the last one.</summary>
    public bool IsNext(ToldToKeeper told) => machine.IsNext(told);

    /// <summary>The keeper's process ended, and another goes on from the newest whole checkpoint: nothing is left but what is on disk.</summary>
    public void Restart()
    {
        disk.Clear();
        states.Clear();
        (wanted, diskFailed) = (null, false);
        (RunProgress progress, float[][] state) = lastOnDisk ?? (RunProgress.Start, model.CreateState());
        machine = Start(model, progress, machine.Shares);
        states[progress.Step] = state;
        log.RemoveAll(update => update.Clock >= progress.Step);
    }

    /// <summary>What the coordinator tells.</summary>
    public void Hear(object told)
    {
        switch (told)
        {
            case StepsCommitted message:
                foreach (StepCommittedEvent step in message.Steps)
                {
                    if (machine.Handle(step))
                    {
                        cluster.Tell(step);
                    }
                }

                break;
            case EpochCompleted message:
                if (machine.Handle(message))
                {
                    cluster.Tell(message);
                }

                break;
            case RunRewound message:
                cluster.Tell(message);
                machine.Handle(message);
                break;
            case ViewStands message:
                cluster.Tell(message);
                machine.Handle(message);
                break;
            case RunEvent message:
                cluster.Tell(message);
                break;
            case ViewPublished message:
                cluster.Tell(new ViewStands(message.View));
                Carry(machine.Handle(message));
                break;
            case RangesWanted message:
                Carry(machine.Handle(message));
                break;
            case WriteCheckpoint message:
                Carry(machine.Handle(message));
                break;
            case RestoreBest message:
                Carry(machine.Handle(message));
                break;
            default:
                throw new InvalidOperationException($"whoever keeps the run is not told {told}");
        }
    }

    /// <summary>Updates that a parameter server applied, in their order, before the state that has them.</summary>
    public void Handle(UpdatesArrived message) => Carry(machine.Handle(message));

    /// <summary>State that a node sent.</summary>
    public void Handle(StateArrived message, float[] values)
    {
        if (!machine.Takes(message))
        {
            return;
        }

        if (!states.TryGetValue(message.Step, out float[][]? state))
        {
            states[message.Step] = state = [.. CreateState().Select(_ => new float[model.Length])];
        }

        values.CopyTo(state[message.Vector].AsSpan(message.Offset));
        Carry(machine.Handle(message));
    }

    private static KeeperMachine Start(SimulatedModel model, RunProgress from, int? shares)
    {
        int residuals = model.Shape.Sharing is null ? model.CreateState().Length - 1 - model.OptimizerSlots : 0;
        var state = new StateShape(model.Length, workers => (workers is { } count ? model.CreateState(count) : model.CreateState()).Length - residuals, residuals);
        return new KeeperMachine(model.Shape, state, from, shares, "keeper", ["cluster"]);
    }

    private CoordinatorName NameOf(int coordinator) => new($"{coordinator}", cluster.RunNumber);

    private float[][] CreateState() => Shares is { } shares ? model.CreateState(shares) : model.CreateState();

    private void Carry(IReadOnlyList<KeeperEffect> effects)
    {
        foreach (KeeperEffect effect in effects)
        {
            switch (effect)
            {
                case AnnounceRewind announce:
                    cluster.Tell(announce.Rewound);
                    break;
                case AnswerCoordinator answer:
                    cluster.TellCoordinatorFromKeeper(answer.Message);
                    break;
                case SupplyState supply:
                    Send(supply.To, supply.Arrangement, null, supply.Vector, supply.Piece, states[supply.Step][supply.Vector]);
                    break;
                case CreateFirstState create:
                    states[0] = model.CreateState(create.Shares);
                    break;
                case DropState drop:
                    states.Remove(drop.Step);
                    break;
                case BeginLog begin:
                    log.RemoveAll(update => update.Clock >= begin.Step);
                    break;
                case AppendToLog append:
                    log.AddRange(append.Updates);
                    break;
                case WriteState write:
                    disk.Enqueue((write, states[write.Progress.Step]));
                    cluster.WriteToDisk(states[write.Progress.Step].Length, Written);
                    break;
                case ReadBest read:
                    wanted = read;
                    ReadBestWhenWritten();
                    break;
                case SendBest send:
                    Send(send.To, send.Message.Arrangement, send.Message, 0, send.Piece, best!);
                    break;
                case ConfirmBest:
                    cluster.TellCoordinatorFromKeeper(new BestRestored("last"));
                    break;
                case GiveUpRun give when diskFailed:
                    cluster.ResumeAfter(give.Reason);
                    break;
                case GiveUpRun give:
                    cluster.Watch.Break(give.Reason);
                    break;
            }
        }
    }

    private void Send(int to, int arrangement, WeightsArrived? message, int vector, ParameterPiece piece, float[] values) =>
        cluster.SendFrameFromKeeper(to, new SimulatedFrame(arrangement, message, vector, piece.Offset, values.AsSpan(piece.Offset, piece.Length).ToArray()));

    private void Written(bool whole)
    {
        ((CheckpointKind kind, RunProgress progress), float[][] state) = disk.Dequeue();
        diskFailed |= !whole;
        if (diskFailed)
        {
            // A last checkpoint is worth nothing without the best that it refers to.
            Carry(machine.Handle(new CheckpointFailed("the disk is full")));
            return;
        }

        written++;
        if (kind == CheckpointKind.Best)
        {
            bestOnDisk = (progress.Step, state[0]);
        }

        // Of the two the newer one is gone on from.
        lastOnDisk = (progress, state);
        cluster.TellCoordinatorFromKeeper(new CheckpointWritten(kind, progress.Step, $"{kind}-{written}"));
        ReadBestWhenWritten();
    }

    private void ReadBestWhenWritten()
    {
        if (wanted is not { } read || disk.Count > 0)
        {
            return;
        }

        wanted = null;
        cluster.UseDisk(_ =>
        {
            var loaded = new BestLoaded(read.Restoration);
            if (!machine.Takes(loaded))
            {
                return;
            }

            if (bestOnDisk is not { } found || found.Step != read.Step)
            {
                diskFailed = true;
                Carry(machine.Handle(new BestMissing(read.Restoration, "the best checkpoint could not be written")));
                return;
            }

            best = found.Weights;
            Carry(machine.Handle(loaded));
        });
    }
}
