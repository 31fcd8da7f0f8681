using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Random;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Simulation.Planning;

/// <summary>
/// The step of many nodes without its messages: what each node computes is drawn as in the simulation, and what links and servers do with it follows from bytes and
/// queues. Parameter servers are taken to be alike. How far it agrees with <see cref="MessageLevelForecast"/> is tested.
/// </summary>
public sealed class ReducedForecast
{
    private const int Steps = 24;
    private const int WarmUp = 4;
    private const double FrameHead = 192;

    private readonly ClusterPlan plan;
    private readonly CounterRandom random;
    private readonly int[][] subtrees;
    private readonly double[] begins;
    private double sendingEnds;
    private uint draws;

    private ReducedForecast(ClusterPlan plan, ulong seed)
    {
        this.plan = plan;
        random = new CounterRandom(seed, RandomPurpose.Faults);
        int computing = plan.ComputingNodes;
        IReadOnlyList<ShardRange> ranges = ShardDealer.Deal(
            plan.Shape.Shards, [.. Enumerable.Range(0, computing).Select(i => new WorkerId(i, 0))], null, plan.Shape.ShardsDealtTogether);
        subtrees = [.. ranges.Select(range => TreeNode.Cover(range.First, range.End).SelectMany(Parts).ToArray())];
        begins = new double[computing];
    }

    /// <summary>An average step.</summary>
    /// <param name="plan">The run and its cluster.</param>
    /// <param name="seed">Decides the noise.</param>
    public static StepForecast Run(ClusterPlan plan, ulong seed)
    {
        if (plan.Machine is not null)
        {
            throw new ArgumentException("processes that share cores are simulated message by message", nameof(plan));
        }

        var forecast = new ReducedForecast(plan, seed);
        var steps = new List<StepForecast>();
        double updated = 0;
        for (int i = 0; i < Steps; i++)
        {
            (StepForecast step, updated) = forecast.Step(updated);
            if (i >= WarmUp)
            {
                steps.Add(step);
            }
        }

        return StepForecast.Average(steps);
    }

    /// <summary>Bytes that all nodes together send to each other in a step.</summary>
    public static double BytesPerStep(ClusterPlan plan)
    {
        var forecast = new ReducedForecast(plan, 0);
        double gradients = 0;
        for (int i = 0; i < forecast.subtrees.Length; i++)
        {
            gradients += forecast.subtrees[i].Length * forecast.SentBy(i);
        }

        return gradients + (plan.Nodes - 1) * forecast.PieceOf(plan.WeightBytes) * plan.Servers * plan.PiecesPerServer;
    }

    /// <summary>A subtree as those whose gradients travel as one, by their shards.</summary>
    private IEnumerable<int> Parts(TreeNode node) =>
        Enumerable.Repeat(1 << Math.Min(node.Level, plan.Shape.LargestSubtreeLevel), 1 << Math.Max(0, node.Level - plan.Shape.LargestSubtreeLevel));

    private double Rate => plan.Link.BytesPerSecond;

    /// <summary>Bytes of a frame with a piece.</summary>
    private double PieceOf(double bytes) => FrameHead + bytes / (plan.Servers * plan.PiecesPerServer);

    /// <summary>Bytes of a gradient that leave a worker: all but its own range.</summary>
    private double SentBy(int worker) => PieceOf(plan.GradientBytes) * plan.PiecesPerServer * (plan.Servers - (worker < plan.Servers ? 1 : 0));

    /// <summary>A step, from the last update of the one before, in seconds.</summary>
    private (StepForecast Forecast, double Updated) Step(double before)
    {
        double work = 0, computed = 0;
        var frames = new List<(double Arrives, int Piece)>();
        var complete = new double[plan.PiecesPerServer];
        for (int i = 0; i < subtrees.Length; i++)
        {
            // A parameter server sends gradients after the weights that it still has to send.
            double end = begins[i], free = i < plan.Servers ? Math.Max(begins[i], sendingEnds) : begins[i];
            foreach (int shards in subtrees[i])
            {
                double takes = plan.ShardTime.TotalSeconds * shards * Noise();
                work += takes;
                end += takes;
                free = Send(i, Math.Max(free, end), end, frames, complete);
            }

            computed = Math.Max(computed, end);
        }

        TakeIn(frames, complete);
        double meanBegin = begins.Average(), latest = plan.Nodes > 1 ? Latency((long)subtrees.Length * plan.Servers) : 0;
        (double updated, double lastUpdate) = Update(computed, [.. complete.Select(at => Math.Max(computed, at + latest))]);
        double compute = Math.Min(work / subtrees.Length, computed - meanBegin);
        var forecast = new StepForecast(
            TimeSpan.FromSeconds(compute),
            TimeSpan.FromSeconds(computed - meanBegin - compute),
            TimeSpan.FromSeconds(updated - computed - lastUpdate),
            TimeSpan.FromSeconds(lastUpdate),
            TimeSpan.FromSeconds(meanBegin - before));
        return (forecast, updated);
    }

    /// <summary>A worker sends a gradient: piece by piece to each server in turn. What the last server gets of it is entered.</summary>
    /// <returns>When all of it has left.</returns>
    private double Send(int worker, double begin, double computed, List<(double Arrives, int Piece)> frames, double[] complete)
    {
        int server = plan.Servers - 1;
        double frame = PieceOf(plan.GradientBytes) / Rate;
        if (worker == server)
        {
            for (int piece = 0; piece < complete.Length; piece++)
            {
                complete[piece] = Math.Max(complete[piece], computed);
            }
        }
        else
        {
            // Turns begin behind the sender, and leave it out.
            int others = worker < plan.Servers ? plan.Servers - 1 : plan.Servers, before = worker < plan.Servers ? server - worker - 1 : server;
            for (int piece = 0; piece < complete.Length; piece++)
            {
                frames.Add((begin + (piece * others + before) * frame, piece));
            }
        }

        return begin + SentBy(worker) / Rate;
    }

    /// <summary>The last server takes frames in one at a time, in the order in which they come.</summary>
    private void TakeIn(List<(double Arrives, int Piece)> frames, double[] complete)
    {
        double free = 0, frame = PieceOf(plan.GradientBytes) / Rate;
        foreach ((double arrives, int piece) in frames.Order())
        {
            free = Math.Max(free, arrives) + frame;
            complete[piece] = Math.Max(complete[piece], free);
        }
    }

    /// <summary>Pieces are updated as they are complete, and sent as they are updated.</summary>
    private (double Updated, double LastUpdate) Update(double computed, double[] complete)
    {
        double update = plan.UpdateTime.TotalSeconds / (plan.Servers * complete.Length), slowest = update * (1 + 0.2 * Most(plan.Servers));
        double piece = PieceOf(plan.WeightBytes) / Rate;
        double updated = computed, sending = computed, receiving = computed, begunSending = computed;
        double measured = plan.Shape.ClipsNorm ? complete.Max() + slowest + (plan.Servers > 1 ? Latency(plan.Servers) : 0) : 0;
        for (int i = 0; i < complete.Length; i++)
        {
            updated = Math.Max(updated, Math.Max(measured, complete[i])) + (i == complete.Length - 1 ? slowest : update);
            begunSending = Math.Max(sending, updated);
            sending = begunSending + piece * (plan.Nodes - 1);
            receiving = Math.Max(receiving, updated) + piece * plan.Servers;
        }

        sendingEnds = sending;
        double late = plan.Nodes > 1 ? Latency(plan.Servers) : 0;
        for (int i = 0; i < begins.Length; i++)
        {
            // Servers serve nodes in turn, beginning behind themselves: with a server before it, a node's place in the turn is its number.
            double turn = i + 1 < plan.Servers ? plan.Nodes - 1 : i;
            bool alone = plan.Servers == 1 && i == 0;
            begins[i] = alone || plan.Nodes == 1 ? updated : Math.Max(begunSending + piece * Math.Max(1, turn), i < plan.Servers ? receiving - piece : receiving) + late;
        }

        return (updated, slowest);
    }

    private double Noise() => 0.8 + 0.4 * random.Uniform(3, 0, draws++);

    /// <summary>The longest of several latencies, on average.</summary>
    private double Latency(long of) => plan.Link.Latency.TotalSeconds * (1 + plan.Link.Jitter * Most(of));

    /// <summary>The mean of the largest of some numbers that are even over [-1, 1].</summary>
    private static double Most(long of) => (of - 1.0) / (of + 1.0);
}
