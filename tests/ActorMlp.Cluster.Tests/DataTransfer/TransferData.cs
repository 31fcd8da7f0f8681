using System.Globalization;
using System.Text;
using ActorMlp.Data;
using ActorMlp.Data.Cache;
using ActorMlp.Data.Configuration;
using ActorMlp.Data.Fingerprints;
using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Random;

namespace ActorMlp.Cluster.Tests.DataTransfer;

/// <summary>A data set of some thousand rows in a CSV file, held in memory as with <c>data.cache: none</c>, and its cache file: about 1.5 MB.</summary>
public sealed class TransferData : IDisposable
{
    private const int Rows = 4001;
    private const int Columns = 61;
    private const ulong Seed = 11;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("actormlp-giver-");

    public TransferData()
    {
        File.WriteAllText(CsvPath, Csv());
        Loaded = DataLoader.Load(Options, Seed, Paths);
        Cache = OpenFile();
    }

    public DataOptions Options => new()
    {
        Train = "rows.csv",
        Target = "kind",
        ValidationFraction = 0.2,
        TestFraction = 0.1,
        CacheDirectory = Path.Combine(folder.FullName, "caches"),
    };

    /// <summary>The rows in memory.</summary>
    public LoadedData Loaded { get; }

    /// <summary>The cache that was made of them.</summary>
    public DataCacheFile Cache { get; }

    public IReadOnlyList<ByteRange> Whole => [new ByteRange(0, Cache.Length)];

    private string CsvPath => Path.Combine(folder.FullName, "rows.csv");

    private DataPaths Paths => new(folder.FullName, null);

    public DataCacheFile OpenFile() => DataCacheStore.OpenFile(Loaded, Options, Seed, Paths);

    /// <summary>Checks that data are these, bit for bit.</summary>
    public void AssertEqual(LoadedData actual)
    {
        DataFingerprint expected = Loaded.ComputeFingerprint();
        Assert.Empty(DataFingerprint.Compare(expected, actual.ComputeFingerprint()));
        Assert.Equal(expected.ToJson(), actual.ComputeFingerprint().ToJson());
        Assert.Equal(Loaded.ContentSha256, actual.ContentSha256);
        Assert.Equal(Loaded.Files, actual.Files);
        Assert.Equivalent(Loaded.Schema, actual.Schema, strict: true);
        Assert.Equivalent(Loaded.Preprocessing, actual.Preprocessing, strict: true);
        AssertEqual(Loaded.Training, actual.Training);
        AssertEqual(Loaded.Validation!, actual.Validation!);
        AssertEqual(Loaded.Test!, actual.Test!);
    }

    /// <summary>Checks that the cache at a path gives these data, bit for bit.</summary>
    public void AssertEqual(string cache)
    {
        using LoadedData data = DataLoader.LoadCache(cache);
        AssertEqual(data);
    }

    /// <summary>Changes the source file for the time of an action.</summary>
    public void WithOtherSource(Action action)
    {
        string text = File.ReadAllText(CsvPath);
        File.AppendAllText(CsvPath, text.AsSpan(text.LastIndexOf('\n', text.Length - 2) + 1));
        try
        {
            action();
        }
        finally
        {
            File.WriteAllText(CsvPath, text);
        }
    }

    public void Dispose()
    {
        Cache.Dispose();
        folder.Delete(recursive: true);
    }

    private static void AssertEqual(IExampleSource expected, IExampleSource actual)
    {
        Assert.Equal((expected.Rows, expected.Inputs, expected.Targets), (actual.Rows, actual.Inputs, actual.Targets));
        var one = new float[expected.Inputs];
        var other = new float[expected.Inputs];
        for (int row = 0; row < expected.Rows; row++)
        {
            expected.CopyInputs(row, one);
            actual.CopyInputs(row, other);
            Assert.Equal(one.Select(BitConverter.SingleToInt32Bits), other.Select(BitConverter.SingleToInt32Bits));
            Assert.Equal(expected.Label(row), actual.Label(row));
        }
    }

    private static string Csv()
    {
        var random = new CounterRandom(3, RandomPurpose.Shuffle);
        var text = new StringBuilder();
        text.AppendJoin(',', Enumerable.Range(0, Columns).Select(column => $"x{column}")).Append(",kind\n");
        for (uint row = 0; row < Rows; row++)
        {
            for (uint column = 0; column < Columns; column++)
            {
                text.Append(CultureInfo.InvariantCulture, $"{random.Uniform(row, 0, column):G6},");
            }

            text.Append("abc"[random.Below(3, row, 1, 0)]).Append('\n');
        }

        return text.ToString();
    }
}
