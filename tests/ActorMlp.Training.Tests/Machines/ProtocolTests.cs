using ActorMlp.Training.Configuration;
using ActorMlp.Training.Runs;
using CsCheck;

namespace ActorMlp.Training.Tests.Machines;

public sealed class ProtocolTests
{
    private static readonly RunShape Shape = new()
    {
        Epochs = 3,
        StepsPerEpoch = 4,
        Shards = 8,
        Workers = 3,
        LearningRate = _ => 0.1,
    };

    [Fact]
    public void Protocol_any_order_of_delivery_ends_with_the_loops_weight()
    {
        float expected = ProtocolSimulation.Oracle(Shape, Shape.TotalSteps);
        Gen.Select(Gen.ULong, Gen.Int[1, 9]).Sample((seed, workers) =>
        {
            var simulation = new ProtocolSimulation(Shape with { Workers = workers, TestRows = 700 }, seed, failureRate: 0);
            simulation.Run();
            AssertWholeRun(simulation, expected);
            Assert.Equal(0, simulation.Conclusion!.Progress.Ledger.ShardsReissued);
        }, iter: 300);
    }

    [Fact]
    public void Protocol_workers_that_fail_at_random_end_with_the_loops_weight()
    {
        float expected = ProtocolSimulation.Oracle(Shape, Shape.TotalSteps);
        long failures = 0, reissued = 0;
        Gen.Select(Gen.ULong, Gen.Int[1, 5]).Sample((seed, workers) =>
        {
            var simulation = new ProtocolSimulation(
                Shape with { Workers = workers, ValidationRows = 900, TestRows = 700, CheckpointEverySteps = 3 }, seed, failureRate: 0.03);
            simulation.Run();
            AssertWholeRun(simulation, expected);
            Interlocked.Add(ref failures, simulation.Failures);
            Interlocked.Add(ref reissued, simulation.Conclusion!.Progress.Ledger.ShardsReissued);
        }, iter: 300);
        Assert.True(failures > 300, $"only {failures} failures");
        Assert.True(reissued > 100, $"only {reissued} shards dealt again");
    }

    [Fact]
    public void Protocol_keep_best_ends_with_the_weight_of_the_smallest_validation_loss()
    {
        RunShape shape = Shape with { ValidationRows = 300, Keep = ModelSelection.Best };
        var byEpoch = Enumerable.Range(1, shape.Epochs)
            .Select(epoch => ProtocolSimulation.Oracle(shape, (long)epoch * shape.StepsPerEpoch)).ToList();
        Gen.ULong.Sample(seed =>
        {
            var simulation = new ProtocolSimulation(shape, seed, failureRate: 0.01);
            simulation.Run();
            Assert.Equal(byEpoch.MinBy(Math.Abs), simulation.Weight);
            Assert.Equal("last", simulation.Conclusion!.LastWeightsSha256);
            Assert.Equal(1 + byEpoch.IndexOf(byEpoch.MinBy(Math.Abs)), simulation.Conclusion.ModelEpoch);
        }, iter: 100);
    }

    [Fact]
    public void Protocol_stop_request_ends_after_a_committed_step_with_a_checkpoint_of_it()
    {
        Gen.ULong.Sample(seed =>
        {
            var simulation = new ProtocolSimulation(Shape, seed, failureRate: 0) { StopAfterNextEvent = true };
            simulation.Run();
            RunConclusion conclusion = Assert.IsType<RunConclusion>(simulation.Conclusion);
            Assert.Equal(RunStatus.Stopped, conclusion.Status);
            Assert.Equal(ProtocolSimulation.Oracle(Shape, conclusion.Progress.Step), simulation.Weight);
            Assert.Equal(conclusion.Progress.Step, simulation.Events.OfType<CheckpointSaved>().Last().Step);
        }, iter: 100);
    }

    private static void AssertWholeRun(ProtocolSimulation simulation, float expected)
    {
        Assert.Null(simulation.Failure);
        Assert.Equal(expected, simulation.Weight);
        RunProgress progress = simulation.Conclusion!.Progress;
        Assert.Equal(RunStatus.Completed, simulation.Conclusion.Status);
        Assert.Equal(Shape.TotalSteps, progress.Step);
        Assert.Equal(Shape.TotalSteps * Shape.Shards, progress.Ledger.ShardsCommitted);
        Assert.Equal(Shape.TotalSteps, simulation.Events.OfType<StepCommittedEvent>().Count());
        Assert.Equal(Shape.Epochs, simulation.Events.OfType<EpochCompleted>().Count());
    }
}
