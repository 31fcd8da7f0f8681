using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Simulation;

/// <content>What the coordinator tells whoever keeps the run, until it has heard everything.</content>
public sealed partial class ClusterSimulation
{
    private bool flushes;

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
