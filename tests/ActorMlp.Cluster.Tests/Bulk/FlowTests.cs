using System.Runtime.InteropServices;
using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Bulk.Flow;
using ActorMlp.Cluster.Bulk.Frames;
using CsCheck;

namespace ActorMlp.Cluster.Tests.Bulk;

public sealed class FlowTests
{
    [Fact]
    public void Credit_never_exceeds_the_window_and_never_runs_dry_for_a_frame_that_could_go() => Gen.Select(
        Gen.Int[200, 1000], Gen.Int[1, 4], Gen.Select(Gen.Int[1, 1000], Gen.Int[0, 9]).Array[1, 200]).Sample((largest, factor, moves) =>
        {
            int window = largest * factor;
            var sender = new CreditWindow();
            var receiver = new CreditGrant(window, largest);
            sender.Grant(window);
            Queue<int> kept = [];
            foreach ((int draw, int held) in moves)
            {
                int size = Math.Min(draw, largest);
                while (!sender.TryTake(size))
                {
                    // The receiver lets go of one buffer, and speaks only when it must.
                    if (!kept.TryDequeue(out int bytes))
                    {
                        return false;
                    }

                    receiver.Release(bytes);
                    if (receiver.IsDue)
                    {
                        sender.Return(receiver.Released);
                        receiver.Announced();
                    }
                }

                if (sender.Used > window || !receiver.Allows(size))
                {
                    return false;
                }

                receiver.Receive(size);
                kept.Enqueue(size);
                while (kept.Count > held && kept.TryDequeue(out int bytes))
                {
                    receiver.Release(bytes);
                }

                if (receiver.IsDue)
                {
                    sender.Return(receiver.Released);
                    receiver.Announced();
                }
            }

            return true;
        });

    [Fact]
    public void Release_of_what_was_never_sent_is_a_violation()
    {
        var sender = new CreditWindow();
        sender.Grant(1000);
        Assert.True(sender.TryTake(300));
        sender.Return(300);
        sender.Return(100);
        Assert.Equal(0, sender.Used);
        Assert.Throws<BulkProtocolException>(() => sender.Return(301));
    }

    [Fact]
    public void Frames_out_of_sequence_or_too_large_or_beyond_credit_are_violations_and_old_ones_are_skipped()
    {
        var flow = new FrameFlow("peer", new BulkOptions { NodeId = "self", Security = BulkSecurity.None, MaxFrameBytes = 1000, WindowBytes = 1500 }, () => { });
        Assert.True(flow.Expect(1, 1000));
        flow.Received(1, 1000);
        Assert.False(flow.Expect(1, 1000));
        Assert.Contains("came after frame 1", Assert.Throws<BulkProtocolException>(() => flow.Expect(3, 100)).Message, StringComparison.Ordinal);
        Assert.Contains("are allowed", Assert.Throws<BulkProtocolException>(() => flow.Expect(2, 1001)).Message, StringComparison.Ordinal);
        Assert.Contains("exceeds the credit", Assert.Throws<BulkProtocolException>(() => flow.Expect(2, 501)).Message, StringComparison.Ordinal);
        Assert.True(flow.Expect(2, 500));
        Assert.Throws<BulkProtocolException>(() => flow.Acknowledge(new FlowMarks(1, 0), []));
    }

    [Fact]
    public void Pool_gives_aligned_memory_large_enough_and_keeps_no_more_than_it_may() => Gen.OneOf(Gen.Int[1, 20_000], Gen.Int[1, 20_000_000]).Sample(
        length =>
        {
            // Room for one block of any length, and for no second.
            int largest = Math.Max(4096, length + length / 4 + 1);
            var pool = new BulkBufferPool(largest);
            Memory<byte> first = pool.Rent(length);
            Memory<byte> second = pool.Rent(length);
            bool aligned = Address(first) % 64 == 0 && Address(second) % 64 == 0;
            bool fits = first.Length >= length && first.Length <= largest;
            pool.Return(first);
            pool.Return(second);
            bool keptOne = pool.KeptBytes == first.Length;
            Memory<byte> again = pool.Rent(length);
            return aligned && fits && keptOne && Address(again) == Address(first) && pool.KeptBytes == 0;
        },
        iter: 50);

    [Fact]
    public void Buffer_that_was_disposed_gives_nothing_and_is_returned_once()
    {
        var pool = new BulkBufferPool(1 << 20);
        var buffer = new BulkBuffer(pool, 10_000);
        Assert.Equal(10_000, buffer.Memory.Length);
        buffer.Dispose();
        buffer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => buffer.Memory);
        var first = new BulkBuffer(pool, 10_000);
        var second = new BulkBuffer(pool, 10_000);
        Assert.False(first.Span.Overlaps(second.Span));
    }

    private static nint Address(ReadOnlyMemory<byte> memory) =>
        MemoryMarshal.TryGetArray(memory, out ArraySegment<byte> part) ? Marshal.UnsafeAddrOfPinnedArrayElement(part.Array!, part.Offset) : 0;
}
