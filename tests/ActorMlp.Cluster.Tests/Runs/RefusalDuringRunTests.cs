using System.IO.Compression;
using System.Net.Sockets;
using System.Text;
using ActorMlp.Cluster.Hosting;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Cluster.Runs;
using ActorMlp.Training.Runs;

namespace ActorMlp.Cluster.Tests.Runs;

/// <summary>Whoever does not belong to a run is refused, and the run ends with the bits that it would have had.</summary>
public sealed class RefusalDuringRunTests
{
    private static readonly string File = Path.GetFileName(TestRuns.Digits.Data.Train);

    /// <summary>Data files as a user writes them: each node has its own folder of them.</summary>
    private static readonly RunSource Portable = new(TestRuns.Digits with { Data = TestRuns.Digits.Data with { Train = File } }, "");

    [Fact]
    public async Task Node_whose_data_differ_is_refused_by_name_and_file_and_the_run_goes_on_without_it()
    {
        using var other = new OtherData();
        await using TestCluster cluster = await TestCluster.StartAsync(NodeSecurity.LoopbackOnly);
        await cluster.AddAsync(NodeRoles.All.ToArray(), Path.GetDirectoryName(TestRuns.Digits.Data.Train));
        ClusterNode refused = await cluster.AddAsync([NodeRoles.Worker, NodeRoles.ParameterServer], other.Path);
        var refusals = new List<NodeWasRefused>();
        TrainingResult result = await cluster.TrainAsync(
            TestRuns.Digits, runEvent => refusals.AddRange(runEvent is NodeWasRefused one ? [one] : []), source: Portable);
        NodeWasRefused refusal = Assert.Single(refusals);
        Assert.Equal(refused.Address.ToString(), refusal.Node);
        Assert.Contains(File, Assert.Single(refusal.Reasons), StringComparison.Ordinal);
        Assert.Equal(1, result.Summary.Workers);
        Assert.Equal(TestRuns.RunLocally(TestRuns.Digits).WeightsSha256, result.Summary.WeightsSha256);
    }

    [Fact]
    public async Task Run_whose_data_no_node_has_is_refused_with_every_reason()
    {
        using var other = new OtherData();
        await using TestCluster cluster = await TestCluster.StartAsync(NodeSecurity.LoopbackOnly);
        await cluster.AddAsync(NodeRoles.All.ToArray(), other.Path);
        RunRefusedException refused = await Assert.ThrowsAsync<RunRefusedException>(() => cluster.TrainAsync(TestRuns.Digits, source: Portable));
        Assert.Contains(refused.Reasons, reason => reason.Contains(cluster.Nodes[0].Address.ToString(), StringComparison.Ordinal) && reason.Contains(File, StringComparison.Ordinal));

        // The cluster is free again.
        RunRefusedException again = await Assert.ThrowsAsync<RunRefusedException>(() => cluster.TrainAsync(TestRuns.Digits, source: Portable));
        Assert.Equal(refused.Reasons, again.Reasons);
    }

    [Fact]
    public async Task Strangers_on_both_ports_do_not_disturb_a_run_with_a_secret()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(
            NodeSecurity.FromSecret(new string('s', 40)), [.. Enumerable.Repeat(NodeRoles.All.ToArray(), 2)]);
        var strangers = new List<Task<int>>();
        TrainingResult result = await cluster.TrainAsync(TestRuns.Digits, runEvent =>
        {
            if (runEvent is EpochCompleted)
            {
                foreach (ClusterNode node in cluster.Nodes)
                {
                    Assert.True(NodeAddress.TryParse(node.Hello.BulkAddress, out NodeAddress bulk));
                    strangers.Add(CallAsync(node.Address, "GET / HTTP/1.1\r\nHost: node\r\n\r\n"u8.ToArray()));
                    strangers.Add(CallAsync(bulk, "GET / HTTP/1.1\r\nHost: node\r\n\r\n"u8.ToArray()));
                    strangers.Add(CallAsync(node.Address, Encoding.ASCII.GetBytes(new string('\u0007', 3000))));
                    strangers.Add(CallAsync(bulk, Encoding.ASCII.GetBytes(new string('\u0007', 3000))));
                }
            }
        });
        Assert.Equal(TestRuns.RunLocally(TestRuns.Digits).WeightsSha256, result.Summary.WeightsSha256);
        Assert.Equal(2, result.Summary.Workers);
        Assert.True(strangers.Count >= 8);
        await Task.WhenAll(strangers).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    /// <summary>Sends bytes and reads until the connection is closed; how many bytes came.</summary>
    private static async Task<int> CallAsync(NodeAddress address, byte[] bytes)
    {
        using var client = new TcpClient();
        int read = 0;
        try
        {
            await client.ConnectAsync(address.Host, address.Port);
            NetworkStream stream = client.GetStream();
            await stream.WriteAsync(bytes);
            var buffer = new byte[4096];
            for (int count = -1; count != 0; read += count)
            {
                count = await stream.ReadAsync(buffer);
            }
        }
        catch (IOException)
        {
            // Closed the hard way.
        }

        return read;
    }

    /// <summary>A folder with the digits, of which one pixel is another.</summary>
    private sealed class OtherData : IDisposable
    {
        public OtherData()
        {
            Path = Directory.CreateTempSubdirectory("actormlp-").FullName;
            using var source = new GZipStream(System.IO.File.OpenRead(TestRuns.Digits.Data.Train), CompressionMode.Decompress);
            using var reader = new StreamReader(source);
            string text = reader.ReadToEnd();
            int digit = text.IndexOf('5', StringComparison.Ordinal);
            using var target = new GZipStream(System.IO.File.Create(System.IO.Path.Combine(Path, File)), CompressionMode.Compress);
            target.Write(Encoding.UTF8.GetBytes($"{text[..digit]}6{text[(digit + 1)..]}"));
        }

        public string Path { get; }

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
