using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Tests.Machines;

/// <summary>Which checkpoints may be written when, so that the last one never refers to a best one that is not there.</summary>
public sealed class AwaitedCheckpointsTests
{
    private static readonly BestEpoch First = new(1, new SplitMetrics { Loss = 2 }), Second = new(2, new SplitMetrics { Loss = 1 });

    [Fact]
    public void Last_checkpoint_waits_for_the_best_one_that_it_refers_to()
    {
        var awaited = new AwaitedCheckpoints();
        awaited.Add(Wanted(CheckpointKind.Best, 10, First));
        awaited.Add(Wanted(CheckpointKind.Last, 10, First));
        awaited.Add(Wanted(CheckpointKind.Last, 12, First));
        Assert.Empty(awaited.TakeDue(step => step == 12));
        Assert.Equal(
            [(CheckpointKind.Best, 10L), (CheckpointKind.Last, 10L), (CheckpointKind.Last, 12L)],
            awaited.TakeDue(_ => true).Select(due => (due.Kind, due.Progress.Step)));
        Assert.True(awaited.IsEmpty);
    }

    [Fact]
    public void Best_checkpoint_that_a_newer_one_overtook_is_never_written()
    {
        var awaited = new AwaitedCheckpoints();
        awaited.Add(Wanted(CheckpointKind.Best, 10, First));
        awaited.Add(Wanted(CheckpointKind.Last, 10, First));
        awaited.Add(Wanted(CheckpointKind.Best, 15, Second));
        awaited.Add(Wanted(CheckpointKind.Last, 15, Second));
        Assert.Equal(
            [(CheckpointKind.Best, 15L), (CheckpointKind.Last, 15L)],
            awaited.TakeDue(step => step == 15).Select(due => (due.Kind, due.Progress.Step)));
        Assert.True(awaited.IsEmpty);
    }

    [Fact]
    public void Checkpoint_that_was_asked_for_twice_is_written_once()
    {
        var awaited = new AwaitedCheckpoints();
        awaited.Add(Wanted(CheckpointKind.Last, 10, null));
        awaited.Add(Wanted(CheckpointKind.Last, 10, null));
        Assert.Single(awaited.TakeDue(_ => true));
        Assert.True(awaited.IsEmpty);
    }

    private static WriteCheckpoint Wanted(CheckpointKind kind, long step, BestEpoch? best) => new(kind, RunProgress.Start with { Step = step, Best = best }, 0);
}
