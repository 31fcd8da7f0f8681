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
        var awaited = new AwaitedCheckpoints(5);
        awaited.Add(Wanted(CheckpointKind.Best, 5, First));
        awaited.Add(Wanted(CheckpointKind.Last, 5, First));
        awaited.Add(Wanted(CheckpointKind.Last, 7, First));
        Assert.Empty(awaited.TakeDue(step => step == 7));
        Assert.Equal(
            [(CheckpointKind.Best, 5L), (CheckpointKind.Last, 5L), (CheckpointKind.Last, 7L)],
            awaited.TakeDue(_ => true).Select(due => (due.Kind, due.Progress.Step)));
        Assert.True(awaited.IsEmpty);
    }

    [Fact]
    public void Best_checkpoint_that_a_newer_one_overtook_is_never_written()
    {
        var awaited = new AwaitedCheckpoints(5);
        awaited.Add(Wanted(CheckpointKind.Best, 5, First));
        awaited.Add(Wanted(CheckpointKind.Last, 5, First));
        awaited.Add(Wanted(CheckpointKind.Best, 10, Second));
        awaited.Add(Wanted(CheckpointKind.Last, 10, Second));
        Assert.Equal(
            [(CheckpointKind.Best, 10L), (CheckpointKind.Last, 10L)],
            awaited.TakeDue(step => step == 10).Select(due => (due.Kind, due.Progress.Step)));
        Assert.True(awaited.IsEmpty);
    }

    [Fact]
    public void Best_checkpoint_is_written_although_word_of_it_was_lost()
    {
        var awaited = new AwaitedCheckpoints(5);
        awaited.Add(Wanted(CheckpointKind.Last, 5, First));
        Assert.Equal([CheckpointKind.Best, CheckpointKind.Last], awaited.TakeDue(_ => true).Select(due => due.Kind));
    }

    [Fact]
    public void Last_checkpoint_that_refers_to_a_best_one_nobody_asked_for_is_not_written()
    {
        var awaited = new AwaitedCheckpoints(5);
        awaited.Add(Wanted(CheckpointKind.Last, 7, First));
        Assert.Empty(awaited.TakeDue(_ => true));

        // Where the run goes on from a checkpoint with it, it is on disk.
        awaited.Begin(RunProgress.Start with { Step = 6, Best = First });
        awaited.Add(Wanted(CheckpointKind.Last, 7, First));
        Assert.Single(awaited.TakeDue(_ => true));
    }

    [Fact]
    public void Checkpoint_that_was_asked_for_twice_is_written_once()
    {
        var awaited = new AwaitedCheckpoints(5);
        awaited.Add(Wanted(CheckpointKind.Last, 10, null));
        awaited.Add(Wanted(CheckpointKind.Last, 10, null));
        Assert.Single(awaited.TakeDue(_ => true));
        Assert.True(awaited.IsEmpty);
    }

    private static WriteCheckpoint Wanted(CheckpointKind kind, long step, BestEpoch? best) => new(kind, RunProgress.Start with { Step = step, Best = best }, 0);
}
