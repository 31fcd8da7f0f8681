using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using Akka.Actor;

namespace ActorMlp.Cluster.Runs;

/// <content>What whoever keeps the run is told, until it has heard everything.</content>
internal sealed partial class RunCoordinatorActor
{
    private static readonly TimeSpan LeavingPatience = TimeSpan.FromSeconds(5);

    private readonly KeeperOutbox outbox = new();

    /// <summary>The run is taken; said again each time that it is offered, as an answer may get lost.</summary>
    private void AcceptRun() => keeper.Tell(new RunAccepted(run.Run, candidates.Count));

    private void TellKeeper(object message) => Send(outbox.Tell(message, Now));

    private void ReportStep(StepCommittedEvent step)
    {
        Send(outbox.Report(step, Now));
        if (outbox.FlushAfter(Now) is { } after && !Timers.IsTimerActive(StepsAreDue.Timer))
        {
            Timers.StartSingleTimer(StepsAreDue.Timer, new StepsAreDue(), after);
        }
    }

    private void Send(IReadOnlyList<ToldToKeeper> told)
    {
        foreach (ToldToKeeper one in told)
        {
            keeper.Tell(one);
        }
    }

    /// <summary>The run is over here, and the coordinator free for the next one; it only stays until whoever keeps the run has heard how it ended.</summary>
    private void Leave()
    {
        EndOnNodes();
        nodes.Clear();
        Context.Parent.Tell(new RunIsOver());
        Timers.StartSingleTimer("leaving", new LeavingIsOver(), LeavingPatience);
        Become(Leaving);
    }

    private void Leaving()
    {
        Receive<KeeperHeard>(message =>
        {
            outbox.Handle(message, Now);
            if (outbox.IsEmpty)
            {
                Context.Stop(Self);
            }
        });
        Receive<ProgressDue>(_ => Send(outbox.Repeat(Now)));
        Receive<LeavingIsOver>(_ => Context.Stop(Self));
        Receive<Terminated>(message => message.ActorRef.Equals(keeper), _ => Context.Stop(Self));
        ReceiveAny(_ => { });
    }

    private sealed record StepsAreDue
    {
        public const string Timer = "steps";
    }

    private sealed record LeavingIsOver;
}
