using System.Diagnostics;
using System.Net;
using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Simulation.Sharing;
using ActorMlp.Training.Storage;
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
    /// <param name="setup">A run: checkpoints of it are written, into the folder for temporary files.</param>
    public static async Task<MessageCosts> MeasureAsync(RunSetup setup)
    {
        (TimeSpan megabyte, TimeSpan frame) = await MeasureBulkAsync().ConfigureAwait(false);
        (TimeSpan control, TimeSpan wakingPool, TimeSpan tellingActor, double background) = await MeasureActorsAsync().ConfigureAwait(false);
        return new MessageCosts
        {
            Megabyte = megabyte,
            Frame = frame,
            ControlMessage = control,
            WakingPool = wakingPool,
            TellingActor = tellingActor,
            CopyingMegabyte = MeasureCopying(),
            WritingMegabyte = MeasureWriting(setup),
            Background = background,
        };
    }

    /// <summary>
    /// Frames of two sizes, over several connections: what does not grow with them is a frame's own. Half of each is the sender's. Between two frames some work lets all
    /// threads that have to do with them fall asleep, as the computation does in a run; what it takes is known from rounds without frames.
    /// </summary>
    private static async Task<(TimeSpan Megabyte, TimeSpan Frame)> MeasureBulkAsync()
    {
        List<double> ofByte = [], ofFrame = [];
        for (int round = 0; round < Rounds; round++)
        {
            var connected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            BulkEndpoint receiver = Listen("receiver", new Connection(null)), sender = Listen("sender", new Connection(connected));
            await using (receiver.ConfigureAwait(false))
            await using (sender.ConfigureAwait(false))
            {
                sender.Connect("receiver", receiver.Address);
                await connected.Task.ConfigureAwait(false);

                // As many as a gradient has: what is sent is not in the sender's caches. Memory that nobody has used before takes longer.
                Payloads large = new(LargeFrames, LargeFrame), small = new(1, SmallFrame);
                var warmUp = new WarmUp();
                await RepeatAsync(round > 0 ? EndOfSpan() : () => warmUp.IsOver, i => SendAsync(sender, large.At(i))).ConfigureAwait(false);
                double ofNothing = await RepeatAsync(EndOfSpan(), _ => Task.CompletedTask).ConfigureAwait(false);
                double ofLarge = await RepeatAsync(EndOfSpan(), i => SendAsync(sender, large.At(i))).ConfigureAwait(false) - ofNothing;
                double ofSmall = await RepeatAsync(EndOfSpan(), i => SendAsync(sender, small.At(i))).ConfigureAwait(false) - ofNothing;
                ofByte.Add(Math.Max(0, ofLarge - ofSmall) / (LargeFrame - SmallFrame) / 2);
                ofFrame.Add(Math.Max(0, ofSmall / 2 - ofByte[^1] * SmallFrame));
            }
        }

        return (TimeSpan.FromSeconds(Median(ofByte) * 1e6), TimeSpan.FromSeconds(Median(ofFrame)));
    }

    /// <summary>A control message that the actor systems of a cluster of two send back and forth; work that goes from an actor to a pool and back; and the cluster at rest.</summary>
    private static async Task<(TimeSpan Control, TimeSpan WakingPool, TimeSpan TellingActor, double Background)> MeasureActorsAsync()
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
            async Task<Called> CallAsync(IActorRef whom)
            {
                var warmUp = new WarmUp();
                await caller.Ask<Called>(new Call(() => warmUp.IsOver, whom)).ConfigureAwait(false);
                return await caller.Ask<Called>(new Call(EndOfSpan(), whom)).ConfigureAwait(false);
            }

            Called echoed = await CallAsync(echo).ConfigureAwait(false), worked = await CallAsync(ActorRefs.Nobody).ConfigureAwait(false);
            (double before, long began) = (ProcessorSeconds(), Stopwatch.GetTimestamp());
            await Task.Delay(Idle).ConfigureAwait(false);
            double background = (ProcessorSeconds() - before) / Stopwatch.GetElapsedTime(began).TotalSeconds / 2;
            return (TimeSpan.FromSeconds(echoed.ProcessorSeconds / 4), TimeSpan.FromSeconds(worked.ThereSeconds), TimeSpan.FromSeconds(worked.BackSeconds), background);
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

    /// <summary>Checkpoints one after the other: processor time, the median. What the disk takes beside that delays no step.</summary>
    private static TimeSpan MeasureWriting(RunSetup setup)
    {
        int length = setup.Network.Layout.Length;
        float[] weights = new float[length];
        setup.Network.Initialize(setup.Options.Training.Seed, weights);
        var draft = new CheckpointDraft(setup, weights, [.. setup.StateNames.Select(name => new OptimizerSlot(name, new float[length]))], RunProgress.Start);
        string folder = Directory.CreateTempSubdirectory("actormlp-writing-").FullName;
        try
        {
            string file = Path.Combine(folder, "checkpoint");
            for (var warmUp = new WarmUp(); !warmUp.IsOver;)
            {
                draft.Save(file);
            }

            var seconds = new List<double>();
            for (Func<bool> isOver = EndOfSpan(); seconds.Count < Rounds || !isOver();)
            {
                double before = ProcessorSeconds();
                draft.Save(file);
                seconds.Add(ProcessorSeconds() - before);
            }

            return TimeSpan.FromSeconds(Median(seconds) / ((double)length * sizeof(float) * (1 + setup.StateNames.Count)) * 1e6);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
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
            Work();
        }

        return (ProcessorSeconds() - before) / times;
    }

    private static Func<bool> EndOfSpan()
    {
        long began = Stopwatch.GetTimestamp();
        return () => Stopwatch.GetElapsedTime(began) >= Span;
    }

    /// <summary>Some work, in which whoever waits for something else falls asleep.</summary>
    private static void Work()
    {
        for (long working = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(working) < Job;)
        {
            Thread.SpinWait(10);
        }
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

    /// <summary>How that went.</summary>
    /// <param name="ProcessorSeconds">The processor's time of one time.</param>
    /// <param name="ThereSeconds">Median time until the pool began; 0 with an echo.</param>
    /// <param name="BackSeconds">Median time from the pool's end to the actor; 0 with an echo.</param>
    private sealed record Called(double ProcessorSeconds, double ThereSeconds, double BackSeconds);

    /// <summary>What a pool has done, from when to when.</summary>
    private sealed record Worked(long Began, long Ended);

    /// <summary>Calls and measures.</summary>
    private sealed class Caller : ReceiveActor
    {
        private static readonly WorkerPace Word = new(new WorkerId(0, 0), 1, 1);

        private readonly ComputePool pool;
        private readonly List<double> there = [];
        private readonly List<double> back = [];
        private Call? call;
        private IActorRef asker = ActorRefs.Nobody;
        private double before;
        private long began;
        private int times;

        public Caller(ComputePool pool)
        {
            this.pool = pool;
            Receive<Call>(message =>
            {
                (call, asker, before, times) = (message, Sender, ProcessorSeconds(), 0);
                there.Clear();
                back.Clear();
                Next();
            });
            Receive<WorkerPace>(_ => Accept());
            Receive<Worked>(message =>
            {
                there.Add(Stopwatch.GetElapsedTime(began, message.Began).TotalSeconds);
                back.Add(Stopwatch.GetElapsedTime(message.Ended).TotalSeconds);
                Work();
                Accept();
            });
        }

        private void Accept()
        {
            times++;
            if (!call!.IsOver())
            {
                Next();
            }
            else
            {
                asker.Tell(new Called((ProcessorSeconds() - before) / times, there.Count == 0 ? 0 : Median(there), back.Count == 0 ? 0 : Median(back)));
            }
        }

        private void Next()
        {
            began = Stopwatch.GetTimestamp();
            if (call!.Whom.IsNobody())
            {
                pool.Enqueue(() =>
                {
                    long working = Stopwatch.GetTimestamp();
                    Work();
                    return new Worked(working, Stopwatch.GetTimestamp());
                }).PipeTo(Self);
            }
            else
            {
                call.Whom.Tell(Word);
            }
        }
    }
}
