using ActorMlp.Cluster.Hosting;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Cluster.Runs;
using ActorMlp.Data.Configuration;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Runs;

namespace ActorMlp.Cluster.Tests.Runs;

/// <summary>Nodes that have no data files.</summary>
public sealed class DistributionTests
{
    private static readonly string File = Path.GetFileName(TestRuns.Digits.Data.Train);

    [Fact]
    public async Task Nodes_without_data_get_them_once_and_keep_them()
    {
        using var nodes = new TemporaryRun();
        using var keeper = new TemporaryRun();
        string[] caches = [Path.Combine(nodes.Directory.Path, "one"), Path.Combine(nodes.Directory.Path, "other")];
        RunOptions options = Streaming(keeper);
        await using TestCluster cluster = await TestCluster.StartAsync(NodeSecurity.LoopbackOnly);
        await cluster.AddAsync(NodeRoles.All.ToArray(), nodes.Directory.Path, caches[0]);
        await cluster.AddAsync(NodeRoles.All.ToArray(), nodes.Directory.Path, caches[1]);
        string expected = TestRuns.RunLocally(TestRuns.Digits).WeightsSha256;

        TrainingResult first = await cluster.TrainAsync(options, source: Portable(options));
        Assert.Equal(expected, first.Summary.WeightsSha256);
        Assert.Equal(2, first.Summary.Workers);
        DateTime[] received = [.. caches.Select(TimeOfCache)];
        Assert.Equal(2, cluster.Log.Lines.Count(line => line.Contains("gets the data from here", StringComparison.Ordinal)));

        TrainingResult second = await cluster.TrainAsync(options, source: Portable(options));
        Assert.Equal(expected, second.Summary.WeightsSha256);
        Assert.Equal(received, caches.Select(TimeOfCache));
        Assert.Equal(2, cluster.Log.Lines.Count(line => line.Contains("gets the data from here", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Node_with_equal_files_uses_them_and_one_that_cannot_keep_data_is_refused_by_name()
    {
        using var keeper = new TemporaryRun();
        RunOptions options = Streaming(keeper);
        await using TestCluster cluster = await TestCluster.StartAsync(NodeSecurity.LoopbackOnly);
        await cluster.AddAsync(NodeRoles.All.ToArray(), Path.GetDirectoryName(TestRuns.Digits.Data.Train));
        string notAFolder = Path.Combine(keeper.Directory.Path, "file");
        System.IO.File.WriteAllText(notAFolder, "");
        ClusterNode refused = await cluster.AddAsync([NodeRoles.Worker], keeper.Directory.Path, notAFolder);
        var refusals = new List<NodeWasRefused>();
        TrainingResult result = await cluster.TrainAsync(
            options, runEvent => refusals.AddRange(runEvent is NodeWasRefused one ? [one] : []), source: Portable(options));
        Assert.Equal(TestRuns.RunLocally(TestRuns.Digits).WeightsSha256, result.Summary.WeightsSha256);
        NodeWasRefused refusal = Assert.Single(refusals);
        Assert.Equal(refused.Address.ToString(), refusal.Node);
        Assert.Contains(notAFolder, Assert.Single(refusal.Reasons), StringComparison.Ordinal);
        Assert.DoesNotContain(cluster.Log.Lines, line => line.Contains("gets the data from here", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Node_without_data_is_told_of_streaming_where_the_run_does_not_ask_for_it()
    {
        using var empty = new TemporaryRun();
        await using TestCluster cluster = await TestCluster.StartAsync(NodeSecurity.LoopbackOnly);
        await cluster.AddAsync(NodeRoles.All.ToArray(), empty.Directory.Path);
        RunRefusedException refused = await Assert.ThrowsAsync<RunRefusedException>(() => cluster.TrainAsync(TestRuns.Digits, source: Portable(TestRuns.Digits)));
        Assert.Contains(refused.Reasons, reason => reason.Contains("data.distribution: stream would send the data", StringComparison.Ordinal));
    }

    private static RunOptions Streaming(TemporaryRun keeper) => TestRuns.Digits with
    {
        Data = TestRuns.Digits.Data with { Distribution = DataDistribution.Stream, CacheDirectory = Path.Combine(keeper.Directory.Path, "cache") },
    };

    private static RunSource Portable(RunOptions options) => new(options with { Data = options.Data with { Train = File } }, "");

    private static DateTime TimeOfCache(string folder) =>
        System.IO.File.GetLastWriteTimeUtc(Assert.Single(Directory.GetFiles(folder, "*.actormlp-data")));
}
