using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Simulation;

/// <content>Whoever keeps the run: what the coordinator tells, until it has heard everything, and the disk.</content>
public sealed partial class ClusterSimulation
{
    private bool flushes;
    private TimeSpan diskIsFree;

    /// <summary>Writes a checkpoint of so many vectors.</summary>
    /// <param name="vectors">How many.</param>
    /// <param name="done">Told whether it went well.</param>
    internal void WriteToDisk(int vectors, Action<bool> done)
    {
        if (machine is null)
        {
            UseDisk(done);
            return;
        }

        int of = keeperStarts;
        machine.Write(KeeperId, Model.BytesPerFloat * Model.Length * vectors, () =>
        {
            if (of == keeperStarts)
            {
                UseDisk(done);
            }
        });
    }

    /// <summary>Reads or writes a file; what is under way when the keeper's process ends is forgotten.</summary>
    /// <param name="done">Told whether it went well: it does not if the disk is full.</param>
    internal void UseDisk(Action<bool> done)
    {
        TimeSpan begins = diskIsFree > clock.Now ? diskIsFree : clock.Now;
        diskIsFree = begins + DiskTime;
        int of = keeperStarts;
        clock.After(diskIsFree - clock.Now, () =>
        {
            if (of == keeperStarts)
            {
                done(clock.Now >= diskHasRoom);
            }
        });
    }

    private void TellKeeper(object message) => ToKeeper(outbox.Tell(message, clock.Now));

    private void ReportStep(StepCommittedEvent step)
    {
        ToKeeper(outbox.Report(step, clock.Now));
        if (outbox.FlushAfter(clock.Now) is not { } after || flushes)
        {
            return;
        }

        flushes = true;
        KeeperOutbox of = outbox;
        int by = coordinatorId;
        clock.After(after, () => processes[by].Do(() =>
        {
            if (of == outbox)
            {
                flushes = false;
                ToKeeper(outbox.Flush(clock.Now));
            }
        }));
    }

    /// <summary>A coordinator begins to tell.</summary>
    private void BeginToTell() => (outbox, flushes) = (new KeeperOutbox(), false);

    private void ToKeeper(IReadOnlyList<ToldToKeeper> told)
    {
        int of = run, from = coordinatorId;
        foreach (ToldToKeeper one in told)
        {
            network.Send(from, KeeperId, Plane.Control, 200, () =>
            {
                if (of != run || !keeper.Hears(from))
                {
                    return;
                }

                bool isNext = keeper.IsNext(one);
                var heard = new KeeperHeard(keeper.Heard);
                network.Send(KeeperId, from, Plane.Control, 100, () => ToCoordinator(of, from, () => outbox.Handle(heard, clock.Now)));
                if (isNext)
                {
                    Hear(one.Message);
                }
            });
        }
    }

    /// <summary>Whoever watches the run is told of something.</summary>
    internal void Tell(RunEvent told) => events.Add(told);

    private void Hear(object message)
    {
        switch (message)
        {
            case RunMoves:
                LetCoordinatorGo();
                break;
            case RunStops stops:
                ResumeAfter(stops.Reason);
                break;
            case RunConclusion end:
                conclusion = end;
                break;
            default:
                keeper.Hear(message);
                break;
        }
    }

    /// <summary>The run stops, and is gone on with from its checkpoint.</summary>
    private sealed record RunStops(string Reason);
}
