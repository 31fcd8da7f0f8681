using System.Diagnostics;
using System.Net;
using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Simulation.Sharing;
using ActorMlp.Training.Views;
using Akka.Actor;
using Akka.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace ActorMlp.Cluster.Measuring;

/// <summary>
/// What messages cost on this machine, measured in a few seconds with both ends in this process: processor time, as processes that share cores take it from
/// each other, once nothing is compiled any more.
/// </summary>
public static class MessageCostMeter
{
    private const int SmallFrame = 4 << 10;
    private const int LargeFrame = 384 << 10;
    private const int LargeFrames = 12;
    private const int CopiedFloats = 512 << 10;
    private const int Rounds = 5;

    // Longer than any thread waits awake for what comes next.
    private static readonly TimeSpan Job = TimeSpan.FromMicroseconds(200);
    private static readonly TimeSpan Span = TimeSpan.FromSeconds(0.15);
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan JoiningPatience = TimeSpan.FromSeconds(30);

    /// <summary>Measures.</summary>
    public static async Task<MessageCosts> MeasureAsync()
    {
        (TimeSpan megabyte, TimeSpan frame) = await MeasureBulkAsync().ConfigureAwait(false);
        (TimeSpan control, TimeSpan handingOver, double background) = await MeasureActorsAsync().ConfigureAwait(false);
        return new MessageCosts
        {
            Megabyte = megabyte,
            Frame = frame,
            ControlMessage = control,
            HandingOver = handingOver,
            CopyingMegabyte = MeasureCopying(),
            Background = background,
        };
    }

    /// <summary>
    /// Frames of two sizes, in turn: what does not grow with them is a frame's own. Half of each is the sender's. Between two frames some work lets all threads that
    /// have to do with them fall asleep, as the computation does in a run; what it takes is known from rounds without frames.
    /// </summary>
    private static async Task<(TimeSpan Megabyte, TimeSpan Frame)> MeasureBulkAsync()
    {
        var connected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        BulkEndpoint receiver = Listen("receiver", new Connection(null)), sender = Listen("sender", new Connection(connected));
        await using (receiver.ConfigureAwait(false))
        await using (sender.ConfigureAwait(false))
        {
            sender.Connect("receiver", receiver.Address);
            await connected.Task.ConfigureAwait(false);

            // As many as a gradient has: what is sent is not in the sender's caches.
            var large = new Payloads(LargeFrames, LargeFrame);
            var small = new Payloads(1, SmallFrame);
            var warmUp = new WarmUp();
            await RepeatAsync(() => warmUp.IsOver, i => SendAsync(sender, large.At(i))).ConfigureAwait(false);
            List<double> largeSeconds = [], smallSeconds = [];
            for (int round = 0; round < Rounds; round++)
            {
                double nothing = await RepeatAsync(EndOfSpan(), _ => Task.CompletedTask).ConfigureAwait(false);
                largeSeconds.Add(await RepeatAsync(EndOfSpan(), i => SendAsync(sender, large.At(i))).ConfigureAwait(false) - nothing);
                smallSeconds.Add(await RepeatAsync(EndOfSpan(), i => SendAsync(sender, small.At(i))).ConfigureAwait(false) - nothing);
            }

            double ofLarge = Median(largeSeconds), ofSmall = Median(smallSeconds);
            double ofByte = Math.Max(0, ofLarge - ofSmall) / (LargeFrame - SmallFrame) / 2;
            return (TimeSpan.FromSeconds(ofByte * 1e6), TimeSpan.FromSeconds(Math.Max(0, ofSmall / 2 - ofByte * SmallFrame)));
        }
    }

    /// <summary>A control message that the actor systems of a cluster of two send back and forth; work that goes from an actor to a pool and back; and the cluster at rest.</summary>
    private static async Task<(TimeSpan Control, TimeSpan HandingOver, double Background)> MeasureActorsAsync()
    {
        using var pool = new ComputePool(1);
        NodeHost one = await StartAsync([]).ConfigureAwait(false), other = await StartAsync([$"{one.Address}"]).ConfigureAwait(false);
        await using (one.ConfigureAwait(false))
        await using (other.ConfigureAwait(false))
        {
            using var patience = new CancellationTokenSource(JoiningPatience);
            await other.WaitUntilUpAsync(patience.Token).ConfigureAwait(false);
            IActorRef caller = one.System.ActorOf(Props.Create(() => new Caller(pool)));
            IActorRef echo = await one.System.ActorSelection($"akka.tcp://{NodeHost.SystemName}@{other.Address}/user/{Echo.Name}").ResolveOne(TimeSpan.FromSeconds(5)).ConfigureAwait(false);
            async Task<double> CallAsync(IActorRef whom)
            {
                var warmUp = new WarmUp();
                await caller.Ask<double>(new Call(() => warmUp.IsOver, whom)).ConfigureAwait(false);
                return await caller.Ask<double>(new Call(EndOfSpan(), whom)).ConfigureAwait(false);
            }

            double roundTrip = await CallAsync(echo).ConfigureAwait(false);
            double cycle = await CallAsync(ActorRefs.Nobody).ConfigureAwait(false);
            (double before, long began) = (ProcessorSeconds(), Stopwatch.GetTimestamp());
            await Task.Delay(Idle).ConfigureAwait(false);
            double background = (ProcessorSeconds() - before) / Stopwatch.GetElapsedTime(began).TotalSeconds / 2;
            return (TimeSpan.FromSeconds(roundTrip / 4), TimeSpan.FromSeconds(Math.Max(0, cycle - Job.TotalSeconds) / 2), background);
        }
    }

    private static TimeSpan MeasureCopying()
    {
        float[] from = new float[CopiedFloats], to = new float[CopiedFloats];
        Array.Fill(from, 1);
        from.CopyTo(to, 0);
        var seconds = new List<double>();
        for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < Span / 4;)
        {
            long copying = Stopwatch.GetTimestamp();
            from.CopyTo(to, 0);
            seconds.Add(Stopwatch.GetElapsedTime(copying).TotalSeconds);
        }

        return TimeSpan.FromSeconds(seconds.Order().ElementAt(seconds.Count / 2) / (CopiedFloats * sizeof(float)) * 1e6);
    }

    private static BulkEndpoint Listen(string name, Connection connection) => BulkEndpoint.Start(
        new BulkOptions { NodeId = name, Security = BulkSecurity.None },
        new IPEndPoint(IPAddress.Loopback, 0),
        connection,
        connection,
        TimeProvider.System,
        NullLogger.Instance);

    private static async Task SendAsync(BulkEndpoint endpoint, ReadOnlyMemory<byte> payload) =>
        await endpoint.Send("receiver", new BulkHeader { RunId = 1, Kind = BulkKind.Gradient, Count = payload.Length / sizeof(float) }, payload).ConfigureAwait(false);

    private static Task<NodeHost> StartAsync(IReadOnlyList<string> join) => NodeHost.StartAsync(
        new NodeOptions { Listen = new NodeAddress("127.0.0.1", 0), Join = join, DataDirectory = Path.GetTempPath() },
        NullLoggerFactory.Instance,
        TimeProvider.System,
        akka => akka.WithActors((system, _) => system.ActorOf(Props.Create(() => new Echo()), Echo.Name)));

    /// <summary>Processor time of one time, in seconds.</summary>
    private static async Task<double> RepeatAsync(Func<bool> isOver, Func<int, Task> work)
    {
        double before = ProcessorSeconds();
        int times = 0;
        for (; times == 0 || !isOver(); times++)
        {
            await work(times).ConfigureAwait(false);
            _ = Work();
        }

        return (ProcessorSeconds() - before) / times;
    }

    private static Func<bool> EndOfSpan()
    {
        long began = Stopwatch.GetTimestamp();
        return () => Stopwatch.GetElapsedTime(began) >= Span;
    }

    /// <summary>Some work, in which whoever waits for something else falls asleep.</summary>
    private static bool Work()
    {
        for (long working = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(working) < Job;)
        {
            Thread.SpinWait(10);
        }

        return true;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    /// <summary>What this process has had of processors.</summary>
    private static double ProcessorSeconds() => Environment.CpuUsage.TotalTime.TotalSeconds;

    /// <summary>Payloads that take turns.</summary>
    private sealed class Payloads(int count, int bytes)
    {
        private readonly byte[] memory = GC.AllocateArray<byte>(count * bytes, pinned: true);

        public ReadOnlyMemory<byte> At(int turn) => memory.AsMemory(turn % count * bytes, bytes);
    }

    /// <summary>Lets go of every frame, and waits for the first connection.</summary>
    private sealed class Connection(TaskCompletionSource? connected) : IBulkSink, IBulkObserver
    {
        public void Receive(BulkPeer from, in BulkHeader header, BulkBuffer payload) => payload.Dispose();

        public void Connected(BulkPeer peer) => connected?.TrySetResult();

        public void Lost(BulkPeer peer, string reason, bool final)
        {
        }
    }

    /// <summary>Says everything again to whoever said it.</summary>
    private sealed class Echo : ReceiveActor
    {
        public const string Name = "echo";

        public Echo() => Receive<WorkerPace>(message => Sender.Tell(message));
    }

    /// <summary>Talks to an echo, or to nobody but its pool, for a while.</summary>
    private sealed record Call(Func<bool> IsOver, IActorRef Whom);

    /// <summary>Calls and counts.</summary>
    private sealed class Caller : ReceiveActor
    {
        private static readonly WorkerPace Word = new(new WorkerId(0, 0), 1, 1);

        private readonly ComputePool pool;
        private readonly List<double> cycles = [];
        private Call? call;
        private IActorRef asker = ActorRefs.Nobody;
        private double before;
        private long began;

        public Caller(ComputePool pool)
        {
            this.pool = pool;
            Receive<Call>(message =>
            {
                (call, asker, before) = (message, Sender, ProcessorSeconds());
                cycles.Clear();
                Next();
            });
            Receive<WorkerPace>(_ => Accept());
            Receive<bool>(_ => Accept());
        }

        private void Accept()
        {
            cycles.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
            if (!call!.IsOver())
            {
                Next();
            }
            else
            {
                // A pool spins while it waits for what comes next: its processor time would say more than what handing over takes.
                asker.Tell(call.Whom.IsNobody() ? cycles.Order().ElementAt(cycles.Count / 2) : (ProcessorSeconds() - before) / cycles.Count);
            }
        }

        private void Next()
        {
            began = Stopwatch.GetTimestamp();
            if (call!.Whom.IsNobody())
            {
                pool.Enqueue(Work).PipeTo(Self);
            }
            else
            {
                call.Whom.Tell(Word);
            }
        }
    }
}
