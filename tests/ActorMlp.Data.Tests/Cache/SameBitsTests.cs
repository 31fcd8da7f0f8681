using System.Globalization;
using ActorMlp.Data.Configuration;
using CsCheck;

namespace ActorMlp.Data.Tests.Cache;

/// <summary>A run sees the same bits in a cache as in memory, and of bad data the same problems.</summary>
public sealed class SameBitsTests : IDisposable
{
    private readonly CacheFolder folder = new();

    private static DataOptions Classes { get; } = new() { Train = "train.csv", Target = "kind" };

    private static DataOptions Prices { get; } = new() { Train = "train.csv", Target = "price", Task = DataTask.Regression };

    public static TheoryData<DataOptions, string, string?> BadData { get; } = new()
    {
        { Classes, "x,kind\n1,a\n?,b\n", null },
        { Classes, "x,kind\n1,a\n2,a\n", null },
        { Classes, "x,kind\n1,a\n2\n", null },
        { Classes, "x,kind\n", null },
        { Classes, "", null },
        { Classes, "x,knid\n1,a\n", null },
        { Classes, "x,kind\n1,a\n2,b\n", "x,kind\n1,a\n2,c\n1,d\n" },
        { Classes, "x,kind\n1,a\n2,b\n", "z,kind\n1,a\n" },
        { Classes with { Scaling = ScalingKind.Pixel }, "x,y,kind\n1,2,a\n2,-1,b\n3,256,a\n", null },
        { Classes with { ValidationFraction = 0.1 }, "x,kind\n1,a\n2,b\n", null },
        { Prices, "x,price\n1,cheap\n", null },
        { Prices with { Train = "none.csv" }, "x,price\n1,1\n", null },
    };

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Load_any_classified_rows_gives_the_same_bits()
    {
        var cases =
            from columns in Gen.Int[1, 35]
            from rows in Gen.Select(Gen.Float[-1e6f, 1e6f].Array[columns], Gen.Int[0, 2]).Array[12, 40]
            from scaling in Gen.Int[0, 2].Select(kind => (ScalingKind)kind)
            from stratify in Gen.Bool
            from validation in Gen.Int[0, 40]
            from test in Gen.Int[0, 40]
            from seed in Gen.ULong
            where rows.Select(row => row.Item2).Distinct().Count() > 1
            select (columns, rows, scaling, stratify, validation / 100.0, test / 100.0, seed);
        cases.Sample(
            sample =>
            {
                using var own = new CacheFolder();
                own.Sources.Write("train.csv", Table(sample.columns, "kind", sample.rows.Select(row => (row.Item1, "k" + row.Item2))));
                DataOptions options = Classes with
                {
                    Scaling = sample.scaling,
                    Stratify = sample.stratify,
                    ValidationFraction = sample.Item5 < 0.1 ? 0 : sample.Item5,
                    TestFraction = sample.Item6 < 0.1 ? 0 : sample.Item6,
                };
                own.AssertSameBits(options, sample.seed);
            },
            iter: 60,
            threads: 1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Load_any_priced_rows_gives_the_same_bits(bool standardizeTarget)
    {
        Gen.Select(Gen.Select(Gen.Float[-10, 10].Array[3], Gen.Double[-1e9, 1e9]).Array[10, 40], Gen.ULong).Sample(
            (rows, seed) =>
            {
                using var own = new CacheFolder();
                own.Sources.Write("train.csv", Table(3, "price", rows.Select(row => (row.Item1, row.Item2.ToString("R", CultureInfo.InvariantCulture)))));
                own.AssertSameBits(Prices with { StandardizeTarget = standardizeTarget, ValidationFraction = 0.2, TestFraction = 0.3 }, seed);
            },
            iter: 40,
            threads: 1);
    }

    [Fact]
    public void Load_files_of_their_own_and_a_limit_give_the_same_bits()
    {
        folder.Sources.Write("train.csv", TestFolder.Gzip("a,x,kind,y\n?,1,p,2\n?,3,q,4\n?,5,p,7\n?,?,q,1\n"u8.ToArray()));
        folder.Sources.Write("validation.csv", "kind,y,x\nq,6,5\n");
        folder.Sources.Write("test.csv", "y,kind,x,b\n8,p,7,?\n1,q,1,?\n");

        folder.AssertSameBits(Classes with { Ignore = ["a"], LimitRows = 3, Validation = "validation.csv", Test = "test.csv" });
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(null)]
    public void Load_idx_with_any_limit_gives_the_same_bits(int? limit)
    {
        byte[] pixels = [.. Enumerable.Range(0, 6 * 3 * 5).Select(i => (byte)(i * 37))];
        folder.Sources.Write("images", TestFolder.Gzip([0, 0, 8, 3, 0, 0, 0, 6, 0, 0, 0, 3, 0, 0, 0, 5, .. pixels]));
        folder.Sources.Write("labels", [0, 0, 8, 1, 0, 0, 0, 6, 3, 9, 3, 0, 3, 9]);
        var options = new DataOptions
        {
            Format = DataFormat.Idx,
            Train = "images",
            TrainLabels = "labels",
            Test = "images",
            TestLabels = "labels",
            LimitRows = limit,
            Scaling = ScalingKind.Pixel,
        };

        folder.AssertSameBits(options);
    }

    [Theory]
    [MemberData(nameof(BadData))]
    public void Load_bad_data_names_the_same_problem_and_leaves_no_file(DataOptions options, string rows, string? test)
    {
        folder.Sources.Write("train.csv", rows);
        if (test is not null)
        {
            folder.Sources.Write("test.csv", test);
            options = options with { Test = "test.csv" };
        }

        DataException expected = Assert.Throws<DataException>(() => folder.InMemory(options));
        DataException actual = Assert.Throws<DataException>(() => folder.InCache(options));

        Assert.Equal(expected.Message, actual.Message);
        Assert.Empty(folder.Files);
    }

    private static string Table(int columns, string target, IEnumerable<(float[] Inputs, string Target)> rows) =>
        string.Join(',', Enumerable.Range(0, columns).Select(i => $"x{i}").Append(target)) + "\n"
        + string.Concat(rows.Select(row => string.Join(',', row.Inputs.Select(value => value.ToString("R", CultureInfo.InvariantCulture)).Append(row.Target)) + "\n"));
}
