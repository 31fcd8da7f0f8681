using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Random;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Simulation;

/// <summary>A cluster to simulate.</summary>
public sealed record SimulationOptions
{
    /// <summary>Nodes at the start.</summary>
    public int Nodes { get; init; } = 3;

    /// <summary>How many of the first nodes may hold parameters; null for all.</summary>
    public int? Servers { get; init; }

    /// <summary>Workers that the run waits for.</summary>
    public int MinimumWorkers { get; init; } = 1;

    /// <summary>Seed of delays, of how long work takes, and of faults that leave something to chance.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Links.</summary>
    public LinkModel Link { get; init; } = new(125e6, TimeSpan.FromMicroseconds(100));

    /// <summary>What a node takes for a shard.</summary>
    public TimeSpan ShardTime { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>From the end of a process, or from when it falls silent, to when the others know that it is gone.</summary>
    public TimeSpan DetectionTime { get; init; } = TimeSpan.FromSeconds(7);

    /// <summary>From when a coordinator is known to be gone to when the next one takes the run.</summary>
    public TimeSpan HandoverTime { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Virtual time after which a run that has not ended is taken to stand still.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromHours(1);

    /// <summary>A node that computes one wrong bit in each gradient, from the start; null for none.</summary>
    public int? NodeThatErrs { get; init; }

    /// <summary>What goes wrong, and when.</summary>
    public IReadOnlyList<SimulatedFault> Faults { get; init; } = [];
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
    IReadOnlyDictionary<int, long> BulkBytes);

/// <summary>
/// A run on a cluster in virtual time: the state machines of the real thing, over links and processes that are modelled, in one thread and wholly decided by
/// the seed.
/// </summary>
public sealed partial class ClusterSimulation
{
    /// <summary>The keeper's name among processes; it is no node.</summary>
    internal const int KeeperId = -1;

    private static readonly TimeSpan DiskTime = TimeSpan.FromMilliseconds(5);

    private readonly SimulationOptions options;
    private readonly VirtualClock clock = new();
    private readonly SimulatedNetwork network;
    private readonly SimulatedKeeper keeper;
    private readonly CounterRandom random;
    private readonly SortedDictionary<int, SimulatedProcess> processes = [];
    private readonly SortedDictionary<int, SimulatedProcess> members = [];
    private readonly List<RunEvent> events = [];
    private CoordinatorMachine? coordinator;
    private int coordinatorId;
    private int run;
    private int nextNumber;
    private uint draws;
    private bool gathering;
    private bool moves;
    private TimeSpan diskIsFree;
    private RunConclusion? conclusion;
    private string? failure;

    /// <summary>A cluster whose run is not submitted yet.</summary>
    /// <param name="model">What its nodes compute.</param>
    /// <param name="options">The cluster.</param>
    public ClusterSimulation(SimulatedModel model, SimulationOptions options)
    {
        this.options = options;
        Model = model;
        random = new CounterRandom(options.Seed, RandomPurpose.Shuffle);
        network = new SimulatedNetwork(clock, options.Link, new CounterRandom(options.Seed, RandomPurpose.Split));
        keeper = new SimulatedKeeper(this);
        for (int id = 0; id < options.Nodes; id++)
        {
            processes[id] = new SimulatedProcess(id, id < (options.Servers ?? options.Nodes), clock);
        }
    }

    internal SimulatedModel Model { get; }

    internal ProtocolWatch Watch { get; } = new();

    private RunShape Shape => Model.Shape with { Workers = options.MinimumWorkers, WorkersKeepResiduals = Model.HasErrorFeedback };

    /// <summary>Runs to the end of the run, or until something does not hold.</summary>
    public SimulationResult Run()
    {
        foreach (SimulatedFault fault in options.Faults)
        {
            clock.After(fault.At, () => Inflict(fault));
        }

        Submit(0);
        while (conclusion is null && failure is null && Watch.Broken is null)
        {
            if (!clock.Step() || clock.Now > options.Limit)
            {
                Watch.Break($"the run stands still after step {coordinator?.Progress.Step ?? keeper.Saved.Step}");
            }
        }

        float[] weights = conclusion is null ? []
            : (keeper.Best ?? keeper.WeightsAfter(conclusion.Progress.Step)) ?? [];
        return new SimulationResult(conclusion, weights, Watch.Broken ?? failure, clock.Now, events, network.BulkBytes);
    }

    /// <summary>What a subtree takes on a node of ordinary speed.</summary>
    internal TimeSpan TimeOf(TreeNode node) => Jitter(options.ShardTime * node.ShardCount);

    /// <summary>What an evaluation takes.</summary>
    internal TimeSpan TimeOf(EvaluateBlocks command) => Jitter(options.ShardTime * (command.EndBlock - command.FirstBlock));

    /// <summary>What an update takes.</summary>
    internal TimeSpan TimeOfUpdate(ParameterPiece piece) => Jitter(options.ShardTime * 0.1 * ((double)piece.Length / Model.Length));

    internal void TellNode(SimulatedNode from, int number, object message)
    {
        if (members.TryGetValue(number, out SimulatedProcess? to))
        {
            int of = from.Run;
            network.Send(IdOf(from), to.Id, Plane.Control, 200, () => Deliver(to, of, message));
        }
    }

    internal void SendFrame(SimulatedNode from, int number, SimulatedFrame frame)
    {
        if (members.TryGetValue(number, out SimulatedProcess? to))
        {
            int of = from.Run;
            network.Send(IdOf(from), to.Id, Plane.Bulk, 192 + frame.Values.Length * sizeof(float), () => DeliverFrame(to, of, frame));
        }
    }

    internal void SendFrameFromKeeper(int number, SimulatedFrame frame)
    {
        if (members.TryGetValue(number, out SimulatedProcess? to))
        {
            int of = run;
            network.Send(KeeperId, to.Id, Plane.Bulk, 192 + frame.Values.Length * sizeof(float), () => DeliverFrame(to, of, frame));
        }
    }

    internal void SendState(SimulatedNode from, int arrangement, long step, int slot, int offset, float[] values)
    {
        int of = from.Run;
        network.Send(IdOf(from), KeeperId, Plane.Bulk, 192 + values.Length * sizeof(float), () =>
        {
            if (of == run)
            {
                keeper.Receive(arrangement, step, slot, offset, values);
            }
        });
    }

    internal void TellCoordinator(SimulatedNode from, ICoordinatorMessage message)
    {
        int of = from.Run;
        network.Send(IdOf(from), coordinatorId, Plane.Control, 200, () => ToCoordinator(of, () => Handle(message)));
    }

    internal void TellCoordinatorFromKeeper(ICoordinatorMessage message)
    {
        int of = run;
        network.Send(KeeperId, coordinatorId, Plane.Control, 200, () => ToCoordinator(of, () => Handle(message)));
    }

    internal void UseDisk(Action done)
    {
        TimeSpan begins = diskIsFree > clock.Now ? diskIsFree : clock.Now;
        diskIsFree = begins + DiskTime;
        clock.After(diskIsFree - clock.Now, done);
    }

    /// <summary>The wrong bit of the node that errs.</summary>
    internal void Spoil(int processId, float[] gradient)
    {
        if (processId == options.NodeThatErrs)
        {
            gradient[^1] = BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(gradient[^1]) ^ 1);
        }
    }

    private static int IdOf(SimulatedNode node) => node.Process.Id;

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

    private void ToCoordinator(int of, Action what) => processes[coordinatorId].Do(() =>
    {
        if (of == run && coordinator is not null && conclusion is null)
        {
            what();
        }
    });

    private void ToKeeper(Action what)
    {
        int of = run;
        network.Send(coordinatorId, KeeperId, Plane.Control, 200, () =>
        {
            if (of == run)
            {
                what();
            }
        });
    }

    private TimeSpan Jitter(TimeSpan work) => work * (0.8 + 0.4 * random.Uniform(2, 0, draws++));
}
