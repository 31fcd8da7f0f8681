using ActorMlp.Training.Simulation.Sharing;

namespace ActorMlp.Training.Simulation;

/// <summary>A process of the cluster: it computes one thing at a time, can be stopped for a while, and can be killed.</summary>
/// <param name="id">Its name.</param>
/// <param name="isServer">Whether it may hold parameters.</param>
/// <param name="clock">The time.</param>
/// <param name="machine">The machine that it shares with others; null where it has one of its own.</param>
internal sealed class SimulatedProcess(int id, bool isServer, VirtualClock clock, SimulatedMachine? machine = null)
{
    private readonly Queue<Action> whileStopped = [];
    private TimeSpan poolIsFree;
    private int stops;

    /// <summary>Its name.</summary>
    public int Id => id;

    /// <summary>Whether it may hold parameters.</summary>
    public bool IsServer => isServer;

    /// <summary>Whether it was not killed.</summary>
    public bool IsAlive { get; private set; } = true;

    /// <summary>Whether the cluster counts on it.</summary>
    public bool IsMember { get; set; } = true;

    /// <summary>Whether it has been asked to leave.</summary>
    public bool Leaves { get; set; }

    /// <summary>Whether it is stopped.</summary>
    public bool IsStopped => stops > 0;

    /// <summary>How fast it computes; 1 is the model's own speed.</summary>
    public double Speed { get; set; } = 1;

    /// <summary>Its part in the run, if it has one.</summary>
    public ISimulatedNode? Node { get; set; }

    /// <summary>Has the process do something as soon as it runs; nothing if it is dead.</summary>
    public void Do(Action what)
    {
        if (!IsAlive)
        {
            return;
        }

        if (IsStopped)
        {
            whileStopped.Enqueue(what);
            return;
        }

        what();
    }

    /// <summary>Computes on the process's threads, after what was asked for before.</summary>
    public void Compute(TimeSpan work, Action done)
    {
        if (machine is not null)
        {
            machine.Compute(id, work / Speed, () => Do(done));
            return;
        }

        TimeSpan begins = poolIsFree > clock.Now ? poolIsFree : clock.Now;
        poolIsFree = begins + work / Speed;
        clock.After(poolIsFree - clock.Now, () => Do(done));
    }

    /// <summary>Kills it.</summary>
    public void Kill()
    {
        IsAlive = false;
        Node = null;
        whileStopped.Clear();
    }

    /// <summary>Stops it for a while.</summary>
    public void Stop(TimeSpan duration)
    {
        stops++;
        poolIsFree = (poolIsFree > clock.Now ? poolIsFree : clock.Now) + duration;
        clock.After(duration, () =>
        {
            stops--;
            while (!IsStopped && IsAlive && whileStopped.TryDequeue(out Action? what))
            {
                what();
            }
        });
    }
}
