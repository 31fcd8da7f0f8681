using ActorMlp.Cluster.Runs;
using ActorMlp.Cluster.Tests.Bulk;
using ActorMlp.Cluster.Wire;
using ActorMlp.Data;
using ActorMlp.Data.Cache;
using ActorMlp.Data.Configuration;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Runs;
using Akka.Actor;
using Akka.Event;

namespace ActorMlp.Cluster.Tests.Runs;

/// <summary>A keeper, and a node that is played by the test.</summary>
public sealed class KeeperTransferTests
{
    [Fact]
    public async Task Transfer_to_a_node_that_is_gone_ends_while_the_run_goes_on()
    {
        using var folder = new TemporaryRun();
        RunOptions options = TestRuns.Digits with
        {
            Data = TestRuns.Digits.Data with { Distribution = DataDistribution.Stream, CacheDirectory = Path.Combine(folder.Directory.Path, "cache") },
        };
        RunSetup setup = TestRuns.Prepare(options);
        using DataCacheFile data = DataCacheStore.OpenFile(setup.Data, options.Data, options.Training.Seed, new DataPaths(Environment.CurrentDirectory, null));
        await using var bulk = new BulkNode("keeper");
        ActorSystem system = ActorSystem.Create("transfer", "akka.stdout-loglevel=OFF, akka.loglevel=INFO, akka.loggers=[]");
        try
        {
            using Inbox log = Inbox.Create(system);
            system.EventStream.Subscribe(log.Receiver, typeof(LogEvent));
            IActorRef node = system.ActorOf(Props.Create(() => new NodeWithoutData()), "node");
            var end = new TaskCompletionSource<KeptRun>(TaskCreationOptions.RunContinuationsAsynchronously);
            system.ActorOf(
                KeeperActor.Props(
                    new KeeperOptions(
                        setup,
                        new RunSource(options, ""),
                        "test",
                        folder.Directory,
                        setup.Data.ComputeFingerprint().ToJson(),
                        ["node:1"],
                        NodeWithoutData.Hello,
                        bulk.Endpoint,
                        new BulkHub(),
                        _ => system.ActorSelection(node.Path),
                        new Progress<RunEvent>(),
                        data),
                    null,
                    end),
                "keeper");
            await Task.Run(() => log.ReceiveWhere(message => Says(message, "node:1 gets the data from here"), BulkNode.Patience), TestContext.Current.CancellationToken);

            // Nobody listens where the node is said to be: the frames wait, and would as long as the run lasts.
            Assert.All(bulk.Endpoint.Traffic, traffic => Assert.Equal(0, traffic.PayloadBytesSent));
            system.Stop(node);
            await Task.Run(() => log.ReceiveWhere(message => Says(message, $"the data were not sent to {node}"), BulkNode.Patience), TestContext.Current.CancellationToken);
            Assert.False(end.Task.IsCompleted);
        }
        finally
        {
            await system.Terminate();
        }
    }

    private static bool Says(object message, string text) =>
        message is LogEvent line && line.Message.ToString()!.Contains(text, StringComparison.Ordinal);

    private sealed class NodeWithoutData : ReceiveActor
    {
        public NodeWithoutData() => Receive<SubmitRun>(message => Sender.Tell(new DataWanted(message.Run, Hello)));

        // Port 1 is privileged, and nobody's.
        public static NodeHello Hello { get; } = new("node:1", "127.0.0.1:1", "scalar", 1, [], "0.1.0");
    }
}
