using ActorMlp.Training.Runs;
using ActorMlp.Training.Simulation;
using ActorMlp.Training.Simulation.Planning;

namespace ActorMlp.Training.Tests.Simulation;

/// <summary>The reduced model of many nodes agrees with the simulation of every message, where both can be run.</summary>
public sealed class ForecastTests
{
    /// <summary>Nodes, parameter servers, pieces of each, shards, parameters, and the rate of links in bytes a second.</summary>
    public static TheoryData<int, int, int, int, int, double> Plans { get; } = new()
    {
        { 1, 1, 1, 32, 500_000, 1.25e9 },
        { 2, 2, 2, 32, 500_000, 1.25e9 },
        { 4, 4, 1, 32, 500_000, 1.25e9 },
        { 8, 8, 1, 64, 500_000, 125e6 },
        { 16, 16, 1, 64, 2_000_000, 1.25e9 },
        { 16, 4, 4, 64, 2_000_000, 1.25e9 },
        { 32, 32, 1, 64, 2_000_000, 1.25e9 },
        { 64, 64, 1, 64, 2_000_000, 1.25e9 },
        { 64, 64, 1, 16, 500_000, 1.25e9 },
        { 8, 1, 8, 64, 1_000_000, 1.25e9 },
    };

    [Theory]
    [MemberData(nameof(Plans))]
    public void Reduced_model_agrees_with_every_message(int nodes, int servers, int pieces, int shards, int parameters, double rate)
    {
        ClusterPlan plan = Plan(nodes, servers, pieces, shards, parameters, rate);
        (StepForecast step, SimulationResult result) = MessageLevelForecast.Run(plan, 1);
        StepForecast reduced = ReducedForecast.Run(plan, 1);

        // With fewer servers than nodes, which server is served when matters more than the reduced model knows.
        double tolerance = servers == nodes ? 0.08 : 0.16;
        Assert.True(Math.Abs(reduced.Step / step.Step - 1) < tolerance, $"{nodes} nodes, {servers} servers: {reduced} beside {step}");
        double bytes = MessageLevelForecast.BytesPerStep(result);
        Assert.True(Math.Abs(ReducedForecast.BytesPerStep(plan) - bytes) <= 0.08 * bytes, $"{ReducedForecast.BytesPerStep(plan)} bytes beside {bytes}");
    }

    [Fact]
    public void Ten_thousand_nodes_take_no_longer_to_compute_than_their_shards_allow()
    {
        ClusterPlan plan = Plan(10_000, 10_000, 1, 64, 2_000_000, 1.25e9);
        StepForecast step = ReducedForecast.Run(plan, 1);
        Assert.Equal(64, plan.ComputingNodes);
        Assert.InRange(step.Compute / plan.ShardTime, 0.9, 1.1);
        Assert.True(step.Weights > TimeSpan.FromSeconds(plan.WeightBytes / plan.Link.BytesPerSecond), "weights came faster than a link can take them in");
    }

    private static ClusterPlan Plan(int nodes, int servers, int pieces, int shards, int parameters, double rate) => new()
    {
        Shape = new RunShape { Epochs = 1, StepsPerEpoch = 100, Shards = shards, Workers = 1, ParameterLength = parameters, LearningRate = _ => 0.1 },
        RowsPerStep = 2048,
        Nodes = nodes,
        Servers = servers,
        PiecesPerServer = pieces,
        GradientBytes = 4.0 * parameters,
        Link = new LinkModel(rate, TimeSpan.FromMicroseconds(50)),
        ShardTime = TimeSpan.FromSeconds(2048.0 / shards / 100_000),
        UpdateTime = TimeSpan.FromMilliseconds(parameters / 1e6),
    };
}
