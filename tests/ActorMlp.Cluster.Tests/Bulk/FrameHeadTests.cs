using System.Buffers;
using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Bulk.Frames;
using CsCheck;

namespace ActorMlp.Cluster.Tests.Bulk;

public sealed class FrameHeadTests
{
    private static readonly BulkHeader Example = new()
    {
        RunId = 0x0102030405060708,
        View = 3,
        Step = 1000,
        Kind = BulkKind.Gradient,
        Range = 2,
        Offset = 70_000,
        Count = 300,
        NodeLevel = 2,
        NodeIndex = 1,
        Encoding = 0,
        Rows = 64,
        LossSum = 1.5,
        Correct = 40,
        Worker = 5,
        Incarnation = 1,
    };

    [Fact]
    public void Data_head_has_these_bytes()
    {
        byte[] head = Head(Example, new FramePrefix(FrameType.Data, 0, 1200, 9, new FlowMarks(7, 4096)));
        Assert.Equal(
            "414D4C42" + "01" + "01" + "2D00" + "B0040000" + "00000000"
            + "0900000000000000" + "0700000000000000" + "0010000000000000"
            + "DC0012" + "CF0102030405060708" + "03" + "CD03E8" + "01" + "02" + "CE00011170" + "CD012C" + "02" + "01" + "00" + "40" + "CB3FF8000000000000" + "28" + "05" + "01" + "00" + "C2" + "C0",
            Convert.ToHexString(head.AsSpan(0, 40 + 0x2D)));
        Assert.Equal(new string('0', 2 * (184 - 40 - 0x2D)), Convert.ToHexString(head.AsSpan(40 + 0x2D, 184 - 40 - 0x2D)));
        Assert.Equal("49BBB155C5EDEB49", Convert.ToHexString(head.AsSpan(184)));
    }

    [Fact]
    public void Bare_head_has_these_bytes()
    {
        byte[] head = new byte[FrameHead.Size];
        FrameHead.WriteBare(head, FrameType.Acknowledgement, new FlowMarks(258, 1));
        Assert.Equal(
            "414D4C42" + "01" + "02" + "0000" + "00000000" + "00000000" + "0000000000000000" + "0201000000000000" + "0100000000000000",
            Convert.ToHexString(head.AsSpan(0, 40)));
    }

    [Fact]
    public void Head_that_was_written_reads_back() => Gen.Select(
        Gen.Select(Gen.ULong, Gen.Int, Gen.Long, Gen.Int[1, 4], Gen.Int, Gen.Long, Gen.Int),
        Gen.Select(Gen.Int, Gen.Int, Gen.Byte, Gen.Long, Gen.Double, Gen.Long, Gen.Int, Gen.Int),
        Gen.Select(Gen.Int[0, int.MaxValue], Gen.ULong, Gen.ULong, Gen.ULong)).Sample((first, second, third) =>
        {
            var header = new BulkHeader
            {
                RunId = first.Item1,
                View = first.Item2,
                Step = first.Item3,
                Kind = (BulkKind)first.Item4,
                Range = first.Item5,
                Offset = first.Item6,
                Count = first.Item7,
                NodeLevel = second.Item1,
                NodeIndex = second.Item2,
                Encoding = second.Item3,
                Rows = second.Item4,
                LossSum = second.Item5,
                Correct = second.Item6,
                Worker = second.Item7,
                Incarnation = second.Item8,
            };
            var prefix = new FramePrefix(FrameType.Data, 0, third.Item1, third.Item2, new FlowMarks(third.Item3, third.Item4));
            byte[] head = Head(header, prefix);
            FramePrefix read = FrameHead.Read(head);
            return read == prefix with { HeaderLength = read.HeaderLength } && FrameHead.ReadHeader(head, read) == header;
        });

    [Fact]
    public void Any_bit_that_changes_makes_a_head_unreadable()
    {
        byte[] head = Head(Example, new FramePrefix(FrameType.Data, 0, 1200, 9, new FlowMarks(7, 4096)));
        for (int bit = 0; bit < 8 * head.Length; bit++)
        {
            byte[] harmed = [.. head];
            harmed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<BulkProtocolException>(() => FrameHead.Read(harmed));
        }
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(4, 0, 0)]
    [InlineData(2, 0, 1)]
    [InlineData(3, 1, 0)]
    [InlineData(1, 0, -1)]
    public void Head_that_makes_no_sense_is_refused_though_its_checksum_matches(byte type, int headerLength, int payloadLength)
    {
        byte[] head = new byte[FrameHead.Size];
        FrameHead.WriteData(head, new FramePrefix((FrameType)type, 0, payloadLength, 1, default), new byte[headerLength]);
        Assert.Throws<BulkProtocolException>(() => FrameHead.Read(head));
    }

    [Theory]
    [InlineData("")]
    [InlineData("9F")]
    [InlineData("C0")]
    [InlineData("90")]
    [InlineData("9FCF0102030405060708")]
    [InlineData("DDFFFFFFFF")]
    [InlineData("D4FF00")]
    public void Header_that_is_no_header_is_refused(string hex)
    {
        byte[] head = new byte[FrameHead.Size];
        FrameHead.WriteData(head, new FramePrefix(FrameType.Data, 0, 0, 1, default), Convert.FromHexString(hex));
        FramePrefix prefix = FrameHead.Read(head);
        Assert.Throws<BulkProtocolException>(() => FrameHead.ReadHeader(head, prefix));
    }

    [Fact]
    public void Largest_header_fits()
    {
        var header = new BulkHeader
        {
            RunId = ulong.MaxValue,
            View = int.MinValue,
            Step = long.MinValue,
            Kind = BulkKind.Rows,
            Range = int.MinValue,
            Offset = long.MinValue,
            Count = int.MinValue,
            NodeLevel = int.MinValue,
            NodeIndex = int.MinValue,
            Encoding = byte.MaxValue,
            Rows = long.MinValue,
            LossSum = double.Epsilon,
            Correct = long.MinValue,
            Worker = int.MinValue,
            Incarnation = int.MinValue,
        };
        var bytes = new ArrayBufferWriter<byte>();
        FrameHead.WriteHeader(bytes, header);
        Assert.InRange(bytes.WrittenCount, 90, FrameHead.MaxHeaderSize);
    }

    private static byte[] Head(BulkHeader header, FramePrefix prefix)
    {
        byte[] head = new byte[FrameHead.Size];
        var bytes = new ArrayBufferWriter<byte>();
        FrameHead.WriteHeader(bytes, header);
        FrameHead.WriteData(head, prefix, bytes.WrittenSpan);
        return head;
    }
}
