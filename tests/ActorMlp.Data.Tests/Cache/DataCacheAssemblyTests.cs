using System.Security.Cryptography;
using ActorMlp.Data.Cache;
using ActorMlp.Data.Configuration;
using CsCheck;
using Microsoft.Win32.SafeHandles;

namespace ActorMlp.Data.Tests.Cache;

public sealed class DataCacheAssemblyTests : IDisposable
{
    private readonly CacheFolder sender = new();
    private readonly CacheFolder receiver = new();
    private readonly string path;

    public DataCacheAssemblyTests()
    {
        sender.Sources.Write("train.csv", "x,kind\n1,a\n2,b\n3,a\n4,b\n");
        path = sender.Make(Options);
    }

    private static DataOptions Options { get; } = new() { Train = "train.csv", Target = "kind" };

    public void Dispose()
    {
        sender.Dispose();
        receiver.Dispose();
    }

    [Fact]
    public void OpenRead_knows_length_and_hash_and_keeps_the_hash_as_sha256sum_does()
    {
        byte[] bytes = File.ReadAllBytes(path);
        string hash = Convert.ToHexStringLower(SHA256.HashData(bytes));

        using DataCacheFile file = DataCacheFile.OpenRead(path);

        Assert.Equal((bytes.Length, hash), (file.Length, file.Sha256));
        Assert.Equal($"{hash}  {Path.GetFileName(path)}\n", File.ReadAllText(path + ".sha256"));
    }

    [Fact]
    public void Read_any_range_gives_its_bytes_and_none_beyond_the_end()
    {
        byte[] bytes = File.ReadAllBytes(path);
        using DataCacheFile file = DataCacheFile.OpenRead(path);

        Gen.Int[0, bytes.Length].Select(Gen.Int[0, bytes.Length]).Sample((one, other) =>
        {
            var range = new byte[Math.Abs(one - other)];
            file.Read(Math.Min(one, other), range);
            Assert.Equal(bytes[Math.Min(one, other)..Math.Max(one, other)], range);
        });
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Read(bytes.Length - 1, new byte[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Read(-1, new byte[2]));
    }

    [Fact]
    public void Find_gives_the_cache_with_the_hash_and_null_for_others()
    {
        string other = sender.Make(Options with { Scaling = ScalingKind.None });
        string hash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(other)));

        using DataCacheFile? found = DataCacheFile.Find(sender.Caches, hash);

        Assert.Equal(other, found?.Path);
        Assert.Null(DataCacheFile.Find(sender.Caches, new string('0', 64)));
        Assert.Null(DataCacheFile.Find(receiver.Caches, hash));
    }

    [Fact]
    public void OpenRead_after_the_cache_was_made_anew_has_the_new_hash()
    {
        using (DataCacheFile first = DataCacheFile.OpenRead(path))
        {
            Assert.Equal(64, first.Sha256.Length);
        }

        File.WriteAllText(path + ".sha256", new string('0', 64));
        using DataCache cache = DataCacheStore.Prepare(sender.Cached(Options), 1, sender.Sources.Paths, force: true);

        using DataCacheFile again = DataCacheFile.OpenRead(path);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))), again.Sha256);
    }

    [Fact]
    public void OpenRead_what_is_no_cache_is_refused()
    {
        Assert.Throws<DataException>(() => DataCacheFile.OpenRead(sender.Sources.Write("other", new byte[100])));
        Assert.Contains("cannot be read", Assert.Throws<DataException>(() => DataCacheFile.OpenRead(sender.Sources.At("none"))).Message);
    }

    [Fact]
    public void Complete_pieces_in_any_order_and_more_than_once_give_the_cache()
    {
        using DataCacheFile file = DataCacheFile.OpenRead(path);
        LoadedData expected = sender.InMemory(Options);
        var pieces = Gen.Int[1, 1500].SelectMany(size => Gen.Shuffle(Enumerable.Range(0, (int)file.Length / size + 1).ToArray()).Select(order => (size, order)));
        pieces.Sample(
            sample =>
            {
                using var own = new CacheFolder();
                using var assembly = new DataCacheAssembly(own.Caches, file.Length, file.Sha256);
                foreach (int piece in sample.order)
                {
                    // Each piece reaches into the next one.
                    long offset = (long)piece * sample.size;
                    var bytes = new byte[Math.Min(sample.size + sample.size / 2, file.Length - offset)];
                    file.Read(offset, bytes);
                    assembly.Write(offset, bytes);
                }

                Assert.Empty(assembly.Missing);
                string received = assembly.Complete();
                Assert.Equal([Path.GetFileName(received), Path.GetFileName(received) + ".sha256"], own.Files);
                using LoadedData data = DataCache.Open(received).ToLoadedData();
                CacheFolder.AssertSameBits(expected, data);
                using DataCacheFile? found = DataCacheFile.Find(own.Caches, file.Sha256);
                Assert.Equal(received, found?.Path);
            },
            iter: 20,
            threads: 1);
    }

    [Fact]
    public void Missing_names_the_gaps()
    {
        using var assembly = new DataCacheAssembly(receiver.Caches, 100, new string('0', 64));
        assembly.Write(50, new byte[10]);
        assembly.Write(20, new byte[5]);
        assembly.Write(25, new byte[5]);
        assembly.Write(58, new byte[7]);

        Assert.Equal([new ByteRange(0, 20), new ByteRange(30, 20), new ByteRange(65, 35)], assembly.Missing);
        InvalidOperationException problem = Assert.Throws<InvalidOperationException>(() => assembly.Complete());
        Assert.Contains("bytes 0 to 19", problem.Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => assembly.Write(99, new byte[2]));
    }

    [Fact]
    public void Complete_with_a_wrong_byte_is_refused_and_leaves_nothing()
    {
        using DataCacheFile file = DataCacheFile.OpenRead(path);
        var bytes = new byte[file.Length];
        file.Read(0, bytes);
        bytes[^60]++;
        using var assembly = new DataCacheAssembly(receiver.Caches, file.Length, file.Sha256);
        assembly.Write(0, bytes);

        Assert.Contains($"instead of {file.Sha256}", Assert.Throws<DataException>(() => assembly.Complete()).Message);
        Assert.Empty(receiver.Files);
    }

    [Fact]
    public void Complete_of_what_is_no_cache_is_refused_and_leaves_nothing()
    {
        byte[] bytes = [.. Enumerable.Repeat((byte)7, 500)];
        using var assembly = new DataCacheAssembly(receiver.Caches, bytes.Length, Convert.ToHexStringLower(SHA256.HashData(bytes)));
        assembly.Write(0, bytes);

        Assert.Contains("no data cache", Assert.Throws<DataException>(() => assembly.Complete()).Message);
        Assert.Empty(receiver.Files);
    }

    [Theory]
    [InlineData("")]
    [InlineData("../00000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("A000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("00000000000000000000000000000000000000000000000000000000000000000")]
    public void Assembly_for_what_is_no_hash_is_refused_before_a_file_is_made(string sha256)
    {
        Assert.Throws<ArgumentException>(() => new DataCacheAssembly(receiver.Caches, 100, sha256));
        Assert.Empty(receiver.Files);
    }

    [Fact]
    public void Full_disk_is_called_that()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "the device that is always full is Linux's");
        using SafeFileHandle full = File.OpenHandle("/dev/full", FileMode.Open, FileAccess.Write);
        IOException exception = Assert.ThrowsAny<IOException>(() => RandomAccess.Write(full, [1], 0));

        string message = DataCacheStore.NotWritten("some.tmp", exception, 100).Message;

        Assert.StartsWith("some.tmp: could not be written: the disk is full, 100 bytes are needed", message, StringComparison.Ordinal);
        Assert.DoesNotContain("full", DataCacheStore.NotWritten("some.tmp", new IOException("it is gone"), 100).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_what_was_put_together_needs_no_source()
    {
        using DataCacheFile file = DataCacheStore.OpenFile(sender.InMemory(Options), sender.Cached(Options), 1, sender.Sources.Paths);
        LoadedData expected = sender.InMemory(Options);
        var bytes = new byte[file.Length];
        file.Read(0, bytes);
        sender.Sources.Write("train.csv", "");
        using var assembly = new DataCacheAssembly(receiver.Caches, file.Length, file.Sha256);
        assembly.Write(0, bytes);

        using LoadedData data = DataLoader.LoadCache(assembly.Complete());

        CacheFolder.AssertSameBits(expected, data);
    }

    [Fact]
    public void Dispose_before_the_end_leaves_nothing()
    {
        using (var assembly = new DataCacheAssembly(receiver.Caches, 100, new string('0', 64)))
        {
            assembly.Write(0, new byte[10]);
            Assert.Single(receiver.Files);
        }

        Assert.Empty(receiver.Files);
    }

    [Fact]
    public async Task Complete_of_many_at_once_in_one_folder_all_succeed()
    {
        using DataCacheFile file = DataCacheFile.OpenRead(path);
        var bytes = new byte[file.Length];
        file.Read(0, bytes);

        // Each begins with a look for what others abandoned.
        void Receive()
        {
            for (int i = 0; i < 100; i++)
            {
                using var assembly = new DataCacheAssembly(receiver.Caches, file.Length, file.Sha256);
                assembly.Write(0, bytes);
                assembly.Complete();
            }
        }

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(Receive, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        Assert.Equal([Path.GetFileName(path), Path.GetFileName(path) + ".sha256"], receiver.Files);
    }
}
