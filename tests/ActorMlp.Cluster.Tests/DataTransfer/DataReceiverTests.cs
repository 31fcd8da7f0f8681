using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.DataTransfer;
using ActorMlp.Cluster.Tests.Bulk;
using ActorMlp.Data;
using ActorMlp.Data.Cache;

namespace ActorMlp.Cluster.Tests.DataTransfer;

/// <summary>The taking end, over frames that the test makes.</summary>
public sealed class DataReceiverTests : IClassFixture<TransferData>, IDisposable
{
    private const ulong RunId = 5;

    private readonly TransferData data;
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("actormlp-taker-");
    private readonly DataReceiver receiver;

    public DataReceiverTests(TransferData data)
    {
        this.data = data;
        receiver = new DataReceiver(new DataCacheAssembly(folder.FullName, data.Cache.Length, data.Cache.Sha256), RunId);
    }

    public static TheoryData<long, int, int, byte, string> WrongPieces { get; } = new()
    {
        { -1, 100, 100, 0, "100 bytes from byte -1 on" },
        { long.MinValue, 100, 100, 0, "from byte -9223372036854775808 on" },
        { long.MaxValue, 100, 100, 0, "from byte 9223372036854775807 on" },
        { 1L << 40, 0, 0, 0, "from byte 1099511627776 on" },
        { 0, 100, 99, 0, "is 100 bytes in encoding 0, but 99 bytes as they are were announced" },
        { 0, 100, 25, 0, "is 100 bytes in encoding 0, but 25 bytes" },
        { 0, 100, 100, 1, "in encoding 1" },
    };

    private string[] Files => Directory.GetFiles(folder.FullName);

    public void Dispose()
    {
        receiver.Dispose();
        folder.Delete(recursive: true);
    }

    [Theory]
    [MemberData(nameof(WrongPieces))]
    public async Task Wrong_piece_faults_the_completion_and_leaves_no_file(long offset, int length, int count, byte encoding, string text)
    {
        receiver.Accept(Header(0, 50), Bytes(0, 50));
        receiver.Accept(Header(offset, count) with { Encoding = encoding }, new byte[length]);

        DataException problem = await Assert.ThrowsAsync<DataException>(CompletionAsync);

        Assert.Contains(text, problem.Message, StringComparison.Ordinal);
        Assert.Empty(Files);

        // What comes afterwards has nowhere to go.
        AcceptAll();
        Assert.Empty(Files);
    }

    [Fact]
    public async Task Frames_of_another_run_or_kind_are_ignored_whatever_is_in_them()
    {
        receiver.Accept(Header(-1, 7) with { RunId = RunId + 1 }, new byte[100]);
        receiver.Accept(Header(0, 100) with { RunId = RunId + 1 }, new byte[100]);
        receiver.Accept(Header(0, 100) with { Kind = BulkKind.State }, new byte[100]);
        Assert.Equal(data.Whole, receiver.Missing);

        AcceptAll();

        data.AssertEqual(await CompletionAsync());
    }

    [Fact]
    public async Task Pieces_that_come_twice_and_late_change_nothing()
    {
        int half = (int)data.Cache.Length / 2;
        receiver.Accept(Header(half, 1000), Bytes(half, 1000));
        receiver.Accept(Header(half, 1000), Bytes(half, 1000));
        receiver.Accept(Header(half + 500, 1000), Bytes(half + 500, 1000));
        Assert.Equal([new ByteRange(0, half), new ByteRange(half + 1500, data.Cache.Length - half - 1500)], receiver.Missing);
        AcceptAll();
        receiver.Accept(Header(0, 1000), new byte[1000]);

        data.AssertEqual(await CompletionAsync());
    }

    [Fact]
    public async Task Dispose_before_the_end_removes_the_partial_file_and_cancels()
    {
        receiver.Accept(Header(0, 100), Bytes(0, 100));
        Assert.Single(Files);

        receiver.Dispose();

        Assert.Empty(Files);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(CompletionAsync);
        AcceptAll();
        Assert.Empty(Files);
    }

    [Fact]
    public async Task Dispose_after_the_last_piece_keeps_the_cache()
    {
        AcceptAll();
        receiver.Dispose();

        data.AssertEqual(await CompletionAsync());
    }

    [Fact]
    public async Task Disk_that_fails_faults_the_completion()
    {
        var assembly = new DataCacheAssembly(folder.FullName, data.Cache.Length, data.Cache.Sha256);
        using var other = new DataReceiver(assembly, RunId);

        // As near as a test comes to a disk that is gone: the file under the assembly is closed.
        assembly.Dispose();
        other.Accept(Header(0, 100), Bytes(0, 100));

        await Assert.ThrowsAsync<DataException>(() => other.Completion.WaitAsync(BulkNode.Patience, TestContext.Current.CancellationToken));
    }

    private static BulkHeader Header(long offset, int count) => new() { Kind = BulkKind.Rows, RunId = RunId, Offset = offset, Count = count };

    private byte[] Bytes(long offset, int length)
    {
        byte[] bytes = new byte[length];
        data.Cache.Read(offset, bytes);
        return bytes;
    }

    private void AcceptAll() => receiver.Accept(Header(0, (int)data.Cache.Length), Bytes(0, (int)data.Cache.Length));

    private Task<string> CompletionAsync() => receiver.Completion.WaitAsync(BulkNode.Patience, TestContext.Current.CancellationToken);
}
