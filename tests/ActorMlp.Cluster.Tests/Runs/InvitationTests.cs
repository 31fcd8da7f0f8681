using System.Threading.Channels;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Cluster.Runs;
using ActorMlp.Cluster.Wire;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;
using Akka.Actor;

namespace ActorMlp.Cluster.Tests.Runs;

/// <summary>Invitations to a run, and answers, that got lost as their connection ended.</summary>
public sealed class InvitationTests
{
    private static readonly RunSetup Setup = TestRuns.Prepare(TestRuns.Digits);
    private static readonly string Options = RunOptionsJson.Serialize(TestRuns.Digits);
    private static readonly string Fingerprint = Setup.Data.ComputeFingerprint().ToJson();

    [Fact]
    public async Task Coordinator_asks_a_node_that_does_not_answer_again_and_begins_with_it()
    {
        using ActorSystem system = ActorSystem.Create("test");
        Channel<(object Message, IActorRef Sender)> heard = Channel.CreateUnbounded<(object, IActorRef)>();
        var time = new ManualTime();
        IActorRef node = system.ActorOf(Props.Create(() => new Probe(heard.Writer)), "node");
        IActorRef keeper = system.ActorOf(Props.Create(() => new Probe(Channel.CreateUnbounded<(object, IActorRef)>().Writer)));
        var hello = new NodeHello("127.0.0.1:1", "127.0.0.1:2", "AVX2", 1, ["worker", "parameterserver"], "1");
        var run = new SubmitRun(7, "test", Options, RunFacts.Of(Setup.Data), Fingerprint, RunProgress.Start, hello, "", null, null, null, 0);
        IActorRef coordinator = system.ActorOf(RunCoordinatorActor.Props(
            run, keeper, [new RunCandidate(hello.NodeId, system.ActorSelection("/user/node"), IsWorker: true, IsServer: true, Uid: 1)], "127.0.0.1:9", time));

        int number = (await NextAsync<PrepareRun>(heard)).Number;
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(number, (await NextAsync<PrepareRun>(heard)).Number);

        // Both answers arrive: the node takes part once.
        coordinator.Tell(new NodePrepared(number, hello, 1), node);
        coordinator.Tell(new NodePrepared(number, hello, 1), node);
        ViewPublished view = await NextAsync<ViewPublished>(heard);
        Assert.Equal((1, number), (view.View.Number, Assert.Single(view.View.Ranges).Worker.Number));
    }

    [Fact]
    public async Task Coordinator_says_again_that_it_takes_the_run_and_what_whoever_keeps_it_has_not_heard()
    {
        using ActorSystem system = ActorSystem.Create("test");
        Channel<(object Message, IActorRef Sender)> heard = Channel.CreateUnbounded<(object, IActorRef)>();
        var time = new ManualTime();
        IActorRef keeper = system.ActorOf(Props.Create(() => new Probe(heard.Writer)));
        var hello = new NodeHello("127.0.0.1:1", "127.0.0.1:2", "AVX2", 1, ["worker", "parameterserver"], "1");
        var run = new SubmitRun(7, "test", Options, RunFacts.Of(Setup.Data), Fingerprint, RunProgress.Start, hello, "", null, null, null, 0);
        IActorRef coordinator = system.ActorOf(RunCoordinatorActor.Props(
            run, keeper, [new RunCandidate(hello.NodeId, new ActorSelection(keeper, ""), IsWorker: true, IsServer: true, Uid: 1)], "127.0.0.1:9", time));

        Assert.Equal(new RunAccepted(7, 1), await NextAsync<RunAccepted>(heard));
        ToldToKeeper told = await NextAsync<ToldToKeeper>(heard);
        Assert.IsType<NodesAsked>(told.Message);
        coordinator.Tell(run, keeper);
        Assert.Equal(new RunAccepted(7, 1), await NextAsync<RunAccepted>(heard));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(told, await NextAsync<ToldToKeeper>(heard));
    }

    [Fact]
    public async Task Node_that_is_asked_again_answers_again_and_does_not_begin_anew()
    {
        // From another node, as each message brings a reference of its own to whoever sent it.
        await using TestCluster cluster = await TestCluster.StartAsync(2);
        ActorSystem system = cluster.Nodes[0].Host.System;
        ActorSelection node = system.ActorSelection($"akka.tcp://{NodeHost.SystemName}@{cluster.Nodes[1].Host.Address}/user/node");
        Channel<(object Message, IActorRef Sender)> heard = Channel.CreateUnbounded<(object, IActorRef)>();
        IActorRef coordinator = system.ActorOf(Props.Create(() => new Probe(heard.Writer)));
        var hello = new NodeHello("127.0.0.1:1", "127.0.0.1:2", "AVX2", 1, [], "1");
        var invitation = new PrepareRun(7, 3, Options, Fingerprint, hello, "", null);

        node.Tell(invitation, coordinator);
        node.Tell(invitation, coordinator);
        IActorRef first = await NextPreparedAsync(heard);
        node.Tell(invitation, coordinator);
        Assert.Equal(first, await NextPreparedAsync(heard));

        // Another coordinator, which does not know of it: its invitation is another.
        IActorRef next = system.ActorOf(Props.Create(() => new Probe(heard.Writer)));
        node.Tell(invitation, next);
        Assert.NotEqual(first, await NextPreparedAsync(heard));
    }

    [Fact]
    public async Task Coordinator_that_takes_a_run_over_waits_for_no_node_that_is_gone_and_asks_none_to_begin_anew_that_takes_part()
    {
        using ActorSystem system = ActorSystem.Create("test");
        var time = new ManualTime();
        Channel<(object Message, IActorRef Sender)>[] heard = [.. Enumerable.Range(0, 4).Select(_ => Channel.CreateUnbounded<(object, IActorRef)>())];
        IActorRef[] nodes = [.. heard.Select((one, number) => system.ActorOf(Props.Create(() => new Probe(one.Writer)), $"node-{number}"))];
        RunCandidate[] candidates = [.. nodes.Select((node, number) =>
            new RunCandidate($"127.0.0.1:{number}", new ActorSelection(node, ""), IsWorker: true, IsServer: true, Uid: number))];
        IActorRef keeper = system.ActorOf(Props.Create(() => new Probe(Channel.CreateUnbounded<(object, IActorRef)>().Writer)));
        NodeHello[] hello = [.. candidates.Select(candidate => new NodeHello(candidate.NodeId, candidate.NodeId, "AVX2", 1, ["worker", "parameterserver"], "1"))];
        var view = new View(5, [new ShardRange(new WorkerId(6, 0), 0, Setup.Shape.Shards)])
        {
            Arrangement = new Arrangement(5, 0, [new ParameterPiece(6, 0, Setup.Network.Layout.Length)]),
        };
        var run = new SubmitRun(7, "test", Options, RunFacts.Of(Setup.Data), Fingerprint, RunProgress.Start, hello[0], "", null, RunProgress.Start, null, 5);
        IActorRef coordinator = system.ActorOf(RunCoordinatorActor.Props(run, keeper, candidates[..3], "127.0.0.1:9", time));

        // Membership tells of nodes that are asked already, of another that just came, and of two that are gone: one has answered, the other never will.
        await NextAsync<ResumeRun>(heard[0]);
        coordinator.Tell(candidates[0]);
        coordinator.Tell(candidates[3]);
        coordinator.Tell(new NodeStanding(8, hello[2], 1, View.None, -1, false, IsPrepared: true, false, [], []), nodes[2]);
        coordinator.Tell(new ProcessGone(candidates[2].NodeId, candidates[2].Uid));
        coordinator.Tell(new NodeStanding(6, hello[0], 1, view, -1, true, IsPrepared: true, true, [], []), nodes[0]);
        coordinator.Tell(new NodeGone(candidates[1].NodeId));

        List<object> toFirst = await ReadToAsync<ViewPublished>(heard[0]);
        ViewPublished taken = Assert.IsType<ViewPublished>(toFirst[^1]);
        Assert.Equal([6], taken.View.Ranges.Select(range => range.Worker.Number));
        Assert.Equal(9, (await NextAsync<PrepareRun>(heard[3])).Number);
        Assert.DoesNotContain(toFirst, message => message is PrepareRun);
    }

    private static async Task<List<object>> ReadToAsync<T>(Channel<(object Message, IActorRef Sender)> heard)
    {
        List<object> read = [];
        while (read is [] || read[^1] is not T)
        {
            read.Add(await NextAsync<object>(heard));
        }

        return read;
    }

    private static async Task<T> NextAsync<T>(Channel<(object Message, IActorRef Sender)> heard) => (await NextHeardAsync<T>(heard)).Message;

    private static async Task<IActorRef> NextPreparedAsync(Channel<(object Message, IActorRef Sender)> heard)
    {
        (NodePrepared message, IActorRef sender) = await NextHeardAsync<NodePrepared>(heard);
        Assert.Equal(3, message.Number);
        return sender;
    }

    private static async Task<(T Message, IActorRef Sender)> NextHeardAsync<T>(Channel<(object Message, IActorRef Sender)> heard)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        while (true)
        {
            (object one, IActorRef sender) = await heard.Reader.ReadAsync(patience.Token);
            if (one is T message)
            {
                return (message, sender);
            }
        }
    }

    private sealed class Probe : ReceiveActor
    {
        public Probe(ChannelWriter<(object, IActorRef)> heard) => ReceiveAny(message => heard.TryWrite((message, Sender)));
    }
}
