using ActorMlp.Cluster.Wire;
using ActorMlp.Training.Runs;
using Akka.Actor;

namespace ActorMlp.Cluster.Runs;

/// <summary>
/// What a run's coordinator tells whoever keeps the run, in order. The first step after a pause is told at once, those that follow within
/// <see cref="StepCommittedEvent.ToldEvery"/> together.
/// </summary>
/// <param name="keeper">Who keeps the run.</param>
/// <param name="time">The time.</param>
/// <param name="wake">Asks for <see cref="Flush"/> after a while.</param>
internal sealed class KeeperOutbox(IActorRef keeper, TimeProvider time, Action<TimeSpan> wake)
{
    private List<StepCommittedEvent> steps = [];
    private long? told;

    /// <summary>Who keeps the run.</summary>
    public IActorRef Keeper => keeper;

    /// <summary>Says something, behind all steps up to now.</summary>
    public void Tell(object message)
    {
        Flush();
        keeper.Tell(message);
    }

    /// <summary>Tells of a step, soon.</summary>
    public void Report(StepCommittedEvent step)
    {
        steps.Add(step);
        if (told is not { } last || time.GetElapsedTime(last) >= StepCommittedEvent.ToldEvery)
        {
            Flush();
        }
        else if (steps.Count == 1)
        {
            wake(StepCommittedEvent.ToldEvery - time.GetElapsedTime(last));
        }
    }

    /// <summary>Tells of all steps up to now.</summary>
    public void Flush()
    {
        if (steps.Count > 0)
        {
            keeper.Tell(new StepsCommitted(steps));
            steps = [];
            told = time.GetTimestamp();
        }
    }
}
