using ActorMlp.Training.Configuration;
using ActorMlp.Training.Faults;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Simulation;

namespace ActorMlp.Training.Tests.Simulation;

/// <summary>A node that computes and holds no parameters is slow, or stands still for a while: others compute its shards too, and the first copy counts.</summary>
public sealed class StragglerTests
{
    private static readonly TimeSpan From = TimeSpan.FromMilliseconds(300);

    [Theory]
    [InlineData(FaultKind.Stop)]
    [InlineData(FaultKind.Slow)]
    public void Straggler_others_compute_its_shards_and_the_weights_stay(FaultKind kind)
    {
        SimulationResult helped = Train(kind, factor: 3), alone = Train(kind, factor: 0), undisturbed = Train(null, factor: 3);
        float[] expected = PlainLoop.Train(Model());
        Assert.All([helped, alone, undisturbed], result => Assert.Equal(expected, result.Weights));

        LedgerSummary ledger = helped.Conclusion!.Progress.Ledger;
        Assert.InRange(ledger.ShardsLate, 1, ledger.ShardsCommitted);
        Assert.InRange(ledger.ShardsInVain, kind == FaultKind.Slow ? 1 : 0, ledger.ShardsLate);
        Assert.Equal(Model().Shape.TotalSteps * Model().Shape.Shards, ledger.ShardsCommitted);
        Assert.Equal(0, alone.Conclusion!.Progress.Ledger.ShardsLate);
        Assert.Equal(0, undisturbed.Conclusion!.Progress.Ledger.ShardsLate);
        TimeSpan lost = alone.Time - undisturbed.Time;
        Assert.True(helped.Time - undisturbed.Time < lost / 2, $"{undisturbed.Time} undisturbed, {alone.Time} with a straggler, {helped.Time} with help");
    }

    [Fact]
    public void Straggler_late_from_then_on_is_helped_from_the_beginning_of_each_step()
    {
        SimulationResult result = Train(FaultKind.Slow, factor: 3);
        StepCommittedEvent[] steps = [.. result.Events.OfType<StepCommittedEvent>()];
        int[] helped = [.. steps.Where(step => step.Account!.Redealt.Any(shards => shards.Reason == RedealReason.Late)).Select(step => (int)step.Account!.Step)];
        Assert.True(helped.Length > 20, $"{helped.Length} steps were helped");

        // Every late shard belongs to the same worker, and others were counted for them.
        Assert.Single(steps.SelectMany(step => step.Account!.Redealt).Select(shards => shards.Worker).Distinct());
        Assert.Contains(steps[helped[5]].Account!.Counted, subtree => subtree.Worker != steps[helped[5]].Account!.Redealt[0].Worker);
    }

    private static CheckingModel Model() => new(
        new RunShape { Epochs = 4, StepsPerEpoch = 50, Shards = 8, Workers = 1, LearningRate = _ => 0.1, Keep = ModelSelection.Last }, 6, false);

    private static SimulationResult Train(FaultKind? kind, double factor)
    {
        var fault = new Fault
        {
            Kind = kind ?? FaultKind.Join,
            At = FaultMoment.AtTime(From),
            Target = FaultTarget.Of(3),
            Duration = TimeSpan.FromSeconds(2),
            Factor = kind == FaultKind.Slow ? 50 : null,
        };
        SimulationResult result = new ClusterSimulation(Model(), new SimulationOptions
        {
            Nodes = 4,
            Servers = 2,
            StragglerFactor = factor,
            LateAfter = TimeSpan.FromMilliseconds(15),
            Script = kind is null ? FaultScript.None : new FaultScript { Seed = 1, Faults = [fault] },
        }).Run();
        Assert.Null(result.Violation);
        return result;
    }
}
