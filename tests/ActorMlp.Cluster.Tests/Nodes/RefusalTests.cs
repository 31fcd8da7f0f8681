using ActorMlp.Cluster.Nodes;
using ActorMlp.Cluster.Wire;
using ActorMlp.Engine.Batches;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Serialization;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cluster.Tests.Nodes;

/// <summary>What may pass between nodes: listed control messages and what Akka's cluster needs, nothing else.</summary>
public sealed class RefusalTests
{
    [Fact]
    public async Task Nothing_but_listed_messages_leaves_a_node()
    {
        TestNode[] nodes = await TestNode.StartClusterAsync(2, NodeSecurity.LoopbackOnly);
        await using TestNode first = nodes[0], second = nodes[1];
        ActorSelection echo = first.Actor(second, "echo");
        IActorRef there = await echo.ResolveOne(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

        // To an actor, and by a selection, which wraps the message.
        there.Tell(new Unlisted("a"));
        await first.Log.WaitForAsync(LogLevel.Error, "Serialization failed", "Unlisted may not leave its node");
        echo.Tell(new SubtreeComputed(new WorkerId(0, 0), 1, 0, new TreeNode(0, 0), default, default));
        await first.Log.WaitForAsync(LogLevel.Error, "Serialization failed", "SubtreeComputed may not leave its node");
        there.Tell(new byte[10]);
        await first.Log.WaitForAsync(LogLevel.Error, "Serialization failed", "System.Byte[] may not leave its node");
        there.Tell(new Status.Failure(new InvalidOperationException("no")));
        await first.Log.WaitForAsync(LogLevel.Error, "Serialization failed", "Status+Failure may not leave its node");
        there.Tell(Kill.Instance);
        await first.Log.WaitForAsync(LogLevel.Error, "Serialization failed", "Kill may not leave its node");

        // Gradients sent here by mistake.
        there.Tell(new CheckpointFailed(new string('x', 200_000)));
        await first.Log.WaitForAsync(LogLevel.Error, "Discarding oversized payload", "CheckpointFailed");

        // The connection has survived all of it.
        await first.PingAsync(second);
        Assert.True(first.SeesAllUp(2) && second.SeesAllUp(2));
    }

    [Fact]
    public async Task Nothing_but_listed_messages_enters_a_node()
    {
        TestNode[] nodes = await TestNode.StartClusterAsync(1, NodeSecurity.LoopbackOnly);
        await using TestNode node = nodes[0];
        using ActorSystem rogue = StartRogue();
        IActorRef echo = await rogue.ActorSelection($"{node.Host.Cluster.SelfAddress}/user/echo")
            .ResolveOne(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

        // Akka's default for any type: JSON, with the type's name as manifest.
        echo.Tell(new Unlisted("b"));
        await node.Log.WaitForAsync(LogLevel.Warning, "Deserialization failed", "serializer id [1]");
        echo.Tell(new byte[10]);
        await node.Log.WaitForAsync(LogLevel.Warning, "Deserialization failed", "serializer id [4]");

        // Our own serializer, with a manifest or with bytes that mean nothing here.
        echo.Tell(new Raw("System.Diagnostics.Process, System", []));
        await node.Log.WaitForAsync(LogLevel.Warning, "Deserialization failed", "no control message has the manifest");
        echo.Tell(new Raw("ping", [WireMessage.Version, 0xc1]));
        await node.Log.WaitForAsync(LogLevel.Warning, "Deserialization failed", "message 'ping'");

        // What would run here, or would build an exception from its type's name.
        echo.Tell(Kill.Instance);
        await node.Log.WaitForAsync(LogLevel.Warning, "Akka's message 'K' is not taken");
        echo.Tell(new Status.Failure(new InvalidOperationException("no")));
        await node.Log.WaitForAsync(LogLevel.Warning, "Akka's message 'STF' is not taken");
        rogue.ActorOf(Props.Create(() => new Silent()).WithDeploy(new Deploy(new RemoteScope(node.Host.Cluster.SelfAddress))), "deployed");
        await node.Log.WaitForAsync(LogLevel.Warning, "Deserialization failed", "serializer id [3]");

        // The rogue's connection lives, and the actor too.
        Pong pong = await echo.Ask<Pong>(new Ping(3), TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.Equal(3, pong.Number);
        Assert.True(node.SeesAllUp(1));
    }

    [Fact]
    public async Task Every_serializer_of_a_node_is_known_and_judged()
    {
        await using Runs.TestCluster cluster = await Runs.TestCluster.StartAsync(1);
        Cluster.Runs.ClusterNode node = cluster.Nodes[0];
        Config serializers = node.Host.System.Settings.Config.GetConfig("akka.actor.serializers");
        string[] takenFromAkka =
        [
            .. serializers.AsEnumerable()
                .Where(pair => !pair.Value.GetString().Contains("ActorMlp", StringComparison.Ordinal))
                .Select(pair => pair.Key)
                .Order(StringComparer.Ordinal),
        ];

        // An extension that brings a serializer makes this test fail: is it needed, and does it build types from names?
        Assert.Equal(["akka-cluster", "akka-containers", "akka-singleton", "primitive"], takenFromAkka);
        Assert.IsType<RefusingSerializer>(node.Host.System.Serialization.FindSerializerForType(typeof(Unlisted)));
    }

    /// <summary>An actor system with Akka's defaults under our name, which also sends what it likes in our serializer's name.</summary>
    private static ActorSystem StartRogue() => ActorSystem.Create(
        NodeHost.SystemName,
        ActorSystemSetup.Create(
            BootstrapSetup.Create().WithConfig(ConfigurationFactory.ParseString(
                """
                akka.actor.provider = remote
                akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
                akka.stdout-loglevel = OFF
                akka.loglevel = OFF
                akka.loggers = []
                """)),
            SerializationSetup.Create(system =>
            [
                SerializerDetails.Create("raw", new RawSerializer(system), [typeof(Raw), typeof(Ping), typeof(Pong)]),
            ])));

    private sealed record Unlisted(string Text);

    private sealed record Raw(string Manifest, byte[] Bytes);

    private sealed class Silent : ReceiveActor;

    /// <summary>Goes under our serializer's identifier: sends what it likes, and reads the answers.</summary>
    private sealed class RawSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
    {
        public override int Identifier => ControlSerializer.WireIdentifier;

        public override string Manifest(object o) => o is Raw raw ? raw.Manifest : WireMessages.For(o).Manifest;

        public override byte[] ToBinary(object obj) => obj is Raw raw ? raw.Bytes : WireMessages.For(obj).Encode(obj);

        public override object FromBinary(byte[] bytes, string manifest) => WireMessages.For(manifest).Decode(bytes);
    }
}
