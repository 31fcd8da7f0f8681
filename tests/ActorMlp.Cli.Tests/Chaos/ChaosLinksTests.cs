using System.Net;
using System.Net.Sockets;
using ActorMlp.Cli.Chaos;
using ActorMlp.Training.Faults;
using Microsoft.Extensions.Logging.Abstractions;

namespace ActorMlp.Cli.Tests.Chaos;

/// <summary>Links of this very process, which is the keeper, with places that it takes too.</summary>
public sealed class ChaosLinksTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public void Owner_of_a_connection_is_found_among_the_processes_that_may_be_it()
    {
        Assert.SkipUnless(SocketOwner.IsSupported, "it takes Linux");
        using Socket listener = Listen(new IPEndPoint(IPAddress.Loopback, 0));
        using Socket far = Dial((IPEndPoint)listener.LocalEndPoint!);
        using Socket near = listener.Accept();
        Assert.Equal(Environment.ProcessId, SocketOwner.Find(near, [1, Environment.ProcessId]));
        Assert.Null(SocketOwner.Find(near, [1]));
    }

    [Theory]
    [InlineData(FaultPlane.Both, true, true)]
    [InlineData(FaultPlane.Bulk, true, false)]
    [InlineData(FaultPlane.Control, false, true)]
    public async Task Corruption_strikes_one_byte_of_the_planes_that_it_is_aimed_at(FaultPlane plane, bool bulk, bool control)
    {
        Assert.SkipUnless(SocketOwner.IsSupported, "it takes Linux");
        await using var links = new ChaosLinks(1, TimeProvider.System, NullLogger.Instance);
        await using ProcessGate gate = links.OpenGate(0);
        using Passage overControl = await Passage.OpenAsync(gate.Listen.Port), overBulk = await Passage.OpenAsync(gate.BulkPort);
        links.Corrupt(new LinkFault { Strikes = (one, other) => (one, other) == (0, ChaosLinks.Keeper), Plane = plane });
        bool bulkIsWrong = await overBulk.PassAsync(0) != 0;
        bool controlIsWrong = await overControl.PassAsync(0) != 0;

        // One bit in all: where both planes are meant, the first to pass has it.
        Assert.Equal((bulk, control && !bulk), (bulkIsWrong, controlIsWrong));
        Assert.Equal(1, links.Traffic.ChunksCorrupted);
    }

    [Fact]
    public async Task Disturbance_holds_for_the_links_that_it_covers_until_it_ends_and_so_does_an_overlapping_one()
    {
        Assert.SkipUnless(SocketOwner.IsSupported, "it takes Linux");
        await using var links = new ChaosLinks(1, TimeProvider.System, NullLogger.Instance);
        await using ProcessGate first = links.OpenGate(0), second = links.OpenGate(1);
        using Passage toFirst = await Passage.OpenAsync(first.BulkPort), toSecond = await Passage.OpenAsync(second.BulkPort);
        var one = new LinkFault { Strikes = (low, high) => low == 0 || high == 0, Cuts = true };
        var other = new LinkFault { Strikes = (_, _) => true, Cuts = true, Plane = FaultPlane.Control };
        links.Begin(one);
        links.Begin(other);
        Task<byte> held = toFirst.PassAsync(7);
        Assert.Equal(8, await toSecond.PassAsync(8));
        links.End(other);
        Assert.Equal(9, await toSecond.PassAsync(9));
        Assert.False(held.IsCompleted);
        links.End(one);
        Assert.Equal(7, await held);
    }

    private static Socket Listen(IPEndPoint at)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(at);
        listener.Listen();
        return listener;
    }

    private static Socket Dial(IPEndPoint address)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(address);
        return socket;
    }

    /// <summary>A connection through a gate to where the process behind it would listen.</summary>
    private sealed class Passage(Socket near, Socket far, Socket listener) : IDisposable
    {
        public static async Task<Passage> OpenAsync(int port)
        {
            var gate = new IPEndPoint(IPAddress.Loopback, port);
            Socket listener = Listen(ProcessGate.TargetBehind(gate));
            Socket near = Dial(gate);
            Socket far = await listener.AcceptAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience, TestContext.Current.CancellationToken);
            return new Passage(near, far, listener);
        }

        /// <summary>What a byte is when it arrives.</summary>
        public async Task<byte> PassAsync(byte value)
        {
            await near.SendAsync(new[] { value }, TestContext.Current.CancellationToken);
            byte[] received = new byte[1];
            Assert.Equal(1, await far.ReceiveAsync(received, TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience, TestContext.Current.CancellationToken));
            return received[0];
        }

        public void Dispose()
        {
            near.Dispose();
            far.Dispose();
            listener.Dispose();
        }
    }
}
