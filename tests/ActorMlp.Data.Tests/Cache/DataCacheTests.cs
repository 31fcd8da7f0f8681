using ActorMlp.Data.Cache;
using ActorMlp.Data.Configuration;
using ActorMlp.Data.Fingerprints;
using ActorMlp.Data.Splits;
using Microsoft.Win32.SafeHandles;

namespace ActorMlp.Data.Tests.Cache;

public sealed class DataCacheTests : IDisposable
{
    private const string Rows = "x,y,kind\n1,2,a\n3,4,b\n5,6,a\n7,8,b\n9,10,a\n11,12,b\n";

    /// <summary>Where rows begin in the caches made here.</summary>
    private const int FirstRow = 4096;

    /// <summary>Bytes of a row here.</summary>
    private const int Stride = 64;

    private readonly CacheFolder folder = new();

    public DataCacheTests() => folder.Sources.Write("train.csv", Rows);

    private static DataOptions Options { get; } = new() { Train = "train.csv", Target = "kind", ValidationFraction = 0.3 };

    /// <summary>What may happen to a cache, and what is said of it.</summary>
    public static TheoryData<string, string> Damages { get; } = new()
    {
        { "byte 0", "is no data cache of actormlp" },
        { "byte 8", "is a data cache of version 0, this actormlp has version 1" },
        { "byte 12", "damaged" },
        { "byte 15", "impossible length" },
        { "byte 16", "its header does not have the checksum" },
        { "byte 100", "its header does not have the checksum" },
        { $"byte {FirstRow}", $"the row at byte {FirstRow} does not have the checksum" },
        { $"byte {FirstRow + Stride + 4}", $"the row at byte {FirstRow + Stride} " },
        { $"byte {FirstRow + Stride + 8}", $"the row at byte {FirstRow + Stride} " },
        { $"byte {FirstRow + 5 * Stride + 12}", $"the row at byte {FirstRow + 5 * Stride} " },
        { "swap", $"the row at byte {FirstRow} " },
        { "cut 0", "is no data cache of actormlp" },
        { "cut 63", "is no data cache of actormlp" },
        { "cut 200", "cut short" },
        { $"cut {FirstRow + 6 * Stride - 1}", "has 4479 bytes, but its header announces 4480" },
        { "longer", "has 4481 bytes, but its header announces 4480" },
    };

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Load_the_second_time_finds_the_cache_of_the_first()
    {
        using LoadedData made = folder.InCache(Options), found = folder.InCache(Options);

        Assert.Equal((DataCacheOutcome.Made, DataCacheOutcome.Found), (made.CacheUse!.Outcome, found.CacheUse!.Outcome));
        Assert.Equal(made.CacheUse.Path, found.CacheUse.Path);
        Assert.Equal(new FileInfo(found.CacheUse.Path).Length, found.CacheUse.Length);
        Assert.Equal(found.ComputeFingerprint().Sha256, found.CacheUse.FingerprintSha256);
        Assert.Single(folder.Files);
    }

    [Fact]
    public void Load_other_files_or_another_section_never_finds_it()
    {
        string path = folder.Make(Options);

        Assert.NotEqual(path, folder.Make(Options with { ValidationFraction = 0.5 }));
        Assert.NotEqual(path, folder.Make(Options with { SplitSeed = 2 }));
        Assert.NotEqual(path, folder.Make(Options with { Scaling = ScalingKind.MinMax }));
        folder.Sources.Write("train.csv", Rows + "1,1,a\n");
        Assert.NotEqual(path, folder.Make(Options));
        Assert.Equal(5, folder.Files.Length);
    }

    [Fact]
    public void Load_the_same_files_elsewhere_and_a_seed_that_draws_nothing_find_it()
    {
        folder.Sources.Write("moved.csv", Rows);
        string path = folder.Make(Options);
        Assert.Equal(path, folder.Make(Options with { Train = "moved.csv" }));
        Assert.Equal(path, folder.Make(Options with { SplitSeed = 1 }));

        DataOptions whole = Options with { ValidationFraction = 0 };
        using LoadedData one = folder.InCache(whole, seed: 1), other = folder.InCache(whole, seed: 2);
        Assert.Equal(one.CacheUse!.Path, other.CacheUse!.Path);
    }

    [Fact]
    public void Prepare_by_force_makes_it_anew_while_the_old_one_is_still_read()
    {
        using LoadedData old = folder.InCache(Options);
        using DataCache cache = DataCacheStore.Prepare(folder.Cached(Options), 1, folder.Sources.Paths, force: true);

        Assert.Equal(DataCacheOutcome.Remade, cache.Use.Outcome);
        Assert.Null(cache.Use.Warning);
        CacheFolder.AssertSameBits(folder.InMemory(Options), old);
    }

    [Theory]
    [MemberData(nameof(Damages))]
    public void Open_damaged_cache_says_what_is_wrong_and_what_to_do(string damage, string text)
    {
        string path = folder.Make(Options);
        Damage(path, damage);

        DataException problem = Assert.Throws<DataException>(() => CacheFolder.ReadAll(path));

        Assert.StartsWith(path, problem.Message, StringComparison.Ordinal);
        Assert.Contains(text, problem.Message);
    }

    [Theory]
    [MemberData(nameof(Damages))]
    public void Load_damaged_cache_is_made_anew_with_a_warning(string damage, string text)
    {
        string path = folder.Make(Options);
        Damage(path, damage);

        using LoadedData data = folder.InCache(Options);

        Assert.Equal((path, DataCacheOutcome.Remade), (data.CacheUse!.Path, data.CacheUse.Outcome));
        Assert.Contains(text, data.CacheUse.Warning);
        CacheFolder.AssertSameBits(folder.InMemory(Options), data);
        Assert.Equal([Path.GetFileName(path)], folder.Files);
    }

    [Fact]
    public void Load_cache_of_other_data_under_its_name_is_made_anew_with_a_warning()
    {
        string path = folder.Make(Options);
        File.Copy(folder.Make(Options with { SplitSeed = 7 }), path, overwrite: true);

        using LoadedData data = folder.InCache(Options);

        Assert.Contains("of other data", data.CacheUse!.Warning);
        CacheFolder.AssertSameBits(folder.InMemory(Options), data);
    }

    [Fact]
    public void Open_damaged_row_spoils_no_other()
    {
        string path = folder.Make(Options);
        Damage(path, $"byte {FirstRow + Stride}");
        LoadedData expected = folder.InMemory(Options);

        using LoadedData data = DataCache.Open(path).ToLoadedData();

        Assert.Throws<DataException>(() => data.Training.Inputs(1));
        Assert.Throws<DataException>(() => data.Training.Label(1));
        foreach (int row in new[] { 0, 2, 3 })
        {
            Assert.Equal(expected.Training.Inputs(row), data.Training.Inputs(row));
            Assert.Equal(expected.Training.Label(row), data.Training.Label(row));
        }
    }

    [Fact]
    public void Open_without_source_files_gives_the_same_bits()
    {
        LoadedData expected = folder.InMemory(Options);
        string path = folder.Make(Options);
        File.Delete(folder.Sources.At("train.csv"));

        using LoadedData data = DataCache.Open(path).ToLoadedData();

        CacheFolder.AssertSameBits(expected, data);
    }

    [Fact]
    public void Open_rows_beyond_two_gigabytes_are_found()
    {
        // Only header and last rows are written; the file system keeps no space for what lies between.
        const int Training = 40_000_000;
        using LoadedData small = folder.InCache(Options);
        var none = new SplitFingerprint(0, new string('0', 64));
        var header = new DataCacheHeader
        {
            Key = new string('a', 64),
            ContentSha256 = small.ContentSha256,
            Schema = small.Schema,
            Preprocessing = small.Preprocessing,
            Fingerprint = small.ComputeFingerprint() with { Training = none with { Rows = Training }, Validation = null, Test = none with { Rows = 3 } },
        };
        string path = folder.Sources.At("large");
        DataCacheLayout layout = header.Layout;
        using (SafeFileHandle file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite))
        using (var rows = new CacheRowWriter(file, layout, SplitPart.Test))
        {
            RandomAccess.Write(file, header.ToBytes(), 0);
            for (int row = 0; row < 3; row++)
            {
                rows.Write([row, -row], row % 2);
            }

            rows.Finish();
        }

        Assert.True(layout.StartOf(SplitPart.Test) > int.MaxValue);
        using LoadedData data = DataCache.Open(path).ToLoadedData();
        Assert.Equal([2f, -2f], data.Test!.Inputs(2));
        Assert.Equal((0, 1, 0), (data.Test!.Label(0), data.Test!.Label(1), data.Test!.Label(2)));
        string at = $"the row at byte {layout.FirstRow + (Training - 1L) * Stride}";
        Assert.Contains(at, Assert.Throws<DataException>(() => data.Training.Inputs(Training - 1)).Message);
    }

    [Fact]
    public void Dispose_ends_reading_with_an_exception()
    {
        LoadedData data = folder.InCache(Options);
        data.Dispose();

        Assert.Throws<ObjectDisposedException>(() => data.Training.Inputs(0));
        Assert.Throws<ObjectDisposedException>(() => data.Training.Label(0));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(4)]
    public void CopyInputs_row_that_is_not_there_is_refused(int row)
    {
        using LoadedData data = folder.InCache(Options);

        Assert.Equal(4, data.Training.Rows);
        Assert.Throws<ArgumentOutOfRangeException>(() => data.Training.Inputs(row));
    }

    [Fact]
    public async Task CopyInputs_from_many_threads_gives_every_row()
    {
        folder.Sources.Write("train.csv", "x,y,kind\n" + string.Concat(Enumerable.Range(0, 2000).Select(i => $"{i},{-i},{(i % 2 == 0 ? "a" : "b")}\n")));
        DataOptions options = Options with { Scaling = ScalingKind.None, ValidationFraction = 0 };
        using LoadedData data = folder.InCache(options);
        using LoadedData again = DataCache.Open(data.CacheUse!.Path).ToLoadedData();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (int row = 0; row < 2000; row++)
            {
                Assert.Equal([(float)row, -row], again.Training.Inputs(row));
                Assert.Equal(row % 2, again.Training.Label(row));
            }
        })));
    }

    [Fact]
    public void Load_deletes_what_a_killed_process_left_and_nothing_that_is_in_use()
    {
        string path = folder.Make(Options);
        string abandoned = path + ".x.tmp", used = path + ".y.tmp", other = Path.Combine(folder.Caches, "z.tmp");
        File.WriteAllText(abandoned, "rows");
        File.WriteAllText(other, "not ours");
        using var holder = new FileStream(used, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        File.Delete(path);

        folder.Make(Options);

        Assert.False(File.Exists(abandoned));
        Assert.True(File.Exists(used));
        Assert.True(File.Exists(other));
    }

    [Fact]
    public void Load_folder_that_cannot_be_made_says_so()
    {
        folder.Sources.Write("caches", "a file");

        Assert.Contains("could not be written", Assert.Throws<DataException>(() => folder.InCache(Options)).Message);
    }

    private static void Damage(string path, string how)
    {
        byte[] bytes = File.ReadAllBytes(path);
        string[] words = how.Split(' ');
        switch (words[0])
        {
            case "byte":
                bytes[int.Parse(words[1], null)] ^= (byte)(words[1] == "15" ? 0x40 : 1);
                break;
            case "cut":
                bytes = bytes[..int.Parse(words[1], null)];
                break;
            case "swap":
                byte[] first = bytes[FirstRow..(FirstRow + Stride)];
                bytes.AsSpan(FirstRow + Stride, Stride).CopyTo(bytes.AsSpan(FirstRow));
                first.CopyTo(bytes, FirstRow + Stride);
                break;
            default:
                bytes = [.. bytes, 0];
                break;
        }

        File.Delete(path);
        File.WriteAllBytes(path, bytes);
    }
}
