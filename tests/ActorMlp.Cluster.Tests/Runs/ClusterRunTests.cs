using ActorMlp.Cluster.Actors;
using ActorMlp.Cluster.Hosting;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Training.Local;

namespace ActorMlp.Cluster.Tests.Runs;

public sealed class ClusterRunTests
{
    private static readonly string[] WorkerOnly = [NodeRoles.Worker];

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 2)]
    [InlineData(4, 4)]
    public async Task Run_on_nodes_has_the_hash_of_the_plain_loop(int nodes, int servers)
    {
        LocalResult expected = TestRuns.RunLocally(TestRuns.Digits);
        await using TestCluster cluster = await TestCluster.StartAsync(
            NodeSecurity.LoopbackOnly,
            [.. Enumerable.Range(0, nodes).Select(node => node < servers ? NodeRoles.All.ToArray() : WorkerOnly)]);
        TrainingResult result = await cluster.TrainAsync(TestRuns.Digits);
        Assert.Equal(expected.WeightsSha256, result.Summary.WeightsSha256);
        Assert.Equal(expected.LastWeightsSha256, result.Summary.LastWeightsSha256);
        Assert.Equal(expected.Test, result.Summary.Test);
        Assert.Equal(nodes, result.Summary.Workers);
    }

    [Fact]
    public async Task Checkpoint_that_cannot_be_written_fails_the_run_and_says_why()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(2);
        using var folder = new TemporaryRun();
        Directory.CreateDirectory(folder.Directory.LastCheckpoint + ".tmp");
        RunFailedException failure = await Assert.ThrowsAsync<RunFailedException>(() => cluster.TrainAsync(TestRuns.Digits, folder: folder));
        Assert.Contains("no checkpoint could be written", failure.Message, StringComparison.Ordinal);
        Assert.Contains(folder.Directory.LastCheckpoint, failure.Message, StringComparison.Ordinal);
    }
}
