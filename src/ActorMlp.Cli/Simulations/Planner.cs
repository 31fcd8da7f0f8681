using System.Text.Json.Nodes;
using ActorMlp.Cli.Plots;
using ActorMlp.Cli.Views;
using ActorMlp.Engine.Encodings;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Simulation;
using ActorMlp.Training.Simulation.Planning;
using ActorMlp.Training.Simulation.Sharing;
using ActorMlp.Training.Views;

namespace ActorMlp.Cli.Simulations;

/// <summary>What a run would take on a cluster, without its arithmetic.</summary>
/// <param name="context">What to talk to.</param>
internal sealed class Planner(CommandContext context)
{
    /// <summary>Plans with nodes that are machines of their own; returns the exit code.</summary>
    public int Run(SimulateRequest request, RunSetup setup, NodeSpeed speed) =>
        Run(request, setup, speed, plan => plan, _ => SimulationReport.Heading(request, setup, speed));

    /// <summary>Plans with nodes that are processes of one machine; returns the exit code.</summary>
    public int Run(SimulateRequest request, RunSetup setup, SharedMachine machine) =>
        Run(request, setup, NodeSpeed.Assume(setup, request.Speed ?? 1), machine.Share, plan => SimulationReport.Heading(request, setup, plan));

    private int Run(SimulateRequest request, RunSetup setup, NodeSpeed speed, Func<ClusterPlan, ClusterPlan> place, Func<ClusterPlan, string> heading)
    {
        PieceDealer dealer = new RunBlueprint(setup.Options, RunFacts.Of(setup.Data)).CreateDealer();
        var basis = new ClusterPlan
        {
            Shape = setup.Shape,
            RowsPerStep = setup.Options.Training.BatchSize,
            Nodes = 1,
            Servers = 1,
            PiecesPerServer = 1,
            GradientBytes = setup.Encoding is { } encoding
                ? GradientEncoding.Create(encoding.Spec).EncodedLength(setup.Network.Layout.Length)
                : (double)setup.Network.Layout.Length * sizeof(float),
            Link = request.Link,
            OptimizerSlots = setup.StateNames.Count - (setup.Encoding?.ResidualNames.Count ?? 0),
            ShardTime = speed.ShardTime(setup),
            UpdateTime = speed.UpdateTime,
        };
        List<int> counts = [1];
        if (request.Plot is not null)
        {
            for (int nodes = 2; nodes < request.Nodes; nodes *= 2)
            {
                counts.Add(nodes);
            }
        }

        counts.Add(request.Nodes);
        PlannedPoint[] points = [.. counts.Distinct().Select(nodes => Plan(basis, dealer, nodes, Math.Min(request.Servers ?? nodes, nodes), request.Seed, place))];
        PlannedPoint asked = points[^1];
        if (request.Json)
        {
            context.Output.WriteLine(ToJson(points));
        }
        else
        {
            context.Output.WriteLine(heading(asked.Plan));
            context.Output.WriteLine(Describe(asked, points[0], Math.Min(request.Servers ?? request.Nodes, request.Nodes)));
        }

        if (request.Plot is { } path)
        {
            ScalingPlot.Write(path, points, setup.Options.Name!);
            (request.Json ? context.Error : context.Output).WriteLine($"plot       {path}");
        }

        return ExitCode.Success;
    }

    private static PlannedPoint Plan(ClusterPlan basis, PieceDealer dealer, int nodes, int servers, ulong seed, Func<ClusterPlan, ClusterPlan> place)
    {
        // Where the vector cannot be cut so often, some servers get nothing.
        IReadOnlyList<ParameterPiece> pieces = dealer.Deal([.. Enumerable.Range(0, servers)]);
        IGrouping<int, ParameterPiece>[] held = [.. pieces.GroupBy(piece => piece.Server)];
        ClusterPlan plan = place(basis.On(nodes, held.Length, held.Max(server => server.Count())));
        if (nodes > MessageLevelForecast.MostNodes)
        {
            return new PlannedPoint(plan, ReducedForecast.Run(plan, seed), ReducedForecast.BytesPerStep(plan), false);
        }

        (StepForecast step, SimulationResult result) = MessageLevelForecast.Run(plan, seed);
        return new PlannedPoint(plan, step, MessageLevelForecast.BytesPerStep(result), true);
    }

    private static string Describe(PlannedPoint point, PlannedPoint one, int servers)
    {
        StepForecast step = point.Step;
        ClusterPlan plan = point.Plan;
        List<string> lines =
        [
            $"step       {Milliseconds(step.Step)}, {Figures.Number(Math.Round(point.StepsPerSecond, 1))} steps/s, {Figures.Count(point.SamplesPerSecond)} samples/s; "
                + $"epoch {Figures.Seconds(point.Epoch.TotalSeconds)} without evaluation",
            $"scaling    {Figures.Number(Math.Round(point.SamplesPerSecond / one.SamplesPerSecond, 2))} times one node, efficiency {Figures.Percent(point.EfficiencyBeside(one))}",
            Part("compute", step.Compute, step, "gradients of an average share"),
            Part("waiting", step.Waiting, step, plan.Machine is null ? "for the slowest node's gradient" : "for cores, and for the slowest process's gradient"),
            Part("gradients", step.Gradients, step, "on their way to the parameter servers, after the last is computed"),
            Part("update", step.Update, step, "the last piece's"),
            Part("weights", step.Weights, step, "on their way to the workers"),
            .. plan.Machine is null ? Array.Empty<string>() :
            [
                $"{"checkpoint",-10} {Milliseconds(step.Checkpoint),10}  {Figures.Percent(point.Checkpoints / point.Epoch),8}  of the epoch: "
                    + (plan.CheckpointsOfEpoch == 1 ? "one is written at its end" : $"{Figures.Count(plan.CheckpointsOfEpoch)} are written"),
            ],
            plan.Nodes == 1
                ? "bytes      none over links"
                : $"bytes      {SimulationReport.Bytes(point.BytesPerStep)} a step over all links, {SimulationReport.Bytes(point.BytesPerStep / plan.Nodes)} sent by a node, "
                    + $"{SimulationReport.Bytes(point.BytesPerStep / plan.Nodes / (plan.Nodes - 1))} from a node to another, on average",
        ];
        if (plan.Machine is { } machine && point.BusyCores is { } busy)
        {
            MachineUse use = step.Cores;
            string Share(TimeSpan part, string what) => $"{what} {Figures.Percent(part / use.Total)}";
            string[] shares =
            [
                Share(use.Computing, "gradients and updates"),
                Share(use.Frames, "bulk frames"),
                Share(use.ControlMessages, "control messages"),
                Share(use.HandingOver, "handing over"),
                Share(use.Copying, "staging weights"),
                Share(use.Background, "heartbeats and timers"),
            ];
            lines.Add($"cores      {Figures.Number(Math.Round(busy, 2))} of {machine.Cores} busy: {string.Join(", ", shares)}");
        }

        if (plan.ComputingNodes < plan.Nodes)
        {
            string limit = plan.Shape.EncodedSubtrees is null
                ? $"training.shardsPerStep is {plan.Shape.Shards}"
                : $"training.encoding.subtrees is {plan.Shape.EncodedSubtrees}";
            lines.Add($"note       only {Figures.Count(plan.ComputingNodes)} of {Figures.Count(plan.Nodes)} nodes compute: {limit}; the others hold parameters, or wait");
        }

        if (plan.Servers < servers)
        {
            lines.Add($"note       only {Figures.Count(plan.Servers)} of {Figures.Count(servers)} parameter servers hold something: the parameters cannot be cut more often");
        }

        lines.Add(point.ByMessages
            ? "by         the state machines of the real thing, message by message"
            : $"by         the reduced model, as there are more than {MessageLevelForecast.MostNodes} nodes");
        return string.Join(Environment.NewLine, lines);
    }

    private static string Part(string name, TimeSpan part, StepForecast step, string what) =>
        $"{name,-10} {Milliseconds(part),10}  {Figures.Percent(part / step.Step),8}  {what}";

    private static string Milliseconds(TimeSpan time) => Figures.Number(Math.Round(time.TotalMilliseconds, 3)) + " ms";

    private static string ToJson(IEnumerable<PlannedPoint> points) => new JsonObject
    {
        ["points"] = new JsonArray([.. points.Select(point => (JsonNode)new JsonObject
        {
            ["nodes"] = point.Plan.Nodes,
            ["servers"] = point.Plan.Servers,
            ["computingNodes"] = point.Plan.ComputingNodes,
            ["stepSeconds"] = point.Step.Step.TotalSeconds,
            ["samplesPerSecond"] = point.SamplesPerSecond,
            ["epochSeconds"] = point.Epoch.TotalSeconds,
            ["computeSeconds"] = point.Step.Compute.TotalSeconds,
            ["waitingSeconds"] = point.Step.Waiting.TotalSeconds,
            ["gradientSeconds"] = point.Step.Gradients.TotalSeconds,
            ["updateSeconds"] = point.Step.Update.TotalSeconds,
            ["weightSeconds"] = point.Step.Weights.TotalSeconds,
            ["checkpointSeconds"] = point.Step.Checkpoint.TotalSeconds,
            ["bytesPerStep"] = point.BytesPerStep,
            ["busyCores"] = point.BusyCores,
            ["byMessages"] = point.ByMessages,
        })]),
    }.ToJsonString();
}
