using ActorMlp.Cluster.Nodes;
using Akka.Actor;
using Akka.Cluster;

namespace ActorMlp.Cluster.Tests.Nodes;

public sealed class NodeSettingsTests
{
    [Fact]
    public async Task Settings_are_in_force()
    {
        var detection = new FailureDetection { AcceptablePause = TimeSpan.FromSeconds(2.5), StableAfter = TimeSpan.FromSeconds(3.5) };
        await using TestNode node = await TestNode.StartAsync(NodeSecurity.LoopbackOnly, detection: detection);
        ClusterSettings settings = node.Host.Cluster.Settings;
        Assert.Equal(detection.HeartbeatInterval, settings.HeartbeatInterval);
        Assert.Equal(detection.AcceptablePause, settings.FailureDetectorConfig.GetTimeSpan("acceptable-heartbeat-pause"));
        Assert.Equal(typeof(PromptDowningProvider), settings.DowningProviderType);
        Akka.Configuration.Config system = node.Host.System.Settings.Config;
        Assert.Equal("keep-majority", system.GetString("akka.cluster.split-brain-resolver.active-strategy"));
        Assert.Equal(detection.StableAfter, system.GetTimeSpan("akka.cluster.split-brain-resolver.stable-after"));

        // Akka's default: what is larger has no business on the control plane.
        Assert.Equal(128_000, system.GetByteSize("akka.remote.dot-netty.tcp.maximum-frame-size"));
    }

    [Theory]
    [InlineData("akka.actor.internal-dispatcher")]
    [InlineData("akka.remote.default-remote-dispatcher")]
    public async Task Heartbeats_have_threads_of_their_own(string dispatcher)
    {
        await using TestNode node = (await TestNode.StartClusterAsync(1, NodeSecurity.LoopbackOnly))[0];
        IActorRef where = node.Host.System.ActorOf(Props.Create(() => new Where()).WithDispatcher(dispatcher));
        string thread = await where.Ask<string>("?", TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.StartsWith(dispatcher, thread, StringComparison.Ordinal);
    }

    private sealed class Where : ReceiveActor
    {
        public Where() => ReceiveAny(_ => Sender.Tell(Thread.CurrentThread.Name ?? "nameless"));
    }
}
