using ActorMlp.Cluster.Compute;
using ActorMlp.Cluster.Runs;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;
using Akka.Actor;

namespace ActorMlp.Cluster.Tests.Runs;

/// <summary>The log of updates that a keeper writes in the background, and the checkpoints that need it.</summary>
public sealed class UpdateLogWriterTests
{
    private static readonly RunOptions Options = TestRuns.Digits with
    {
        Training = TestRuns.Digits.Training with { Consistency = new ConsistencyOptions { Mode = ConsistencyMode.Async } },
    };

    [Fact]
    public async Task Updates_reach_the_file_in_the_order_in_which_they_were_asked_for()
    {
        using var run = new TemporaryRun();
        using var writer = new UpdateLogWriter(run.Directory.Updates, TestRuns.Prepare(Options));
        _ = writer.BeginAsync(2, 0);
        _ = writer.AppendAsync([Update(0)]);
        _ = writer.BeginAsync(2, 0);
        _ = writer.AppendAsync([Update(0), Update(1)]);
        _ = writer.AppendAsync([Update(2)]);
        await writer.Written;
        Assert.Equal([0, 1, 2], UpdateLog.Read(run.Directory.Updates).Records.Select(update => update.Sequence));
    }

    [Fact]
    public async Task Log_that_cannot_be_begun_fails_with_its_path_and_so_does_every_checkpoint_behind_it()
    {
        using var run = new TemporaryRun();
        RunSetup setup = TestRuns.Prepare(Options);
        using var writer = new UpdateLogWriter(run.Directory.Updates, setup);
        Directory.CreateDirectory(run.Directory.Updates);
        Task begun = writer.BeginAsync(2, 0);
        _ = writer.AppendAsync([Update(0)]);
        StorageException failure = await Assert.ThrowsAsync<StorageException>(() => begun);
        Assert.Contains("updates.jsonl", failure.Message, StringComparison.Ordinal);

        using ActorSystem system = ActorSystem.Create("log", "akka.stdout-loglevel=OFF, akka.loggers=[]");
        using Inbox asker = Inbox.Create(system);
        var checkpoints = new CheckpointWriter(run.Directory);
        RunState state = RunState.Initial(setup, new SharedBuffers(setup.Network.Layout.Length), null, 2);
        foreach (CheckpointKind kind in new[] { CheckpointKind.Best, CheckpointKind.Last })
        {
            checkpoints.Save(kind, state.Draft(setup, RunProgress.Start), asker.Receiver, writer.Written);
            Assert.Equal(new CheckpointFailed(failure.Message), await asker.ReceiveAsync(TimeSpan.FromSeconds(30)));
        }

        Assert.False(File.Exists(run.Directory.BestCheckpoint));
        Assert.False(File.Exists(run.Directory.LastCheckpoint));
    }

    private static UpdateRecord Update(long sequence) => new(sequence, 0, 0, [new UpdatePart(0, 1, 0, 2)]);
}
