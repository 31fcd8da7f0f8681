using ActorMlp.Data.Configuration;
using ActorMlp.Data.Tests.Cache;

namespace ActorMlp.Data.Tests;

public sealed class RealDataTests
{
    private static string Root { get; } = FindRoot();

    private static string Shared { get; } = Path.GetFullPath(Path.Combine(Root, "..", "shared", "data"));

    [Fact]
    public void Load_digits_has_1797_rows_of_64_pixels_in_10_classes()
    {
        var options = new DataOptions
        {
            Train = "digits.csv.gz",
            Header = false,
            Target = "c64",
            Scaling = ScalingKind.None,
        };

        LoadedData data = DataLoader.Load(options, 1, new DataPaths(Path.Combine(Root, "configs", "data"), null));

        Assert.Equal(1797, data.Training.Rows);
        Assert.Equal(64, data.Training.Inputs);
        Assert.Equal(Enumerable.Range(0, 10).Select(digit => $"{digit}"), data.Schema.Classes);
        Assert.Equal([0f, 0f, 5f, 13f, 9f, 1f, 0f, 0f], data.Training.Inputs(0)[..8]);
        Assert.Equal(0, data.Training.Label(0));
        Assert.Equal(16f, Enumerable.Range(0, 64).Max(column => data.Training.Column(column).Max()));
    }

    [Fact]
    public void Load_mnist_has_its_known_sizes_and_class_counts()
    {
        const string Images = "mnist/train-images-idx3-ubyte.gz", Labels = "mnist/train-labels-idx1-ubyte.gz";
        const string TestImages = "mnist/t10k-images-idx3-ubyte.gz", TestLabels = "mnist/t10k-labels-idx1-ubyte.gz";
        SkipUnlessShared(Images, Labels, TestImages, TestLabels);
        var options = new DataOptions
        {
            Format = DataFormat.Idx,
            Train = Images,
            TrainLabels = Labels,
            Test = TestImages,
            TestLabels = TestLabels,
            Scaling = ScalingKind.Pixel,
        };

        LoadedData data = DataLoader.Load(options, 1, new DataPaths(Root, Shared));

        Assert.Equal(60_000, data.Training.Rows);
        Assert.Equal(784, data.Training.Inputs);
        Assert.Equal(10_000, data.Test!.Rows);
        Assert.Equal(10, data.Schema.Classes.Count);
        int[] counts = new int[10];
        foreach (int label in data.Training.Labels())
        {
            counts[label]++;
        }

        Assert.Equal([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949], counts);
        Assert.Equal([7, 2, 1, 0, 4], data.Test.Labels()[..5]);
        float[] first = data.Training.Inputs(0);
        Assert.Equal(0f, first.Min());
        Assert.Equal(1f, first.Max(), 1e-6f);
    }

    [Fact]
    public void Load_breast_cancer_has_569_rows_of_30_inputs_in_2_classes()
    {
        const string File = "breast-cancer/breast_cancer.csv";
        SkipUnlessShared(File);
        var options = new DataOptions { Train = File, Target = "diagnosis", TestFraction = 0.2 };

        LoadedData data = DataLoader.Load(options, 1, new DataPaths(Root, Shared));

        Assert.Equal(["benign", "malignant"], data.Schema.Classes);
        Assert.Equal(30, data.Training.Inputs);
        Assert.Equal(114, data.Test!.Rows);
        Assert.Equal(569, data.Training.Rows + data.Test.Rows);
        Assert.Equal(212, data.Training.Labels().Concat(data.Test.Labels()).Count(label => label == 1));
    }

    [Fact]
    public void Load_california_housing_names_the_text_column_and_reads_without_it()
    {
        const string File = "california-housing/housing.csv";
        SkipUnlessShared(File);
        var options = new DataOptions { Train = File, Target = "median_house_value", Task = DataTask.Regression };
        var paths = new DataPaths(Root, Shared);

        DataException problem = Assert.Throws<DataException>(() => DataLoader.Load(options, 1, paths));
        Assert.Contains("column 'ocean_proximity': 'NEAR BAY'", problem.Message);

        LoadedData data = DataLoader.Load(options with { Ignore = ["ocean_proximity", "total_bedrooms"] }, 1, paths);
        Assert.Equal(20_640, data.Training.Rows);
        Assert.Equal(7, data.Training.Inputs);
    }

    [Fact]
    public void ComputeFingerprint_digits_is_what_it_always_was()
    {
        // Where this changes, readers, splits or scaling give other bits, and DataCacheHeader.Version has to grow: caches made before are no longer right.
        var options = new DataOptions { Train = "digits.csv.gz", Header = false, Target = "c64", TestFraction = 0.2, ValidationFraction = 0.1 };
        var paths = new DataPaths(Path.Combine(Root, "configs", "data"), null);

        Assert.Equal(
            "5daa333715094f387e6a2b1ff95121fbbc097e124f6b443c55e2f6b406506e08", DataLoader.Load(options, 1, paths).ComputeFingerprint().Sha256);
    }

    [Theory]
    [InlineData("digits")]
    [InlineData("adult")]
    [InlineData("california-housing")]
    [InlineData("mnist")]
    public void Load_in_a_cache_gives_the_bits_of_memory(string name)
    {
        const string Mnist = "mnist/train-images-idx3-ubyte.gz", MnistLabels = "mnist/train-labels-idx1-ubyte.gz";
        DataOptions options = name switch
        {
            "digits" => new DataOptions { Train = "digits.csv.gz", Header = false, Target = "c64", TestFraction = 0.2, ValidationFraction = 0.1 },
            "adult" => new DataOptions
            {
                Train = "adult/adult-train.csv",
                Test = "adult/adult-test.csv",
                Target = "income",
                Ignore = ["workclass", "education", "marital-status", "occupation", "relationship", "race", "sex", "native-country"],
                ValidationFraction = 0.1,
            },
            "california-housing" => new DataOptions
            {
                Train = "california-housing/housing.csv",
                Target = "median_house_value",
                Task = DataTask.Regression,
                Ignore = ["ocean_proximity", "total_bedrooms"],
                ValidationFraction = 0.1,
                TestFraction = 0.2,
            },
            _ => new DataOptions { Format = DataFormat.Idx, Train = Mnist, TrainLabels = MnistLabels, Scaling = ScalingKind.Pixel, ValidationFraction = 0.08333 },
        };
        if (name != "digits")
        {
            SkipUnlessShared([.. new[] { options.Train, options.TrainLabels, options.Test }.OfType<string>()]);
        }

        using var folder = new TestFolder();
        var paths = new DataPaths(Path.Combine(Root, "configs", "data"), Shared);
        using LoadedData cached = DataLoader.Load(options with { Cache = CacheMode.Auto, CacheDirectory = folder.Path }, 1, paths);

        CacheFolder.AssertSameBits(DataLoader.Load(options, 1, paths), cached);
    }

    private static void SkipUnlessShared(params string[] files) => Assert.SkipUnless(
        files.All(file => File.Exists(Path.Combine(Shared, file))), $"{string.Join(", ", files)} not there beside the repository, in ../shared/data");

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "ActorMlp.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("ActorMlp.sln is in no folder above the tests");
    }
}
