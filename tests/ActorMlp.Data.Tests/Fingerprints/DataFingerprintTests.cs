using System.Security.Cryptography;
using ActorMlp.Data.Configuration;
using ActorMlp.Data.Fingerprints;

namespace ActorMlp.Data.Tests.Fingerprints;

public sealed class DataFingerprintTests : IDisposable
{
    private const string Rows = "x,y,kind\n1,2,a\n3,4,b\n5,6,a\n7,8,b\n9,10,a\n11,12,b\n";

    private readonly TestFolder folder = new();

    private static DataOptions Options { get; } = new() { Train = "train.csv", Target = "kind", Test = "test.csv" };

    /// <summary>Other training rows, and what differs: the schema, or the rows.</summary>
    public static TheoryData<string, bool> OtherRows { get; } = new()
    {
        { Rows.Replace("5,6,a", "5,7,a", StringComparison.Ordinal), false },
        { Rows.Replace("5,6,a", "5,6,b", StringComparison.Ordinal), false },
        { "x,y,kind\n3,4,b\n1,2,a\n5,6,a\n7,8,b\n9,10,a\n11,12,b\n", false },
        { Rows.Replace("x,y", "x,z", StringComparison.Ordinal), true },
        { Rows.Replace(",b", ",c", StringComparison.Ordinal), true },
    };

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ComputeFingerprint_same_files_and_section_gives_the_same()
    {
        Write(Rows);
        DataFingerprint one = Fingerprint(Options), other = Fingerprint(Options);

        Assert.Equal(one.Sha256, other.Sha256);
        Assert.Empty(DataFingerprint.Compare(one, other));
        Assert.Equal((6, null, 1), (one.Training.Rows, one.Validation?.Rows, one.Test?.Rows));
    }

    [Theory]
    [MemberData(nameof(OtherRows))]
    public void ComputeFingerprint_any_change_that_the_run_sees_gives_another(string rows, bool schema)
    {
        DataOptions options = Options with { Scaling = ScalingKind.None, Test = null };
        Write(Rows);
        DataFingerprint one = Fingerprint(options);
        Write(rows);
        DataFingerprint other = Fingerprint(options);

        Assert.NotEqual(one.Sha256, other.Sha256);
        Assert.Equal(schema, one.SchemaSha256 != other.SchemaSha256);
    }

    [Fact]
    public void ComputeFingerprint_files_that_differ_in_blanks_only_are_named_but_give_the_same_hash()
    {
        Write(Rows);
        DataFingerprint one = Fingerprint(Options);
        Write(Rows + "\n");
        DataFingerprint other = Fingerprint(Options);

        Assert.Equal(one.Sha256, other.Sha256);
        Assert.Contains("train.csv (data.train) differs", Assert.Single(DataFingerprint.Compare(one, other)));
    }

    [Fact]
    public void Compare_a_file_that_differs_names_it_with_both_hashes_and_lengths()
    {
        Write(Rows);
        DataFingerprint expected = Fingerprint(Options);
        folder.Write("test.csv", "x,y,kind\n1,20,a\n");
        DataFingerprint actual = Fingerprint(Options);

        string difference = Assert.Single(DataFingerprint.Compare(expected, actual));
        Assert.Contains($"{Path.GetFileName(folder.Path)}/test.csv (data.test) differs", difference);
        Assert.Contains($"sha256 {actual.Files[1].Sha256[..12]}… instead of {expected.Files[1].Sha256[..12]}…", difference);
        Assert.Contains("16 bytes instead of 15", difference);
    }

    [Fact]
    public void Compare_files_that_are_missing_or_too_many_are_named()
    {
        Write(Rows);
        DataFingerprint both = Fingerprint(Options), one = Fingerprint(Options with { Test = null });

        Assert.Contains("test.csv (data.test) is missing; expected 15 bytes", Assert.Single(DataFingerprint.Compare(both, one)));
        Assert.Contains("test.csv (data.test) is there, but none is expected", Assert.Single(DataFingerprint.Compare(one, both)));
    }

    [Fact]
    public void Compare_same_files_but_another_seed_says_which_rows_differ()
    {
        Write(Rows);
        DataOptions options = Options with { ValidationFraction = 0.5, Scaling = ScalingKind.None, Stratify = false };

        IReadOnlyList<string> differences = DataFingerprint.Compare(Fingerprint(options, seed: 1), Fingerprint(options, seed: 3));

        Assert.Equal(2, differences.Count);
        Assert.Contains("same files, but other training rows", differences[0]);
        Assert.Contains("same files, but other validation rows", differences[1]);
    }

    [Fact]
    public void Compare_same_files_but_fewer_rows_says_how_many()
    {
        Write(Rows);
        DataOptions options = Options with { Scaling = ScalingKind.None };

        Assert.Contains(
            "same files, but 4 training rows instead of 6",
            Assert.Single(DataFingerprint.Compare(Fingerprint(options), Fingerprint(options with { LimitRows = 4 }))));
    }

    [Fact]
    public void Compare_same_files_but_other_scaling_says_so()
    {
        Write(Rows);

        Assert.Contains(
            "other columns, classes or scaling constants",
            DataFingerprint.Compare(Fingerprint(Options), Fingerprint(Options with { Scaling = ScalingKind.MinMax }))[0]);
    }

    [Fact]
    public void ToJson_read_back_gives_the_same_fingerprint()
    {
        Write(Rows);
        DataFingerprint one = Fingerprint(Options);
        DataFingerprint again = DataFingerprint.FromJson(one.ToJson());

        Assert.Equal(one.Sha256, again.Sha256);
        Assert.Equal(one.Files, again.Files);
    }

    [Fact]
    public void HashAll_gives_what_sha256sum_prints_of_the_file_as_it_lies_on_disk()
    {
        Write(Rows);
        byte[] packed = TestFolder.Gzip("x,y,kind\n1,2,a\n"u8.ToArray());
        folder.Write("test.csv", packed);

        IReadOnlyList<SourceFile> files = SourceFile.HashAll(Options, folder.Paths);

        Assert.Equal(["data.train", "data.test"], files.Select(file => file.Key));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(packed)), files[1].Sha256);
        Assert.Equal(packed.Length, files[1].Length);
    }

    [Fact]
    public void Load_knows_the_hashes_of_all_files_even_of_what_it_did_not_need_to_read()
    {
        Write(Rows + string.Concat(Enumerable.Repeat("1,2,a\n", 100_000)));

        Assert.Equal(SourceFile.HashAll(Options, folder.Paths), Load(Options with { LimitRows = 2 }).Files);
    }

    [Fact]
    public void HashAll_leaves_out_what_is_missing()
    {
        folder.Write("train.csv", Rows);

        Assert.Equal(["data.train"], SourceFile.HashAll(Options, folder.Paths).Select(file => file.Key));
    }

    private void Write(string rows)
    {
        folder.Write("train.csv", rows);
        folder.Write("test.csv", "x,y,kind\n1,2,a\n");
    }

    private LoadedData Load(DataOptions options, ulong seed = 1) => DataLoader.Load(options, seed, folder.Paths);

    private DataFingerprint Fingerprint(DataOptions options, ulong seed = 1) => Load(options, seed).ComputeFingerprint();
}
