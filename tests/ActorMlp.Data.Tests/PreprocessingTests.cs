using System.Globalization;
using ActorMlp.Data.Configuration;
using CsCheck;

namespace ActorMlp.Data.Tests;

public sealed class PreprocessingTests : IDisposable
{
    private readonly TestFolder folder = new();

    private static DataOptions Options { get; } = new() { Train = "train.csv", Target = "kind" };

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Standardize_any_training_rows_have_mean_0_and_deviation_1()
    {
        Gen.Select(Gen.Float[-1000, 1000].Array[2, 60], Gen.Float[-1000, 1000]).Sample((values, shift) =>
        {
            float[] column = [.. values.Select((value, row) => value + shift + row * 100)];
            RawTable table = Table(column);
            Preprocessing.Fit(ScalingKind.Standardize, table, AllRows(table), false).Apply(table);
            double[] scaled = [.. Enumerable.Range(0, table.Rows).Select(row => (double)table.Input(row, 0))];

            // Single precision of values up to 10^4 with a deviation of 10 or more.
            Assert.Equal(0, scaled.Average(), 2e-3);
            Assert.Equal(1, Math.Sqrt(scaled.Average(value => value * value)), 2e-3);
        });
    }

    [Fact]
    public void Load_standardize_fits_on_training_rows_and_not_on_held_out_ones()
    {
        LoadedData data = Load(Enumerable.Range(0, 100).Select(i => $"{i * i},{(i % 2 == 0 ? "a" : "b")}"), Options with { TestFraction = 0.3 });

        float[] column = data.Training.Column(0);
        Assert.Equal(70, column.Length);
        Assert.Equal(0, column.Average(value => (double)value), 1e-5);
        Assert.Equal(1, Math.Sqrt(column.Average(value => (double)value * value)), 1e-5);
    }

    [Theory]
    [InlineData(ScalingKind.Standardize)]
    [InlineData(ScalingKind.MinMax)]
    public void Load_other_test_and_validation_rows_leave_the_constants_as_they_are(ScalingKind scaling)
    {
        DataOptions options = Options with { Scaling = scaling, Test = "test.csv", Validation = "validation.csv" };
        string[] training = ["1,a", "2,b", "7,a"];
        folder.Write("test.csv", "x,kind\n3,a\n");
        folder.Write("validation.csv", "x,kind\n4,a\n");
        Preprocessing before = Load(training, options).Preprocessing;
        folder.Write("test.csv", "x,kind\n3000,b\n");
        folder.Write("validation.csv", "x,kind\n-4000,b\n");
        Preprocessing after = Load(training, options).Preprocessing;

        Assert.Equal(before.Offset, after.Offset);
        Assert.Equal(before.Scale, after.Scale);
    }

    [Theory]
    [InlineData(ScalingKind.Standardize, "0.1")]
    [InlineData(ScalingKind.Standardize, "1234567")]
    [InlineData(ScalingKind.Standardize, "0")]
    [InlineData(ScalingKind.MinMax, "0.1")]
    public void Load_constant_column_becomes_0(ScalingKind scaling, string value)
    {
        folder.Write("test.csv", "x,kind\n99,a\n");

        LoadedData data = Load([$"{value},a", $"{value},b", $"{value},a"], Options with { Scaling = scaling, Test = "test.csv" });

        Assert.Equal([0f, 0f, 0f], data.Training.Column(0));
        Assert.Equal([0f], data.Test!.Column(0));
    }

    [Fact]
    public void Load_min_max_brings_training_rows_to_0_and_1()
    {
        folder.Write("test.csv", "x,kind\n8,a\n");

        LoadedData data = Load(["-2,a", "3,b", "0.5,a"], Options with { Scaling = ScalingKind.MinMax, Test = "test.csv" });

        Assert.Equal([0f, 1f, 0.5f], data.Training.Column(0));
        Assert.Equal([2f], data.Test!.Column(0));
    }

    [Fact]
    public void Load_no_scaling_leaves_values_as_they_are()
    {
        Assert.Equal([-2f, 1e6f], Load(["-2,a", "1e6,b"], Options with { Scaling = ScalingKind.None }).Training.Column(0));
    }

    [Fact]
    public void Load_pixel_divides_by_255()
    {
        float[] column = Load(["0,a", "255,b", "51,a"], Options with { Scaling = ScalingKind.Pixel }).Training.Column(0);

        // 1/255 is rounded to single precision before it multiplies.
        Assert.Equal(0f, column[0]);
        Assert.Equal(1f, column[1], 1e-6f);
        Assert.Equal(0.2f, column[2], 1e-6f);
    }

    [Theory]
    [InlineData("256")]
    [InlineData("-1")]
    public void Load_pixel_out_of_range_names_row_column_and_value(string value)
    {
        DataException problem = Assert.Throws<DataException>(
            () => Load(["0,a", $"{value},b"], Options with { Scaling = ScalingKind.Pixel }));

        Assert.Contains("train.csv: row 2, column 'x'", problem.Message);
        Assert.Contains(value, problem.Message);
        Assert.Contains("0 to 255", problem.Message);
    }

    [Fact]
    public void Load_pixel_out_of_range_in_the_test_file_is_refused_too()
    {
        folder.Write("test.csv", "x,kind\n300,a\n");

        DataException problem = Assert.Throws<DataException>(
            () => Load(["0,a", "1,b"], Options with { Scaling = ScalingKind.Pixel, Test = "test.csv" }));
        Assert.Contains("test.csv: row 1", problem.Message);
    }

    [Fact]
    public void Load_regression_target_is_standardised_by_the_training_rows()
    {
        DataOptions options = Options with { Task = DataTask.Regression, Test = "test.csv" };
        folder.Write("test.csv", "x,kind\n1,50\n");

        LoadedData data = Load(["1,10", "2,20", "3,30", "4,40"], options);

        double deviation = Math.Sqrt(125);
        Assert.Equal(25, data.Preprocessing.TargetOffset);
        Assert.Equal(deviation, data.Preprocessing.TargetScale, 1e-12);
        Assert.Equal((float)(-15 / deviation), data.Training.Target(0), 1e-6f);
        Assert.Equal((float)(25 / deviation), data.Test!.Target(0), 1e-6f);
    }

    [Fact]
    public void Load_regression_target_that_is_constant_is_only_shifted()
    {
        LoadedData data = Load(["1,7", "2,7"], Options with { Task = DataTask.Regression });

        Assert.Equal(1, data.Preprocessing.TargetScale);
        Assert.Equal(0f, data.Training.Target(1));
    }

    [Fact]
    public void Load_classification_has_no_target_constants()
    {
        Preprocessing constants = Load(["1,7", "2,9"], Options).Preprocessing;

        Assert.Equal(0, constants.TargetOffset);
        Assert.Equal(1, constants.TargetScale);
    }

    private static RawTable Table(float[] column) => new(["x"], column.ToArray(), [], []);

    private static int[] AllRows(RawTable table) => [.. Enumerable.Range(0, table.Rows)];

    private LoadedData Load(IEnumerable<string> rows, DataOptions options)
    {
        folder.Write("train.csv", string.Create(CultureInfo.InvariantCulture, $"x,kind\n{string.Join("\n", rows)}\n"));
        return DataLoader.Load(options, 1, folder.Paths);
    }
}
