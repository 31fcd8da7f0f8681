namespace ActorMlp.Training.Simulation.Sharing;

/// <summary>
/// One machine's processes: each has its pool, a thread for each end of each bulk connection, a thread that remoting works on, and an actor that handles one
/// message at a time. All of them compete for the machine's cores.
/// </summary>
/// <param name="model">The machine.</param>
/// <param name="clock">The time.</param>
internal sealed class SimulatedMachine(MachineModel model, VirtualClock clock)
{
    private const double BytesOfMegabyte = 1e6;
    private static readonly TimeSpan BackgroundEvery = TimeSpan.FromMilliseconds(5);

    private readonly SharedCores cores = new(clock, model.Cores);
    private readonly Dictionary<int, WorkQueue> pools = [];
    private readonly Dictionary<int, WorkQueue> actors = [];
    private readonly Dictionary<int, WorkQueue> remoting = [];
    private readonly Dictionary<int, WorkQueue> writers = [];
    private readonly Dictionary<(int From, int To), (WorkQueue Sender, WorkQueue Receiver)> connections = [];
    private readonly HashSet<int> started = [];

    /// <summary>What all cores together did up to now.</summary>
    public MachineUse Use { get; private set; } = MachineUse.None;

    /// <summary>A process is there from now on: it does something all the time.</summary>
    public void Start(int process)
    {
        if (started.Add(process) && model.Costs.Background > 0)
        {
            DoInBackground();
        }
    }

    /// <summary>Computes on a process's pool; its actor hears of it.</summary>
    public void Compute(int process, TimeSpan work, Action done)
    {
        int threads = Math.Min(model.Threads, model.Cores);
        Use += new MachineUse { Computing = work * threads };
        Of(pools, process, threads, model.Costs.WakingPool, model.Costs.SpinningPool).Add(work, () => Tell(process, TimeSpan.Zero, done));
    }

    /// <summary>Sends something; it arrives when the receiver's actor has taken it.</summary>
    /// <param name="from">A process.</param>
    /// <param name="to">Another, or the same.</param>
    /// <param name="plane">On which plane.</param>
    /// <param name="bytes">How much.</param>
    /// <param name="staged">How much of it the receiver copies once more.</param>
    /// <param name="arrive">What happens then.</param>
    public void Send(int from, int to, Plane plane, long bytes, long staged, Action arrive)
    {
        TimeSpan copying = model.Costs.CopyingMegabyte * (staged / BytesOfMegabyte);
        Use += new MachineUse { Copying = copying };
        if (from == to)
        {
            Handle(to, copying, arrive);
        }
        else if (plane == Plane.Control)
        {
            Use += new MachineUse { ControlMessages = model.Costs.ControlMessage * 2 };
            Of(remoting, from, 1).Add(model.Costs.ControlMessage, () =>
                Of(remoting, to, 1).Add(model.Costs.ControlMessage, () => Tell(to, copying, arrive)));
        }
        else
        {
            if (!connections.TryGetValue((from, to), out (WorkQueue Sender, WorkQueue Receiver) connection))
            {
                connections[(from, to)] = connection = (new WorkQueue(cores, clock, 1), new WorkQueue(cores, clock, 1));
            }

            TimeSpan work = model.Costs.Frame + model.Costs.Megabyte * (bytes / BytesOfMegabyte);
            Use += new MachineUse { Frames = work * 2 };
            connection.Sender.Add(work, () => connection.Receiver.Add(work, () => Tell(to, copying, arrive)));
        }
    }

    /// <summary>Writes a checkpoint in the background of a process; the disk's own time comes on top.</summary>
    /// <param name="process">The process.</param>
    /// <param name="bytes">How much.</param>
    /// <param name="done">What happens then.</param>
    public void Write(int process, double bytes, Action done)
    {
        TimeSpan work = model.Costs.WritingMegabyte * (bytes / BytesOfMegabyte);
        Use += new MachineUse { Writing = work };
        Of(writers, process, 1).Add(work, done);
    }

    private void DoInBackground() => clock.After(BackgroundEvery, () =>
    {
        TimeSpan work = BackgroundEvery * model.Costs.Background;
        Use += new MachineUse { Background = work };
        cores.Begin(work, 1, DoInBackground);
    });

    private void Tell(int process, TimeSpan copying, Action done)
    {
        Use += new MachineUse { HandingOver = model.Costs.TellingActor };
        Handle(process, model.Costs.TellingActor + copying, done);
    }

    /// <summary>What an actor does with a message that it has.</summary>
    private void Handle(int process, TimeSpan work, Action done) => Of(actors, process, 1).Add(work, done);

    /// <summary>A process's queue of some kind.</summary>
    private WorkQueue Of(Dictionary<int, WorkQueue> queues, int process, int threads, TimeSpan wakeUp = default, TimeSpan spin = default)
    {
        if (!queues.TryGetValue(process, out WorkQueue? queue))
        {
            queues[process] = queue = new WorkQueue(cores, clock, threads)
            {
                WakeUp = wakeUp,
                Spin = spin,
                Spent = time => Use += new MachineUse { HandingOver = time },
            };
        }

        return queue;
    }
}
