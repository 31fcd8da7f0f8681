using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Random;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Faults;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Simulation.Sharing;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Simulation;

/// <summary>A cluster to simulate.</summary>
public sealed record SimulationOptions
{
    /// <summary>Nodes at the start.</summary>
    public int Nodes { get; init; } = 3;

    /// <summary>How many of the first nodes may hold parameters; null for all.</summary>
    public int? Servers { get; init; }

    /// <summary>Servers that stand by for each: 0 or 1.</summary>
    public int Standbys { get; init; } = 1;

    /// <summary>How many times as long as others a step may take until others compute its late shards too; 0 for any.</summary>
    public double StragglerFactor { get; init; } = 3;

    /// <summary>What a step may take in any case until then.</summary>
    public TimeSpan LateAfter { get; init; } = TimeSpan.FromMilliseconds(300);

    /// <summary>Workers that the run waits for.</summary>
    public int MinimumWorkers { get; init; } = 1;

    /// <summary>Seed of delays, of how long work takes, and of faults that leave something to chance.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Links.</summary>
    public LinkModel Link { get; init; } = new(125e6, TimeSpan.FromMicroseconds(100));

    /// <summary>The machine whose cores all processes share, and in whose loopback's place no link stands; null where each process has a machine of its own.</summary>
    public MachineModel? Machine { get; init; }

    /// <summary>The share by which what work takes varies at random, both ways.</summary>
    public double Noise { get; init; } = 0.2;

    /// <summary>What a node takes for a shard.</summary>
    public TimeSpan ShardTime { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>From the end of a process, or from when it falls silent, to when the others know that it is gone.</summary>
    public TimeSpan DetectionTime { get; init; } = TimeSpan.FromSeconds(7);

    /// <summary>From when a coordinator is known to be gone to when the next one takes the run.</summary>
    public TimeSpan HandoverTime { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Virtual time after which a run that has not ended is taken to stand still.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromHours(1);

    /// <summary>What the update of the whole parameter vector takes; null for a tenth of <see cref="ShardTime"/>.</summary>
    public TimeSpan? UpdateTime { get; init; }

    /// <summary>Told when nodes begin to compute; null for nobody.</summary>
    public ISimulationObserver? Observer { get; init; }

    /// <summary>A node that computes one wrong bit in each gradient, from the start; null for none.</summary>
    public int? NodeThatErrs { get; init; }

    /// <summary>What goes wrong, and when.</summary>
    public IReadOnlyList<SimulatedFault> Faults { get; init; } = [];

    /// <summary>What else goes wrong: a fault script, as real clusters take it too.</summary>
    public FaultScript Script { get; init; } = FaultScript.None;
}

/// <summary>How a simulated run ended.</summary>
/// <param name="Conclusion">What the coordinator says; null if the run did not end.</param>
/// <param name="Weights">The weights that it ended with.</param>
/// <param name="Violation">What did not hold, if anything.</param>
/// <param name="Time">Virtual time that it took.</param>
/// <param name="Events">What was told of it.</param>
/// <param name="BulkBytes">Bytes that each process sent on the bulk plane.</param>
public sealed record SimulationResult(
    RunConclusion? Conclusion,
    float[] Weights,
    string? Violation,
    TimeSpan Time,
    IReadOnlyList<RunEvent> Events,
    IReadOnlyDictionary<int, long> BulkBytes)
{
    /// <summary>Events of the simulation, each an arrival of a message, the end of some work or the like.</summary>
    public long EventCount { get; init; }

    /// <summary>Faults that struck, or would have.</summary>
    public IReadOnlyList<StruckFault> Faults { get; init; } = [];

    /// <summary>Bytes from each process to each other one; <see cref="ClusterSimulation.Keeper"/> is whoever keeps the run.</summary>
    public IReadOnlyDictionary<(int From, int To), LinkTraffic> Traffic { get; init; } = new Dictionary<(int, int), LinkTraffic>();

    /// <summary>The log of updates, in a run that is made of shares.</summary>
    public IReadOnlyList<UpdateRecord> Updates { get; init; } = [];

    /// <summary>Workers that a run that is made of shares was begun with; null in others.</summary>
    public int? Shares { get; init; }

    /// <summary>Control messages that got lost when their connection ended.</summary>
    public long ControlMessagesLost { get; init; }
}

/// <summary>
/// A run on a cluster in virtual time: the state machines of the real thing, over links and processes that are modelled, in one thread and wholly decided by
/// the seed.
/// </summary>
public sealed partial class ClusterSimulation
{
    /// <summary>The keeper's name among processes; it is no node.</summary>
    public const int Keeper = -1;

    internal const int KeeperId = Keeper;

    /// <summary>Bytes of a frame beside its floats.</summary>
    private const int FrameHead = 192;

    private static readonly TimeSpan DiskTime = TimeSpan.FromMilliseconds(5);

    private readonly SimulationOptions options;
    private readonly VirtualClock clock = new();
    private readonly SimulatedMachine? machine;
    private readonly SimulatedNetwork network;
    private readonly SimulatedKeeper keeper;
    private readonly CounterRandom random;
    private readonly SortedDictionary<int, SimulatedProcess> processes = [];
    private readonly SortedDictionary<int, SimulatedProcess> members = [];
    private readonly List<RunEvent> events = [];
    private CoordinatorMachine? coordinator;
    private InvitationBook invitations;
    private int coordinatorId;
    private int run;
    private int nextNumber;
    private uint draws;
    private bool gathering;
    private bool moves;
    private KeeperOutbox outbox = new();
    private long eventCount;
    private RunConclusion? conclusion;
    private string? failure;

    /// <summary>A cluster whose run is not submitted yet.</summary>
    /// <param name="model">What its nodes compute.</param>
    /// <param name="options">The cluster.</param>
    public ClusterSimulation(SimulatedModel model, SimulationOptions options)
    {
        this.options = options;
        nothingIsLate = options.Script.Faults.All(fault => fault.Kind is FaultKind.Crash or FaultKind.Leave or FaultKind.Join
                || fault is { Kind: FaultKind.Corrupt, Plane: FaultPlane.Bulk })
            && options.Faults.All(fault => fault.Kind is SimulatedFaultKind.Crash or SimulatedFaultKind.Leave or SimulatedFaultKind.Join);
        Model = model;
        random = new CounterRandom(options.Seed, RandomPurpose.Shuffle);
        machine = options.Machine is { } shared ? new SimulatedMachine(shared, clock) : null;
        network = new SimulatedNetwork(clock, options.Link, new CounterRandom(options.Seed, RandomPurpose.Split), machine);
        keeper = new SimulatedKeeper(this);
        invitations = CreateInvitations();
        schedule = new FaultSchedule(options.Script);
        for (int id = 0; id < options.Nodes; id++)
        {
            processes[id] = StartProcess(id, id < (options.Servers ?? options.Nodes));
            places.Add(processes[id]);
        }

        machine?.Start(KeeperId);
    }

    /// <summary>Virtual time.</summary>
    public TimeSpan Now => clock.Now;

    /// <summary>What the cores of the machine that all nodes share did up to now; nothing where each has a machine of its own.</summary>
    public MachineUse Use => machine?.Use ?? MachineUse.None;

    internal SimulatedModel Model { get; }

    /// <summary>Which attempt at the run it is.</summary>
    internal int RunNumber => run;

    internal ProtocolWatch Watch { get; } = new();

    /// <summary>The run, as parameter servers know it.</summary>
    internal RunShape ServerShape => Model.Shape with
    {
        StragglerFactor = Model.HasErrorFeedback ? 0 : options.StragglerFactor,
        LateAfter = options.LateAfter,
    };

    private RunShape Shape => ServerShape with
    {
        Workers = options.MinimumWorkers,
        WorkersKeepResiduals = Model.HasErrorFeedback,
        Standbys = Model.Shape.Sharing is null ? options.Standbys : 0,
        Shares = keeper.Shares,
        Patience = options.DetectionTime * 5,
    };

    /// <summary>Runs to the end of the run, or until something does not hold.</summary>
    public SimulationResult Run()
    {
        foreach (SimulatedFault fault in options.Faults)
        {
            clock.After(fault.At, () => Inflict(fault.AsDue()));
        }

        AwaitNextFault();
        Submit(0);
        while (conclusion is null && failure is null && Watch.Broken is null)
        {
            if (!clock.Step() || clock.Now > options.Limit)
            {
                Watch.Break($"the run stands still after step {coordinator?.Progress.Step ?? keeper.Saved.Step}");
            }

            eventCount++;
            if (coordinator?.Progress.Step >= schedule.NextStep)
            {
                InflictWhatIsDue();
            }
        }

        (RunConclusion? end, float[] weights) = conclusion is null ? (null, []) : keeper.End(conclusion);
        return new SimulationResult(end, weights, Watch.Broken ?? failure, clock.Now, events, network.BulkBytes)
        {
            EventCount = eventCount,
            Faults = struck,
            Traffic = network.Traffic,
            Updates = keeper.Log,
            Shares = keeper.Shares,
            ControlMessagesLost = network.ControlMessagesLost,
        };
    }

    private SimulatedProcess StartProcess(int id, bool isServer)
    {
        machine?.Start(id);
        return new SimulatedProcess(id, isServer, clock, machine);
    }

    /// <summary>What a subtree takes on a node of ordinary speed.</summary>
    internal TimeSpan TimeOf(TreeNode node)
    {
        TimeSpan work = Jitter(options.ShardTime * node.ShardCount);
        options.Observer?.GradientAsked(clock.Now, node, work);
        return work;
    }

    /// <summary>What so many shards take.</summary>
    internal TimeSpan TimeOf(int shards) => Jitter(options.ShardTime * shards);

    /// <summary>What an evaluation takes.</summary>
    internal TimeSpan TimeOf(EvaluateBlocks command) => Jitter(options.ShardTime * (command.EndBlock - command.FirstBlock));

    /// <summary>What an update takes.</summary>
    internal TimeSpan TimeOfUpdate(ParameterPiece piece)
    {
        TimeSpan work = Jitter((options.UpdateTime ?? options.ShardTime * 0.1) * ((double)piece.Length / Model.Length));
        options.Observer?.UpdateAsked(clock.Now, work);
        return work;
    }

    internal void TellNode(ISimulatedNode from, int number, object message)
    {
        if (members.TryGetValue(number, out SimulatedProcess? to))
        {
            int of = from.Run;
            network.Send(IdOf(from), to.Id, Plane.Control, 200, () => Deliver(to, of, message));
        }
    }

    internal void SendFrame(ISimulatedNode from, int number, SimulatedFrame frame)
    {
        if (members.TryGetValue(number, out SimulatedProcess? to))
        {
            int of = from.Run;
            long bytes = (long)(frame.Values.Length * (frame.Message is SubtreeComputed ? Model.BytesPerGradientFloat : Model.BytesPerFloat));
            network.Send(IdOf(from), to.Id, Plane.Bulk, FrameHead + bytes, () => DeliverFrame(to, of, frame), staged: frame.Message is WeightsArrived ? bytes : 0);
        }
    }

    internal void SendFrameFromKeeper(int number, SimulatedFrame frame)
    {
        if (members.TryGetValue(number, out SimulatedProcess? to))
        {
            int of = run;
            network.Send(KeeperId, to.Id, Plane.Bulk, FrameHead + (long)(frame.Values.Length * Model.BytesPerFloat), () => DeliverFrame(to, of, frame));
        }
    }

    internal void SendState(ISimulatedNode from, int arrangement, long step, int slot, int offset, float[] values)
    {
        int of = from.Run;
        long bytes = (long)(values.Length * Model.BytesPerFloat);
        network.Send(
            IdOf(from),
            KeeperId,
            Plane.Bulk,
            FrameHead + bytes,
            () =>
            {
                if (of == run)
                {
                    keeper.Handle(new StateArrived(arrangement, step, slot, offset, values.Length), values);
                }
            },
            staged: bytes);
    }

    internal void SendUpdates(ISimulatedNode from, int arrangement, IReadOnlyList<UpdateRecord> updates)
    {
        int of = from.Run;
        network.Send(IdOf(from), KeeperId, Plane.Bulk, FrameHead + (24L * updates.Count), () =>
        {
            if (of == run)
            {
                keeper.Handle(new UpdatesArrived(arrangement, updates));
            }
        });
    }

    internal void TellCoordinator(ISimulatedNode from, ICoordinatorMessage message)
    {
        int of = from.Run, to = coordinatorId;
        network.Send(IdOf(from), to, Plane.Control, 200, () => ToCoordinator(of, to, () => Handle(message)));
    }

    internal void TellCoordinatorFromKeeper(ICoordinatorMessage message)
    {
        int of = run, to = coordinatorId;
        network.Send(KeeperId, to, Plane.Control, 200, () => ToCoordinator(of, to, () => Handle(message)));
    }

    /// <summary>The wrong bit of the node that errs.</summary>
    internal void Spoil(int processId, float[] gradient)
    {
        if (processId == options.NodeThatErrs)
        {
            gradient[^1] = BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(gradient[^1]) ^ 1);
        }
    }

    private static int IdOf(ISimulatedNode node) => node.Process.Id;

    private static void Deliver(SimulatedProcess to, int of, object message) => to.Do(() =>
    {
        if (to.Node is { } node && node.Run == of)
        {
            node.Handle(message);
        }
    });

    private static void DeliverFrame(SimulatedProcess to, int of, SimulatedFrame frame) => to.Do(() =>
    {
        if (to.Node is { } node && node.Run == of)
        {
            node.Handle(frame);
        }
    });

    private void ToCoordinator(int of, Action what) => ToCoordinator(of, coordinatorId, what);

    /// <summary>What was sent to a coordinator that is gone is lost.</summary>
    private void ToCoordinator(int of, int to, Action what) => processes[to].Do(() =>
    {
        if (of == run && to == coordinatorId && coordinator is not null && conclusion is null)
        {
            what();
        }
    });

    private TimeSpan Jitter(TimeSpan work) => work * (1 - options.Noise + 2 * options.Noise * random.Uniform(2, 0, draws++));
}
